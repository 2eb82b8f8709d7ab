"""Planning in short steps: the service's own, with the delays of chargers and cars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from controller.snapshot import Snapshot
from simulations.fast.fine import run_fine
from simulations.judging.metrics import metrics_of
from simulations.scenario.model import Planning, PriceCurve, Scenario, TimedFault
from simulations.visits import Visit
from tests.support.fine_scenarios import START_S, Outcome, garage, hungry, load, story

MINUTE_S = 60.0
CHEAP_FROM_S = 1440.0 - (START_S + 1440.0) % 300.0
"""Prices change where a slot begins."""
PLAN = Planning(slot_s=300.0, horizon_s=2 * 3600.0)


def asking(point: str, needs_wh: float, says_min: float, leaves_min: float | None = None) -> Visit:
    leaves_s = MINUTE_S * (says_min if leaves_min is None else leaves_min)
    visit = hungry(point, 5.0, leaves_s, max_a=16.0, taper_from=1.0)
    return replace(visit, energy_wh=needs_wh, stated_energy_wh=needs_wh, stated_leaves_s=says_min * MINUTE_S)


def evening(*visits: Visit, minutes: float = 40.0, **more: object) -> Scenario:
    """Electricity is dear for the first half of it."""
    price = PriceCurve(np.array([0.0, CHEAP_FROM_S]), np.array([0.50, 0.10]))
    plain = story(garage(2), visits, load((0, 10)), minutes * MINUTE_S, step_s=5.0, price=price, plan=PLAN)
    return replace(plain, **more)  # type: ignore[arg-type]


def seen(scenario: Scenario) -> tuple[Outcome, Sequence[Snapshot]]:
    snapshots: list[Snapshot] = []
    results = run_fine(scenario, on_decision=lambda snapshot, _memory, _decision: snapshots.append(snapshot))
    return Outcome(results), snapshots


def test_who_has_time_waits_for_the_cheap_hours_who_has_none_does_not_and_both_leave_with_what_they_need():
    """The same energy costs less than without a plan."""
    cars = asking("P0", 2_000.0, 39.0), asking("P1", 3_000.0, 22.0)
    planned, alone = (Outcome(run_fine(evening(*cars, plan=plan))) for plan in (PLAN, None))
    for outcome in (planned, alone):
        assert [session.met for session in outcome.results.sessions] == [True, True]
        assert outcome.results.truth.fuse_violation_as == 0.0
        assert outcome.results.invalid_setpoints == 0
    before_s = CHEAP_FROM_S - 60.0
    assert planned.limit_a("P0", before_s) == 0.0
    assert planned.because("P0", before_s) == "plan:price"
    assert planned.current_a("P1", 300.0) > 12.0
    assert planned.current_a("P0", CHEAP_FROM_S + 90.0) == pytest.approx(16.0, abs=0.5)
    costs = [metrics_of(outcome.results).energy_cost for outcome in (planned, alone)]
    assert costs[0] < 0.85 * costs[1]


def test_plans_are_made_when_cars_come_and_go_and_every_few_minutes_and_begin_anew_with_the_service():
    fault = TimedFault("controller_down", 300.0, 330.0)
    first, second = asking("P0", 3_000.0, 60.0), replace(asking("P1", 5_000.0, 11.0), arrives_s=128.0)
    _, snapshots = seen(evening(first, second, minutes=15.0, faults=(fault,)))
    made_s = [s.advice.made_at.timestamp() - START_S for s in snapshots if s.advice is not None]
    made_s = list(dict.fromkeys(round(each) for each in made_s))
    for event_s in (5, 128, 205, 660):  # a car has shown after a good minute that it takes 16 A of 32
        assert any(event_s <= each <= event_s + 25 for each in made_s), (event_s, made_s)
    assert all(later - earlier <= 310 for earlier, later in pairwise(made_s))
    assert len(made_s) < 20, "and not with every turn"
    after_restart = [s for s in snapshots if 330 <= s.monotonic_s < 332]
    assert all(s.advice is None for s in after_restart)


def test_who_stays_after_the_told_departure_waits_for_nothing():
    late, patient = asking("P0", 8_000.0, 10.0, leaves_min=60.0), asking("P1", 3_000.0, 100.0)
    outcome, snapshots = seen(evening(late, patient, minutes=19.0))
    assert outcome.current_a("P0", 18 * MINUTE_S) == pytest.approx(16.0, abs=0.5)
    assert outcome.limit_a("P1", 18 * MINUTE_S) == 0.0
    advice = snapshots[-1].advice
    assert advice is not None
    assert advice.shortfall_wh == {}
    assert outcome.told("guard_intervened") == []
