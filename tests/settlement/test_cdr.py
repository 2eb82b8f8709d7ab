"""Charge detail records of a month for partners: valid in both versions of OCPI, and only of what is good."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest

from adapters.json_text import parsed
from adapters.rating_documents.cdr_model import Cdr221Model, Cdr230Model
from adapters.settlement.cdr import cdrs
from adapters.settling.cdr_export import month_cdrs
from adapters.settling.export_kinds import ExportRefused
from adapters.store.ledger import SqlLedger
from controller.tariffs.crediting import credit
from controller.tariffs.record import ChargeRecord, MeterEvidence, SignedValue
from controller.tariffs.review import Verdict
from tests.support.billing import keep_records, year_of_records

MODELS = {"ocpi-2.2.1": Cdr221Model, "ocpi-2.3.0": Cdr230Model}
MONTH = "2026-10"


def october() -> list[ChargeRecord]:
    return [each for each in year_of_records(120) if each.month == MONTH]


def test_the_records_of_a_month_are_valid_cdrs_to_the_watt_hour(ledger: SqlLedger):
    records = october()
    keep_records(ledger, records)
    for version, model in MODELS.items():
        written = parsed(json.dumps(month_cdrs(ledger.charged, MONTH, version)).encode(), exact=True)
        for record, cdr in zip(records, written, strict=True):
            assert not model.model_validate(cdr).model_extra, "nothing but what OCPI knows"
            volumes = [d["volume"] for p in cdr["charging_periods"] for d in p["dimensions"] if d["type"] == "ENERGY"]
            assert sum(volumes) * 1000 == cdr["total_energy"] * 1000 == record.quantities.import_wh


def test_partners_hear_of_what_is_good_and_of_its_credit(ledger: SqlLedger):
    good, later_void, doubtful, never_good = october()[:4]
    doubtful = replace(doubtful, flags=("clock_uncertain",))
    never_good = replace(never_good, flags=("decreasing_register",))
    keep_records(ledger, [good, later_void, doubtful, never_good])
    credit = ledger.charged.decide(later_void.identity.id, Verdict.VOID, by="ann").credit
    ledger.charged.decide(never_good.identity.id, Verdict.VOID, by="ann")

    def sent() -> set[str]:
        return {each["id"] for each in month_cdrs(ledger.charged, MONTH, "ocpi-2.2.1")}

    assert sent() == {good.identity.id, later_void.identity.id, credit}
    ledger.charged.decide(doubtful.identity.id, Verdict.ACCEPT, by="ann")
    assert sent() == {good.identity.id, later_void.identity.id, credit, doubtful.identity.id}


def test_a_session_that_costs_nothing_has_the_tariff_that_says_so(ledger: SqlLedger):
    (leg, *_) = (record := october()[0]).legs
    free = replace(leg, rated=replace(leg.rated, tariff_id="free", tariff_version="1"))
    keep_records(ledger, [replace(record, legs=(free,))])
    for version, model in MODELS.items():
        (cdr,) = parsed(json.dumps(month_cdrs(ledger.charged, MONTH, version)).encode(), exact=True)
        (tariff,) = model.model_validate(cdr).tariffs
        assert (tariff.id, tariff.country_code, tariff.elements[0].price_components[0].price) == ("free", "NL", 0)
        assert {period["tariff_id"] for period in cdr["charging_periods"]} == {"free"}


def test_everything_that_ocpi_asks_for_and_is_missing_is_told_once(ledger: SqlLedger):
    keep_records(ledger, [replace(each, place=replace(each.place, city="", address="")) for each in october()])
    with pytest.raises(ExportRefused) as refused:
        month_cdrs(ledger.charged, MONTH, "ocpi-2.3.0")
    assert list(refused.value.problems) == ["a CDR needs the address of the site", "a CDR needs the city of the site"]


@pytest.mark.parametrize("version", MODELS)
def test_in_a_credit_only_the_total_is_negative(version: str, november: datetime):
    record = next(each for each in october() if each.legs[0].rated.total.before_tax)
    original, back = cdrs([record, credit(record, november)], version, {})
    assert (back["credit"], back["credit_reference_id"]) == (True, original["id"])
    before = "excl_vat" if version == "ocpi-2.2.1" else "before_taxes"
    assert back["total_cost"][before] == -original["total_cost"][before]
    same = original.keys() - {"id", "total_cost", "last_updated"}
    assert {name: back[name] for name in same} == {name: original[name] for name in same}


def test_taxes_are_told_one_by_one_and_add_up():
    record = next(each for each in october() if each.legs[0].rated.total.before_tax)
    (old,), (new,) = cdrs([record], "ocpi-2.2.1", {}), cdrs([record], "ocpi-2.3.0", {})
    whole = new["total_cost"]["before_taxes"] + sum(tax["amount"] for tax in new["total_cost"]["taxes"])
    assert round(whole, 4) == old["total_cost"]["incl_vat"]


def test_signed_values_go_along_where_ocpi_has_room_for_them():
    short = SignedValue('OCMF|{"PG":"T1"}|{"SD":"00"}', "verified")
    long = replace(short, text=short.text * 500)
    (cdr,) = cdrs([replace(october()[0], evidence=MeterEvidence(signed=(short, long)))], "ocpi-2.2.1", {})
    assert [value["plain_data"] for value in cdr["signed_data"]["signed_values"]] == [short.text]
