"""What each car has shown of itself: how much it takes, on which phases, and from which limit on it draws.

Shapes: a batch of one site; P points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from controller.loadbalance.facts import Facts
from controller.loadbalance.layout import Bools, Floats, Layout
from controller.loadbalance.observer import Estimate
from controller.plan import Event


@dataclass(frozen=True, slots=True)
class Habits:
    """What is remembered of each car, until its point is free again."""

    takes_a: Floats
    """(1, P): the most that it has shown it takes, infinite while that is not known [A]."""
    uses: Bools
    """(1, P, 3): the grid phases that it draws on; all that the point has while that is not known."""
    needs_a: Floats
    """(1, P): the least limit at which it draws [A]; the point's minimum while that is not known."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What the division is to reckon with, in place of the point's own ratings."""

    min_a: Floats
    """(1, P) [A]"""
    max_a: Floats
    """(1, P): infinite where the car sets no bound [A]."""
    uses: Bools
    """(1, P, 3)"""
    nudged: Bools
    """(1, P): held at 0 A for a moment, so that a car that has fallen asleep wakes up."""


def learn(
    layout: Layout, facts: Facts, estimate: Estimate, habits: Habits | None, held_a: Floats, now_s: float
) -> tuple[Learned, Habits, tuple[Event, ...]]:
    """Look at every car once more.

    Args:
        layout: the site.
        facts: the snapshot.
        estimate: what flows now.
        habits: what the last look left; None at first.
        held_a: (1, P) what each point is limited to now [A].
        now_s: monotonic seconds.
    """
    del estimate, held_a, now_s
    if habits is None:
        habits = Habits(np.full((1, layout.size), np.inf), layout.wired[None].copy(), layout.min_a.copy())
    nobody = np.zeros((1, layout.size), dtype=bool)
    return Learned(facts.min_a, habits.takes_a, habits.uses, nobody), habits, ()
