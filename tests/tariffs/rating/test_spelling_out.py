"""A tariff by a curve is told to partners with each price that a session met, by days and times of day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from controller.tariffs.rating import rate
from controller.tariffs.session_facts import Activity, MeterPoint, SessionFacts, Stretch
from controller.tariffs.spelling_out import spelled_out
from controller.tariffs.tariff import (
    Dimension,
    Element,
    PriceComponent,
    PriceCurve,
    PricePeriod,
    Restrictions,
    Tariff,
)

ZONE = ZoneInfo("Europe/Amsterdam")
FOLLOWING = PriceComponent(Dimension.ENERGY, Decimal("0.05"), Decimal(21), curve="spot")
START = PriceComponent(Dimension.FLAT, Decimal("0.50"), Decimal(21))
TARIFF = Tariff("t", "EUR", (Element((START, FOLLOWING), Restrictions(max_kwh=Decimal(30))),))


def by_quarters(begins_at: datetime, *prices: str) -> PriceCurve:
    quarter = timedelta(minutes=15)
    periods = (
        PricePeriod(begins_at + number * quarter, begins_at + (number + 1) * quarter, Decimal(price))
        for number, price in enumerate(prices)
    )
    return PriceCurve("spot", "1", datetime(2026, 1, 1, tzinfo=UTC), tuple(periods))


def charged(begins_at: datetime, minutes: int) -> SessionFacts:
    """A kWh every three minutes."""
    points = (MeterPoint(begins_at + timedelta(minutes=m), Decimal(m) / 3) for m in range(0, minutes + 1, 3))
    stretch = Stretch(Activity.CHARGING, begins_at, begins_at + timedelta(minutes=minutes))
    return SessionFacts("s", "Europe/Amsterdam", (stretch,), tuple(points))


def test_prices_become_elements_beside_what_else_there_is_and_come_to_the_same():
    begins_at = datetime(2026, 6, 1, 21, 37, tzinfo=UTC)
    facts = charged(begins_at, 75)
    rated = rate(facts, TARIFF, curves={"spot": by_quarters(datetime(2026, 6, 1, 21, 30, tzinfo=UTC), *"0123456")})
    told = spelled_out(TARIFF, rated, ZONE)
    assert told is not None
    windows = [
        (each.restrictions.start_date, each.restrictions.start_time, each.restrictions.end_time)
        for each in told.elements
    ]
    first, second = date(2026, 6, 1), date(2026, 6, 2)
    assert windows[:4] == [
        (first, time(23, 37), time(23, 45)),
        (first, time(23, 45), time(0)),
        (second, time(0), time(0, 15)),
        (second, time(0, 15), time(0, 30)),
    ]
    assert [each.components[0].price for each in told.elements[:3]] == [Decimal(n) + Decimal("0.05") for n in range(3)]
    assert {each.restrictions.max_kwh for each in told.elements} == {Decimal(30)}, "what else held, holds"
    assert told.elements[-1].components == (START,)
    assert rate(facts, told).total == rated.total


def test_a_price_that_stays_over_midnight_is_told_for_both_days():
    curve = PriceCurve(
        "spot",
        "1",
        datetime(2026, 1, 1, tzinfo=UTC),
        (PricePeriod(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 3, tzinfo=UTC), Decimal("0.20")),),
    )
    facts = charged(datetime(2026, 6, 1, 21, 30, 20, tzinfo=UTC), 60)
    rated = rate(facts, TARIFF, curves={"spot": curve})
    told = spelled_out(TARIFF, rated, ZONE)
    assert told is not None
    assert [(each.restrictions.start_time, each.restrictions.end_time) for each in told.elements[:2]] == [
        (time(23, 30), time(0)),
        (time(0), time(0, 31)),
    ]
    assert rate(facts, told).total == rated.total


def test_in_the_hour_that_is_there_twice_the_clock_does_not_tell_prices_apart():
    before = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    for minutes in (90, 30):
        rated = rate(charged(before, minutes), TARIFF, curves={"spot": by_quarters(before, *"01234567")})
        assert (spelled_out(TARIFF, rated, ZONE) is None) == (minutes == 90)
    hours = PricePeriod(before, before + timedelta(hours=3), Decimal(1))
    steady = PriceCurve("spot", "1", datetime(2026, 1, 1, tzinfo=UTC), (hours,))
    rated = rate(charged(before + timedelta(minutes=45), 60), TARIFF, curves={"spot": steady})
    assert spelled_out(TARIFF, rated, ZONE) is None, "and not how long one held"


def test_a_tariff_without_a_curve_stays_as_it_is():
    plain = Tariff("t", "EUR", (Element((START,)),))
    assert spelled_out(plain, rate(charged(datetime(2026, 6, 1, tzinfo=UTC), 30), plain), ZONE) == plain
