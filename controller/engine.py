"""The one decision: observe -> collect limits -> admit -> share -> pace -> guard.

``split`` is the division of one instant, exactly as docs/explanation/fairness.md states it. ``decide`` is what the
service and the simulator run every second: the same division on estimated draws, with a memory that keeps it calm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

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
from controller.loadbalance.pacing import Wish, pace
from controller.loadbalance.pulse import Pulse, fresh_pulse, held_limits, out_of_writes, unconfirmed
from controller.loadbalance.ride_through import Ride, ride_through
from controller.loadbalance.wiring import Wiring, watch
from controller.outcome import NEVER_READ, by_circuit, by_point, circuit_events, plan_of, reasons, shared_because
from controller.peakshave.warmth import Warmth, bearable, cold, warmed
from controller.plan import Event, Plan
from controller.record import record
from controller.site import Site
from controller.snapshot import Snapshot
from controller.units import TOLERANCE_A, Phases

NOISE_FACTOR: Final = 3.5
NOISE_LEAST_A: Final = 0.2
NOISE_MOST_A: Final = 2.0
"""Raises leave this many mean steps of the background free, within these bounds, so that noise lowers nobody."""

UNPAUSABLE_FIRST: Final = 2**31
"""A priority above all that people give: who draws its minimum whatever is said keeps it before the others."""


@record
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


@record
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


@record
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
    because, draw_a = shared_because(division), by_point(layout, facts.measured_a)
    return plan_of(layout, snapshot, facts, division.limit_a, because, draw_a)


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
    layout, now_s = layout_of(site), snapshot.monotonic_s
    facts, pulse = facts_of(layout, snapshot), memory.pulse if memory else fresh_pulse(layout, now_s)
    seen = _look(layout, facts, memory, pulse, now_s)
    estimate, verdict, nudged, held = seen.estimate, seen.verdict, seen.learned.nudged, seen.held_a
    running, dwelling, saving = _standing(layout, facts, snapshot, memory, pulse, seen)
    now, cautious = _room(layout, facts, snapshot, estimate, seen.sight)
    queue = _queue(layout, facts, memory, dwelling, now_s)
    warmth, warm_events = _warmed(layout, estimate, memory, now_s)
    ride = _ride(layout, facts, estimate, now, running, memory, warmth, now_s)
    division = divide_alike(layout, facts, ride.now, cautious, queue, ride.running, held)
    good, meters_good, overloaded, circuits = _circuits(layout, estimate, seen.sight, memory)
    wish, shut = Wish(np.where(facts.fixed, held, division.target_a), held, queue), verdict.shut | nudged
    limit, paced, pulse = pace(layout, facts, estimate, now, cautious, wish, pulse, now_s, meters_good, shut)
    because, draw_a = reasons(division, paced, verdict, nudged, saving), by_point(layout, estimate.draw_a)
    events = (*circuits, *warm_events, *seen.events)
    plan = plan_of(layout, snapshot, facts, limit, because, draw_a, events, verdict.remedies, ride.beyond_a)
    admitted_since_s, unserved_since_s = _turns(layout, facts, memory, limit, now_s)
    remembered = Memory(
        sight=seen.sight,
        pulse=pulse,
        admitted_since_s=admitted_since_s,
        unserved_since_s=unserved_since_s,
        good_readings=good,
        overloaded=overloaded,
        habits=seen.habits,
        conduct=seen.conduct,
        wiring=seen.wiring,
        warmth=warmth,
        ridden_s=ride.spent_s,
    )
    basis = Basis(now, cautious, held, facts, division)
    return Decision(plan, remembered, by_circuit(layout, estimate.background_a), draw_a, basis)


@record
class _Seen:
    """What is found out about points before anything is divided, and what that leaves to the next decision."""

    estimate: Estimate
    learned: Learned
    verdict: Verdict
    held_a: Floats
    """(1, P): what each point is limited to now [A]."""
    events: tuple[Event, ...]
    sight: Sight
    habits: Habits
    conduct: Conduct
    wiring: Wiring


def _look(layout: Layout, facts: Facts, memory: Memory | None, pulse: Pulse, now_s: float) -> _Seen:
    """Look at every point: what it draws, what its car has shown, whether its charger obeys, how it is wired."""
    estimate, sight = observe(layout, facts, memory.sight if memory else None, now_s, pulse)
    held = held_limits(facts, pulse)
    learned, habits, car_events = learn(layout, facts, estimate, memory.habits if memory else None, held, now_s)
    verdict, conduct = judge(layout, facts, estimate, memory.conduct if memory else None, pulse.limit_a, now_s)
    wiring, wiring_events = watch(layout, facts, estimate, memory.wiring if memory else None, now_s)
    events = (*car_events, *verdict.events, *wiring_events)
    return _Seen(estimate, learned, verdict, held, events, sight, habits, conduct, wiring)


def _standing(
    layout: Layout, facts: Facts, snapshot: Snapshot, memory: Memory | None, pulse: Pulse, seen: _Seen
) -> tuple[Bools, Bools, Bools]:
    """Who may draw at least the minimum already, who of them is not to be interrupted, whose writes are spent (1, P).

    The facts are completed with what was learned, what is due, and who cannot be moved.
    """
    now_s = snapshot.monotonic_s
    _reckon_with(facts, seen.learned)
    running = facts.competing & (seen.held_a >= facts.min_a - TOLERANCE_A)
    dwells = running if memory is None else running & (now_s - memory.admitted_since_s < layout.site.control.dwell_s)
    dwelling = dwells | (running & ~facts.pausable)
    apply_needs(layout, facts, snapshot, dwelling)
    saving = out_of_writes(layout, facts, pulse, now_s)
    facts.fixed = unconfirmed(facts, pulse, now_s) | (seen.verdict.disobeys & facts.steered) | saving
    return running & ~facts.fixed, dwelling & ~facts.fixed, saving


def _room(
    layout: Layout, facts: Facts, snapshot: Snapshot, estimate: Estimate, sight: Sight
) -> tuple[Capacity, Capacity]:
    """What is free at this instant, and what is free if recent peaks and the noise of the background come again."""
    reserved = reserves(layout, facts, estimate.draw_a)
    gap = np.minimum(np.maximum(NOISE_FACTOR * sight.noise_a, NOISE_LEAST_A), NOISE_MOST_A)
    cautious_a = estimate.cautious_a + gap * sight.measured
    now, cautious = capacities(layout, facts, snapshot.bounds, [estimate.coming_a, cautious_a], reserved)
    return now, cautious


def _warmed(
    layout: Layout, estimate: Estimate, memory: Memory | None, now_s: float
) -> tuple[Warmth, tuple[Event, ...]]:
    """How warm the protection devices are by now, and what is news of it."""
    site, flow_a = layout.site, flows(layout, estimate.meter_a, estimate.background_a, estimate.draw_a)
    warmth = memory.warmth if memory else cold(site, now_s)
    return warmed(site, warmth, layout.fuse_a[0], flow_a[0], now_s)


def _ride(
    layout: Layout,
    facts: Facts,
    estimate: Estimate,
    now: Capacity,
    running: Bools,
    memory: Memory | None,
    warmth: Warmth,
    now_s: float,
) -> Ride:
    """What may be exceeded for a moment; nothing in the first decision, which knows neither chargers nor fuses."""
    if memory is None:
        return Ride(now, running, None, np.zeros((1, len(layout.row_names))))
    admitted, spent_s, pulse = ~np.isnan(memory.admitted_since_s), memory.ridden_s, memory.pulse
    bearable_a = bearable(layout.site, warmth)[None]
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


def _circuits(
    layout: Layout, estimate: Estimate, sight: Sight, memory: Memory | None
) -> tuple[Ints, Bools, Bools, Iterable[Event]]:
    """Good readings in a row, whether they are enough to raise anything, what is overloaded (1, C); and what is news.

    After a loss of its meter nothing is raised on a circuit before there have been enough.
    """
    enough = layout.site.control.fresh_readings
    fresh: Bools = np.logical_or.reduce(sight.measured, axis=2)
    overloaded: Bools = np.logical_or.reduce(estimate.meter_a > layout.fuse_a + TOLERANCE_A, axis=2)
    before = np.full(fresh.shape, NEVER_READ) if memory is None else memory.good_readings
    was_overloaded = np.zeros(fresh.shape, dtype=bool) if memory is None else memory.overloaded
    good, sure = before, np.ones(fresh.shape, dtype=bool)
    if anything(layout.metered & ~(fresh & (before == enough))):  # as hardly ever
        never = before == NEVER_READ
        lost = np.where(never, NEVER_READ, 0)
        good = np.where(fresh, np.where(never, enough, np.minimum(before + 1, enough)), lost)
        sure = ~layout.metered | never | (good >= enough)
    return good, sure, overloaded, circuit_events(layout, estimate.meter_a, good, before, overloaded, was_overloaded)
