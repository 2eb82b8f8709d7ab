"""Whether the phases that a point is wired to are those that its site file says.

Shapes: a batch of one site; P points, C circuits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from controller.loadbalance.facts import Facts
from controller.loadbalance.layout import Floats, Layout
from controller.loadbalance.observer import Estimate
from controller.plan import Event


@dataclass(frozen=True, slots=True)
class Wiring:
    """What is remembered of the steps that points and meters have made."""

    evidence: Floats
    """(P, wirings)"""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A point that seems to be wired otherwise than the site file says."""

    point: str
    configured: str
    suggested: str
    """As in ``controller.site.WIRINGS``."""
    confidence: float
    """From 0 to 1."""


def watch(
    layout: Layout, facts: Facts, estimate: Estimate, wiring: Wiring | None, now_s: float
) -> tuple[Wiring, tuple[Event, ...]]:
    """Take note of what has happened since the last look."""
    del facts, estimate, now_s
    return wiring or Wiring(np.zeros((layout.size, 6))), ()


def suspicions(layout: Layout, wiring: Wiring) -> Mapping[str, Suspicion]:
    """The points whose configured wiring explains the steps of the meter much worse than another one does."""
    del layout, wiring
    return {}
