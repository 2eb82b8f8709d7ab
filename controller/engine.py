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
from controller.loadbalance.capacity import Capacity, capacity, reserves
from controller.loadbalance.division import Division, divide, instant, split_arrays
from controller.loadbalance.facts import Facts, facts_of
from controller.loadbalance.layout import Bools, Floats, Ints, Layout, layout_of
from controller.loadbalance.observer import Estimate, Sight, observe
from controller.loadbalance.pacing import Pace, Pulse, Wish, fresh_pulse, held_limits, pace, unchangeable
from controller.plan import Event, Plan, Setpoint, Severity
from controller.site import Site
from controller.snapshot import Snapshot
from controller.units import PHASE_NAMES, RESOLUTION_A, TOLERANCE_A, Phases

NOISE_FACTOR: Final = 3.5
NOISE_LEAST_A: Final = 0.2
NOISE_MOST_A: Final = 2.0
"""Raises leave this many mean steps of the background free, within these bounds, so that noise lowers nobody."""

NEVER_READ: Final = -1
"""In place of a number of good readings: a meter that has yet to begin has not been lost."""

_PACED: Final = {pace.value: f"pace:{pace.name.lower()}" for pace in Pace}


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
    disobeying: Bools
    """(1, P)"""


@dataclass(frozen=True, slots=True)
class Basis:
    """The arrays between a snapshot and its plan, for ``controller.explain``; a batch of one."""

    now: Capacity
    """What is free at this instant."""
    cautious: Capacity
    """What shares and raises reckon with: recent peaks and noise of the background stay free besides."""
    held_a: Floats
    """(1, P): what each point was limited to before this decision [A]."""
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
        KeyError: a limit names a circuit that the site does not have.
    """
    layout = layout_of(site)
    facts = facts_of(layout, snapshot)
    division = split_arrays(layout, facts, snapshot.limits)
    because = [division.names[reason] for reason in division.reason[0].tolist()]
    return _plan(layout, snapshot, facts, division.limit_a, because, _by_point(layout, facts.measured_a), ())


def exact_limits(site: Site, snapshot: Snapshot) -> dict[str, float]:
    """The limits of ``split`` before they are rounded down, for every point that is not offline [A]."""
    layout = layout_of(site)
    facts = facts_of(layout, snapshot)
    target = instant(layout, facts, snapshot.limits).target_a
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
    estimate, sight = observe(layout, facts, memory.sight if memory else None, now_s, pulse.reduced_s)
    facts.fixed = unchangeable(layout, facts, pulse, now_s) | (estimate.disobeys & facts.steered)
    reserved = reserves(layout, facts, estimate.draw_a)
    gap = np.minimum(np.maximum(NOISE_FACTOR * sight.noise_a, NOISE_LEAST_A), NOISE_MOST_A)
    unmetered = np.isnan(estimate.meter_a)
    now = capacity(layout, facts, snapshot.limits, estimate.coming_a, reserved)
    cautious = capacity(layout, facts, snapshot.limits, estimate.cautious_a + gap * ~unmetered, reserved)

    held = held_limits(facts, pulse)
    unserved_s = facts.unserved_s if memory is None else np.fmax(facts.unserved_s, now_s - memory.unserved_since_s)
    running = facts.competing & (held >= layout.min_a - TOLERANCE_A)
    dwelling = running if memory is None else running & (now_s - memory.admitted_since_s < site.control.dwell_s)
    queue = Queue(layout.by_id, facts.priority, unserved_s, facts.delivered_wh, dwelling)
    division = divide(layout, facts, now, cautious, queue, running)

    good, meters_good = _meters_good(layout, facts, memory)
    wish = Wish(np.where(facts.fixed, held, division.target_a), held, queue)
    limit, paced, pulse = pace(layout, facts, estimate, now, cautious, wish, pulse, now_s, meters_good)
    because, draw_a = _reasons(division, paced), _by_point(layout, estimate.draw_a)
    overloaded: Bools = np.logical_or.reduce(estimate.meter_a > layout.fuse_a + TOLERANCE_A, axis=2)
    events = _events(layout, estimate, memory, good, overloaded)
    plan = _plan(layout, snapshot, facts, limit, because, draw_a, events)
    hungry = facts.steered & ~facts.idle
    serving = hungry & (limit >= layout.min_a - TOLERANCE_A)
    waiting = hungry & ~serving
    since = np.full((1, layout.size), np.nan) if memory is None else memory.admitted_since_s
    starved = np.full((1, layout.size), np.nan) if memory is None else memory.unserved_since_s
    remembered = Memory(
        sight=sight,
        pulse=pulse,
        admitted_since_s=np.where(serving, np.where(np.isnan(since), now_s, since), np.nan),
        unserved_since_s=np.where(waiting, np.where(np.isnan(starved), now_s, starved), np.nan),
        good_readings=good,
        overloaded=overloaded,
        disobeying=estimate.disobeys,
    )
    basis = Basis(now, cautious, held, division)
    return Decision(plan, remembered, _by_circuit(layout, estimate.background_a), draw_a, basis)


def _meters_good(layout: Layout, facts: Facts, memory: Memory | None) -> tuple[Ints, Bools]:
    """Count good readings in a row; after a loss nothing is raised before there have been enough."""
    enough = layout.site.control.fresh_readings
    fresh = ~np.isnan(facts.meter_a).all(axis=2)
    before = np.full(fresh.shape, NEVER_READ) if memory is None else memory.good_readings
    never = before == NEVER_READ
    counted = np.where(fresh, np.where(never, enough, np.minimum(before + 1, enough)), np.where(never, NEVER_READ, 0))
    return counted, ~layout.metered | never | (counted >= enough)


def _reasons(division: Division, paced: Ints) -> list[str]:
    return [
        _PACED[pace] if pace else division.names[reason]
        for reason, pace in zip(division.reason[0].tolist(), paced[0].tolist(), strict=True)
    ]


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
    disobeyed = np.zeros((1, layout.size), dtype=bool) if memory is None else memory.disobeying
    for place in np.flatnonzero(estimate.disobeys[0] != disobeyed[0]).tolist():
        subject = f"point:{layout.point_ids[place]}"
        if estimate.disobeys[0, place]:
            text = f"it draws {estimate.draw_a[0, place].max():.1f} A, well above its limit; it is counted as it is"
            events.append(Event("limit_ignored", subject, text, Severity.ALARM))
        else:
            events.append(Event("limit_ignored_ended", subject, "it keeps to its limit again"))
    return tuple(events)


def _plan(
    layout: Layout,
    snapshot: Snapshot,
    facts: Facts,
    limit_a: Floats,
    because: list[str],
    draw_a: Mapping[str, Phases],
    events: tuple[Event, ...],
) -> Plan:
    """Pass the guard, and write every limit down with its reason and its end."""
    limits = zip(layout.point_ids, limit_a[0].tolist(), facts.offline[0].tolist(), strict=True)
    proposed = {point: limit for point, limit, offline in limits if not offline}
    safe, alarms = guarded(layout.site, snapshot, draw_a, proposed)
    until = snapshot.at + timedelta(seconds=layout.site.control.validity_s)
    reasons = dict(zip(layout.point_ids, because, strict=True))
    if alarms:
        reasons |= {point: "guard" for point in safe if abs(safe[point] - proposed[point]) > RESOLUTION_A / 2}
    setpoints = {point: Setpoint(limit, reasons[point], until) for point, limit in safe.items()}
    return Plan(snapshot.at, setpoints, events + alarms)


def _by_point(layout: Layout, values: Floats) -> dict[str, Phases]:
    return dict(zip(layout.point_ids, map(tuple, values[0].tolist()), strict=True))


def _by_circuit(layout: Layout, values: Floats) -> dict[str, Phases]:
    return dict(zip((c.id for c in layout.site.circuits), map(tuple, values[0].tolist()), strict=True))
