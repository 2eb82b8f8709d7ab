"""Demand windows in short steps: their edges, days with a change of the clock, restarts, gaps and lost signals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from controller.peakshave.windows import METER_GAP, RESTART
from simulations.building import ScriptedBuilding
from simulations.fast.fine import run_fine
from simulations.results import Results
from simulations.scenario.model import DemandCharge, Planning, Scenario, TimedFault
from simulations.visits import Visit
from tests.support.fine_scenarios import RECORD_S, garage, hungry, story

WINDOW_S = 300.0
TARGET_KW = 18.0
MIDNIGHT = datetime(2026, 11, 18, tzinfo=UTC)
SUMMER_BEGINS, SUMMER_ENDS = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)
"""In Amsterdam."""


def patient(point: str) -> Visit:
    """A car that takes 11 kW, and needs 8 kWh within two hours."""
    leaves_s = 7_200.0
    visit = hungry(point, 3.0, leaves_s, max_a=16.0, taper_from=1.0)
    return replace(visit, energy_wh=8_000.0, stated_energy_wh=8_000.0, stated_leaves_s=leaves_s)


def quarter_to(at: datetime, *faults: TimedFault, seed: int = 1, minutes: float = 15.0) -> Scenario:
    """From five minutes before a moment on: two cars beside a building that jumps between 5 and 9 kW."""
    start_s = at.timestamp() - WINDOW_S
    jumps = [(start_s + 45.0 * n, (a, a, a)) for n, a in enumerate([7.0, 13.0, 8.0, 12.0, 7.5] * 8)]
    site = replace(garage(2), time_zone="Europe/Amsterdam")
    plain = story(site, [patient("P0"), patient("P1")], ScriptedBuilding(jumps), 60.0 * minutes, step_s=5.0, seed=seed)
    plan = Planning(slot_s=WINDOW_S, horizon_s=7_200.0, peak="hint", peak_hint_kw=TARGET_KW)
    return replace(plain, start_s=start_s, faults=faults, plan=plan, demand=DemandCharge(10.0, WINDOW_S))


def true_kw(results: Results) -> np.ndarray:
    """The mean powers of the windows, as the grid operator's meter has them; the first ends at the moment."""
    series = results.series
    watts = series.power_w.sum(axis=1) + 230.0 * series.building_a.sum(axis=1)
    rows = round(WINDOW_S / RECORD_S)
    return watts[: len(watts) // rows * rows].reshape(-1, rows).mean(axis=1) / 1000.0


def counted_kw(results: Results) -> list[float]:
    return [one.window.mean_w / 1000.0 for one in results.windows]


def begins_s(results: Results) -> list[float]:
    return [one.window.begins_at.timestamp() - results.scenario.start_s for one in results.windows]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("at", [MIDNIGHT, SUMMER_BEGINS, SUMMER_ENDS], ids=["midnight", "summer begins", "summer ends"])
def test_windows_follow_one_another_without_a_gap_and_are_held_over_every_edge(at: datetime, seed: int):
    results = run_fine(quarter_to(at, seed=seed, minutes=10.2))
    assert begins_s(results) == [0.0, 300.0]
    assert [one.window.marks for one in results.windows] == [(), ()]
    assert counted_kw(results) == pytest.approx(true_kw(results).tolist(), rel=0.03)
    assert 0.9 * TARGET_KW <= true_kw(results)[1] <= 1.02 * TARGET_KW, "neither above, nor far below"
    assert results.truth.fuse_violation_as == 0.0


def test_a_restart_in_mid_window_goes_on_with_what_had_flowed():
    results = run_fine(quarter_to(MIDNIGHT, TimedFault("controller_down", 420.0, 440.0), minutes=15.2))
    assert begins_s(results) == [0.0, 300.0, 600.0]
    marks = [one.window.marks for one in results.windows]
    assert RESTART in marks[1]
    assert marks[2] == ()
    assert counted_kw(results)[1] >= true_kw(results)[1] - 0.1, "what nobody saw is assumed to be high"
    assert true_kw(results)[1] <= 1.02 * TARGET_KW
    assert 0.9 * TARGET_KW <= true_kw(results)[2] <= 1.02 * TARGET_KW


@pytest.mark.parametrize("kind", ["meter_lost", "meter_nan"])
def test_a_gap_of_the_meter_is_bridged_cautiously_and_its_window_is_marked(kind: str):
    results = run_fine(quarter_to(MIDNIGHT, TimedFault(kind, 380.0, 420.0), minutes=15.2))
    marks = [one.window.marks for one in results.windows]
    assert METER_GAP in marks[1]
    assert counted_kw(results)[1] >= true_kw(results)[1] - 0.1
    assert true_kw(results)[1] <= 1.02 * TARGET_KW
    assert marks[2] == ()
    assert true_kw(results)[2] <= 1.02 * TARGET_KW


def test_a_charger_out_of_reach_goes_on_and_the_other_makes_room_for_it():
    results = run_fine(quarter_to(MIDNIGHT, TimedFault("charger_offline", 340.0, 530.0, "P1"), minutes=10.2))
    assert begins_s(results) == [0.0, 300.0]
    assert results.series.power_w[40, 1] > 1_000.0
    assert true_kw(results)[1] <= 1.02 * TARGET_KW
    assert counted_kw(results) == pytest.approx(true_kw(results).tolist(), rel=0.03)
