"""The one decision: observe -> collect limits -> admit -> share -> pace -> guard.

``split`` is the division of one instant, exactly as docs/explanation/fairness.md states it. ``decide`` is what the
service and the simulator run every second: the same division on estimated draws, with a memory that keeps it calm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np

from controller.guard import guarded
from controller.loadbalance.admission import Queue
from controller.loadbalance.capacity import Capacity, capacities, flows, reserves
from controller.loadbalance.conduct import Conduct, Verdict, judge
from controller.loadbalance.division import Division, instant, split_arrays
from controller.loadbalance.facts import OF_CAR, Facts, facts_of
from controller.loadbalance.habits import Habits, Learned, learn
from controller.loadbalance.imbalance import divide_alike
from controller.loadbalance.layout import Bools, Floats, Ints, Layout, anything, layout_of
from controller.loadbalance.needs import apply_needs
from controller.loadbalance.observer import Estimate, Sight, observe
from controller.loadbalance.pacing import Pace, Wish, pace
from controller.loadbalance.pulse import Pulse, fresh_pulse, held_limits, out_of_writes, unconfirmed
from controller.loadbalance.ride_through import Ride, ride_through
from controller.loadbalance.wiring import Wiring, watch
from controller.peakshave.warmth import Warmth, bearable, cold, warmed
from controller.plan import Event, Plan, Remedy, Setpoint, Severity
from controller.site import Site
from controller.snapshot import Snapshot
from controller.units import PHASE_NAMES, RESOLUTION_A, TOLERANCE_A, Phases

NOISE_FACTOR: Final = 3.5
NOISE_LEAST_A: Final = 0.2
NOISE_MOST_A: Final = 2.0
"""Raises leave this many mean steps of the background free, within these bounds, so that noise lowers nobody."""

UNPAUSABLE_FIRST: Final = 2**31
"""A priority above all that people give: who draws its minimum whatever is said keeps it before the others."""

NEVER_READ: Final = -1
"""In place of a number of good readings: a meter that has yet to begin has not been lost."""

_NOTHING: Final[Mapping[str, Phases]] = {}
_NO_REMEDIES: Final[Mapping[str, Remedy]] = {}

_PACED: Final = {pace.value: f"pace:{pace.name.lower()}" for pace in Pace if pace is not Pace.NONE}


@dataclass(frozen=True, slots=True)
class Memory:
    """What one decision leaves to the next. Opaque; start with ``None``."""

    sight: Sight
    pulse: Pulse
    admitted_since_s: Floats
    """(1, P): NaN while not admitted."""
    unserved_since_s: Floats
    """(1, P): NaN while not waiting."""
    good_readings: Ints
    """(1, C): fresh readings in a row, for circuits with a meter; ``NEVER_READ`` before the first."""
    overloaded: Bools
    """(1, C)"""
    habits: Habits
    conduct: Conduct
    wiring: Wiring
    warmth: Warmth
    ridden_s: Floats
    """(1, 3C): as ``Ride.spent_s``."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The arrays between a snapshot and its plan, for ``controller.explain``; a batch of one."""

    now: Capacity
    """What is free at this instant."""
    cautious: Capacity
    """What shares and raises reckon with: recent peaks and noise of the background stay free besides."""
    held_a: Floats
    """(1, P): what each point was limited to before this decision [A]."""
    facts: Facts
    """The snapshot with what was learned, and with what is due."""
    division: Division
    """Where the limits belong, before pacing."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A plan, what to remember, and what it was based on, per circuit id and phase [A]."""

    plan: Plan
    memory: Memory
    background_a: Mapping[str, Phases]
    draw_a: Mapping[str, Phases]
    """The estimated draw of every point at the meter's instant, by point id."""
    basis: Basis


def split(site: Site, snapshot: Snapshot) -> Plan:
    """Divide what is free at this instant, without memory.

    Raises:
        ValueError: the snapshot names a point that the site does not have.
        KeyError: a limit names a circuit or a point that the site does not have.
    """
    layout = layout_of(site)
    facts = facts_of(layout, snapshot)
    division = split_arrays(layout, facts, snapshot.bounds)
    because = [division.names[reason] for reason in division.reason[0].tolist()]
    return _plan(layout, snapshot, facts, division.limit_a, because, _by_point(layout, facts.measured_a), ())


def exact_limits(site: Site, snapshot: Snapshot) -> dict[str, float]:
    """The limits of ``split`` before they are rounded down, for every point that is not offline [A]."""
    layout = layout_of(site)
    facts = facts_of(layout, snapshot)
    target = instant(layout, facts, snapshot.bounds).target_a
    limits = zip(layout.point_ids, target[0].tolist(), facts.offline[0].tolist(), strict=True)
    return {point: limit for point, limit, offline in limits if not offline}


def decide(site: Site, memory: Memory | None, snapshot: Snapshot) -> Decision:
    """Decide what every charging point may draw now.

    Pure: the same site, memory and snapshot give the same decision, byte for byte.

    Raises:
        ValueError, KeyError: as ``split``.
    """
    layout = layout_of(site)
    facts = facts_of(layout, snapshot)
    now_s = snapshot.monotonic_s
    pulse = memory.pulse if memory else fresh_pulse(layout, now_s)
    estimate, sight = observe(layout, facts, memory.sight if memory else None, now_s, pulse)
    held = held_limits(facts, pulse)
    learned, habits, car_events = learn(layout, facts, estimate, memory.habits if memory else None, held, now_s)
    verdict, conduct = judge(layout, facts, estimate, memory.conduct if memory else None, pulse.limit_a, now_s)
    wiring, wiring_events = watch(layout, facts, estimate, memory.wiring if memory else None, now_s)
    _reckon_with(facts, learned)
    running = facts.competing & (held >= facts.min_a - TOLERANCE_A)
    dwells = running if memory is None else running & (now_s - memory.admitted_since_s < site.control.dwell_s)
    dwelling = dwells | (running & ~facts.pausable)
    apply_needs(layout, facts, snapshot, dwelling)
    saving = out_of_writes(layout, facts, pulse, now_s)
    facts.fixed = unconfirmed(facts, pulse, now_s) | (verdict.disobeys & facts.steered) | saving
    running, dwelling = running & ~facts.fixed, dwelling & ~facts.fixed

    now, cautious = _room(layout, facts, snapshot, estimate, sight)
    queue = _queue(layout, facts, memory, dwelling, now_s)
    warmth = memory.warmth if memory else cold(site, now_s)
    flow_a = flows(layout, estimate.meter_a, estimate.background_a, estimate.draw_a)
    warmth, warm_events = warmed(site, warmth, layout.fuse_a[0], flow_a[0], now_s)
    bearable_a = bearable(site, warmth)[None]
    ride = _ride(layout, facts, estimate, now, running, memory, bearable_a, now_s)
    division = divide_alike(layout, facts, ride.now, cautious, queue, ride.running, held)

    good, meters_good = _meters_good(layout, sight, memory)
    wish = Wish(np.where(facts.fixed, held, division.target_a), held, queue)
    shut = verdict.shut | learned.nudged
    limit, paced, pulse = pace(layout, facts, estimate, now, cautious, wish, pulse, now_s, meters_good, shut)
    because, draw_a = _reasons(division, paced, verdict, learned.nudged, saving), _by_point(layout, estimate.draw_a)
    overloaded: Bools = np.logical_or.reduce(estimate.meter_a > layout.fuse_a + TOLERANCE_A, axis=2)
    events = _events(layout, estimate, memory, good, overloaded) + warm_events
    events += car_events + verdict.events + wiring_events
    beyond_a = _beyond(layout, ride)
    plan = _plan(layout, snapshot, facts, limit, because, draw_a, events, verdict.remedies, beyond_a)
    admitted_since_s, unserved_since_s = _turns(layout, facts, memory, limit, now_s)
    remembered = Memory(
        sight=sight,
        pulse=pulse,
        admitted_since_s=admitted_since_s,
        unserved_since_s=unserved_since_s,
        good_readings=good,
        overloaded=overloaded,
        habits=habits,
        conduct=conduct,
        wiring=wiring,
        warmth=warmth,
        ridden_s=ride.spent_s,
    )
    basis = Basis(now, cautious, held, facts, division)
    return Decision(plan, remembered, _by_circuit(layout, estimate.background_a), draw_a, basis)


def _room(
    layout: Layout, facts: Facts, snapshot: Snapshot, estimate: Estimate, sight: Sight
) -> tuple[Capacity, Capacity]:
    """What is free at this instant, and what is free if recent peaks and the noise of the background come again."""
    reserved = reserves(layout, facts, estimate.draw_a)
    gap = np.minimum(np.maximum(NOISE_FACTOR * sight.noise_a, NOISE_LEAST_A), NOISE_MOST_A)
    cautious_a = estimate.cautious_a + gap * sight.measured
    now, cautious = capacities(layout, facts, snapshot.bounds, [estimate.coming_a, cautious_a], reserved)
    return now, cautious


def _ride(
    layout: Layout,
    facts: Facts,
    estimate: Estimate,
    now: Capacity,
    running: Bools,
    memory: Memory | None,
    bearable_a: Floats,
    now_s: float,
) -> Ride:
    """What may be exceeded for a moment; nothing in the first decision, which knows neither chargers nor fuses."""
    if memory is None:
        return Ride(now, running, None, np.zeros((1, len(layout.row_names))))
    admitted, spent_s, pulse = ~np.isnan(memory.admitted_since_s), memory.ridden_s, memory.pulse
    return ride_through(layout, facts, estimate, now, running, admitted, bearable_a, spent_s, pulse, now_s)


def _queue(layout: Layout, facts: Facts, memory: Memory | None, dwelling: Bools, now_s: float) -> Queue:
    """Who comes first: who cannot be paused, and who is in the middle of a turn, before all others."""
    unserved_s = facts.unserved_s if memory is None else np.fmax(facts.unserved_s, now_s - memory.unserved_since_s)
    unpausable, priority = ~facts.pausable, facts.priority
    priority = np.where(unpausable, UNPAUSABLE_FIRST, priority) if anything(unpausable) else priority
    return Queue(layout.by_id, priority, unserved_s, facts.delivered_wh, dwelling)


def _turns(layout: Layout, facts: Facts, memory: Memory | None, limit: Floats, now_s: float) -> tuple[Floats, Floats]:
    """Since when each has been admitted, and since when it has been waiting (1, P) [s]; NaN where it is not."""
    hungry = facts.steered & ~facts.idle
    serving = hungry & (limit >= layout.min_a - TOLERANCE_A)
    admitted, starved = (now_s, now_s) if memory is None else (memory.admitted_since_s, memory.unserved_since_s)
    return (
        np.where(serving, np.fmin(admitted, now_s), np.nan),
        np.where(hungry & ~serving, np.fmin(starved, now_s), np.nan),
    )


def _reckon_with(facts: Facts, learned: Learned) -> None:
    """Put what the cars have shown in place of what their points could do."""
    facts.state, facts.min_a, facts.uses = learned.state, learned.min_a, learned.uses
    facts.bound = np.where(learned.max_a < facts.max_a - TOLERANCE_A, OF_CAR, facts.bound)
    facts.max_a = np.minimum(facts.max_a, learned.max_a)


def _meters_good(layout: Layout, sight: Sight, memory: Memory | None) -> tuple[Ints, Bools]:
    """Count good readings in a row; after a loss nothing is raised before there have been enough."""
    enough = layout.site.control.fresh_readings
    fresh: Bools = np.logical_or.reduce(sight.measured, axis=2)
    before = np.full(fresh.shape, NEVER_READ) if memory is None else memory.good_readings
    if not anything(layout.metered & ~(fresh & (before == enough))):  # as nearly always
        return before, np.ones(fresh.shape, dtype=bool)
    never = before == NEVER_READ
    counted = np.where(fresh, np.where(never, enough, np.minimum(before + 1, enough)), np.where(never, NEVER_READ, 0))
    return counted, ~layout.metered | never | (counted >= enough)


def _reasons(division: Division, paced: Ints, verdict: Verdict, nudged: Bools, saving: Bools) -> list[str]:
    names = division.names
    because = [names[reason] for reason in division.reason[0].tolist()]
    if anything(paced):
        because = [_PACED.get(pace, said) for pace, said in zip(paced[0].tolist(), because, strict=True)]
    if anything(saving):
        saving = saving & ~verdict.disobeys
    special = (saving, "charger:write_budget"), (nudged, "car:nudged"), (verdict.shut, "charger:does_not_follow")
    for points, reason in special:
        if anything(points):
            because = [reason if one else said for one, said in zip(points[0].tolist(), because, strict=True)]
    return because


def _events(
    layout: Layout, estimate: Estimate, memory: Memory | None, good: Ints, overloaded: Bools
) -> tuple[Event, ...]:
    """What has begun or ended since the last decision."""
    events = []
    before = np.full(good.shape, NEVER_READ) if memory is None else memory.good_readings
    enough = layout.site.control.fresh_readings
    was_overloaded = np.zeros(good.shape, dtype=bool) if memory is None else memory.overloaded
    for place in np.flatnonzero((good != before) | (overloaded != was_overloaded)).tolist():
        circuit, was = layout.site.circuits[place], was_overloaded[0, place]
        if circuit.meter is not None and before[0, place] > 0 and good[0, place] == 0:
            text = f"meter {circuit.meter} has no reading that can be believed: the declared base load is assumed"
            events.append(Event("worst_case_assumed", f"circuit:{circuit.id}", text, Severity.WARNING))
        if circuit.meter is not None and NEVER_READ < before[0, place] < enough and good[0, place] == enough:
            events.append(Event("worst_case_ended", f"circuit:{circuit.id}", "its meter is believed again"))
        if overloaded[0, place] and not was:
            worst = int(np.nanargmax(estimate.meter_a[0, place] - layout.fuse_a[0, place]))
            flow, fuse = estimate.meter_a[0, place, worst], layout.fuse_a[0, place, worst]
            text = f"{flow:.1f} A on {PHASE_NAMES[worst]} of a fuse of {fuse:.0f} A"
            events.append(Event("overload", f"circuit:{circuit.id}", text, Severity.WARNING))
        elif was and not overloaded[0, place]:
            events.append(Event("overload_ended", f"circuit:{circuit.id}", "the current is below the fuse again"))
    return tuple(events)


def _plan(
    layout: Layout,
    snapshot: Snapshot,
    facts: Facts,
    limit_a: Floats,
    because: list[str],
    draw_a: Mapping[str, Phases],
    events: tuple[Event, ...],
    remedies: Mapping[str, Remedy] = _NO_REMEDIES,
    beyond_a: Mapping[str, Phases] = _NOTHING,
) -> Plan:
    """Pass the guard, and write every limit down with its reason and its end."""
    limits = zip(layout.point_ids, limit_a[0].tolist(), facts.offline[0].tolist(), strict=True)
    proposed = {point: limit for point, limit, offline in limits if not offline}
    safe, alarms = guarded(layout.site, snapshot, draw_a, proposed, _phases_in_use(layout, facts), beyond_a)
    until = snapshot.at + timedelta(seconds=layout.site.control.validity_s)
    reasons = dict(zip(layout.point_ids, because, strict=True))
    if alarms:
        reasons |= {point: "guard" for point in safe if abs(safe[point] - proposed[point]) > RESOLUTION_A / 2}
    setpoints = {point: Setpoint(limit, reasons[point], until) for point, limit in safe.items()}
    return Plan(snapshot.at, setpoints, events + alarms, remedies)


def _phases_in_use(layout: Layout, facts: Facts) -> dict[str, tuple[int, ...]]:
    """The grid phases of the cars that use fewer than their points have."""
    differs = facts.uses[0] != layout.wired
    if not anything(differs):
        return {}
    fewer = np.flatnonzero(differs.any(axis=1))
    return {layout.point_ids[n]: tuple(np.flatnonzero(facts.uses[0, n]).tolist()) for n in fewer.tolist()}


def _beyond(layout: Layout, ride: Ride) -> Mapping[str, Phases]:
    """By how much a phase may be exceeded for a moment, by circuit id; nothing where none may."""
    if ride.beyond_a is None:
        return _NOTHING
    by_phase = np.zeros_like(ride.beyond_a)
    by_phase[:, layout.row_place] = ride.beyond_a
    return _by_circuit(layout, by_phase.reshape(1, -1, len(PHASE_NAMES)))


def _by_point(layout: Layout, values: Floats) -> dict[str, Phases]:
    return dict(zip(layout.point_ids, map(tuple, values[0].tolist()), strict=True))


def _by_circuit(layout: Layout, values: Floats) -> dict[str, Phases]:
    return dict(zip((c.id for c in layout.site.circuits), map(tuple, values[0].tolist()), strict=True))
