"""How warm the protection devices of a site are: one accumulator for each phase of each circuit, followed live.

Shapes: C circuits in the site's order, 3 phases of the grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from controller.peakshave import thermal
from controller.plan import Event, Severity
from controller.site import Site
from controller.units import PHASE_NAMES, TOLERANCE_A

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ALARM: Final = 0.3
"""An alarm from this state on; it ends once the device has cooled to half of it."""
COOL: Final = 0.25
"""From this state on a device is spared: half of what no decision may let it reach."""
LONGEST_STEP_S: Final = 5.0
"""What flowed during a longer silence is not known: a current counts for no longer than this."""
COLD: Final = 1e-3
"""Less is nothing."""


@dataclass(frozen=True, slots=True)
class Warmth:
    """How near each protection device is to opening (``controller.peakshave.thermal``)."""

    state: Floats
    """(C, 3): 0 is cold, 1 is open."""
    alarmed: Bools
    """(C,): its alarm has not ended."""
    at_s: float
    """When that was [s]."""


def cold(site: Site, now_s: float) -> Warmth:
    """Where nothing has been heard of a site yet."""
    count = len(site.circuits)
    return Warmth(np.zeros((count, 3)), np.zeros(count, dtype=bool), now_s)


def bearable(site: Site, warmth: Warmth) -> Floats:
    """What each device bears for ever, without being any warmer for it; while it is warm, its rating (C, 3) [A]."""
    cool_a, rating_a = _bearable(site)
    return np.where(warmth.state < COOL, cool_a, rating_a)


@lru_cache(maxsize=256)
def _bearable(site: Site) -> tuple[Floats, Floats]:
    """For each device what it bears for ever, and its rating (C, 3) [A]."""
    ratings_a = [circuit.fuse_a for circuit in site.circuits]
    most_a = [[thermal.bearable_a(a, circuit.fuse_curve) for a in circuit.fuse_a] for circuit in site.circuits]
    return np.array(most_a), np.array(ratings_a, dtype=np.float64)


def warmed(
    site: Site, before: Warmth, fuse_a: Floats, current_a: Floats, now_s: float
) -> tuple[Warmth, tuple[Event, ...]]:
    """The states after these currents have flowed until now, and what has begun or ended with it.

    Args:
        site: its circuits' curves count.
        before: the states before.
        fuse_a: (C, 3) ratings [A].
        current_a: (C, 3) magnitudes [A]; NaN where nothing is known: the device then neither warms nor cools.
        now_s: the monotonic clock [s].

    >>> from controller.site import Circuit, Site
    >>> site = Site("S", (Circuit("main", None, (63.0, 63.0, 63.0)),), ())
    >>> warmth, events = warmed(site, cold(site, 0.0), np.full((1, 3), 63.0), np.array([[126.0, 0.0, 0.0]]), 5.0)
    >>> [round(phase, 4) for phase in warmth.state[0].tolist()], events
    ([0.0086, 0.0, 0.0], ())
    """
    step_s = min(max(0.0, now_s - before.at_s), LONGEST_STEP_S)
    over = current_a > fuse_a + TOLERANCE_A
    if not (over.any() or before.state.any()):  # as nearly always
        return Warmth(before.state, before.alarmed, now_s), ()
    cooled = before.state * math.exp(-step_s / thermal.COOLING_S)
    state = np.where(current_a <= fuse_a + TOLERANCE_A, np.where(cooled < COLD, 0.0, cooled), before.state)
    for place, phase in np.argwhere(over).tolist():
        flow_a, rating_a, curve = current_a[place, phase], fuse_a[place, phase], site.circuits[place].fuse_curve
        state[place, phase] = thermal.advance(before.state[place, phase], flow_a, rating_a, step_s, curve)
    hottest = state.max(axis=1)
    alarmed: Bools = hottest >= np.where(before.alarmed, ALARM / 2, ALARM)
    return Warmth(state, alarmed, now_s), tuple(_events(site, state, alarmed, before.alarmed))


def _events(site: Site, state: Floats, alarmed: Bools, before: Bools) -> Iterator[Event]:
    for place in np.flatnonzero(alarmed != before).tolist():
        circuit, phase = site.circuits[place], int(state[place].argmax())
        warmth = state[place, phase]
        if alarmed[place]:
            device = f"the {circuit.fuse_a[phase]:.0f} A {circuit.fuse_curve} device on {PHASE_NAMES[phase]}"
            text = f"{device} has borne {warmth:.0%} of what opens it"
            yield Event("fuse_warm", f"circuit:{circuit.id}", text, Severity.ALARM)
        else:
            yield Event("fuse_cooled", f"circuit:{circuit.id}", f"its protection device has cooled to {warmth:.0%}")
