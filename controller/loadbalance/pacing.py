"""What keeps a real loop calm: down at once, up slowly and only by what has been proven free.

The division says where the limits belong; this module says how fast each may go there. A limit falls as soon as a
row would otherwise be overloaded. It rises only into room that the meter shows, that no earlier raise has claimed,
and that no reduction still has to make.

Shapes: B sites in a batch, one in the service; P points, C circuits, K rows of a ``Capacity``.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

from controller.loadbalance.admission import Queue, admit
from controller.loadbalance.capacity import Capacity, largest_phase, used, users
from controller.loadbalance.division import rounded
from controller.loadbalance.facts import OF_CAR, Facts
from controller.loadbalance.imbalance import kept_alike
from controller.loadbalance.layout import Bools, Floats, Ints, Layout, anything
from controller.loadbalance.observer import Estimate
from controller.loadbalance.pulse import Pulse, answers, spare_writes
from controller.loadbalance.sharing import fill
from controller.record import record
from controller.units import RESOLUTION_A, TOLERANCE_A

YIELD_A: Final = 0.2
"""A point gives way to a needier one when it holds this much more than its share."""

SPARE_A: Final = 0.5
"""Others are lowered for a newcomer where all minimums fit with this much to spare, or when it has waited for a dwell
time: so that noise does not let it in and shut it out again."""

SMALL_RAISE_EVERY_S: Final = 60.0
SMALL_RAISE_A: Final = 0.2
"""Raises below the site's ``raise_step_a`` are gathered: at most one a minute."""


class Pace(IntEnum):
    """Why a limit is below its share."""

    NONE = 0
    CALM = 1
    """A limit on the same circuit was lowered a moment ago."""
    INTERVAL = 2
    """The point's own limit was changed a moment ago, or its write budget is spent."""
    HEADROOM = 3
    """The room must first be seen to be free."""
    METER = 4
    """A meter that guards it is lost, or only just back."""


_NONE, _CALM, _INTERVAL, _HEADROOM, _METER = (pace.value for pace in Pace)


@record
class Wish:
    """Where the division wants the limits, and who comes first."""

    target_a: Floats
    """(B, P)"""
    held_a: Floats
    """(B, P): where they are now, from ``held_limits``."""
    queue: Queue


def pace(
    layout: Layout,
    facts: Facts,
    estimate: Estimate,
    now: Capacity,
    cautious: Capacity,
    wish: Wish,
    pulse: Pulse,
    now_s: float,
    meters_good: Bools,
    shut: Bools,
) -> tuple[Floats, Ints, Pulse]:
    """Move each limit towards its target as far as it may go now.

    Args:
        layout: the site.
        facts: the snapshot.
        estimate: what flows now.
        now: what is free at this instant; limits above it fall at once.
        cautious: what raises may reckon with.
        wish: the targets.
        pulse: what the last decision remembered.
        now_s: monotonic seconds.
        meters_good: (B, C) whether the circuit's meter, if it has one, has been good for long enough to raise.
        shut: (B, P) what goes to 0 A, whatever its share.

    Returns:
        (B, P) limits [A], (B, P) a ``Pace`` for each, and the memory for the next decision.
    """
    target = wish.target_a
    leave = _leave(layout, pulse, now_s, meters_good)
    held = wish.held_a
    protect = _endangered(facts, now, held) & (target < held)
    beyond = _beyond_maximum(layout, facts, held)
    if anything(beyond):
        protect |= beyond & leave.may_change & (target < held)
    limit = np.where(protect, target, held)
    missing = target - limit
    enters = (limit < facts.min_a - TOLERANCE_A) & (missing > TOLERANCE_A)
    wants = enters | (missing >= layout.site.control.raise_step_a)
    small = (missing >= SMALL_RAISE_A) & (leave.since_change_s >= SMALL_RAISE_EVERY_S)
    if anything(wants | small):
        limit = _moved_up(layout, facts, estimate, cautious, wish, leave, protect, limit, wants, small)
    limit = np.where(facts.fixed, held, rounded(layout.min_a, limit))
    limit = np.where(shut, 0.0, kept_alike(layout, facts, limit, wish.queue))
    paced = _paced(leave, missing, target - limit <= layout.site.control.raise_step_a)
    return limit, paced, _next_pulse(layout, facts, pulse, held, limit, now_s, meters_good)


def _moved_up(
    layout: Layout,
    facts: Facts,
    estimate: Estimate,
    cautious: Capacity,
    wish: Wish,
    leave: _Leave,
    protect: Bools,
    limit: Floats,
    wants: Bools,
    small: Bools,
) -> Floats:
    """The limits (B, P) after raises, and after giving way to those who lack room for theirs [A]."""
    target = wish.target_a
    room = _proven_room(layout, facts, estimate, cautious, np.maximum(limit, wish.held_a))
    yields = _stands_in_the_way(layout, facts, cautious, wish, room, limit, wants) & leave.may_change & leave.rested
    limit = np.where(yields, target, limit)
    ready = (wants | small) & leave.may_change & leave.calm & leave.metered & ~yields & ~protect
    raised = _raise(facts, cautious.rows, room, np.where(ready, target, limit), limit, wish.queue)
    return np.where(ready, np.maximum(limit, raised), limit)


@record
class _Leave:
    """What the clock, the meters and the write budgets allow each point (B, P)."""

    since_change_s: Floats
    may_change: Bools
    calm: Bools
    """Long enough since the last reduction for a raise."""
    rested: Bools
    """Long enough for others to give way again: raises had their time in between."""
    metered: Bools
    """Every meter above it is good."""


def _leave(layout: Layout, pulse: Pulse, now_s: float, meters_good: Bools) -> _Leave:
    control = layout.site.control
    since_change = now_s - pulse.changed_s
    since_reduction = now_s - pulse.reduced_s
    may_change = since_change >= control.change_s
    lately = since_reduction < control.calm_s + control.change_s
    rested = ~_on_any(layout, lately)
    if layout.site.writes_per_day:
        may_change &= spare_writes(layout, pulse, now_s)[:, layout.station] >= 1.0
    return _Leave(
        since_change_s=since_change,
        may_change=may_change,
        calm=~_on_any(layout, since_reduction < control.calm_s) if anything(lately) else rested,
        rested=rested,
        metered=~_on_any(layout, ~meters_good),
    )


def _endangered(facts: Facts, now: Capacity, held: Floats) -> Bools:
    """The points (B, P) on rows that their limits would overload now."""
    reserved, beyond_reserve = facts.idle | facts.fixed, held
    if anything(reserved):
        beyond_reserve = np.where(reserved, np.maximum(0.0, held - largest_phase(now.reserved_a)), held)
    over = used(now.rows, beyond_reserve) > now.free_a + TOLERANCE_A
    return users(now.rows, over) if anything(over) else np.zeros(held.shape, dtype=bool)


def _beyond_maximum(layout: Layout, facts: Facts, held: Floats) -> Bools:
    """The points (B, P) that hold more than they may: their driver, the site's manager or the plan has lowered it.

    What a car cannot use does no harm: that is taken back only for others. Small steps are not worth a message.
    """
    none = (facts.max_a < facts.min_a - TOLERANCE_A) & (held > TOLERANCE_A)
    much = held > facts.max_a + layout.site.control.raise_step_a - TOLERANCE_A
    beyond: Bools = none | much
    return facts.competing & (facts.bound != OF_CAR) & beyond if anything(beyond) else beyond


def _stands_in_the_way(
    layout: Layout, facts: Facts, cautious: Capacity, wish: Wish, room: Floats, limit: Floats, wants: Bools
) -> Bools:
    """The points (B, P) that hold more than their share on rows where somebody else lacks room.

    Tenths of amperes are not worth a message, unless together they keep somebody out.
    """
    if not anything(wants):
        return wants
    rows, target, missing = cautious.rows, wish.target_a, wish.target_a - limit
    needed = used(rows, np.where(wants, missing, 0.0))
    short = (needed > room + TOLERANCE_A) & (needed > 0)
    enters = wants & (limit < facts.min_a - TOLERANCE_A)
    rising = used(rows, np.where(wants & ~enters, missing, 0.0)) > 0
    hinders = users(rows, short & rising) & (-missing >= YIELD_A)
    if not anything(enters):
        return hinders
    left = used(rows, np.where(target <= TOLERANCE_A, limit, 0.0)) > 0
    minimums = used(rows, np.where(facts.competing & (target > TOLERANCE_A), facts.min_a, 0.0))
    tight = (cautious.free_a - minimums < SPARE_A) & ~left
    let_in = enters & (~users(rows, tight) | (wish.queue.unserved_s >= layout.site.control.dwell_s))
    entering = used(rows, np.where(let_in, missing, 0.0)) > 0
    return hinders | users(rows, short & entering) & (-missing >= RESOLUTION_A / 2)


def _paced(leave: _Leave, missing: Floats, near: Bools) -> Ints:
    """Why each limit is still below its share (B, P)."""
    waits = ~near & (missing > RESOLUTION_A)
    if not anything(waits):
        return np.zeros(waits.shape, dtype=np.int64)
    paced = np.where(leave.may_change, _HEADROOM, _INTERVAL)
    paced = np.where(leave.calm, paced, _CALM)
    paced = np.where(leave.metered, paced, _METER)
    return np.where(waits, paced, _NONE)


def _proven_room(layout: Layout, facts: Facts, estimate: Estimate, cautious: Capacity, limit: Floats) -> Floats:
    """Room for raises on every row (B, K) [A].

    Twice counted, and the smaller counts: what the limits leave, where a charger that has not accepted its reduction,
    or a car that does not show it yet, still counts with the old value; and what the meter leaves, where everything
    that was allowed and has not appeared yet counts as drawn.
    """
    holds = np.where(facts.steered, np.fmax(facts.commanded_a, limit), 0.0)
    per_phase = np.where(facts.uses, np.maximum(holds[:, :, None], estimate.lingering_a), estimate.lingering_a)
    per_phase = np.where(facts.competing[:, :, None], per_phase, np.maximum(0.0, per_phase - cautious.reserved_a))
    phase_rows = len(layout.row_names)
    room = cautious.free_a - used(cautious.rows, largest_phase(per_phase))
    room[:, :phase_rows] = cautious.free_a[:, :phase_rows] - layout.by_row(layout.circuit_flow(per_phase))
    unsteered = (facts.offline | facts.fixed)[:, :, None]
    hidden = np.where(unsteered, cautious.reserved_a - estimate.draw_a, estimate.unseen_a)
    metered = layout.usable_a - estimate.meter_a - layout.circuit_flow(np.maximum(hidden, 0.0))
    room[:, :phase_rows] = np.fmin(room[:, :phase_rows], layout.by_row(metered))
    return room


def _raise(facts: Facts, rows: Floats, room: Floats, target: Floats, limit: Floats, queue: Queue) -> Floats:
    """Spend the room on those that are below their targets: minimums in order, then fairly."""
    rising = target > limit + TOLERANCE_A
    if not anything(rising):
        return limit
    entering = rising & (limit < facts.min_a - TOLERANCE_A)
    step = np.where(entering, facts.min_a - limit, 0.0)
    admitted = admit(queue, entering, step, rows, np.maximum(room, 0.0)).admitted
    base = np.where(admitted, facts.min_a, limit)
    most = np.where(rising & (admitted | ~entering), np.maximum(0.0, target - base), 0.0)
    extra, _ = fill(rows, room - used(rows, np.where(admitted, step, 0.0)), most, facts.weight)
    return base + extra


def _next_pulse(
    layout: Layout,
    facts: Facts,
    pulse: Pulse,
    held: Floats,
    limit: Floats,
    now_s: float,
    meters_good: Bools,
) -> Pulse:
    steered = facts.steered
    if anything(~facts.pausable):  # what it holds in spite of our word is not lowered by saying it again
        held = np.where(facts.pausable, held, np.fmin(held, pulse.limit_a))
    changed = steered & (np.abs(limit - held) > RESOLUTION_A / 2)
    reduced, changes = ~meters_good, anything(changed)
    if changes:
        reduced |= (changed & (limit < held)) @ layout.below.T
    writes = pulse.writes
    if layout.site.writes_per_day:
        spent = np.bincount(layout.station[changed[0]], minlength=layout.writes_per_day.size)
        writes = np.maximum(0.0, spare_writes(layout, pulse, now_s) - spent)
    return Pulse(
        limit_a=np.where(steered, limit, np.nan),
        changed_s=np.where(changed, now_s, pulse.changed_s) if changes else pulse.changed_s,
        reduced_s=np.where(reduced, now_s, pulse.reduced_s) if anything(reduced) else pulse.reduced_s,
        answers_s=answers(layout, facts, pulse, now_s),
        writes=writes,
        at_s=now_s,
    )


def _on_any(layout: Layout, circuits: Bools) -> Bools:
    """(B, P): whether any circuit above the point is among these."""
    if not anything(circuits):
        return np.zeros((len(circuits), layout.size), dtype=bool)
    return circuits @ layout.below
