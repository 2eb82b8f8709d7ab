"""The last gate: it knows physics only, and no plan leaves without passing it.

It builds its own constraints from the site, in plain arithmetic, and shares no code with whoever made the plan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from controller.plan import Event, Severity
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import COMPETING, PointState, Snapshot, State
from controller.units import NO_CURRENT, PHASE_NAMES, RESOLUTION_A, Phases, phase_vector

_NOTHING_KNOWN = PointState()
_ALL: Mapping[str, tuple[int, ...]] = {}
_OFFLINE = State.OFFLINE
_UNKNOWN = (None,) * len(PHASE_NAMES)
_NOTHING: Mapping[str, Phases] = {}
_BEARS = {"gG": 1.25, "B": 1.13, "C": 1.13, "D": 1.13}
"""What a protection device carries for ever, over its rating (IEC 60269-1, IEC 60898-1): a short overload is borne up
to there, whoever asks for more."""
_ROUNDING_A = 1e-3
"""Far below a fuse's accuracy, far above the rounding of a sum of 60 currents."""


def guarded(
    site: Site,
    snapshot: Snapshot,
    draw_a: Mapping[str, Phases],
    limits_a: Mapping[str, float],
    in_use: Mapping[str, tuple[int, ...]] = _ALL,
    beyond_a: Mapping[str, Phases] = _NOTHING,
) -> tuple[dict[str, float], tuple[Event, ...]]:
    """Return limits that physics allows, and an alarm for each that had to be changed.

    Every limit is 0 or from the point's minimum to its maximum, and on every phase of every circuit background,
    reserves and limits fit the fuse less its margin. Where they do not, points are cut to 0 A, the least entitled
    first, until they do. A cut is our own bug, never an operating condition.

    ``in_use`` names the grid phases of cars that draw on fewer than their points have; ``beyond_a`` by how much a phase
    may be exceeded for a moment, by circuit id, as far as its device bears that for ever [A].
    """
    known = site.point
    safe = {name: _sane(known[name], limit) for name, limit in limits_a.items()}
    background = _backgrounds(site, snapshot, _totals(site, draw_a))
    claimed = _totals(site, {p.id: _claim(p, snapshot, draw_a, safe, in_use) for p in site.points})
    for circuit in site.leaves_first:
        for phase, (fuse_a, taken_a) in enumerate(zip(circuit.fuse_a, background[circuit.id], strict=True)):
            room = fuse_a - circuit.margin_a - taken_a + _ROUNDING_A
            if circuit.id in beyond_a:
                most = _BEARS[circuit.fuse_curve] * fuse_a - taken_a + _ROUNDING_A
                room = max(room, min(room + beyond_a[circuit.id][phase], most))
            if claimed[circuit.id][phase] > room:
                points = site.points_below[circuit.id]
                users = [p for p in points if phase in in_use.get(p.id, p.phases)]
                _cut(points, users, phase, room, safe, lambda p: _claim(p, snapshot, draw_a, safe, in_use))
                claimed = _totals(site, {p.id: _claim(p, snapshot, draw_a, safe, in_use) for p in site.points})
    if safe == limits_a:
        return safe, ()
    cuts = [
        name
        for name in safe
        if abs(safe[name] - limits_a[name]) > RESOLUTION_A / 2 or not math.isfinite(limits_a[name])
    ]
    return safe, tuple(
        Event(
            "guard_intervened", f"point:{name}", f"limit {limits_a[name]} A replaced by {safe[name]} A", Severity.ALARM
        )
        for name in cuts
    )


def _sane(point: ChargingPoint, limit_a: float) -> float:
    if not math.isfinite(limit_a):
        return 0.0
    limit_a = min(limit_a, point.max_a)
    return limit_a if 0.0 <= limit_a >= point.min_a - _ROUNDING_A else 0.0


def _cut(
    points: Sequence[ChargingPoint],
    users: Sequence[ChargingPoint],
    phase: int,
    room_a: float,
    safe: dict[str, float],
    claim: Callable[[ChargingPoint], Phases],
) -> None:
    """Set users of the phase to 0 A, the least entitled first, until what all claim on it fits, or none is left."""
    members = [p for p in users if safe.get(p.id)]
    members.sort(key=lambda p: (p.priority, safe[p.id]))
    while members and sum([claim(p)[phase] for p in points]) > room_a:
        safe[members.pop(0).id] = 0.0


def _totals(site: Site, current_a: Mapping[str, Phases]) -> dict[str, list[float]]:
    """What currents of points, by point id, add up to per circuit id and phase [A]."""
    totals = {circuit.id: [0.0, 0.0, 0.0] for circuit in site.circuits}
    for point in site.points:
        l1, l2, l3 = current_a.get(point.id, NO_CURRENT)
        total = totals[point.circuit]
        total[0] += l1
        total[1] += l2
        total[2] += l3
    for circuit in site.leaves_first:
        if circuit.parent is not None:
            above = totals[circuit.parent]
            for phase, current in enumerate(totals[circuit.id]):
                above[phase] += current
    return totals


def _backgrounds(site: Site, snapshot: Snapshot, drawn_a: Mapping[str, list[float]]) -> dict[str, Sequence[float]]:
    """What is not charging, per circuit id and phase [A]: metered less the points' draw, or the worst case."""
    background: dict[str, Sequence[float]] = {}
    for circuit in site.leaves_first:
        metered_a, worst_a = _fresh(site, circuit, snapshot), circuit.base_load_a
        if None in metered_a and (children := site.children[circuit.id]):
            below = [background[child] for child in children]
            worst_a = _larger(worst_a, [sum([one[phase] for one in below]) for phase in range(len(PHASE_NAMES))])
        background[circuit.id] = worst_a
        if metered_a is not _UNKNOWN:
            background[circuit.id] = [
                worst if metered is None else max(0.0, metered - drawn)
                for metered, drawn, worst in zip(metered_a, drawn_a[circuit.id], worst_a, strict=True)
            ]
    return background


def _fresh(site: Site, circuit: Circuit, snapshot: Snapshot) -> tuple[float | None, ...]:
    reading = snapshot.meters.get(circuit.meter) if circuit.meter is not None else None
    if reading is None or (snapshot.at - reading.measured_at).total_seconds() >= site.control.hold_s:
        return _UNKNOWN
    return reading.current_a


def _claim(
    point: ChargingPoint,
    snapshot: Snapshot,
    draw_a: Mapping[str, Phases],
    limits_a: Mapping[str, float],
    in_use: Mapping[str, tuple[int, ...]],
) -> Phases:
    """The most that the point may draw [A]: its limit; what it draws if that is more; the worst if nobody steers it."""
    name = point.id
    state, phases = snapshot.points.get(name, _NOTHING_KNOWN), in_use.get(name, point.phases)
    competes, allowed = state.state in COMPETING, phase_vector(phases, limits_a.get(name, 0.0))
    if competes and state.obeys and len(phases) == len(point.phases):
        return allowed
    draw = draw_a.get(name, NO_CURRENT)
    if not state.obeys or state.state is _OFFLINE:
        return phase_vector(point.phases, max(*draw, state.commanded_a or 0.0, point.fallback_a))
    if not competes:
        return _larger(draw, allowed)
    l1, l2, l3 = (allowed[phase] if phase in phases else draw[phase] for phase in range(len(PHASE_NAMES)))
    return (l1, l2, l3)


def _larger(a: Sequence[float], b: Sequence[float]) -> Phases:
    return (max(a[0], b[0]), max(a[1], b[1]), max(a[2], b[2]))
