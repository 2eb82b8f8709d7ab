from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.peakshave.billed_times import BilledTimes
from controller.peakshave.catalogue import contract, flanders, germany_rlm, netherlands_kw_max, sweden_hourly
from controller.peakshave.demand_bill import bill
from controller.peakshave.demand_tariff import DemandComponent, DemandTariff, Reach
from controller.peakshave.filling import fill
from controller.peakshave.windows import Window

BRUSSELS = ZoneInfo("Europe/Brussels")


def window(local: str, kw: float, length_s: int = 900, marks: tuple[str, ...] = ()) -> Window:
    at = datetime.fromisoformat(local).replace(tzinfo=BRUSSELS).astimezone(UTC)
    return Window(at, length_s, kw * 1000 * length_s / 3600, float(length_s), marks)


def one(component: DemandComponent, windows: list[Window], **more: object) -> Decimal:
    (line,) = bill(windows, DemandTariff("test", (component,)), BRUSSELS, **more).lines
    return line.billed_kw


def test_each_line_names_the_windows_that_set_it():
    windows = [window("2026-03-02T10:00", 30.0), window("2026-03-09T10:00", 41.0), window("2026-04-01T10:00", 1.0)]
    (line,) = bill(windows, flanders(per_kw_year=Decimal(60)), BRUSSELS).lines
    assert line.windows == (windows[1],), "April's is below the least power, and so set nothing"
    assert (line.billed_kw, line.months, line.amount) == (Decimal("21.750"), 2, Decimal("217.50"))


def test_a_late_peak_costs_as_if_it_had_been_there_all_year():
    early = [window(f"2026-{month:02}-05T10:00", 50.0) for month in range(1, 12)]
    late = window("2026-12-05T10:00", 80.0)
    tariff = germany_rlm(per_kw_year=Decimal(100))
    assert bill(early, tariff, BRUSSELS).total == Decimal("4583.33")
    assert bill([*early, late], tariff, BRUSSELS).total == Decimal("8000.00")


def test_an_accounting_year_may_begin_in_another_month():
    component = DemandComponent("year peak", Decimal(12), 12, Reach.YEAR)
    tariff = DemandTariff("test", (component,), year_begins=10)
    windows = [window("2026-09-30T23:45", 90.0), window("2026-10-01T00:00", 10.0), window("2027-02-01T00:00", 20.0)]
    worked = bill(windows, tariff, BRUSSELS)
    assert [(line.begins_on, line.billed_kw, line.months) for line in worked.lines] == [
        (date(2025, 10, 1), Decimal("90.000"), 1),
        (date(2026, 10, 1), Decimal("20.000"), 2),
    ]


def test_a_contract_is_paid_also_in_a_month_without_a_peak_and_is_raised_for_twelve():
    prices = {"per_kw_max_month": Decimal(1), "per_contracted_kw_month": Decimal(1)}
    tariff = netherlands_kw_max(contracted_kw=Decimal(100), **prices)
    months = [f"{2026 + month // 12}-{month % 12 + 1:02}" for month in range(14)]
    windows = [window(f"{month}-03T10:00", 120.0 if month == "2026-01" else -5.0) for month in months]
    contracted = [line.billed_kw for line in bill(windows, tariff, BRUSSELS).lines if line.component != "kW max"]
    assert contracted == [Decimal(120)] * 12 + [Decimal(100)] * 2


def test_power_is_rounded_half_up_to_watts_and_money_to_cents():
    component = DemandComponent("peak", Decimal("1.5"), 1, Reach.MONTH)
    (line,) = bill([window("2026-03-02T10:00", 1.2345)], DemandTariff("test", (component,)), BRUSSELS).lines
    assert (line.billed_kw, line.amount) == (Decimal("1.235"), Decimal("1.85"))


def test_fewer_days_than_the_mean_is_of_are_the_mean_of_what_there_is():
    component = DemandComponent("peak", Decimal(1), 1, Reach.MONTH, highest=3)
    same_day = [window("2026-03-02T10:00", 6.0), window("2026-03-02T11:00", 5.0)]
    assert one(component, [*same_day, window("2026-03-03T10:00", 4.0)]) == Decimal(5)


def test_hours_that_nobody_bills_have_no_line():
    component = DemandComponent("peak", Decimal(1), 1, Reach.MONTH, (BilledTimes(months=frozenset({7})),))
    assert bill([window("2026-03-02T10:00", 6.0)], DemandTariff("test", (component,)), BRUSSELS).lines == ()


def test_a_holiday_falls_out_where_holidays_are_not_billed():
    component = DemandComponent("peak", Decimal(1), 1, Reach.MONTH, (BilledTimes(on_holidays=False),))
    windows = [window("2026-05-01T10:00", 6.0), window("2026-05-04T10:00", 4.0)]
    assert one(component, windows) == Decimal(6)
    assert one(component, windows, holidays={date(2026, 5, 1)}) == Decimal(4)


def test_marked_windows_and_missing_time_are_told():
    marked = window("2026-03-02T10:00", 30.0, marks=("meter_gap",))
    worked = bill([window("2026-03-02T11:00", 3.0), marked], flanders(per_kw_year=Decimal(60)), BRUSSELS)
    assert worked.marked == (marked,)
    assert worked.missing_s == 45 * 60
    assert worked.lines[0].billed_kw == Decimal(30)


def test_windows_that_overlap_or_are_too_long_are_refused():
    tariff = flanders(per_kw_year=Decimal(60))
    with pytest.raises(ValueError, match="overlap"):
        bill([window("2026-03-02T10:00", 3.0)] * 2, tariff, BRUSSELS)
    with pytest.raises(ValueError, match="at most 900 s"):
        bill([window("2026-03-02T10:00", 3.0, 3600)], tariff, BRUSSELS)


def test_quarters_make_hours_also_where_the_clock_is_set():
    night = datetime(2026, 10, 24, 22, tzinfo=UTC)  # 26 hours from midnight on, 25 of them of the 25th
    windows = [Window(night + n * timedelta(minutes=15), 900, 250.0 * (n % 4), 900.0) for n in range(104)]
    (line,) = bill(windows, sweden_hourly(per_kw_month=Decimal(10)), ZoneInfo("Europe/Stockholm")).lines
    assert line.billed_kw == Decimal("1.125"), "1.5 kW by day and half of it in the night after"
    assert all(w.length_s == 3600 and w.energy_wh == 1500.0 for w in line.windows)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"price_per_kw": Decimal(-1)}, "price_per_kw"),
        ({"price_per_kw": Decimal("NaN")}, "price_per_kw"),
        ({"price_months": 3}, "price_months"),
        ({"highest": 0}, "highest"),
        ({"least_kw": Decimal(-2)}, "least_kw"),
    ],
)
def test_components_that_make_no_sense_are_refused(fault: dict[str, object], message: str):
    given = {"name": "peak", "price_per_kw": Decimal(1), "price_months": 1, "reach": Reach.MONTH} | fault
    with pytest.raises(ValueError, match=message):
        DemandComponent(**given)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"months": frozenset({13})}, "months"),
        ({"weekdays": frozenset({7})}, "weekdays"),
        ({"from_hour": 24}, "hours"),
        ({"from_hour": 6, "to_hour": 6}, "hours"),
        ({"weight": Decimal(0)}, "weight"),
    ],
)
def test_times_that_make_no_sense_are_refused(fault: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        BilledTimes(**fault)


def test_tariffs_that_make_no_sense_are_refused():
    component = DemandComponent("peak", Decimal(1), 1, Reach.MONTH)
    for fault in ({"components": ()}, {"window_s": 700}, {"year_begins": 0}):
        with pytest.raises(ValueError, match=next(iter(fault))):
            DemandTariff(**({"name": "test", "components": (component,)} | fault))


def test_what_was_metered_costs_what_its_powers_say():
    """Two days with known powers, through the windows into the bill."""
    at, filling, told = datetime(2026, 3, 28, 23, tzinfo=UTC), None, []
    begins = at
    while at <= begins + timedelta(hours=47):  # the first has 23 hours
        busy = at.astimezone(BRUSSELS).hour == 18
        filling, ended = fill(
            filling, at, at.timestamp(), 12_000.0 if busy else 2_000.0, 900, 1e6, zone=BRUSSELS, hold_s=300.0
        )
        told += ended
        at += timedelta(seconds=300)
    assert len(told) == 47 * 4
    worked = bill(told, contract(
        contracted_kw=Decimal(10), per_contracted_kw_month=Decimal(1), per_kw_above_month=Decimal(5)
    ), BRUSSELS)  # fmt: skip
    assert (worked.total, worked.marked, worked.missing_s) == (Decimal("20.00"), (), 0)


powers = st.lists(st.tuples(st.integers(0, 364), st.integers(0, 95), st.integers(-5_000, 90_000)), max_size=40)


@settings(max_examples=50, deadline=None)
@given(powers, st.randoms())
def test_a_bill_does_not_depend_on_the_order_and_never_falls_with_more_windows(seen: list, shuffler: Random):
    slots = {(day, quarter): power for day, quarter, power in seen}
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    windows = [
        Window(begins + timedelta(days=day, minutes=15 * quarter), 900, power / 4, 900.0)
        for (day, quarter), power in slots.items()
    ]
    shuffled = list(windows)
    shuffler.shuffle(shuffled)
    tariff = contract(contracted_kw=Decimal(40), per_contracted_kw_month=Decimal(0), per_kw_above_month=Decimal(7))
    worked = bill(windows, tariff, UTC)
    assert bill(shuffled, tariff, UTC) == worked
    assert bill(windows[1:], tariff, UTC).total <= worked.total
