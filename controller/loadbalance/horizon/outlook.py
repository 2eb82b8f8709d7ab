"""What a plan of the coming hours is made from.

Shapes: T slots, C circuits in the site's order, 3 phases of the grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from controller.site import Site

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_NUMBERS_OF_A_CAR: Final = ("min_a", "max_a", "energy_wh", "least_wh")


@dataclass(frozen=True, slots=True)
class CarOutlook:
    """A car that is there, or that is expected."""

    point: str
    phases: tuple[int, ...]
    """The grid phases that it draws on."""
    min_a: float
    """Least current but 0 [A]."""
    max_a: float
    """Most current, as it has shown and as its point allows [A]."""
    energy_wh: float
    """What it still needs [Wh]."""
    departs_at: datetime
    least_wh: float = 0.0
    """The part of it that comes before all other needs [Wh]."""
    arrives_at: datetime | None = None
    """None: it is there."""
    priority: int = 0
    eager: bool = False
    """Whether it may not be made to wait for a better price: nobody has said until when it stays."""
    ready_at: datetime | None = None
    """From here on it is late for energy: what is left for the last minutes may not be had, as a battery takes less
    while it fills. None: its departure."""


@dataclass(frozen=True, slots=True)
class DemandPart:
    """What one charge for demand costs from now on: the highest of its windows counts, each by its weight."""

    per_kw: float
    """[currency/kW]"""
    floor_kw: float = 0.0
    """A peak that is paid for already, or that is certain to come: below it nothing is saved [kW, weighted]."""
    weights: tuple[float, ...] = ()
    """How much of a window's power counts: of the running one's and of each that follows; 0 where it is not billed.
    They reach beyond the horizon at will. Empty: all of it, always."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What the mean power of demand windows costs from now on."""

    parts: tuple[DemandPart, ...]
    """At least one; each is paid on top of the others."""
    window_slots: int = 1
    """Slots in a demand window."""
    drawn_kwh: float = 0.0
    """Energy that the connection has drawn since the beginning of the running window, until now [kWh]."""
    shift_slots: int = 0
    """So many slots after the multiples of their length in Unix time windows begin: the local clock makes them."""
    held: bool = False
    """Whether somebody holds the running window, whoever charges: no car has to be held back for its sake."""

    @property
    def most_per_kw(self) -> float:
        """No kilowatt can cost more [currency/kW]."""
        return sum(part.per_kw * max(part.weights, default=1.0) for part in self.parts)


@dataclass(frozen=True, slots=True)
class PowerBound:
    """A bound on a circuit's power."""

    circuit: str
    limit_w: Floats
    """(T,) what may be drawn in all; infinite where it does not hold [W]."""


@dataclass(frozen=True, eq=False)
class Outlook:
    """Everything that a plan is made from. Contracts (``Circuit.contract_w``) need not be repeated in ``bounds``."""

    site: Site
    at: datetime
    """Now: it lies in the first slot, of which only the rest is left."""
    begins_at: datetime
    """Beginning of the first slot; slots lie on the clock."""
    slot_s: float
    price_per_kwh: Floats
    """(T,) [currency/kWh]"""
    background_a: Floats
    """(T, C, 3) forecast of what is not charging [A]."""
    cars: tuple[CarOutlook, ...] = ()
    """At most one per point at a time."""
    demand: Demand | None = None
    bounds: tuple[PowerBound, ...] = ()
    unmet_per_kwh: float = 1.0
    """What a kWh is worth that is needed and not given [currency]; never so little that not charging would pay."""


def check(outlook: Outlook) -> None:
    """Let no outlook pass that arithmetic would make nonsense of.

    Raises:
        ValueError: a number is not finite or an array is of the wrong shape; the message names it.
    """
    slots = outlook.price_per_kwh.size
    _check_array("price_per_kwh", outlook.price_per_kwh, (max(1, slots),))
    _check_array("background_a", outlook.background_a, (slots, len(outlook.site.circuits), 3))
    for bound in outlook.bounds:
        limited = np.where(bound.limit_w == np.inf, 0.0, bound.limit_w)
        _check_array(f"bounds.{bound.circuit}.limit_w", limited, (slots,))
    _check_numbers("", outlook, ("slot_s", "unmet_per_kwh"))
    for car in outlook.cars:
        if not math.isfinite(car.min_a + car.max_a + car.energy_wh + car.least_wh):
            _check_numbers(f"cars.{car.point}.", car, _NUMBERS_OF_A_CAR)
    if outlook.demand is not None:
        _check_demand(outlook.demand, first_slot(outlook), slots)


def first_slot(outlook: Outlook) -> int:
    """The number of the first slot, by the clock."""
    return round(outlook.begins_at.timestamp() / outlook.slot_s)


def _check_demand(demand: Demand, first: int, slots: int) -> None:
    _check_numbers("demand.", demand, ("drawn_kwh",))
    if not demand.parts:
        raise ValueError("demand.parts: expected at least one")
    size, first = demand.window_slots, first - demand.shift_slots
    windows = (first + slots - 1) // size - first // size + 1
    for number, part in enumerate(demand.parts):
        _check_numbers(f"demand.parts.{number}.", part, ("per_kw", "floor_kw"))
        if not all(0.0 <= weight < math.inf for weight in part.weights):
            raise ValueError(f"demand.parts.{number}.weights: expected finite numbers of at least 0")
        if 0 < len(part.weights) < windows:
            raise ValueError(f"demand.parts.{number}.weights: expected one for each of {windows} windows")


def _check_numbers(whose: str, of: object, names: tuple[str, ...]) -> None:
    for name in names:
        if not math.isfinite(value := getattr(of, name)):
            raise ValueError(f"{whose}{name}: expected a finite number, got {value!r}")


def _check_array(name: str, values: Floats, shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise ValueError(f"{name}: expected the shape {shape}, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: expected finite numbers")
