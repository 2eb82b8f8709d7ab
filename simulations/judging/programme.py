"""A scenario as a linear program sees it: who could draw how much in which slot, and what bounds the sums."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from controller.site import Circuit
from controller.units import phase_vector
from simulations.judging.billing import means
from simulations.judging.policy import Rows
from simulations.scenario.loads import sampled_a
from simulations.scenario.model import Scenario, TimedLimit
from simulations.visits import Visit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SLOT_S: Final = 900.0
"""Slots are at least this long: a quarter of an hour, over which most grid operators measure demand."""
SIDES: Final = 24
"""Sides of the polygon that stands for a circle: it reaches beyond it by less than 0.9 %."""


@dataclass(frozen=True, eq=False)
class Programme:
    """V visits, S slots, K rows and N pairs of a visit and a slot in which it is there.

    Everything is at least as wide as the truth: means over a slot stand for what holds at each moment of it.
    """

    begins_s: Floats
    """(S,) beginning of each slot [s]."""
    length_s: Floats
    """(S,) [s]"""
    need_wh: Floats
    """(V,) what each car takes at most [Wh]."""
    w_per_a: Floats
    """(V,) power per ampere."""
    rows: Floats
    """(K, V) use of each row per ampere of each visit."""
    free_a: Floats
    """(K, S) mean of what is free, in the row's unit."""
    visit: Ints
    """(N,) by slot within each visit."""
    slot: Ints
    """(N,)"""
    most_a: Floats
    """(N,) most mean current over the slot: the car's maximum times the share of the slot that it is there [A]."""
    full_wh: Floats | None = None
    """(V,) what would fill each battery wholly [Wh]; None: nobody tapers."""
    decay: Floats | None = None
    """(N,) the part of what is missing of a full battery that a car takes at most in the slot; infinite where the
    battery sets no bound."""

    @property
    def most_wh(self) -> Floats:
        """(N,) most energy of each pair [Wh]."""
        return self.most_a * self.wh_per_a

    @property
    def wh_per_a(self) -> Floats:
        """(N,) energy per ampere of mean current [Wh/A]."""
        energy: Floats = self.w_per_a[self.visit] * self.length_s[self.slot] / 3600.0
        return energy


def pairs(
    begins_s: Floats, length_s: Floats, arrives_s: Floats, leaves_s: Floats, max_a: Floats
) -> tuple[Ints, Ints, Floats]:
    """Every visit with every slot that it touches: (N,) visit, (N,) slot, (N,) most mean current [A]."""
    ends_s = begins_s + length_s
    first = np.searchsorted(ends_s, arrives_s, side="right")
    last = np.searchsorted(begins_s, leaves_s, side="left")
    count = np.maximum(last - first, 0)
    visit = np.repeat(np.arange(len(count)), count)
    slot = np.arange(visit.size) - np.repeat(np.cumsum(count) - count, count) + first[visit]
    there_s = np.minimum(ends_s[slot], leaves_s[visit]) - np.maximum(begins_s[slot], arrives_s[visit])
    return visit, slot, max_a[visit] * np.clip(there_s / length_s[slot], 0.0, 1.0)


def polygon(rows: Rows, free_a: Floats) -> tuple[Floats, Floats]:
    """Phasor rows as half-planes that hold wherever the magnitude is within its bound; real rows as they are.

    Args:
        rows: (K, V) real or complex.
        free_a: (K, S) bounds of the sums, or of their magnitudes.
    """
    if np.isrealobj(rows):
        return np.asarray(rows.real, dtype=np.float64), free_a
    turns = np.exp(-2j * np.pi * np.arange(SIDES) / SIDES)
    sides: Floats = (turns[:, np.newaxis, np.newaxis] * rows).real.reshape(SIDES * rows.shape[0], -1)
    return sides, np.tile(free_a, (SIDES, 1))


def slots_of(scenario: Scenario) -> tuple[Floats, Floats]:
    """Beginnings and lengths (S,) of the slots [s]: they lie on the clock, so the first and the last may be short."""
    slot_s = max(SLOT_S, scenario.record_s)
    to_first_s = -scenario.start_s % slot_s
    inner = np.arange(to_first_s, scenario.duration_s - 1e-6, slot_s)
    begins_s = inner if to_first_s < 1e-6 else np.concatenate([[0.0], inner])
    return begins_s, np.diff(np.append(begins_s, scenario.duration_s))


def middles_s(scenario: Scenario) -> Floats:
    """(T,) the middle of each step, where loads and prices are sampled [s]."""
    return scenario.step_s * (np.arange(scenario.steps, dtype=np.float64) + 0.5)


def programme_of(scenario: Scenario) -> tuple[Programme, Floats]:
    """A scenario's programme, and the building's mean power (S,) in each slot [W].

    Its faults are left out: they only take away.
    """
    begins_s, length_s = slots_of(scenario)
    times_s = middles_s(scenario)
    slot = np.searchsorted(begins_s, times_s, side="right") - 1
    # Buildings may remember when they were asked last: each asker has one of its own.
    load_a = sampled_a(copy.deepcopy(scenario.building), scenario.start_s + times_s)
    rows, free_a = _rows(scenario, times_s, load_a)
    step_s = np.full(times_s.shape, scenario.step_s)
    visits, point = scenario.visits, scenario.site.point
    stays = pairs(
        begins_s,
        length_s,
        np.array([v.arrives_s for v in visits], dtype=np.float64),
        np.array([min(v.leaves_s, scenario.duration_s) for v in visits], dtype=np.float64),
        np.array([min(v.car.max_a, point[v.point].max_a) for v in visits], dtype=np.float64),
    )
    voltage_v = scenario.site.nominal_voltage_v
    w_per_a = np.array([voltage_v * len(_phases(scenario, v)) for v in visits], dtype=np.float64)
    programme = Programme(
        begins_s=begins_s,
        length_s=length_s,
        need_wh=np.array([v.energy_wh for v in visits], dtype=np.float64),
        w_per_a=w_per_a,
        rows=rows,
        free_a=np.array([means(slot, step_s, free) for free in free_a]),
        visit=stays[0],
        slot=stays[1],
        most_a=stays[2],
        full_wh=np.array([v.to_full_wh for v in visits], dtype=np.float64),
        decay=_decay(scenario, stays, length_s, w_per_a),
    )
    return programme, voltage_v * means(slot, step_s, load_a.sum(axis=1))


def _decay(scenario: Scenario, stays: tuple[Ints, Ints, Floats], length_s: Floats, w_per_a: Floats) -> Floats:
    """(N,) as in ``Programme``: where the current falls with what is missing, that decays exponentially.

    What a car takes in a slot is a concave function of what is missing at its beginning, and this is its first slope:
    a bound from above also before the current begins to fall.
    """
    visit, slot, most_a = stays
    taper_wh = np.array([v.taper_wh for v in scenario.visits], dtype=np.float64)[visit]
    car_a = np.array([v.car.max_a for v in scenario.visits], dtype=np.float64)[visit]
    point_a = np.array([min(v.car.max_a, scenario.site.point[v.point].max_a) for v in scenario.visits])[visit]
    there_h = length_s[slot] * np.divide(most_a, point_a, out=np.zeros_like(most_a), where=point_a > 0.0) / 3600.0
    per_h = np.divide(car_a * w_per_a[visit], taper_wh, out=np.full(taper_wh.shape, np.inf), where=taper_wh > 0.0)
    return np.where(taper_wh > 0.0, -np.expm1(-np.minimum(per_h, 1e9) * there_h), np.inf)


def _phases(scenario: Scenario, visit: Visit) -> tuple[int, ...]:
    """The grid phases that a car draws from."""
    return scenario.site.point[visit.point].phases[: visit.car.phases]


def _rows(scenario: Scenario, times_s: Floats, load_a: Floats) -> tuple[Floats, list[Floats]]:
    """(K, V) uses, and for each row (T,) what is free at each time: phases of circuits, then powers where bounded."""
    site, voltage_v = scenario.site, scenario.site.nominal_voltage_v
    draws = np.array([phase_vector(_phases(scenario, v), 1.0) for v in scenario.visits]).reshape(-1, 3)
    rows: list[Floats] = []
    free: list[Floats] = []
    for circuit in site.circuits:
        below = np.array([circuit.id in site.path[site.point[v.point].circuit] for v in scenario.visits], dtype=bool)
        other_a = load_a if circuit.parent is None else np.zeros_like(load_a)
        rows += [below * draws[:, phase] for phase in range(3)]
        free += [np.maximum(circuit.fuse_a[p] - circuit.margin_a - other_a[:, p], 0.0) for p in range(3)]
        most_w = _most_w(scenario, circuit, times_s)
        if most_w is not None:
            rows.append(below * draws.sum(axis=1) * voltage_v)
            free.append(np.maximum(most_w - voltage_v * other_a.sum(axis=1), 0.0))
        charging_w = _charging_w(scenario, circuit, times_s)
        if charging_w is not None:
            rows.append(below * draws.sum(axis=1) * voltage_v)
            free.append(charging_w)
    return np.array(rows), free


def _most_w(scenario: Scenario, circuit: Circuit, times_s: Floats) -> Floats | None:
    """(T,) the lowest bound on a circuit's power at each time [W]; None where there never is one."""
    limits = [limit for limit in scenario.limits if limit.circuit == circuit.id and not limit.charging_only]
    if circuit.contract_w is None and not limits:
        return None
    fuses_w = sum(circuit.fuse_a) * scenario.site.nominal_voltage_v
    return _strictest_w(limits, times_s, fuses_w if circuit.contract_w is None else min(fuses_w, circuit.contract_w))


def _charging_w(scenario: Scenario, circuit: Circuit, times_s: Floats) -> Floats | None:
    """(T,) the lowest bound on what charges below a circuit at each time [W]; None where there never is one."""
    limits = [limit for limit in scenario.limits if limit.circuit == circuit.id and limit.charging_only]
    return _strictest_w(limits, times_s, sum(circuit.fuse_a) * scenario.site.nominal_voltage_v) if limits else None


def _strictest_w(limits: Iterable[TimedLimit], times_s: Floats, otherwise_w: float) -> Floats:
    most_w = np.full(times_s.shape, otherwise_w)
    for limit in limits:
        during = (times_s >= limit.begins_s) & (times_s < limit.ends_s)
        most_w[during] = np.minimum(most_w[during], limit.limit_w)
    return most_w
