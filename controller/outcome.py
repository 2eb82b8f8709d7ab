"""From arrays back to what people read: the plan with its reasons, what has begun or ended, currents by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

import numpy as np

from controller.guard import guarded
from controller.loadbalance.conduct import Verdict
from controller.loadbalance.division import Division, Split
from controller.loadbalance.facts import Facts
from controller.loadbalance.layout import Bools, Floats, Ints, Layout, anything
from controller.loadbalance.pacing import Pace
from controller.plan import Event, Plan, Remedy, Setpoint, Severity
from controller.snapshot import Snapshot
from controller.units import PHASE_NAMES, RESOLUTION_A, Phases

NEVER_READ: Final = -1
"""In place of a number of good readings: a meter that has yet to begin has not been lost."""

_NOTHING: Final[Mapping[str, Phases]] = {}
_NO_REMEDIES: Final[Mapping[str, Remedy]] = {}

_PACED: Final = {pace.value: f"pace:{pace.name.lower()}" for pace in Pace if pace is not Pace.NONE}


def reasons(division: Division, paced: Ints, verdict: Verdict, nudged: Bools, saving: Bools) -> list[str]:
    """Why each point gets no more."""
    because = shared_because(division)
    if paced.any():
        because = [_PACED.get(pace, said) for pace, said in zip(paced[0].tolist(), because, strict=True)]
    if anything(saving):
        saving = saving & ~verdict.disobeys
    special = (saving, "charger:write_budget"), (nudged, "car:nudged"), (verdict.shut, "charger:does_not_follow")
    for points, reason in special:
        if anything(points):
            because = [reason if one else said for one, said in zip(points[0].tolist(), because, strict=True)]
    return because


def shared_because(division: Division | Split) -> list[str]:
    """What stopped each point in the division."""
    names = division.names
    return [names[reason] for reason in division.reason[0].tolist()]


def plan_of(
    layout: Layout,
    snapshot: Snapshot,
    facts: Facts,
    limit_a: Floats,
    because: list[str],
    draw_a: Mapping[str, Phases],
    events: tuple[Event, ...] = (),
    remedies: Mapping[str, Remedy] = _NO_REMEDIES,
    beyond_a: Floats | None = None,
) -> Plan:
    """Pass the guard, and write every limit down with its reason and its end.

    Args:
        layout: the site.
        snapshot: what was decided on.
        facts: the same as arrays.
        limit_a: (1, P) the limits [A].
        because: of each point.
        draw_a: what each point is taken to draw [A].
        events: what is worth knowing besides.
        remedies: by point, what is called for.
        beyond_a: (1, 3C) by how much each phase row may be exceeded for a moment [A]; None where none may.
    """
    limits = zip(layout.point_ids, limit_a[0].tolist(), facts.offline[0].tolist(), strict=True)
    proposed = {point: limit for point, limit, offline in limits if not offline}
    safe, alarms = guarded(
        layout.site, snapshot, draw_a, proposed, _phases_in_use(layout, facts), _beyond(layout, beyond_a)
    )
    until = snapshot.at + timedelta(seconds=layout.site.control.validity_s)
    why = dict(zip(layout.point_ids, because, strict=True))
    if alarms:
        why |= {point: "guard" for point in safe if abs(safe[point] - proposed[point]) > RESOLUTION_A / 2}
    setpoints = {point: Setpoint(limit, why[point], until) for point, limit in safe.items()}
    return Plan(snapshot.at, setpoints, events + alarms, remedies)


def _phases_in_use(layout: Layout, facts: Facts) -> dict[str, tuple[int, ...]]:
    """The grid phases of the cars that use fewer than their points have."""
    differs = facts.uses[0] != layout.wired
    if not anything(differs):
        return {}
    fewer = differs.any(axis=1).nonzero()[0]
    return {layout.point_ids[n]: tuple(facts.uses[0, n].nonzero()[0].tolist()) for n in fewer.tolist()}


def _beyond(layout: Layout, beyond_a: Floats | None) -> Mapping[str, Phases]:
    if beyond_a is None:
        return _NOTHING
    by_phase = np.zeros_like(beyond_a)
    by_phase[:, layout.row_place] = beyond_a
    return by_circuit(layout, by_phase.reshape(1, -1, len(PHASE_NAMES)))


def circuit_events(
    layout: Layout, meter_a: Floats, good: Ints, good_before: Ints, overloaded: Bools, overloaded_before: Bools
) -> Iterator[Event]:
    """What has begun or ended on circuits.

    Args:
        layout: the site.
        meter_a: (1, C, 3) the readings; NaN where there is none to believe [A].
        good: (1, C) how many of them have been good in a row, ``NEVER_READ`` before the first.
        good_before: how many had been a decision ago.
        overloaded: (1, C) whether more flows than the fuse is rated for.
        overloaded_before: whether it did a decision ago.
    """
    enough = layout.site.control.fresh_readings
    for place in ((good != good_before) | (overloaded != overloaded_before))[0].nonzero()[0].tolist():
        circuit, before, was = layout.site.circuits[place], good_before[0, place], overloaded_before[0, place]
        if circuit.meter is not None and before > 0 and good[0, place] == 0:
            text = f"meter {circuit.meter} has no reading that can be believed: the declared base load is assumed"
            yield Event("worst_case_assumed", f"circuit:{circuit.id}", text, Severity.WARNING)
        if circuit.meter is not None and NEVER_READ < before < enough and good[0, place] == enough:
            yield Event("worst_case_ended", f"circuit:{circuit.id}", "its meter is believed again")
        if overloaded[0, place] and not was:
            worst = int(np.nanargmax(meter_a[0, place] - layout.fuse_a[0, place]))
            flow, fuse = meter_a[0, place, worst], layout.fuse_a[0, place, worst]
            text = f"{flow:.1f} A on {PHASE_NAMES[worst]} of a fuse of {fuse:.0f} A"
            yield Event("overload", f"circuit:{circuit.id}", text, Severity.WARNING)
        elif was and not overloaded[0, place]:
            yield Event("overload_ended", f"circuit:{circuit.id}", "the current is below the fuse again")


def by_point(layout: Layout, values: Floats) -> dict[str, Phases]:
    """Values (1, P, 3) by the point's id."""
    return dict(zip(layout.point_ids, map(tuple, values[0].tolist()), strict=True))


def by_circuit(layout: Layout, values: Floats) -> dict[str, Phases]:
    """Values (1, C, 3) by the circuit's id."""
    return dict(zip(layout.site.circuit, map(tuple, values[0].tolist()), strict=True))
