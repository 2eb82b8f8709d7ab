"""When each car can charge and how much, and what the demand windows hold already.

Shapes: N cells, P cars, K row kinds (see ``grid``), T slots, W demand windows, D parts of the demand's price.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from controller.loadbalance.horizon.grid import Grid
from controller.loadbalance.horizon.outlook import Floats, Ints, Outlook, first_slot

SPARE_S: Final = 3600.0
"""Who has so much time to spare is half as urgent as who has none [s]."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A cell is a car in a slot in which it can charge."""

    place: Ints
    """(N,) where each cell is in an array (P, T) that is laid out flat: car by car."""
    car: Ints
    slot: Ints
    part: Floats
    """(P, T) the part of the slot in which the car is there, from now on."""
    most_a: Floats
    """(P, T) the most that it can take as mean of the slot, as long as nobody else charges [A]."""
    kwh_per_a: Floats
    """(P,) energy of one ampere for a whole slot."""
    energy_kwh: Floats
    """(P,) what it needs."""
    late: Floats
    """(P, T) which part of its stay in the slot is later than it is to be ready."""
    slot_s: float

    @property
    def urgency(self) -> Floats:
        """(P,) how little time a car has to spare beyond what charging takes: 1 for none, a half for ``SPARE_S``."""
        fastest_kwh = self.most_a.max(axis=1, initial=0.0) * self.kwh_per_a
        spare_kwh = np.maximum(self.most_a.sum(axis=1) * self.kwh_per_a - self.energy_kwh, 0.0)
        spare = np.divide(spare_kwh, fastest_kwh, out=np.zeros_like(spare_kwh), where=fastest_kwh > 0.0)
        urgency: Floats = 1.0 / (1.0 + spare * (self.slot_s / SPARE_S))
        return urgency


@dataclass(frozen=True, slots=True)
class Peak:
    """The demand windows that the slots lie in."""

    per_kw: Floats
    """(D,)"""
    floor_kw: Floats
    """(D,) below it nothing is saved: it has been paid for, or is reached without anybody charging; weighted."""
    weight: Floats
    """(D, W) how much of a window's power counts; 0 where it is not billed."""
    window: Ints
    """(T,) which window a slot lies in."""
    first: int
    """Number of the first of them, by the clock."""
    window_slots: int
    background_kw: Floats
    """(W,) mean of what is not charging, and of what has been drawn in the running window already."""
    slot_s: float
    a_per_kw: float
    """So many amperes of a phase, summed over the slots of a window, are a mean power of 1 kW."""

    def load_kw(self, charged_kwh: Floats) -> Floats:
        """(W,) mean power of each window with so much charging in each slot (T,)."""
        charging_kw = np.bincount(self.window, weights=charged_kwh) * 3600.0 / (self.window_slots * self.slot_s)
        load_kw: Floats = self.background_kw + charging_kw
        return load_kw

    def reached_kw(self, charged_kwh: Floats) -> Floats:
        """(D,) the peak of each part with so much charging in each slot (T,), at least its floor; weighted."""
        reached_kw: Floats = np.maximum(self.floor_kw, (self.weight * self.load_kw(charged_kwh)).max(axis=1))
        return reached_kw

    def bearable_kw(self, reached_kw: Floats) -> Floats:
        """(D, W) what each window may hold before a part exceeds ``reached_kw`` (D,); infinite where it is free."""
        endless = np.full(self.weight.shape, np.inf)
        bearable_kw: Floats = np.divide(reached_kw[:, None], self.weight, where=self.weight > 0.0, out=endless)
        return bearable_kw


def slots_left(outlook: Outlook) -> Floats:
    """(T,) the part of each slot that is still to come."""
    slots = outlook.price_per_kwh.size
    left: Floats = _parts(np.array([_slots_until(outlook, outlook.at)]), np.array([float(slots)]), slots)[0]
    return left


def _slots_until(outlook: Outlook, moment: datetime) -> float:
    """How many slots pass from the beginning of the first until then; negative before it."""
    return (moment - outlook.begins_at).total_seconds() / outlook.slot_s


def _parts(arrives: Floats, departs: Floats, slots: int) -> Floats:
    """(P, T) the part of each slot that a stay covers; ``arrives`` and ``departs`` (P,) are counted in slots."""
    begins = np.arange(float(slots))
    until = np.minimum(departs[:, None], begins + 1.0)
    part: Floats = np.maximum(until - np.maximum(arrives[:, None], begins), 0.0)
    return part


def cells_of(outlook: Outlook, alone_a: Floats, kw_per_a: Floats) -> Cells:
    """When each car can charge: ``alone_a`` (P, T) is there for it, of which an ampere gives ``kw_per_a`` (P,)."""
    cars, now, slots = outlook.cars, outlook.at, outlook.price_per_kwh.size
    arrives = np.array([_slots_until(outlook, max(now, car.arrives_at or now)) for car in cars])
    departs = np.array([_slots_until(outlook, car.departs_at) for car in cars])
    ready = np.array([_slots_until(outlook, car.ready_at or car.departs_at) for car in cars])
    part = _parts(arrives, departs, slots)
    after = _parts(np.maximum(ready, arrives), departs, slots)
    late = np.divide(after, part, out=np.zeros_like(part), where=part > 0.0)
    most_a = np.minimum(np.array([car.max_a for car in cars])[:, None], alone_a) * part
    energy_kwh = np.array([car.energy_wh for car in cars]) / 1000.0
    place = np.flatnonzero((most_a > 0.0) & (energy_kwh > 0.0)[:, None])
    car, slot = np.divmod(place, slots)
    kwh_per_a = kw_per_a * (outlook.slot_s / 3600.0)
    return Cells(place, car, slot, part, most_a, kwh_per_a, energy_kwh, late, outlook.slot_s)


def peak_of(grid: Grid, outlook: Outlook, left: Floats) -> Peak | None:
    """The demand windows of the outlook, where demand is priced; ``left`` (T,) is the part of each slot to come."""
    demand = outlook.demand
    if demand is None:
        return None
    size = demand.window_slots
    number = (first_slot(outlook) - demand.shift_slots + np.arange(left.size)) // size
    first = int(number[0])
    drawn_kw = outlook.background_a[:, grid.connection].sum(axis=1) * left * (grid.site.nominal_voltage_v / 1000.0)
    background_kw = np.bincount(number - first, weights=drawn_kw) / size
    background_kw[0] += demand.drawn_kwh * 3600.0 / (size * outlook.slot_s)
    count = background_kw.size
    weight = np.ones((len(demand.parts), count))
    for place, part in enumerate(demand.parts):
        if part.weights:
            weight[place] = part.weights[:count]
    floor_kw = np.maximum([part.floor_kw for part in demand.parts], (weight * background_kw).max(axis=1))
    return Peak(
        per_kw=np.array([part.per_kw for part in demand.parts]),
        floor_kw=floor_kw,
        weight=weight,
        window=number - first,
        first=first,
        window_slots=size,
        background_kw=background_kw,
        slot_s=outlook.slot_s,
        a_per_kw=size * 1000.0 / grid.site.nominal_voltage_v,
    )
