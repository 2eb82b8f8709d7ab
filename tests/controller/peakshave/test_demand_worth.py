from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.peakshave.billed_times import ALWAYS, BilledTimes
from controller.peakshave.catalogue import (
    california,
    contract,
    flanders,
    germany_rlm,
    netherlands_kw_max,
    sweden_daytime,
    sweden_hourly,
)
from controller.peakshave.demand_bill import bill
from controller.peakshave.demand_peaks import that_matter
from controller.peakshave.demand_tariff import DemandComponent, DemandTariff, Reach
from controller.peakshave.demand_worth import Step, Worth, what_a_kw_costs
from controller.peakshave.windows import Window
from controller.snapshot import MeterOwn

BRUSSELS = ZoneInfo("Europe/Brussels")
STOCKHOLM = ZoneInfo("Europe/Stockholm")
LOS_ANGELES = ZoneInfo("America/Los_Angeles")


def local(text: str, zone: ZoneInfo = BRUSSELS) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def window(text: str, kw: float, length_s: int = 900, zone: ZoneInfo = BRUSSELS, assumed_kw: float = 0.0) -> Window:
    hours = length_s / 3600
    at = local(text, zone).astimezone(UTC)
    return Window(at, length_s, kw * 1000 * hours, float(length_s), (), assumed_kw * 1000 * hours)


FLANDERS = flanders(per_kw_year=Decimal(60))


def test_in_flanders_a_months_peak_so_far_is_paid_and_never_less_than_two_and_a_half_kw():
    at = local("2026-03-20T10:07")
    assert what_a_kw_costs([], FLANDERS, at, BRUSSELS).floor_kw == 2.5
    windows = [window("2026-02-10T10:00", 80.0), window("2026-03-10T10:00", 41.0)]
    worth = what_a_kw_costs(windows, FLANDERS, at, BRUSSELS)
    assert worth.steps == (Step(pytest.approx(41.0), pytest.approx(5.0)),)
    assert worth.billed_now
    assert worth.until == local("2026-04-01T00:00")


def test_the_next_month_begins_at_the_least_power_again():
    windows = [window("2026-03-31T23:45", 41.0)]
    assert what_a_kw_costs(windows, FLANDERS, local("2026-04-01T00:00"), BRUSSELS).floor_kw == 2.5


def test_the_running_window_and_later_ones_do_not_count_as_paid():
    windows = [window("2026-03-20T10:00", 41.0), window("2026-03-20T10:15", 50.0)]
    assert what_a_kw_costs(windows, FLANDERS, local("2026-03-20T10:14:59"), BRUSSELS).floor_kw == 2.5


def test_a_peak_that_was_only_assumed_is_not_taken_as_paid():
    windows = [window("2026-03-10T10:00", 41.0, assumed_kw=31.0)]
    assert what_a_kw_costs(windows, FLANDERS, local("2026-03-20T10:00"), BRUSSELS).floor_kw == pytest.approx(10.0)


def test_the_meters_own_peak_of_the_month_is_believed_before_ours():
    windows = [window("2026-03-10T10:00", 41.0)]
    at = local("2026-03-20T10:00")
    for stamped, floor_kw in [("2026-03-10T10:15", 39.5), ("2026-03-01T00:00", 41.0), ("2026-02-10T10:15", 41.0)]:
        own = MeterOwn(0.0, 39_500.0, local(stamped))
        worth = what_a_kw_costs(windows, FLANDERS, at, BRUSSELS, own=own)
        assert worth.floor_kw == pytest.approx(floor_kw)


def test_the_meters_peak_says_nothing_of_a_tariff_that_bills_some_hours_only():
    tariff = california(facility_per_kw_month=Decimal(0), on_peak_per_kw_month=Decimal(22))
    own = MeterOwn(0.0, 500_000.0)
    worth = what_a_kw_costs([], tariff, local("2026-07-15T17:00", LOS_ANGELES), LOS_ANGELES, own=own)
    assert worth.steps == (Step(0.0, 22.0),)


def test_in_germany_a_peak_costs_the_whole_year_and_the_years_highest_is_paid():
    tariff = germany_rlm(per_kw_year=Decimal(120))
    windows = [window("2025-12-31T23:45", 99.0), window("2026-01-10T10:00", 80.0), window("2026-06-10T10:00", 50.0)]
    worth = what_a_kw_costs(windows, tariff, local("2026-11-20T10:00"), BRUSSELS)
    assert worth.steps == (Step(pytest.approx(80.0), pytest.approx(120.0)),)


def test_above_the_contract_the_dutch_pay_a_year_and_above_the_months_peak_a_month():
    tariff = netherlands_kw_max(
        per_kw_max_month=Decimal(3), contracted_kw=Decimal(100), per_contracted_kw_month=Decimal(2)
    )
    windows = [window("2025-04-01T10:00", 110.0), window("2026-03-02T10:00", 70.0)]
    worth = what_a_kw_costs(windows, tariff, local("2026-03-20T10:00"), BRUSSELS)
    assert worth.steps == (Step(pytest.approx(70.0), 3.0), Step(pytest.approx(110.0), 24.0))
    assert (worth.floor_kw, worth.per_kw) == (pytest.approx(70.0), 3.0)
    assert worth.cost(112.0) == pytest.approx(3 * 42 + 24 * 2)
    later = what_a_kw_costs(windows, tariff, local("2026-04-20T10:00"), BRUSSELS)
    assert later.steps == (Step(0.0, 3.0), Step(100.0, 24.0))


def test_a_contracts_penalty_begins_above_it():
    tariff = contract(contracted_kw=Decimal(50), per_contracted_kw_month=Decimal(4), per_kw_above_month=Decimal(25))
    at = local("2026-03-20T10:00")
    assert what_a_kw_costs([window("2026-03-02T10:00", 20.0)], tariff, at, BRUSSELS).steps == (Step(50.0, 25.0),)
    assert what_a_kw_costs([window("2026-03-02T10:00", 58.0)], tariff, at, BRUSSELS).floor_kw == pytest.approx(58.0)


class TestThreeHighestHours:
    tariff = sweden_hourly(per_kw_month=Decimal(90))
    peaks = (("2026-03-02T10:00", 6.0), ("2026-03-03T10:00", 5.0), ("2026-03-04T10:00", 4.0))

    def worth(self, at: str, *more: tuple[str, float]) -> Worth:
        windows = [window(text, kw, 3600, STOCKHOLM) for text, kw in (*self.peaks, *more)]
        return what_a_kw_costs(windows, self.tariff, local(at, STOCKHOLM), STOCKHOLM)

    def test_a_new_day_must_exceed_the_third_highest_and_costs_a_third(self):
        assert self.worth("2026-03-05T12:30").steps == (Step(pytest.approx(4.0), pytest.approx(30.0)),)

    def test_a_day_that_counts_already_must_exceed_itself(self):
        assert self.worth("2026-03-02T12:00").floor_kw == pytest.approx(6.0)

    def test_a_lower_day_of_today_is_not_paid(self):
        assert self.worth("2026-03-05T12:00", ("2026-03-05T08:00", 3.0)).floor_kw == pytest.approx(4.0)

    def test_at_night_twice_the_power_costs_the_same(self):
        worth = self.worth("2026-03-05T23:00")
        assert worth.steps == (Step(pytest.approx(8.0), pytest.approx(15.0)),)
        assert worth.until == local("2026-03-06T06:00", STOCKHOLM)
        assert self.worth("2026-03-05T12:00").until == local("2026-03-05T22:00", STOCKHOLM)


def test_without_distinct_days_the_lowest_of_the_highest_counts():
    tariff = sweden_daytime(per_kw_month_summer=Decimal(30), per_kw_month_winter=Decimal(60))
    windows = [window(f"2026-03-02T{hour:02}:00", kw, 3600, STOCKHOLM) for hour, kw in ((8, 6.0), (9, 5.0), (10, 4.0))]
    worth = what_a_kw_costs(windows, tariff, local("2026-03-02T12:00", STOCKHOLM), STOCKHOLM)
    assert worth.steps == (Step(pytest.approx(4.0), pytest.approx(20.0)),)


def test_outside_billed_hours_nothing_is_billed_until_they_begin():
    tariff = sweden_daytime(per_kw_month_summer=Decimal(30), per_kw_month_winter=Decimal(60))
    friday = local("2026-04-03T19:10", STOCKHOLM)
    worth = what_a_kw_costs([], tariff, friday, STOCKHOLM, holidays={date(2026, 4, 3), date(2026, 4, 6)})
    assert (worth.billed_now, worth.per_kw, worth.cost(50.0)) == (False, 0.0, 0.0)
    assert worth.until == local("2026-04-07T07:00", STOCKHOLM), "after Easter Monday"


def test_on_peak_two_charges_add_up():
    tariff = california(facility_per_kw_month=Decimal(18), on_peak_per_kw_month=Decimal(22))
    windows = [window("2026-07-12T14:00", 120.0, zone=LOS_ANGELES), window("2026-07-13T17:00", 90.0, zone=LOS_ANGELES)]
    worth = what_a_kw_costs(windows, tariff, local("2026-07-15T16:00", LOS_ANGELES), LOS_ANGELES)
    assert worth.steps == (Step(pytest.approx(90.0), 22.0), Step(pytest.approx(120.0), 18.0))
    assert worth.until == local("2026-07-15T21:00", LOS_ANGELES)


@pytest.mark.parametrize("model", [FLANDERS, TestThreeHighestHours.tariff, germany_rlm(per_kw_year=Decimal(9))])
def test_a_few_windows_of_each_day_cost_the_same_as_all(model: DemandTariff):
    chance = Random(3)
    begins = local("2026-03-28T00:00").astimezone(UTC)  # over the change of the clock, and of the month
    length = timedelta(seconds=model.window_s)
    told = [
        Window(begins + n * length, model.window_s, chance.gauss(3e3, 4e3), 9e2, (), chance.choice([0.0, 500.0]))
        for n in range(5 * 86_400 // model.window_s)
    ]
    few = that_matter(told, model, BRUSSELS)
    assert len(few) <= 6 * 2 * 4
    for hours in (1, 30, 100, 119):
        at = begins + timedelta(hours=hours)
        so_far = [w for w in told if w.begins_at + length <= at]
        kept = that_matter(so_far, model, BRUSSELS)
        assert what_a_kw_costs(kept, model, at, BRUSSELS) == what_a_kw_costs(so_far, model, at, BRUSSELS)
    assert bill(few, model, BRUSSELS).lines == bill(told, model, BRUSSELS).lines


COMPONENTS = st.builds(
    DemandComponent,
    name=st.just("peak"),
    price_per_kw=st.sampled_from([Decimal(12), Decimal(90)]),
    price_months=st.sampled_from([1, 12]),
    reach=st.sampled_from([Reach.MONTH, Reach.MEAN_OF_MONTHS]),
    times=st.sampled_from([(ALWAYS,), (BilledTimes(from_hour=22, to_hour=6, weight=Decimal("0.5")), ALWAYS)]),
    highest=st.integers(1, 3),
    distinct_days=st.booleans(),
    least_kw=st.sampled_from([Decimal(0), Decimal(20)]),
)


@settings(max_examples=150, deadline=None)
@given(
    COMPONENTS,
    st.dictionaries(st.integers(0, 99), st.integers(0, 60), min_size=9, max_size=20),
    st.integers(0, 80),
)
def test_the_worth_is_what_the_bill_grows_by(component: DemandComponent, kws: dict[int, int], next_kw: int):
    """With three or more days told, a further window costs what the steps say, to the cent's rounding."""
    begins = datetime(2026, 3, 1, tzinfo=UTC)
    tariff = DemandTariff("test", (component,))
    kws |= {0: 30, 30: 20, 60: 10}  # of three days
    told = [Window(begins + timedelta(hours=hour), 900, kw * 250.0, 900.0) for hour, kw in kws.items()]
    at = begins + timedelta(hours=100)
    worth = what_a_kw_costs(told, tariff, at, UTC)
    further = Window(at, 900, next_kw * 250.0, 900.0)
    grown = bill([*told, further], tariff, UTC).total - bill(told, tariff, UTC).total
    assert float(grown) == pytest.approx(worth.cost(next_kw), abs=0.2)
