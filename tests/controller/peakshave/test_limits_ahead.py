"""A limit that is known beforehand, or whose end is: what will be allowed, and what a plan makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.engine import decide
from controller.foresight import Foresight
from controller.loadbalance.horizon.assembly import Terms, outlook_of
from controller.loadbalance.horizon.outlook import Floats, check
from controller.loadbalance.horizon.planner import Planner
from controller.peakshave.grid_operator import Limit, LimitBook, Reach, Rules, Source
from controller.peakshave.limits_ahead import LimitsAhead, limits_ahead
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import Advice, ExternalLimit, PointState, Reading, Snapshot, State

SIX = datetime(2026, 11, 20, 18, tzinfo=UTC)
SITE = Site(
    "garage",
    (Circuit("main", None, (63.0,) * 3, meter="grid", base_load_a=(10.0,) * 3),),
    (ChargingPoint("P1", "main", "S1", 1),),
)
SOURCES = {
    "grid_operator": Source("grid_operator"),
    "dimmer": Source("dimmer", floor_w=4_200.0, charging_only=True),
    "contact": Source("contact", floor_w=4_200.0, charging_only=True, per_point=True),
    "box": Source("box", silent_s=120.0, fail_safe_w=8_000.0, fail_safe_circuit="main"),
}
EMPTY = LimitBook(Rules(SOURCES, {"main": 43_470.0}, release_s=600.0), heard_s={"box": 0.0})
QUARTER_S = 900.0


def after(hours: float) -> datetime:
    return SIX + timedelta(hours=hours)


def limited(limit_w: float, since: float | None, until: float | None, source: str = "grid_operator") -> LimitBook:
    begins, ends = (None if hours is None else after(hours) for hours in (since, until))
    return EMPTY.put(Limit("main", limit_w, source, SIX - timedelta(days=1), begins, ends), 0.0)


def advice(book: LimitBook, price: Sequence[float] = (0.3,) * 32) -> Advice:
    """What is planned at six for a car that is to have 16 kWh within eight hours."""
    car = PointState(State.CHARGING, (16.0,) * 3, SIX, 16.0, energy_needed_wh=16_000, departs_at=after(8))
    in_force = book.in_force(SIX, 0.0)
    snapshot = Snapshot(SIX, 0.0, {"grid": Reading((20.0,) * 3, SIX)}, in_force, {"P1": car})
    foresight = Foresight(SITE, QUARTER_S, 32, limits=lambda moments: limits_ahead(book, moments, 0.0))
    foresight.see(snapshot, decide(SITE, None, snapshot))
    known = foresight.known()
    assert known is not None
    outlook = outlook_of(SITE, known, {}, Terms(QUARTER_S, 32, 1.0), np.array(price))
    check(outlook)
    return Planner().plan(outlook).advice


def test_a_car_charges_before_a_dimming_that_is_known_and_not_in_the_cheap_hours_that_fall_into_it():
    cheap_later = (0.4,) * 4 + (0.1,) * 28
    assert advice(EMPTY, cheap_later).points["P1"].cap_a[0] == 0.0
    assert advice(limited(0.0, 1.0, 8.0), cheap_later).points["P1"].target_a[0] > 16.0


def test_a_limit_that_will_end_in_time_makes_nobody_short():
    assert advice(limited(0.0, None, None)).shortfall_wh["P1"] == pytest.approx(16_000, rel=0.01)
    assert advice(limited(0.0, None, 3.0)).shortfall_wh == {}


def test_where_nobody_will_limit_anything_there_is_no_bound():
    assert limits_ahead(EMPTY, [SIX, after(1)], 0.0) == {}
    assert limits_ahead(limited(5_000.0, 6.0, 7.0), [SIX, after(1)], 0.0) == {}, "beyond the plan"


def test_a_limit_on_charging_alone_is_held_apart_and_its_floor_counts():
    ahead = limits_ahead(limited(0.0, 1.0, None, "dimmer"), [SIX, after(1)], 0.0)
    assert {key: allowed.tolist() for key, allowed in ahead.items()} == {("main", True, False): [np.inf, 4_200.0]}


def test_a_limit_on_each_point_bounds_all_of_them_together_in_the_plan():
    """Which of them has a car by then, nobody knows."""
    advised = advice(limited(0.0, None, None, "contact"))
    assert advised.shortfall_wh == {}, "4.2 kW for eight hours are enough for 16 kWh"
    assert advice(limited(0.0, None, None)).shortfall_wh["P1"] > 15_000


def in_force(book: LimitBook, moments: Sequence[datetime], now_s: float) -> LimitsAhead:
    """The same, moment by moment, as the control loop will find it."""
    found: dict[Reach, Floats] = {}
    for number, moment in enumerate(moments):
        for one in book.in_force(moment, now_s):
            key = (one.circuit, one.charging_only, one.per_point)
            found.setdefault(key, np.full(len(moments), np.inf))[number] = one.limit_w
    return found


def as_lists(ahead: LimitsAhead) -> dict[Reach, list[float]]:
    return {key: allowed.tolist() for key, allowed in ahead.items()}


HOURS = st.one_of(st.none(), st.integers(-8, 40).map(lambda number: number / 12))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(SOURCES)), st.integers(0, 50_000), HOURS, HOURS), max_size=5),
    st.sampled_from([0.0, 500.0]),
)
def test_what_is_foreseen_is_what_will_hold(said: list[tuple[str, int, float | None, float | None]], now_s: float):
    """Also through releases and fail-safes, as long as nobody says anything new."""
    limits = {
        str(number): Limit(
            "main",
            float(limit_w),
            source,
            SIX - timedelta(days=1),
            None if begins is None else after(begins),
            None if ends is None else after(ends),
            id=str(number),
        )
        for number, (source, limit_w, begins, ends) in enumerate(said)
        if begins is None or ends is None or begins < ends
    }
    book = LimitBook(EMPTY.rules, limits, EMPTY.heard_s)
    moments = [SIX + timedelta(seconds=100 * number) for number in range(60)]
    assert as_lists(limits_ahead(book, moments, now_s)) == as_lists(in_force(book, moments, now_s))


def test_without_knowing_better_a_limit_is_taken_to_last():
    snapshot = Snapshot(SIX, 0.0, {}, (ExternalLimit("main", 0.0, "x"),), {"P1": PointState(State.CHARGING)})
    foresight = Foresight(SITE, QUARTER_S, 32)
    foresight.see(snapshot, decide(SITE, None, snapshot))
    known = foresight.known()
    assert known is not None
    (bound,) = outlook_of(SITE, known, {}, Terms(QUARTER_S, 32, 1.0), np.full(32, 0.3)).bounds
    assert bound.limit_w.tolist() == [0.0] * 32
