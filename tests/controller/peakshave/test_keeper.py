"""A demand window is held at its target: by what has flowed, and by what the building will yet draw."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from controller.peakshave.catalogue import flanders, germany_rlm
from controller.peakshave.keeper import PeakKeeper
from controller.peakshave.peak_facts import ClosedWindow, Flow, PeakTerms
from controller.peakshave.windows import CLOCK_JUMP, METER_GAP, Filling, Window
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import PointState, State

SITE = Site(
    "S",
    (Circuit("main", None, (200.0, 200.0, 200.0), meter="grid"),),
    (ChargingPoint("P1", "main", "CP1", 1),),
    time_zone="Europe/Brussels",
)
TERMS = PeakTerms(flanders(per_kw_year=Decimal("53.39")))
MIDNIGHT = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
QUARTER_S = 900


class Day:
    """A keeper and a site that follows it: the building draws what it likes, charging all that it may."""

    def __init__(self, keeper: PeakKeeper, building_w: Callable[[float], float], step_s: float = 3.0) -> None:
        self.keeper, self.building_w, self.step_s = keeper, building_w, step_s
        self.now_s, self.charging_w, self.most_w = 0.0, 0.0, 60_000.0
        self.planned_kw: float | None = None
        self.closed: list[ClosedWindow] = []
        self.points: Mapping[str, PointState] = {}
        self.shift = timedelta()

    @property
    def at(self) -> datetime:
        return MIDNIGHT + timedelta(seconds=self.now_s) + self.shift

    def run(self, seconds: float, *, metered: bool = True) -> None:
        """Every three seconds: look, and allow; charging follows at the next look."""
        for _ in range(round(seconds / self.step_s)):
            power_w = self.building_w(self.now_s) + self.charging_w
            flow = Flow(power_w if metered else None, self.charging_w, 100_000.0)
            drawn_w = {"P1": self.charging_w}
            self.closed += self.keeper.see(self.at, self.now_s, flow, self.points, drawn_w, {"P1": self.most_w})
            limits = self.keeper.limits(self.at, self.planned_kw)
            self.charging_w = min(self.most_w, limits[0].limit_w) if limits else self.most_w
            self.now_s += self.step_s


def steady(_now_s: float) -> float:
    return 20_000.0


def lively(seed: int) -> Callable[[float], float]:
    """A building whose load changes every two minutes, by some kilowatts."""
    levels = [20_000.0 + random.Random(f"{seed}-{n}").gauss(0.0, 3_000.0) for n in range(1000)]
    return lambda now_s: levels[int(now_s // 120)]


def recorded(window: Window) -> ClosedWindow:
    return ClosedWindow(window, None, window.energy_wh)


def means_kw(closed: list[ClosedWindow]) -> list[float]:
    return [round(one.window.mean_w / 1000.0, 2) for one in closed]


def test_every_window_ends_at_the_peak_that_the_plan_aims_at() -> None:
    day = Day(PeakKeeper(SITE, TERMS), steady)
    day.planned_kw = 45.0
    day.run(4 * QUARTER_S + 6)
    assert all(44.0 < mean <= 45.0 for mean in means_kw(day.closed)[1:]), means_kw(day.closed)


def test_in_a_steady_window_charging_goes_on_evenly_to_its_end() -> None:
    day = Day(PeakKeeper(SITE, TERMS), steady)
    day.planned_kw = 45.0
    day.run(QUARTER_S)
    seen_w = []
    for _ in range(QUARTER_S // 3 - 1):
        day.run(3.0)
        seen_w.append(day.charging_w)
    assert min(seen_w) > 0.95 * max(seen_w), "nobody is stopped or hurried"


@pytest.mark.parametrize("seed", range(3))
def test_a_lively_building_leaves_the_target_unharmed(seed: int) -> None:
    day = Day(PeakKeeper(SITE, TERMS), lively(seed))
    day.planned_kw = 45.0
    day.run(4 * 4 * QUARTER_S + 6)
    means = means_kw(day.closed)[1:]
    assert max(means) <= 45.0 * 1.02
    assert sum(means) / len(means) > 43.0, "and nearly all of it is used"


def test_a_peak_that_is_paid_for_may_be_used_again() -> None:
    keeper = PeakKeeper(SITE, TERMS, [recorded(Window(MIDNIGHT - timedelta(hours=6), QUARTER_S, 15_000.0, 900.0))])
    day = Day(keeper, steady)
    day.planned_kw = 30.0
    day.run(2 * QUARTER_S + 6)
    assert means_kw(day.closed)[1] == pytest.approx(60.0, rel=0.02)
    status = keeper.status(day.at)
    assert status is not None
    assert status.floor_w == pytest.approx(60_000.0)


def test_without_a_plan_or_a_target_nothing_is_held_back() -> None:
    day = Day(PeakKeeper(SITE, TERMS), steady)
    day.run(QUARTER_S + 6)
    assert day.keeper.limits(day.at, None) == ()
    assert day.closed[0].target_w is None


def test_a_fixed_target_bounds_what_the_plan_finds_cheaper() -> None:
    day = Day(PeakKeeper(SITE, replace(TERMS, target_kw=35.0)), steady)
    day.planned_kw = 70.0
    day.run(2 * QUARTER_S + 6)
    assert 34.0 < means_kw(day.closed)[1] <= 35.0


def test_a_silent_meter_counts_at_the_worst_and_marks_the_window() -> None:
    day = Day(PeakKeeper(SITE, TERMS), steady)
    day.planned_kw = 45.0
    day.run(QUARTER_S)
    day.run(120.0, metered=False)
    day.run(2 * QUARTER_S)
    gapped, after = day.closed[1:3]
    assert METER_GAP in gapped.window.marks
    assert gapped.window.measured_w < 45_000.0, "what was measured stayed below, since the worst was assumed"
    assert after.window.marks == ()
    assert 44.0 < after.window.mean_w / 1000.0 <= 45.0


def test_a_clock_that_jumps_marks_the_window_and_is_survived() -> None:
    day = Day(PeakKeeper(SITE, TERMS), steady)
    day.planned_kw = 45.0
    day.run(QUARTER_S + 300)
    day.shift = timedelta(hours=1)
    day.run(3 * QUARTER_S)
    marked = [one for one in day.closed if CLOCK_JUMP in one.window.marks]
    assert marked
    assert 44.0 < day.closed[-1].window.mean_w / 1000.0 <= 45.0
    beginnings = [one.window.begins_at for one in day.closed]
    assert beginnings == sorted(set(beginnings))


def test_a_restart_in_mid_window_goes_on_with_what_was_stored() -> None:
    day = Day(PeakKeeper(SITE, TERMS), steady)
    day.planned_kw = 45.0
    day.run(QUARTER_S + 450)
    assert day.keeper.filling is not None
    stored = Filling.from_dict(day.keeper.filling.to_dict())
    day.keeper = PeakKeeper(SITE, TERMS, day.closed, stored)
    day.now_s += 20.0
    day.run(500.0)
    window = day.closed[1].window
    assert "restart" in window.marks
    assert window.measured_w <= 45_000.0
    assert window.mean_w <= 46_500.0, "20 s were assumed at the worst"


def test_early_in_a_month_that_nobody_knows_a_peak_is_priced_low_and_later_full() -> None:
    keeper = PeakKeeper(SITE, TERMS)
    (early,) = keeper.charges(datetime(2026, 3, 2, 12, tzinfo=UTC))
    (late,) = keeper.charges(datetime(2026, 3, 31, 12, tzinfo=UTC))
    assert late.per_kw == pytest.approx(53.39 / 12)
    assert early.per_kw < late.per_kw / 10
    assert early.floor_kw == late.floor_kw == pytest.approx(2.5)


def test_the_months_before_tell_what_a_month_will_bring() -> None:
    past = [
        recorded(Window(datetime(2026, month, 10, 12, tzinfo=UTC), QUARTER_S, 250.0 * kw, 900.0))
        for month, kw in ((1, 40), (2, 50))
    ]
    (charge,) = PeakKeeper(SITE, TERMS, past).charges(datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert (charge.per_kw, charge.floor_kw) == pytest.approx((53.39 / 12, 45.0))


def test_a_year_s_peak_costs_the_whole_year() -> None:
    keeper = PeakKeeper(SITE, PeakTerms(germany_rlm(per_kw_year=Decimal(120)), expected_kw=50.0))
    (charge,) = keeper.charges(datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert (charge.per_kw, charge.floor_kw) == pytest.approx((120.0, 50.0))


def test_what_cars_would_have_drawn_without_control_is_told_with_each_window() -> None:
    day = Day(PeakKeeper(SITE, TERMS), steady)
    day.planned_kw = 30.0
    day.points = {"P1": PointState(State.CHARGING, energy_needed_wh=15_000)}
    day.run(2 * QUARTER_S + 6)
    closed, later = day.closed[:2]
    assert closed.uncontrolled_wh - closed.window.energy_wh > 5_000.0, "15 kWh in a quarter of an hour instead of 2.5"
    assert later.uncontrolled_wh < later.window.energy_wh, "that car would be full by now"
    status = day.keeper.status(day.at)
    assert status is not None
    kw = (closed.uncontrolled_wh - closed.window.energy_wh) * 4 / 1000
    assert float(status.saved) == pytest.approx(kw * 53.39 / 12, rel=0.05)
