"""Many sites' cars as arrays: who is there, and what they take in a step in which everybody has settled.

B sites (or seeds), P points. A car takes the lowest of its limit, its own maximum and what its battery accepts; the
last falls in proportion to the energy that is missing, so a step of any length is integrated in closed form.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from controller.units import TOLERANCE_A
from simulations.cars import CUT_OFF_SHARE
from simulations.scenario.model import Scenario
from simulations.visits import Visit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

ENOUGH_WH: Final = 0.01
"""Less than this is missing of nothing: rounding error, not energy."""

HOUR_S: Final = 3600.0

# Rows of the table of what a visit brings.
_MISSING, _TAPER, _MOST, _LEAST, _W_PER_A, _ARRIVED, _LEAVES, _SAYS_LEAVES, _SAYS_WH, _PRICE, _SAID = range(11)


@dataclass(frozen=True, slots=True)
class _Happenings:
    """What happens to whom, sorted by step: places in the batch (site, point), and the visit."""

    step: Ints
    site: Ints
    point: Ints
    visit: Ints
    value: Floats

    def at(self, step: int) -> slice:
        """What happens in one step."""
        begin, end = np.searchsorted(self.step, (step, step + 1))
        return slice(int(begin), int(end))


def _sorted(rows: list[tuple[int, int, int, int, float]]) -> _Happenings:
    rows.sort()
    step, site, point, visit = (np.array([row[n] for row in rows], dtype=np.int64) for n in range(4))
    return _Happenings(step, site, point, visit, np.array([row[4] for row in rows], dtype=np.float64))


class Fleet:
    """The cars of a batch of scenarios that share points, step and horizon.

    What changes as time goes by, all (B, P):

    - ``present``: a car is there; ``wants``: it would take current.
    - ``current_a``, ``power_w``: mean of the last step, the current on each phase in use.
    - ``delivered_wh``: what the car has got so far; ``waited_s``: for how long now it has wanted current in vain.
    """

    def __init__(self, scenarios: Sequence[Scenario]) -> None:
        site = scenarios[0].site
        self._visits: list[Visit] = [visit for scenario in scenarios for visit in scenario.visits]
        self._step_s = scenarios[0].step_s
        place = {point.id: number for number, point in enumerate(site.points)}
        shape = (len(scenarios), len(site.points))
        self._brought = np.zeros((11, len(self._visits)))
        self._phases = np.zeros((len(self._visits), 3))
        arrivals: list[tuple[int, int, int, int, float]] = []
        lasts: list[tuple[int, int, int, int, float]] = []
        departures: list[tuple[int, int, int, int, float]] = []
        number = 0
        for member, scenario in enumerate(scenarios):
            taken_until = [0] * shape[1]
            for visit in scenario.visits:
                point = site.points[place[visit.point]]
                self._describe(number, visit, point.phases, site.nominal_voltage_v)
                first, last = self._steps(visit, scenario.steps, taken_until[place[visit.point]])
                if first <= last:
                    taken_until[place[visit.point]] = last + 1
                    where = (member, place[visit.point], number)
                    arrivals.append((first, *where, self._part(visit, first)))
                    lasts.append((last, *where, self._part(visit, last)))
                    departures.append((last + 1, *where, 0.0))
                number += 1
        wired = [len(site.point[visit.point].phases) for visit in self._visits]
        self.single_phase_cars = bool((self._phases.sum(axis=1) < wired).any())
        """Whether anybody ever draws on fewer phases than its point has."""
        self._arrivals, self._lasts, self._departures = _sorted(arrivals), _sorted(lasts), _sorted(departures)
        self._now = np.zeros((11, *shape))
        self.phases = np.zeros((*shape, 3))
        """(B, P, 3): 1 where the car there draws on that phase of the grid."""
        self.visit = np.full(shape, -1, dtype=np.int64)
        self.present = np.zeros(shape, dtype=bool)
        self.wants = np.zeros(shape, dtype=bool)
        self.current_a = np.zeros(shape)
        self.power_w = np.zeros(shape)
        self.drawn_w = np.zeros(shape[0])
        """(B,) mean power of all cars together in the last step, of those too that have left since [W]."""
        self.delivered_wh = np.zeros(shape)
        self.waited_s = np.zeros(shape)
        self._longest_wait_s = np.zeros(shape)
        self._first_s = np.full(shape, np.nan)
        self._weight = np.ones(shape)
        self._has_price_limits = any(visit.price_limit is not None for visit in self._visits)
        count = len(self._visits)
        self._out = {"delivered": np.zeros(count), "first": np.full(count, np.nan), "wait": np.zeros(count)}

    # -- what a controller may know -----------------------------------------------------------------------------

    @property
    def arrived_s(self) -> Floats:
        """When each car came [s]."""
        value: Floats = self._now[_ARRIVED]
        return value

    @property
    def stated_leaves_s(self) -> Floats:
        """When it leaves, as stated if that was stated [s]."""
        value: Floats = self._now[_SAYS_LEAVES]
        return value

    @property
    def stated_left_wh(self) -> Floats:
        """What it still needs, as stated if that was stated [Wh]."""
        left: Floats = np.maximum(0.0, self._now[_SAYS_WH] - self.delivered_wh)
        return left

    @property
    def has_said(self) -> Bools:
        """Whose driver has said both."""
        said: Bools = self._now[_SAID] > 0.0
        return said

    @property
    def car_max_a(self) -> Floats:
        """Most that each car draws per phase [A]."""
        value: Floats = self._now[_MOST]
        return value

    @property
    def w_per_a(self) -> Floats:
        """Power per ampere: voltage times phases in use [W/A]."""
        value: Floats = self._now[_W_PER_A]
        return value

    # -- time -------------------------------------------------------------------------------------------------

    def arrive(self, step: int, price: Floats) -> Bools:
        """Begin a step: who leaves has left, who comes is there.

        Args:
            step: its number.
            price: (B,) price per kWh.

        Returns:
            (B, P) who has just come.
        """
        gone = self._departures.at(step)
        if gone.start < gone.stop:
            self._leave(self._departures.site[gone], self._departures.point[gone], self._departures.visit[gone])
        self._weight.fill(1.0)
        come = self._arrivals.at(step)
        new = np.zeros(self.present.shape, dtype=bool)
        if come.start < come.stop:
            sites, points, visits = self._arrivals.site[come], self._arrivals.point[come], self._arrivals.visit[come]
            self._now[:, sites, points] = self._brought[:, visits]
            self.phases[sites, points] = self._phases[visits]
            self.visit[sites, points] = visits
            self.present[sites, points] = new[sites, points] = True
            self.delivered_wh[sites, points] = self.waited_s[sites, points] = 0.0
            self._longest_wait_s[sites, points] = 0.0
            self._first_s[sites, points] = np.nan
            self._weight[sites, points] = self._arrivals.value[come]
        last = self._lasts.at(step)
        if last.start < last.stop:
            self._weight[self._lasts.site[last], self._lasts.point[last]] = self._lasts.value[last]
        self.wants = self.present & (self._now[_MISSING] > CUT_OFF_SHARE * self._now[_TAPER] + ENOUGH_WH)
        if self._has_price_limits:
            self.wants &= self._affordable(step * self._step_s, price)
        return new

    def settled_a(self, limit_a: Floats) -> Floats:
        """(B, P) what each car draws under these limits once it has answered, at this moment [A]."""
        now = self._now
        accepts_a = np.divide(now[_MOST] * now[_MISSING], now[_TAPER], out=now[_MOST].copy(), where=now[_TAPER] > 0.0)
        return np.where(self._flows(limit_a), np.minimum(np.minimum(limit_a, now[_MOST]), accepts_a), 0.0)

    def charge(self, step: int, limit_a: Floats) -> None:
        """Live through a step under these limits (B, P) [A]."""
        now = self._now
        flows = self._flows(limit_a)
        start_a = np.where(flows, np.minimum(limit_a, now[_MOST]), 0.0)
        hours = self._weight * (self._step_s / HOUR_S)
        energy_wh = taken_wh(start_a, now[_MISSING], now[_TAPER], now[_MOST], now[_W_PER_A], hours)
        now[_MISSING] -= energy_wh
        self.delivered_wh += energy_wh
        self.power_w = energy_wh * (HOUR_S / self._step_s)
        self.drawn_w = self.power_w.sum(axis=1)
        self.current_a = np.divide(self.power_w, now[_W_PER_A], out=np.zeros_like(energy_wh), where=flows)
        starts = flows & np.isnan(self._first_s)
        if starts.any():
            self._first_s[starts] = np.maximum(step * self._step_s, now[_ARRIVED][starts])
        self.waited_s = np.where(self.wants & ~flows, self.waited_s + self._weight * self._step_s, 0.0)
        np.maximum(self._longest_wait_s, self.waited_s, out=self._longest_wait_s)

    def finish(self) -> None:
        """End the horizon: whoever is still there is counted as he stands."""
        sites, points = np.nonzero(self.present)
        self._leave(sites, points, self.visit[sites, points])

    def outcomes(self) -> Iterator[tuple[Visit, float, float | None, float]]:
        """Each visit, member by member: its energy [Wh], when current first flowed [s], and its longest wait [s]."""
        for visit, delivered, first, wait in zip(
            self._visits, *(self._out[name].tolist() for name in ("delivered", "first", "wait")), strict=True
        ):
            yield visit, delivered, None if np.isnan(first) else first, wait

    def _flows(self, limit_a: Floats) -> Bools:
        flows: Bools = self.wants & (limit_a >= self._now[_LEAST] - TOLERANCE_A) & (limit_a > TOLERANCE_A)
        return flows

    # -- details ------------------------------------------------------------------------------------------------

    def _describe(self, number: int, visit: Visit, wiring: tuple[int, ...], voltage_v: float) -> None:
        used = wiring[: visit.car.phases]
        self._phases[number, list(used)] = 1.0
        self._brought[:, number] = (
            visit.to_full_wh,
            visit.taper_wh,
            visit.car.max_a,
            visit.car.min_a,
            voltage_v * len(used),
            visit.arrives_s,
            visit.leaves_s,
            visit.leaves_s if visit.stated_leaves_s is None else visit.stated_leaves_s,
            visit.energy_wh if visit.stated_energy_wh is None else visit.stated_energy_wh,
            np.inf if visit.price_limit is None else visit.price_limit,
            visit.stated_leaves_s is not None and visit.stated_energy_wh is not None,
        )

    def _steps(self, visit: Visit, steps: int, free_from: int) -> tuple[int, int]:
        """The first and the last step of a visit; two cars never share a step of a point: the later one waits."""
        first = max(int(visit.arrives_s / self._step_s + 1e-9), free_from)
        last = min(int(np.ceil(visit.leaves_s / self._step_s - 1e-9)) - 1, steps - 1)
        return first, last

    def _part(self, visit: Visit, step: int) -> float:
        """The part of a step for which the car is there."""
        begins_s = max(visit.arrives_s, step * self._step_s)
        ends_s = min(visit.leaves_s, (step + 1) * self._step_s)
        return max(0.0, (ends_s - begins_s) / self._step_s)

    def _leave(self, sites: Ints, points: Ints, visits: Ints) -> None:
        self._out["delivered"][visits] = self.delivered_wh[sites, points]
        self._out["first"][visits] = self._first_s[sites, points]
        self._out["wait"][visits] = self._longest_wait_s[sites, points]
        self.present[sites, points] = False
        self.visit[sites, points] = -1
        self.current_a[sites, points] = self.power_w[sites, points] = 0.0
        self.phases[sites, points] = 0.0

    def _affordable(self, now_s: float, price: Floats) -> Bools:
        """Who need not wait for a better price: it is good enough, or the time left is needed."""
        now = self._now
        full_w = now[_MOST] * now[_W_PER_A]
        needed_s = np.divide(HOUR_S * now[_MISSING], full_w, out=np.zeros_like(full_w), where=full_w > 0.0)
        affordable: Bools = (price[:, None] <= now[_PRICE]) | (now[_LEAVES] - now_s - self._step_s <= needed_s)
        return affordable


def taken_wh(
    start_a: Floats, missing_wh: Floats, taper_wh: Floats, most_a: Floats, w_per_a: Floats, hours: Floats
) -> Floats:
    """Energy taken in a time, from a car that begins with ``start_a`` and tapers as its battery fills [Wh].

    Above the knee, where the battery accepts no more than ``start_a``, the current is constant; below it the missing
    energy decays exponentially, until the car calls itself full.
    """
    knee_wh = np.divide(taper_wh * start_a, most_a, out=np.zeros_like(missing_wh), where=most_a > 0.0)
    power_w = start_a * w_per_a
    constant_wh = np.minimum(power_w * hours, np.maximum(0.0, missing_wh - knee_wh))
    left_h = hours - np.divide(constant_wh, power_w, out=hours.copy(), where=power_w > 0.0)
    below_wh = missing_wh - constant_wh
    tapers = (left_h > 0.0) & (taper_wh > 0.0) & (power_w > 0.0)
    if not tapers.any():
        return constant_wh
    rate = np.divide(most_a * w_per_a, taper_wh, out=np.zeros_like(below_wh), where=tapers)
    floor_wh = np.minimum(below_wh, CUT_OFF_SHARE * taper_wh)
    after_wh = np.maximum(below_wh * np.exp(-rate * left_h), floor_wh)
    # Where nothing tapers, nothing is added: to the last bit the same, whoever else is in the batch.
    taken: Floats = constant_wh + np.where(tapers, below_wh - after_wh, 0.0)
    return taken
