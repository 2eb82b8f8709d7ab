"""Tariffs for chargers that show prices by themselves (OCPP 2.1): said exactly, or not at all."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import ocpp
import pytest

from controller.tariffs.ocpp_tariff import UnmappableTariffError, ocpp_tariff
from controller.tariffs.tariff import (
    DailyHours,
    Dimension,
    Element,
    IdleTerms,
    PriceComponent,
    PriceLimit,
    Reservation,
    Restrictions,
    Tariff,
    TaxIncluded,
)

SCHEMA = json.loads((Path(ocpp.__file__).parent / "v21" / "schemas" / "SetDefaultTariffRequest.json").read_text())
VAT = Decimal(21)


def price(dimension: Dimension, amount: str, vat: Decimal | None = VAT, step_size: int = 1) -> PriceComponent:
    return PriceComponent(dimension, Decimal(amount), vat, step_size)


NIGHT = Restrictions(start_time=time(22), end_time=time(6), start_date=date(2026, 1, 1))
TARIFF = Tariff(
    "T1",
    "EUR",
    (
        Element((price(Dimension.ENERGY, "0.20"),), NIGHT),
        Element((price(Dimension.ENERGY, "0.30"), price(Dimension.PARKING_TIME, "6.00"), price(Dimension.FLAT, "1"))),
        Element((price(Dimension.TIME, "3.00"),), Restrictions(reservation=Reservation.RESERVATION)),
    ),
    max_price=PriceLimit(Decimal(50)),
    starts_at=datetime(2026, 1, 1, tzinfo=UTC),
    texts=(("en", "cheap at night"),),
)


def reasons(tariff: Tariff) -> tuple[str, ...]:
    with pytest.raises(UnmappableTariffError) as error:
        ocpp_tariff(tariff)
    return error.value.reasons


def test_every_dimension_has_its_place():
    found = ocpp_tariff(TARIFF)
    jsonschema.validate({"evseId": 0, "tariff": json.loads(json.dumps(found, default=float))}, SCHEMA)
    assert found["energy"]["prices"] == [
        {
            "priceKwh": Decimal("0.20"),
            "conditions": {"startTimeOfDay": "22:00", "endTimeOfDay": "06:00", "validFromDate": "2026-01-01"},
        },
        {"priceKwh": Decimal("0.30")},
    ]
    assert found["energy"]["taxRates"] == [{"type": "VAT", "tax": VAT}]
    assert found["idleTime"]["prices"] == [{"priceMinute": Decimal("0.1")}]
    assert found["reservationTime"]["prices"] == [{"priceMinute": Decimal("0.05")}]
    assert found["fixedFee"]["prices"] == [{"priceFixed": Decimal(1)}]
    assert (found["maxCost"], found["validFrom"]) == ({"exclTax": Decimal(50)}, "2026-01-01T00:00:00Z")
    assert "chargingTime" not in found


def test_a_grace_and_free_nights_can_be_said():
    idle = IdleTerms(600, (DailyHours(time(22), time(8)),))
    assert ocpp_tariff(replace(TARIFF, idle=idle))["idleTime"]["prices"] == [
        {"priceMinute": Decimal(0), "conditions": {"startTimeOfDay": "22:00", "endTimeOfDay": "08:00"}},
        {"priceMinute": Decimal("0.1"), "conditions": {"minIdleTime": 600}},
    ]


def test_thresholds_are_in_the_units_of_chargers():
    restrictions = Restrictions(
        min_kwh=Decimal("0.5"), max_power_kw=Decimal(22), min_current_a=Decimal(6), max_duration_s=60
    )
    found = ocpp_tariff(replace(TARIFF, elements=(Element((price(Dimension.TIME, "6"),), restrictions),)))
    assert found["chargingTime"]["prices"][0]["conditions"] == {
        "minEnergy": 500,
        "maxPower": 22000,
        "minCurrent": 6,
        "maxTime": 60,
    }


def one(*components: PriceComponent, **restrictions: Any) -> Callable[[Tariff], Tariff]:
    return lambda tariff: replace(tariff, elements=(Element(components, Restrictions(**restrictions)),))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            one(price(Dimension.TIME, "0.10")),
            "elements[0]: TIME: 0.10 per hour is not exact per minute at six decimals",
        ),
        (one(price(Dimension.ENERGY, "1", step_size=100)), "elements[0]: ENERGY: step_size 100"),
        (one(price(Dimension.ENERGY, "1", vat=None)), "elements[0]: ENERGY: has no vat"),
        (one(PriceComponent(Dimension.ENERGY, Decimal(0), VAT, curve="epex")), "elements[0]: ENERGY: follows a price"),
        (one(price(Dimension.FLAT, "1"), min_kwh=Decimal(1)), "elements[0]: FLAT: a charger settles it at the start"),
        (one(price(Dimension.FLAT, "1"), reservation=Reservation.RESERVATION_EXPIRES), "elements[0]: a charger has no"),
        (
            one(price(Dimension.ENERGY, "1"), start_time=time(22), end_time=time(6), weekdays=frozenset({1})),
            "elements[0]: hours of some weekdays that go past midnight",
        ),
        (lambda t: replace(t, tax_included=TaxIncluded.YES), "tax_included: a charger's prices are without tax"),
        (
            lambda t: replace(t, ends_at=datetime(2027, 1, 1, tzinfo=UTC)),
            "end_date_time: a charger's tariff has",
        ),
        (lambda t: replace(t, idle=IdleTerms(most=Decimal(12))), "loadstar.idle.most: a charger cannot cap"),
        (
            lambda t: replace(t, idle=IdleTerms(free_hours=(DailyHours(time(0), time(0)),))),
            "loadstar.idle.free_hours: hours of some days that go past midnight, or last all day",
        ),
        (lambda t: replace(t, elements=t.elements * 3), "energy: 6 prices, and chargers need not hold more than 5"),
        (
            lambda t: replace(t, elements=(*t.elements, Element((price(Dimension.ENERGY, "1", Decimal(9)),)))),
            "energy: a charger has one tax rate for all its prices",
        ),
    ],
)
def test_what_cannot_be_said_exactly_is_refused_with_the_reason(change: Callable[[Tariff], Tariff], expected: str):
    (reason,) = reasons(change(TARIFF))
    assert reason.startswith(expected)


def test_all_reasons_are_told_at_once():
    tariff = replace(TARIFF, tax_included=TaxIncluded.YES, ends_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert len(reasons(tariff)) == 2
