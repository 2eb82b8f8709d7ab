"""The same eventful half hour in both depths: as much energy, and the same overloads."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from simulations.fast.fine import run_fine
from simulations.results import Results
from simulations.scenario.model import TimedFault
from simulations.scenario.reading import load_scenario
from simulations.wire import run_wire
from tests.support.fine_scenarios import Outcome, garage, hungry, load, story

HALF_HOUR = Path(__file__).parents[3] / "simulations" / "scenarios" / "eventful_half_hour.toml"
ROW_S = 1.0
POLL_S = 1.0
SLOW_S = 1.5
"""What charger and car may add to that: they look at their limit every few seconds, and the world moves in steps."""
SIZE_A = 3.0
"""The load before a step is as full as the last raises made it."""


@dataclass(frozen=True)
class Overload:
    """One phase of one circuit above its rating, without a break of more than a second."""

    circuit: str
    phase: int
    begins_s: float
    lasts_s: float
    most_a: float
    """Above the rating [A]."""


def overloads(results: Results) -> list[Overload]:
    found = []
    for place, circuit in enumerate(results.scenario.site.circuits):
        for phase in range(3):
            excess_a = results.series.circuit_peak_a[:, place, phase] - circuit.fuse_a[phase]
            rows = np.flatnonzero(excess_a > 0.5)
            for run in np.split(rows, np.flatnonzero(np.diff(rows) > 2) + 1) if rows.size else []:
                lasts_s = ROW_S * (run[-1] - run[0] + 1)
                found.append(Overload(circuit.id, phase, ROW_S * run[0], lasts_s, float(excess_a[run].max())))
    return sorted(found, key=lambda one: (one.begins_s, one.circuit, one.phase))


def delivered_wh(results: Results) -> float:
    return sum(session.delivered_wh for session in results.sessions)


@pytest.mark.timeout(400)
def test_both_depths_deliver_the_same_energy_and_suffer_the_same_overloads():
    fine, wire = (
        run(load_scenario(HALF_HOUR, settings={"scenario.record_s": f"{ROW_S:g}"}))
        for run in (run_fine, lambda scenario: run_wire(scenario, factor=100.0))
    )
    assert delivered_wh(wire) == pytest.approx(delivered_wh(fine), rel=0.01)
    assert delivered_wh(fine) > 15_000
    assert len(fine.sessions) >= 12

    expected = overloads(fine)
    assert [(one.circuit, one.phase) for one in expected] == [("main", 0), ("main", 1), ("main", 2), ("main", 0)]
    assert [one.begins_s for one in expected] == [420.0, 420.0, 420.0, 1180.0]
    found = overloads(wire)
    assert [(one.circuit, one.phase) for one in found] == [(one.circuit, one.phase) for one in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.begins_s == pytest.approx(theirs.begins_s, abs=ROW_S)
        assert ours.lasts_s == pytest.approx(theirs.lasts_s, abs=POLL_S + SLOW_S)
        assert ours.most_a == pytest.approx(theirs.most_a, abs=SIZE_A)
    sampling_as = sum(one.most_a * (POLL_S + SLOW_S) for one in expected)
    assert wire.truth.overload_as == pytest.approx(fine.truth.overload_as, abs=sampling_as)
    assert wire.truth.fuse_violation_as == fine.truth.fuse_violation_as == 0
    assert wire.invalid_setpoints == fine.invalid_setpoints == 0

    for kind in ("overload", "meter_lost", "meter_back", "station_offline", "loop_stalled"):
        counts = [sum(event.kind == kind for event in results.events) for results in (fine, wire)]
        assert counts[0] == counts[1], kind


def test_both_depths_find_out_a_charger_that_ignores_its_limit():
    """With a car that draws five times what it is told: in the half hour it depends on seconds how much that is."""
    outcomes = []
    for run in (run_fine, lambda scenario: run_wire(scenario, factor=100.0)):
        deaf = TimedFault("charger_deaf", 40.0, 122.0, point="P0")
        building = load((0, 10), (50, 40))
        outcomes.append(Outcome(run(story(garage(2), [hungry("P0", 3.0)], building, 130.0, faults=(deaf,)))))
    fine, wire = outcomes
    assert wire.told("limit_ignored") == fine.told("limit_ignored") == [("limit_ignored", "point:P0")] * 2
    assert min(outcome.current_a("P0", 110) for outcome in outcomes) > 30
    assert max(outcome.limit_a("P0", 110) for outcome in outcomes) < 7
