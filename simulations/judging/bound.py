"""The perfect-information bound: what could be reached at best by who knew everything beforehand.

A linear program under the same physics: every car between its arrival and its departure, up to its maximum and to what
its battery accepts as it fills, every phase of every circuit and every power limit with the building's true load. It is
a bound because it only leaves out what constrains: the minimum current, reaction times, and what happens within a slot.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulations.judging.least_cost import cheapest
from simulations.judging.linear import minimum, physics
from simulations.judging.model import Bound
from simulations.judging.programme import Programme, programme_of
from simulations.scenario.model import Scenario

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK: Final = 4_000
"""Independent stretches are solved together up to about this many pairs: a solver has its price per call."""


def bound_of(scenario: Scenario) -> Bound:
    """The most energy, and the least cost of energy, demand and what is left unmet: two programs, two courses.

    Raises:
        BoundError: the solver gave up.
    """
    programme, building_w = programme_of(scenario)
    course = cheapest(programme, scenario, building_w)
    got_wh = np.bincount(programme.visit, course.current_a * programme.wh_per_a, programme.need_wh.size)
    unmet_wh = float(np.maximum(programme.need_wh - got_wh, 0.0).sum())
    return Bound(
        delivered_wh=most_delivered_wh(programme),
        cost=course.energy_cost + course.demand_cost + scenario.judging.unmet_per_kwh * unmet_wh / 1000.0,
        energy_cost=course.energy_cost,
        demand_cost=course.demand_cost,
        unmet_wh=unmet_wh,
        peak_w=course.peak_w,
        slot_s=float(programme.length_s.max(initial=0.0)),
    )


def most_delivered_wh(programme: Programme) -> float:
    """The most energy that all cars together could be given [Wh].

    Raises:
        BoundError: the solver gave up.
    """
    total_wh = 0.0
    stretch = _stretches(programme)[programme.visit]
    size = np.bincount(stretch)
    chunk = (np.cumsum(size) - size)[stretch] // CHUNK
    for number in np.unique(chunk):
        chosen = np.flatnonzero(chunk == number)
        wh_per_a = programme.wh_per_a[chosen]
        matrix, limit = physics(programme, chosen)
        total_wh += float(wh_per_a @ minimum(-wh_per_a / 1000.0, matrix, limit, programme.most_a[chosen]))
    return total_wh


def _stretches(programme: Programme) -> Ints:
    """(V,) which stretch of time a visit belongs to: between two of them there is a slot's edge with nobody there."""
    first = np.full(programme.need_wh.size, programme.begins_s.size, dtype=np.int64)
    last = np.full(programme.need_wh.size, -1, dtype=np.int64)
    np.minimum.at(first, programme.visit, programme.slot)
    np.maximum.at(last, programme.visit, programme.slot)
    order = np.argsort(first, kind="stable")
    until = np.maximum.accumulate(last[order])
    begins = np.append(False, first[order][1:] > until[:-1])
    stretch = np.zeros(first.size, dtype=np.int64)
    stretch[order] = np.cumsum(begins[: first.size])
    return stretch
