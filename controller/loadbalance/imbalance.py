"""Keeps the phases of a circuit alike: what is handed out on any two of them differs by at most ``max_imbalance_a``.

Points that draw on all three phases alike change nothing about it; the others are what it limits. How much a phase
may carry depends on how much the least loaded one carries, which in turn depends on the division: it is divided again
until both agree. A batch of one site; P points.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from controller.loadbalance.admission import Queue
from controller.loadbalance.capacity import Capacity
from controller.loadbalance.division import Division, divide, rounded
from controller.loadbalance.facts import Facts
from controller.loadbalance.layout import Bools, Floats, Layout
from controller.units import PHASE_NAMES, TOLERANCE_A

MOST_ROUNDS: Final = 8
"""The least loaded phase gains in each round, and mostly all there is to gain in two or three."""

NO_BOUND_A: Final = 1e6
"""More than any building draws."""

HALVINGS: Final = 24
"""Brings the level to which the highest are lowered to within a millionth of an ampere."""


def divide_alike(
    layout: Layout, facts: Facts, now: Capacity, cautious: Capacity, queue: Queue, running: Bools, held_a: Floats
) -> Division:
    """As ``divide``, with the phases of every circuit that asks for it kept alike.

    Args:
        layout: the site.
        facts: the snapshot.
        now: what is free at this instant.
        cautious: what is free to share.
        queue: who comes first.
        running: (1, P) who is admitted already.
        held_a: (1, P) what fixed points hold, which counts and cannot be changed [A].
    """
    if not layout.imbalance_a:
        return divide(facts, now, cautious, queue, running)
    members = _members(layout, facts)
    fixed_a = _per_phase(members, np.where(facts.fixed, held_a, 0.0))

    def divided(least_a: Floats) -> tuple[Division, Floats]:
        """What comes of it where the least loaded phases carry so much, and what the phases carry then."""
        room_a = least_a + _most(layout) - fixed_a
        bounded_now, bounded = (_bounded(capacity, layout, members, room_a) for capacity in (now, cautious))
        division = divide(facts, bounded_now, bounded, queue, running)
        return division, fixed_a + _per_phase(members, np.where(facts.fixed, 0.0, division.target_a))

    _, carried_a = divided(np.full((len(members), 1), NO_BOUND_A))
    division, carried_a = divided(carried_a.min(axis=1, keepdims=True))
    if (np.ptp(carried_a, axis=1, keepdims=True) <= _most(layout) + TOLERANCE_A).all():
        return division
    least_a = np.zeros((len(members), 1))
    for _ in range(MOST_ROUNDS):
        division, carried_a = divided(least_a)
        gained_a = carried_a.min(axis=1, keepdims=True)
        if (gained_a <= least_a + TOLERANCE_A).all():
            break
        least_a = np.maximum(least_a, gained_a)
    return division


def kept_alike(layout: Layout, facts: Facts, limit_a: Floats, queue: Queue) -> Floats:
    """Limits (1, P) that chargers can be told, lowered until the phases are alike [A].

    The highest come down first; where everybody's minimum is still too much, the last in the queue get nothing.
    """
    if not layout.imbalance_a:
        return limit_a
    limit = limit_a.copy()
    members = _members(layout, facts)
    for circuit, (_, most_a) in enumerate(layout.imbalance_a):
        for _ in range(len(PHASE_NAMES)):  # a car on two phases may make another one the least loaded
            carried = members[circuit].T @ limit[0]
            over = carried - (carried.min() + most_a)
            if over.max() <= TOLERANCE_A:
                break
            _lower(facts, members[circuit][:, int(over.argmax())] & ~facts.fixed[0], float(over.max()), limit, queue)
    return np.where(facts.fixed, limit_a, rounded(layout.min_a, limit))


def _lower(facts: Facts, chosen: Bools, over_a: float, limit: Floats, queue: Queue) -> None:
    """Take ``over_a`` from the chosen points (P,), in place."""
    chosen = chosen & (limit[0] > 0.0)
    wanted = float(limit[0, chosen].sum()) - over_a
    least = np.minimum(facts.min_a[0], limit[0])
    for place in reversed(queue.of(0, chosen)):
        if least[chosen].sum() <= wanted + TOLERANCE_A:
            break
        limit[0, place], chosen[place] = 0.0, False
    low, high = 0.0, float(limit[0].max())
    for _ in range(HALVINGS):
        level = (low + high) / 2
        low, high = (low, level) if np.clip(level, least, limit[0])[chosen].sum() > wanted else (level, high)
    limit[0] = np.where(chosen, np.clip(low, least, limit[0]), limit[0])


def _members(layout: Layout, facts: Facts) -> Bools:
    """(circuits, P, 3): the phases of the points below each circuit that do not load all phases alike."""
    uneven = facts.uses[0] & ~facts.uses[0].all(axis=1, keepdims=True)
    below = layout.below[[place for place, _ in layout.imbalance_a]]
    members: Bools = below[:, :, None] & uneven
    return members


def _per_phase(members: Bools, limit_a: Floats) -> Floats:
    """(circuits, 3): what limits (1, P) add up to [A]."""
    carried: Floats = np.einsum("cpf,p->cf", members, limit_a[0])
    return carried


def _most(layout: Layout) -> Floats:
    return np.array([[most_a] for _, most_a in layout.imbalance_a])


def _bounded(capacity: Capacity, layout: Layout, members: Bools, room_a: Floats) -> Capacity:
    """The capacity with a row for each phase of each such circuit, felt by its uneven points."""
    names = [
        f"imbalance:{layout.site.circuits[place].id}:{phase}"
        for place, _ in layout.imbalance_a
        for phase in PHASE_NAMES
    ]
    rows = members.transpose(0, 2, 1).reshape(len(names), -1).astype(np.float64)
    return replace(
        capacity,
        rows=np.concatenate([capacity.rows, rows]),
        free_a=np.concatenate([capacity.free_a, room_a.reshape(1, -1)], axis=1),
        names=(*capacity.names, *names),
    )
