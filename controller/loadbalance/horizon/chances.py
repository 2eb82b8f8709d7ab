"""When each car can charge and how much, and what the demand windows hold already.

Shapes: N cells, P cars, K row kinds (see ``grid``), T slots, W demand windows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from controller.loadbalance.horizon.grid import Grid
from controller.loadbalance.horizon.outlook import Bools, Floats, Ints, Outlook


@dataclass(frozen=True, slots=True)
class Cells:
    """A cell is a car in a slot in which it can charge."""

    there: Bools
    """(P, T) where the cells are."""
    car: Ints
    """(N,) car and slot of every cell, car by car."""
    slot: Ints
    part: Floats
    """(P, T) the part of the slot in which the car is there, from now on."""
    most_a: Floats
    """(P, T) what it can take in that part as long as nobody else charges [A]."""
    kwh_per_a: Floats
    """(P,) energy of one ampere for a whole slot."""
    energy_kwh: Floats
    """(P,) what it needs."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The demand windows that the slots lie in."""

    per_kw: float
    floor_kw: float
    """Below it nothing is saved: it has been paid for, or is reached without anybody charging."""
    window: Ints
    """(T,) which window a slot lies in."""
    first: int
    """Number of the first of them, by the clock."""
    window_slots: int
    background_kw: Floats
    """(W,) mean of what is not charging, and of what has been drawn in the running window already."""
    slot_s: float

    def load_kw(self, charged_kwh: Floats) -> Floats:
        """(W,) mean power of each window with so much charging in each slot (T,)."""
        charging_kw = np.bincount(self.window, weights=charged_kwh) * 3600.0 / (self.window_slots * self.slot_s)
        load_kw: Floats = self.background_kw + charging_kw
        return load_kw


def slots_left(outlook: Outlook) -> Floats:
    """(T,) the part of each slot that is still to come."""
    gone_s = (outlook.at - outlook.begins_at).total_seconds()
    ends_s = outlook.slot_s * np.arange(1, outlook.price_per_kwh.size + 1)
    left: Floats = np.clip((ends_s - gone_s) / outlook.slot_s, 0.0, 1.0)
    return left


def first_slot(outlook: Outlook) -> int:
    """The number of the first slot, by the clock."""
    return round(outlook.begins_at.timestamp() / outlook.slot_s)


def cells_of(outlook: Outlook, alone_a: Floats, kw_per_a: Floats) -> Cells:
    """When each car can charge: ``alone_a`` (P, T) is there for it, of which an ampere gives ``kw_per_a`` (P,)."""
    cars, slot_s = outlook.cars, outlook.slot_s
    begins, now = outlook.begins_at, outlook.at
    arrives_s = [(max(now, car.arrives_at or now) - begins).total_seconds() for car in cars]
    departs_s = [(car.departs_at - begins).total_seconds() for car in cars]
    begins_s = slot_s * np.arange(outlook.price_per_kwh.size)
    until_s = np.minimum(np.array(departs_s)[:, None], begins_s + slot_s)
    part = np.clip((until_s - np.maximum(np.array(arrives_s)[:, None], begins_s)) / slot_s, 0.0, 1.0)
    most_a = np.minimum(np.array([car.max_a for car in cars])[:, None], alone_a)
    energy_kwh = np.array([car.energy_wh for car in cars]) / 1000.0
    there = (part > 0.0) & (most_a > 0.0) & (energy_kwh > 0.0)[:, None]
    car, slot = np.nonzero(there)
    return Cells(there, car, slot, part, most_a, kw_per_a * (slot_s / 3600.0), energy_kwh)


def peak_of(grid: Grid, outlook: Outlook, left: Floats) -> Peak | None:
    """The demand windows of the outlook, where demand is priced; ``left`` (T,) is the part of each slot to come."""
    demand = outlook.demand
    if demand is None:
        return None
    size = demand.window_slots
    number = (first_slot(outlook) + np.arange(left.size)) // size
    first = int(number[0])
    drawn_kw = outlook.background_a[:, grid.connection].sum(axis=1) * left * (grid.site.nominal_voltage_v / 1000.0)
    background_kw = np.bincount(number - first, weights=drawn_kw) / size
    background_kw[0] += demand.drawn_kwh * 3600.0 / (size * outlook.slot_s)
    floor_kw = max(demand.floor_kw, float(background_kw.max()))
    return Peak(demand.per_kw, floor_kw, number - first, first, size, background_kw, outlook.slot_s)
