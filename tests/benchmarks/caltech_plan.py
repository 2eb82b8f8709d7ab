"""Caltech's sessions under the plan: its own program, with the phasor bounds of a delta network for those of a site.

A site of ours has fuses on three phases; Caltech's stations hang between two phases behind a transformer, where the
magnitudes of sums of phasors are bound. A polygon of 24 sides within each circle takes the place of the rows that the
planner knows; everything else is the planner's own. What it leaves free is given in the order of laxity.

The controller knows of each car that is there what acnportal's own rules know: its need, its maximum and its stated
departure. It plans anew with every arrival and every quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from controller.loadbalance.horizon.grid import Grid
from controller.loadbalance.horizon.outlook import CarOutlook, Outlook
from controller.loadbalance.horizon.planner import Planner
from controller.site import ChargingPoint, Circuit, Site
from simulations.judging.programme import SIDES, polygon
from simulations.judging.room import largest_rate
from tests.benchmarks.caltech import FULL_WH, Case

Floats = NDArray[np.float64]

MIN_A: Final = 6.0
SLOT_S: Final = 900.0
SLOTS: Final = 48
PRICE: Final = 0.1
_START: Final = datetime(2019, 3, 1, tzinfo=UTC)


class PhasorGrid(Grid):
    """The rows of a network of phasors; the row kinds are the sides of polygons, then the demand."""

    def __init__(self, site: Site, case: Case) -> None:
        super().__init__(site)
        sides, free_a = polygon(case.rows, case.limits_a[:, None])
        self._sides, self._free_a = sides, free_a * np.cos(np.pi / SIDES)
        self.kinds = len(self._sides) + 1

    def alike(self, cars: Iterable[CarOutlook]) -> NDArray[np.int64]:
        """Every station has a use of its own."""
        return np.array([int(car.point[1:]) for car in cars], dtype=np.int64)

    def uses(self, alike: NDArray[np.int64]) -> Floats:
        """(P, K) per ampere."""
        return np.append(self._sides.T[alike], np.full((alike.size, 1), self.site.nominal_voltage_v / 1000.0), axis=1)

    def alone_a(self, alike: NDArray[np.int64], room_a: Floats) -> Floats:
        """(P, T) [A]"""
        return np.full((alike.size, room_a.shape[1]), 32.0)

    def room_a(self, outlook: Outlook) -> Floats:
        """(K - 1, T) [A]"""
        return np.repeat(self._free_a, outlook.price_per_kwh.size, axis=1)


def planned_wh(case: Case) -> Floats:
    """(V,) what is delivered, period by period, with 0 or at least 6 A for everybody [Wh]."""
    count = case.rows.shape[1]
    points = tuple(ChargingPoint(f"P{n:02d}", "main", f"S{n}", 1, (0,), max_a=case.max_a) for n in range(count))
    site = Site("caltech", (Circuit("main", None, (9999.0,) * 3),), points, nominal_voltage_v=case.voltage_v)
    planner = Planner(floor_slots=1, exact=False, advised_slots=1)
    planner._grid = PhasorGrid(site, case)
    left_wh, at = case.need_wh.copy(), np.full(count, -1)
    wh_per_a = case.voltage_v * case.period_s / 3600.0
    limit_a = np.zeros(count)
    for period in range(case.periods):
        at[case.place[case.departure == period]] = -1
        come = np.flatnonzero(case.arrival == period)
        at[case.place[come]] = come
        active = (at >= 0) & (left_wh[at] > FULL_WH)
        if not active.any():
            continue
        places = np.flatnonzero(active)
        if come.size or period % 3 == 0:
            advice = planner.plan(_outlook(site, case, period, places, at, left_wh)).advice
            limit_a = np.zeros(count)
            for name, point in advice.points.items():
                limit_a[int(name[1:])] = point.target_a[0]
        given_a = _filled(case, np.where(active, limit_a, 0.0), places, at, left_wh, period)
        if (np.abs(case.rows @ given_a) > case.limits_a * (1.0 + 1e-6)).any():
            raise RuntimeError("the plan exceeds a bound of the network")
        who = at[places]
        left_wh[who] -= np.minimum(np.minimum(given_a[places], case.most_a[who]) * wh_per_a, left_wh[who])
    return case.need_wh - left_wh


def _outlook(
    site: Site, case: Case, period: int, places: NDArray[np.int64], at: NDArray[np.int64], left_wh: Floats
) -> Outlook:
    now_s = period * case.period_s
    begins_s = now_s - now_s % SLOT_S
    soonest_s = now_s + case.period_s
    leaves_s = np.maximum(soonest_s, case.period_s * case.stated_departure)
    cars = tuple(
        CarOutlook(
            point=f"P{place:02d}",
            phases=(0,),
            min_a=MIN_A,
            max_a=max(MIN_A, float(case.most_a[at[place]])),
            energy_wh=float(left_wh[at[place]]),
            departs_at=_START + timedelta(seconds=float(leaves_s[at[place]])),
        )
        for place in places.tolist()
    )
    return Outlook(
        site=site,
        at=_START + timedelta(seconds=now_s),
        begins_at=_START + timedelta(seconds=begins_s),
        slot_s=SLOT_S,
        price_per_kwh=np.full(SLOTS, PRICE),
        background_a=np.zeros((SLOTS, 1, 3)),
        cars=cars,
    )


def _filled(
    case: Case, limit_a: Floats, places: NDArray[np.int64], at: NDArray[np.int64], left_wh: Floats, period: int
) -> Floats:
    """Everybody gets what the plan says, then whoever has the least time to spare what is left; 0 or the minimum."""
    who = at[places]
    full_h = left_wh[who] / (case.most_a[who] * case.voltage_v)
    laxity_h = (case.stated_departure[who] - period) * case.period_s / 3600.0 - full_h
    given_a, used = np.zeros(limit_a.shape), np.zeros(len(case.rows), dtype=np.complex128)
    to_end_a = np.maximum(MIN_A, left_wh[at] * 3600.0 / (case.voltage_v * case.period_s))
    for most_a in (limit_a, np.minimum(case.most_a[at], to_end_a)):
        for place in places[np.argsort(laxity_h)].tolist():
            use = case.rows[:, place]
            more_a = float(largest_rate(use[None], used[None], case.limits_a[None])[0])
            more_a = min(more_a, max(0.0, float(most_a[place]) - given_a[place]))
            if given_a[place] + more_a >= MIN_A:
                given_a[place] += more_a
                used = used + use * more_a
    return given_a
