"""The division of one instant: who is admitted, how much each gets, and what stopped it.

``split_arrays`` is the whole of it on arrays, for a batch of sites at once; production's is a batch of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from controller.loadbalance.admission import NO_ROW, Admission, Queue, admit
from controller.loadbalance.capacity import Capacity, PowerLimit, backgrounds, capacities, reserves, used
from controller.loadbalance.facts import BOUNDS, STATES, Facts
from controller.loadbalance.layout import Bools, Floats, Ints, Layout, anything
from controller.loadbalance.sharing import Shares, share
from controller.record import record
from controller.snapshot import ExternalLimit, StationLimit
from controller.units import RESOLUTION_A, TOLERANCE_A

UNPROVEN_A: Final = 2.5
"""Where more than this is free now but not cautiously, a row is not full: its room has yet to last."""


@record
class Division:
    """What everybody gets."""

    target_a: Floats
    """(B, P): limits before they are rounded down."""
    reason: Ints
    """(B, P): what stopped each, as a place in ``names``."""
    names: tuple[str, ...]


@record
class Split:
    """Limits that chargers can be told."""

    limit_a: Floats
    """(B, P): multiples of 0.1 A; 0, or at least the point's minimum."""
    reason: Ints
    """(B, P): what stopped each, as a place in ``names``."""
    names: tuple[str, ...]


def split_arrays(
    layout: Layout,
    facts: Facts,
    limits: Sequence[ExternalLimit | PowerLimit | StationLimit] = (),
    dwelling: Bools | None = None,
) -> Split:
    """Divide what is free at this instant in every site of a batch.

    Each member gets what it would get alone. Offline points have no limit: theirs is 0 here, with the reason
    ``not_admitted:offline``.

    Args:
        layout: the structure of the sites, and their ratings.
        facts: what is known of them.
        limits: bounds that others have set.
        dwelling: (B, P) points that keep their admission before others get one; none by default.

    Raises:
        KeyError: a limit names a circuit or a point that the sites do not have.
    """
    division = instant(layout, facts, limits, dwelling)
    return Split(rounded(facts.min_a, division.target_a), division.reason, division.names)


def instant(
    layout: Layout,
    facts: Facts,
    limits: Sequence[ExternalLimit | PowerLimit | StationLimit],
    dwelling: Bools | None = None,
) -> Division:
    """As ``split_arrays``, before the limits are rounded down."""
    background = backgrounds(layout, facts.meter_a, facts.measured_a)
    (free,) = capacities(layout, facts, limits, [background], reserves(layout, facts, facts.measured_a))
    queue = Queue(layout.by_id, facts.priority, facts.unserved_s, facts.delivered_wh, dwelling)
    return divide(facts, free, free, queue, None)


def rounded(min_a: Floats, limit_a: Floats) -> Floats:
    """Limits (B, P) as chargers accept them: rounded down to 0.1 A, and 0 where that is below the minimum [A]."""
    floored = np.floor((limit_a + TOLERANCE_A) / RESOLUTION_A) / 10.0
    return np.where(floored >= min_a - TOLERANCE_A, floored, 0.0)


def divide(facts: Facts, now: Capacity, cautious: Capacity, queue: Queue, running: Bools | None) -> Division:
    """Admit and share. Who is running (B, P) stays admitted as long as it fits now; newcomers must fit cautiously.

    What is needed for a departure comes before everybody's comfort: points with a target are served first, up to it.
    Where ``now`` and ``cautious`` are the same, nobody need be called running.
    """
    competing = facts.competing
    eligible = competing & (facts.max_a >= facts.min_a - TOLERANCE_A)
    keep = None if running is None else now.free_a - cautious.free_a
    newcomers = None if running is None else ~running
    needed = _needed(facts, now, cautious, queue, eligible, keep, newcomers)
    if needed is None:
        admission = admit(queue, eligible, facts.min_a, now.rows, now.free_a, keep, newcomers)
        base = np.where(admission.admitted, facts.min_a, 0.0)
    else:
        admission, base = needed
    shares = share(admission.admitted, facts, base, facts.max_a, cautious.rows, cautious.free_a)
    kept = _minimum_for_idle(facts, queue, now, shares)
    unproven = None if keep is None else keep > UNPROVEN_A
    reason = _reasons(facts, admission, shares, competing, unproven, len(now.names))
    return Division(np.where(kept, facts.min_a, shares.limit_a), reason, reason_names(now.names))


def _needed(
    facts: Facts,
    now: Capacity,
    cautious: Capacity,
    queue: Queue,
    eligible: Bools,
    keep: Floats | None,
    newcomers: Bools | None,
) -> tuple[Admission, Floats] | None:
    """Admission in two rounds and what each is sure of (B, P) [A]; None where nobody has a target.

    In the first round come those whose need is due, and who has just been admitted and would only flap; each gets its
    target, the others their minimum. The second round has what is left.
    """
    due = eligible & (facts.target_a >= facts.min_a - TOLERANCE_A)
    if not anything(due):
        return None
    early = due if queue.first is None else due | (eligible & queue.first)
    first = admit(queue, early, facts.min_a, now.rows, now.free_a, keep, newcomers)
    base = np.where(first.admitted, facts.min_a, 0.0)
    most = np.where(due, np.minimum(facts.target_a, facts.max_a), facts.min_a)
    sure = share(first.admitted, facts, base, most, cautious.rows, cautious.free_a).limit_a
    left = now.free_a - used(now.rows, sure)
    second = admit(queue, eligible & ~early, facts.min_a, now.rows, left, keep, newcomers)
    refused_by = np.where(early, first.refused_by, second.refused_by)
    admitted = first.admitted | second.admitted
    return Admission(admitted, refused_by), np.where(second.admitted, facts.min_a, sure)


def _minimum_for_idle(facts: Facts, queue: Queue, now: Capacity, shares: Shares) -> Bools:
    """Which idle cars keep their minimum: each, in order, for whom it still fits beside the shares."""
    idle = facts.idle
    if not anything(idle):
        return idle
    idle = idle & (facts.max_a >= facts.min_a - TOLERANCE_A)
    left = now.free_a - used(now.rows, shares.limit_a)
    return admit(queue, idle, facts.min_a, now.rows, left).admitted


@lru_cache(maxsize=64)
def reason_names(rows: tuple[str, ...]) -> tuple[str, ...]:
    """What the numbers of ``Division.reason`` mean, where the rows are called like this."""
    refused = [f"not_admitted:{name}" for name in rows]
    passed_over = [name if name.startswith("plan:") else f"not_admitted:{name}" for name in BOUNDS]
    others = [f"not_admitted:{name}" for name in STATES]
    return ("pace:headroom", "charger:does_not_follow", *BOUNDS, *rows, *refused, *passed_over, *others)


_HEADROOM, _DOES_NOT_FOLLOW, _FIRST_BOUND = range(3)
_FIRST_ROW: Final = _FIRST_BOUND + len(BOUNDS)


def _reasons(
    facts: Facts, admission: Admission, shares: Shares, competing: Bools, unproven: Bools | None, rows: int
) -> Ints:
    """What stopped each point (B, P), numbered as in ``reason_names``; a row that is not proven full, as headroom."""
    refused = _FIRST_ROW + rows
    row = np.where(admission.admitted, shares.stopped_by, admission.refused_by)  # OWN_MAXIMUM counts as NO_ROW
    by_row = row + np.where(admission.admitted, _FIRST_ROW, refused)
    passed_over = refused + rows + np.where(competing, facts.bound, len(BOUNDS) + facts.state)
    by_itself = np.where(admission.admitted, _FIRST_BOUND + facts.bound, passed_over)
    reason: Ints = np.where(row == NO_ROW, by_itself, by_row)
    if anything(facts.fixed):
        reason = np.where(facts.fixed, _DOES_NOT_FOLLOW, reason)
    if unproven is not None and anything(unproven):
        waits = (row != NO_ROW) & unproven[np.arange(len(row))[:, None], row]
        reason = np.where(waits, _HEADROOM, reason)
    return reason
