"""Charge detail records for partners: valid in both versions of OCPI, and adding up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.json_text import parsed
from adapters.rating_documents.cdr_model import Cdr221Model, Cdr230Model
from adapters.settlement.cdr import CdrIncomplete, cdrs
from controller.tariffs.record import ChargeRecord, MeterEvidence, SignedValue, credit
from tests.support.billing import year_of_records

MODELS = {"ocpi-2.2.1": Cdr221Model, "ocpi-2.3.0": Cdr230Model}


def written(records: list[ChargeRecord], version: str) -> list[dict[str, Any]]:
    """As the file is read again, with every decimal."""
    documents = parsed(json.dumps(cdrs(records, version, {})).encode(), exact=True)
    for each in documents:
        assert not MODELS[version].model_validate(each).model_extra, "nothing but what OCPI knows"
    return list(documents)


@pytest.mark.parametrize("version", MODELS)
def test_records_are_valid_cdrs_whose_parts_add_up(version: str):
    records = list(year_of_records(60))
    for record, cdr in zip(records, written(records, version), strict=True):
        energy = [d["volume"] for p in cdr["charging_periods"] for d in p["dimensions"] if d["type"] == "ENERGY"]
        assert sum(energy) * 1000 == record.quantities.import_wh, "to the watt-hour"
        assert cdr["total_energy"] == sum(energy)
        parts = [cost for name, cost in cdr.items() if name.endswith("_cost") and name != "total_cost"]
        before = "excl_vat" if version == "ocpi-2.2.1" else "before_taxes"
        assert abs(sum(part[before] for part in parts) - cdr["total_cost"][before]) <= Decimal("0.0002")


def test_taxes_are_told_one_by_one():
    record = next(each for each in year_of_records(60) if each.legs[0].rated.total.before_tax)
    (old,), (new,) = written([record], "ocpi-2.2.1"), written([record], "ocpi-2.3.0")
    taxes = new["total_cost"]["taxes"]
    assert new["total_cost"]["before_taxes"] + sum(tax["amount"] for tax in taxes) == old["total_cost"]["incl_vat"]


@pytest.mark.parametrize("version", MODELS)
def test_in_a_credit_only_the_total_is_negative(version: str, november: datetime):
    record = next(each for each in year_of_records(60) if each.legs[0].rated.total.before_tax)
    original, back = written([record, credit(record, november)], version)
    assert (back["credit"], back["credit_reference_id"]) == (True, original["id"])
    before = "excl_vat" if version == "ocpi-2.2.1" else "before_taxes"
    assert back["total_cost"][before] == -original["total_cost"][before]
    same = original.keys() - {"id", "total_cost", "last_updated"}
    assert {name: back[name] for name in same} == {name: original[name] for name in same}


def test_signed_values_go_along_where_ocpi_has_room_for_them():
    record = next(iter(year_of_records(5)))
    short = SignedValue('OCMF|{"PG":"T1"}|{"SD":"00"}', "verified")
    long = replace(short, text=short.text * 500)
    record = replace(record, evidence=MeterEvidence(signed=(short, long)))
    (cdr,) = written([record], "ocpi-2.2.1")
    assert [value["plain_data"] for value in cdr["signed_data"]["signed_values"]] == [short.text]


def test_everything_that_is_missing_is_told_at_once():
    record = next(iter(year_of_records(5)))
    bare = replace(record, place=replace(record.place, city="", latitude="", country="XX"))
    with pytest.raises(CdrIncomplete) as refused:
        cdrs([bare, bare], "ocpi-2.2.1", {})
    assert list(refused.value.problems) == [
        "a CDR needs the city of the site",
        "a CDR needs the country of the site",
        "a CDR needs the coordinates of the site",
    ]
