"""What charging costs before anybody charges."""

from datetime import time, timedelta
from decimal import Decimal

from controller.tariffs.compiled import CompiledTariff
from controller.tariffs.outlook import price_outlook
from controller.tariffs.rated import Amounts, Tax, TaxSource, TaxState
from controller.tariffs.tariff import DailyHours, IdleTerms, PriceCurve, PricePeriod
from tests.tariffs.rating.charging import AMSTERDAM, element, moment, price, tariff


def of(before: str, after: str | None) -> Amounts:
    return Amounts(Decimal(before), None if after is None else Decimal(after))


DAY_AND_NIGHT = tariff(
    element(price("FLAT", "1.00")),
    element(price("ENERGY", "0.20"), label="night", start_time=time(23), end_time=time(7)),
    element(price("ENERGY", "0.10"), label="later", min_kwh=Decimal(50)),
    element(price("ENERGY", "0.40"), price("PARKING_TIME", "6"), label="day"),
    idle=IdleTerms(free_hours=(DailyHours(time(22), time(8)),)),
)


def test_a_day_ahead_is_told_by_what_changes_and_ends_where_it_was_asked_to():
    begins = moment("2026-01-07T12:00")
    told = price_outlook(CompiledTariff(DAY_AND_NIGHT, AMSTERDAM), begins)
    assert [(p.label, p.per_kwh, p.per_idle_hour) for p in told] == [
        ("day", of("0.40", "0.4840"), of("6", "7.26")),
        ("day", of("0.40", "0.4840"), of("0", "0")),
        ("night", of("0.20", "0.2420"), of("0", "0")),
        ("day", of("0.40", "0.4840"), of("0", "0")),
        ("day", of("0.40", "0.4840"), of("6", "7.26")),
    ]
    assert [p.begins_at for p in told[1:]] == [moment(f"2026-01-0{t}:00") for t in ("7T22", "7T23", "8T07", "8T08")]
    assert (told[0].begins_at, told[-1].ends_at) == (begins, begins + timedelta(hours=24))
    assert all(p.flat == of("1.00", "1.21") and p.per_hour == of("0", "0") for p in told)


def test_the_price_of_this_moment_is_the_first_of_the_coming_ones():
    ready = CompiledTariff(DAY_AND_NIGHT, AMSTERDAM)
    now = price_outlook(ready, moment("2026-01-07T22:59:59"), 1)[0]
    assert (now.label, now.ends_at) == ("day", moment("2026-01-07T23:00"))
    assert price_outlook(ready, moment("2026-01-07T23:00"), 1)[0].label == "night"


def test_on_the_day_of_the_clock_change_the_night_is_an_hour_longer():
    told = price_outlook(CompiledTariff(DAY_AND_NIGHT, AMSTERDAM), moment("2026-10-24T20:00"))
    (night,) = (p for p in told if p.label == "night")
    assert night.ends_at - night.begins_at == timedelta(hours=9)


def test_what_changes_nothing_is_not_told():
    by_weekday = tariff(
        element(price("ENERGY", "0.30"), weekdays=frozenset(range(5))), element(price("ENERGY", "0.30"))
    )
    (told,) = price_outlook(CompiledTariff(by_weekday, AMSTERDAM), moment("2026-01-09T12:00"), 48)  # Friday to Sunday
    assert told.ends_at - told.begins_at == timedelta(hours=48)


def test_a_curve_is_followed_and_an_hour_without_a_price_is_not_free():
    spot = tariff(element(price("ENERGY", "0.10", None, curve="spot")))
    begins, hour = moment("2026-01-07T12:00"), timedelta(hours=1)
    curve = PriceCurve(
        "spot",
        "1",
        begins,
        (
            PricePeriod(begins, begins + hour, Decimal("-0.30")),
            PricePeriod(begins + 2 * hour, begins + 3 * hour, Decimal("0.5")),
        ),
    )
    operator = Tax(TaxState.RATE, Decimal(21), TaxSource.OPERATOR)
    told = price_outlook(CompiledTariff(spot, AMSTERDAM, {"spot": curve}), begins, 4, operator_tax=operator)
    assert [p.per_kwh for p in told] == [of("-0.20", "-0.2420"), None, of("0.60", "0.7260"), None]
    assert price_outlook(CompiledTariff(spot, AMSTERDAM, {"spot": curve}), begins, 1)[0].per_kwh == of("-0.20", None)
