"""A dimming is about what charging takes from the grid: what the site would export comes on top."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.peakshave.grid_operator import Limit, LimitBook, Rules, Source
from controller.peakshave.paragraph_14a import least_power_w
from controller.peakshave.surplus_on_top import LAG_S, RAISE_S, STEP_W, SURE_S, SurplusOnTop, from_grid_w
from controller.snapshot import ExternalLimit
from tests.support.closed_loop import START, ClosedLoop, garage, hungry_car

FOLLOW_S = LAG_S + 13
"""Until a cloud counts; then our 3 s, the charger's 5 and the car's 5."""
DIMMED = ExternalLimit("main", 10_000.0, "dso", charging_only=True)


def surplus() -> SurplusOnTop:
    return SurplusOnTop("main", {"dso"})


def follow(found: SurplusOnTop, exported_w: float, seconds: int, since: int = 0) -> None:
    """Nobody charges."""
    for second in range(since, since + seconds):
        found.see(float(second), -exported_w, 0.0)


def test_what_was_exported_for_a_minute_comes_on_top_in_steps():
    found = surplus()
    follow(found, 3_700.0, 60)
    assert found.added((DIMMED,)) == (DIMMED,), "not sure yet"
    follow(found, 3_700.0, 1, since=60)
    (raised,) = found.added((DIMMED,))
    assert raised == ExternalLimit("main", 13_500.0, "dso", charging_only=True)


def test_it_is_added_to_nothing_else():
    found = surplus()
    follow(found, 5_000.0, 100)
    others = (ExternalLimit("garage", 1_000.0, "dso", charging_only=True), ExternalLimit("main", 1_000.0, "market"))
    assert found.added(others) == others


def test_a_cloud_counts_soon_and_the_sun_after_a_minute():
    found = surplus()
    follow(found, 5_000.0, 100)
    follow(found, 1_200.0, 12, since=100)
    assert found.on_top_w == 5_000.0, "chargers report that late what the grid meter has seen"
    follow(found, 1_200.0, 2, since=112)
    assert found.on_top_w == 1_000.0
    follow(found, 5_000.0, 59, since=114)
    assert found.on_top_w == 1_000.0
    follow(found, 5_000.0, 3, since=173)
    assert found.on_top_w == 5_000.0


def test_with_rising_sun_limits_are_changed_twice_a_minute_at_most():
    found, changes, before = surplus(), [], 0.0
    for second in range(600):
        found.see(float(second), -20.0 * second, 0.0)
        if found.on_top_w != before:
            changes.append(second)
            before = found.on_top_w
    assert len(changes) > 10
    assert min(later - earlier for earlier, later in pairwise(changes)) >= RAISE_S


@pytest.mark.parametrize("gap", ["silent meter", "pause", "clock set back"])
def test_what_nobody_measured_is_not_counted_on(gap: str):
    found = surplus()
    follow(found, 5_000.0, 100)
    if gap == "silent meter":
        found.see(100.0, None, 0.0)
    elif gap == "pause":
        found.see(130.0, -5_000.0, 0.0)
    else:
        found.see(3.0, -5_000.0, 0.0)
    assert found.on_top_w == 0.0


def test_what_charges_with_it_is_still_surplus():
    found = surplus()
    for second in range(100):
        found.see(float(second), 200.0, 7_000.0)
    assert found.on_top_w == 6_500.0, "without charging 6.8 kW would be exported"


def test_an_importing_site_has_none():
    found = surplus()
    for second in range(100):
        found.see(float(second), 9_000.0, 7_000.0)
    assert found.on_top_w == 0.0


def test_from_the_grid_comes_what_the_connection_imports_at_most():
    assert from_grid_w(7_000.0, 2_000.0) == 2_000.0
    assert from_grid_w(7_000.0, -2_000.0) == 0.0
    assert from_grid_w(7_000.0, 20_000.0) == 7_000.0
    assert from_grid_w(7_000.0, None) == 7_000.0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-10_000, 10_000), min_size=70, max_size=90))
def test_never_more_than_there_was_all_the_last_minute(building_w: list[int]):
    found = surplus()
    for second, watts in enumerate(building_w):
        found.see(float(second), float(watts), 0.0)
        moments = range(max(0, second - round(SURE_S)), second + 1)
        least_w = min(max(0, -min(building_w[max(0, one - round(LAG_S)) : one + 1])) for one in moments)
        assert found.on_top_w <= least_w
        assert found.on_top_w % STEP_W == 0.0


def test_under_passing_clouds_charging_takes_no_more_from_the_grid_than_the_dimming_leaves():
    """Six cars, 20 kW of sun, and three clouds."""
    site = garage(6)
    v, pmin_w = site.nominal_voltage_v, least_power_w(6)
    rules = Rules({"dso": Source("dso", charging_only=True, floor_w=pmin_w)}, {"main": 43_000.0})
    book = LimitBook(rules).put(Limit("main", 0.0, "dso", START), 0.0)
    found, loop = surplus(), ClosedLoop(site, seed=4, step_s=0.5)
    loop.building = lambda now_s: (2.0, 2.0, 2.0) if 200 <= now_s % 300 < 230 else (-29.0, -29.0, -29.0)
    for name in loop.connectors:
        loop.plug_in(name, car=hungry_car())
    taken, given_w = [], []
    """From the grid, but for the seconds in which chargers follow a cloud; and in all."""
    for _ in range(900):
        loop.limits = found.added(book.in_force(START, 0.0))
        loop.after(1)
        assert loop.decision is not None
        found.see(loop.now_s, v * sum(loop.phase_a), v * sum(map(sum, loop.decision.draw_a.values())))
        charging_w = v * (sum(loop.phase_a) - sum(loop.building(loop.now_s)))
        if not 200 <= loop.now_s % 300 < 200 + FOLLOW_S:
            taken.append(from_grid_w(charging_w, v * sum(loop.phase_a)))
        given_w.append(charging_w)
    assert max(taken) <= 1.03 * pmin_w
    assert max(given_w) > pmin_w + 15_000
    assert loop.changes_since(300.0).total() <= 6 * 3 * 8, "calm: a few steps for each cloud"
