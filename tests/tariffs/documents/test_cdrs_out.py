"""Records as roaming partners are sent them: by OCPI's rules, and worth the same when they are priced again."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from adapters.rating_documents.cdr_model import Cdr221Model, Cdr230Model
from adapters.rating_documents.cdr_reading import read_ocpi_session
from adapters.rating_documents.tariff_writing import OCPI_2_2_1, OCPI_2_3_0, tariff_document
from adapters.reference import schema_text
from adapters.settlement.cdr import cdrs
from controller.tariffs.book import Leg, TokenKind
from controller.tariffs.crediting import credit
from controller.tariffs.premises import MeterIdentity, Place
from controller.tariffs.rating import rate
from controller.tariffs.record import (
    ChargeRecord,
    Quantities,
    RecordIdentity,
    RecordLeg,
    RecordParties,
    SessionTimes,
    TokenUse,
)
from controller.tariffs.session_facts import Activity, MeterPoint, SessionFacts, Stretch
from controller.tariffs.tariff import Dimension, Element, PriceComponent, PriceLimit, Restrictions, Tariff

SCHEMAS = {
    version: Draft202012Validator(json.loads(schema_text(model)))
    for version, model in ((OCPI_2_2_1, Cdr221Model), (OCPI_2_3_0, Cdr230Model))
}
BEGINS = datetime(2026, 1, 7, 9, tzinfo=UTC)


def minutes(count: int) -> datetime:
    return BEGINS + timedelta(minutes=count)


def component(dimension: Dimension, price: str, vat: int = 20) -> PriceComponent:
    return PriceComponent(dimension, Decimal(price), Decimal(vat))


TARIFF = Tariff(
    "T1",
    "EUR",
    (
        Element((component(Dimension.ENERGY, "0.30"), component(Dimension.FLAT, "1", 10))),
        Element((component(Dimension.PARKING_TIME, "6"), component(Dimension.TIME, "2")), Restrictions()),
    ),
    min_price=PriceLimit(Decimal(12)),
    country_code="NL",
    party_id="LDS",
    last_updated=BEGINS,
)
FACTS = SessionFacts(
    "S1",
    "Europe/Amsterdam",
    (
        Stretch(Activity.RESERVATION, BEGINS, minutes(10)),
        Stretch(Activity.CHARGING, minutes(10), minutes(70)),
        Stretch(Activity.WITHHELD, minutes(70), minutes(90)),
        Stretch(Activity.IDLE, minutes(90), minutes(130)),
    ),
    (
        MeterPoint(BEGINS, Decimal(0)),
        MeterPoint(minutes(10), Decimal(0)),
        MeterPoint(minutes(70), Decimal("12.345")),
        MeterPoint(minutes(130), Decimal("12.345")),
    ),
)
RATED = rate(FACTS, TARIFF)
RECORD = ChargeRecord(
    identity=RecordIdentity("R1", "S1", 1, minutes(131)),
    parties=RecordParties("hq", "NL", "LDS", home_charging=True),
    token=TokenUse("04A2", TokenKind.OWN),
    place=Place(
        "hq",
        "Europe/Amsterdam",
        "CP1",
        1,
        point="P01",
        address="Dam 1",
        city="Amsterdam",
        country="NL",
        country_alpha3="NLD",
        latitude="52.373055",
        longitude="4.892222",
        evse_id="NL*LDS*E1",
    ),
    times=SessionTimes(BEGINS, minutes(130)),
    quantities=Quantities(12_345),
    currency="EUR",
    legs=(RecordLeg(Leg.RETAIL, None, RATED),),
    meter=MeterIdentity(serial="M7"),
)


def written(record: ChargeRecord, version: str = OCPI_2_2_1) -> dict[str, Any]:
    (document,) = cdrs([record], version, {record.identity.id: tariff_document(TARIFF, version)})
    SCHEMAS[version].validate(document)
    return document


def test_a_record_of_2_2_1_has_its_costs_by_kind():
    document = written(RECORD)
    assert document["total_energy"] == 12.345
    assert (document["total_time"], document["total_parking_time"]) == (2.1667, 0.6667)
    assert document["total_energy_cost"] == {"excl_vat": 3.7035, "incl_vat": 4.4442}
    assert document["total_fixed_cost"] == {"excl_vat": 1, "incl_vat": 1.1}
    assert document["total_time_cost"] == {"excl_vat": 2, "incl_vat": 2.4}
    assert document["total_parking_cost"] == {"excl_vat": 4, "incl_vat": 4.8}
    assert document["total_cost"]["excl_vat"] == 12
    assert (document["meter_id"], document["home_charging_compensation"]) == ("M7", True)
    assert (document["cdr_token"]["contract_id"], document["cdr_location"]["evse_uid"]) == ("04A2", "P01")
    assert document["tariffs"][0]["id"] == "T1"


def test_a_record_of_2_3_0_has_its_taxes_by_rate():
    document = written(RECORD, OCPI_2_3_0)
    taxes = document["total_cost"]["taxes"]
    assert [tax["percentage"] for tax in taxes] == [10, 20]
    total = RATED.total
    assert total.before_tax is not None
    assert total.after_tax is not None
    assert sum(tax["amount"] for tax in taxes) == pytest.approx(float(total.after_tax - total.before_tax), abs=1e-4)
    assert document["total_fixed_cost"] == {
        "before_taxes": 1,
        "taxes": [{"name": "VAT", "percentage": 10, "amount": 0.1}],
    }


@pytest.mark.parametrize("version", [OCPI_2_2_1, OCPI_2_3_0])
def test_whoever_prices_it_again_comes_to_the_same(version: str):
    read = read_ocpi_session(json.dumps(written(RECORD, version)).encode(), version, None)
    assert [one.activity for one in read.facts.stretches] == [one.activity for one in FACTS.stretches]
    assert (read.facts.flags, read.warnings, read.tariff) == ((), (), "T1")
    assert rate(read.facts, TARIFF).total == RATED.total


def test_the_volumes_of_all_periods_add_up_to_the_whole():
    third = replace(FACTS, meter=(FACTS.meter[0], MeterPoint(minutes(130), Decimal("10.001"))))
    tariff = replace(
        TARIFF,
        elements=tuple(
            Element((component(Dimension.ENERGY, "0.3"),), Restrictions(min_duration_s=None, max_duration_s=most))
            for most in (1111, 2222, 3333, None)
        ),
    )
    record = replace(RECORD, legs=(RecordLeg(Leg.RETAIL, None, rate(third, tariff)),))
    volumes = [
        Decimal(str(dimension["volume"]))
        for period in cdrs([record], OCPI_2_2_1, {})[0]["charging_periods"]
        for dimension in period["dimensions"]
        if dimension["type"] == "ENERGY"
    ]
    assert len(volumes) > 5
    assert sum(volumes) == Decimal("10.001")


def test_a_credit_takes_back_the_total_and_nothing_else():
    document, taken = written(RECORD), written(credit(RECORD, minutes(140)))
    assert (taken["id"], taken["credit"], taken["credit_reference_id"]) == ("R1-C", True, "R1")
    assert taken["total_cost"]["excl_vat"] == -12
    assert taken["last_updated"] == "2026-01-07T11:20:00Z"
    changed = {"id", "credit", "credit_reference_id", "total_cost", "last_updated"}
    assert {name: taken[name] for name in taken.keys() - changed} == {
        name: document[name] for name in document.keys() - changed
    }
