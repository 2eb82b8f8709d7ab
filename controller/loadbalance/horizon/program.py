"""The linear program of one plan, as the arrays that a solver takes.

Columns: the mean current of every cell [A], in the first slots in two parts; what each car will lack, in three tiers
[kWh]; the demand peak above its floor [kW]. Rows: the energy of each car, and every bound that the cars together could
reach. Those that they cannot reach are left out, which is most of them.

Shapes: N cells, H of them in two parts, P cars, K row kinds, T slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from controller.loadbalance.horizon.chances import Cells, Peak, cells_of, first_slot, peak_of, slots_left
from controller.loadbalance.horizon.grid import Grid
from controller.loadbalance.horizon.outlook import Floats, Ints, Outlook
from controller.loadbalance.horizon.ranks import Prices, prices_of

Indices = NDArray[np.int32]

TIERS: Final = 3
"""Columns for what a car lacks: two halves of its energy by departure, then its least energy."""

SECOND_HALF: Final = 1.25
"""The second half of what is missing costs more than the first, so that what must be missing is spread."""

LEAST_WEIGHT: Final = 2e-6
"""The objective is scaled so that the least of its tie-breaks stands well above the solver's tolerance of 1e-7."""

REACH_A: Final = 1e-6
"""A bound that could be exceeded by less than this is not a bound."""

ABSENT: Final = -1
"""In place of the number of a row that is left out."""

MOST_CARS: Final = 8
"""So many cars of one point, one after the other, keep their names whatever the other points do."""

_SLOT_BITS: Final = 40
_HALVES: Final = 1 << 60
_OTHERS: Final = 1 << 61
"""Names of columns that are no cells begin here, and those of rows that are not a car's energy."""


@dataclass(frozen=True, slots=True)
class Program:
    """Minimise ``cost @ x`` where ``0 <= x <= upper`` and ``row_lower <= matrix @ x <= row_upper``."""

    cost: Floats
    """In no currency: scaled."""
    upper: Floats
    row_lower: Floats
    row_upper: Floats
    starts: Indices
    """Where the entries of each column begin, and the end of the last."""
    rows: Indices
    values: Floats
    column_names: Ints
    """Numbers that name columns and rows alike in one plan and the next, ascending."""
    row_names: Ints
    hard: int
    """So many rows come before those of the demand peak, which may be exceeded at a price."""
    cells: Cells
    halved: Ints
    """(H,) the cells whose upper part has a column of its own, behind those of all cells."""
    prices: Prices
    peak: Peak | None

    @property
    def tiers(self) -> slice:
        """The columns of what the cars lack."""
        begin = self.cells.car.size + self.halved.size
        return slice(begin, begin + TIERS * self.cells.energy_kwh.size)

    def currents(self, values: Floats) -> Floats:
        """(N,) the mean current of each cell [A]."""
        count = self.cells.car.size
        current_a = values[:count].copy()
        current_a[self.halved] += values[count : count + self.halved.size]
        return current_a

    def bounds(self, lower_a: Floats, upper_a: Floats) -> tuple[Floats, Floats]:
        """Bounds of the first N + H columns that bind the cells' currents (N,) so; the lower part has all the lower."""
        first_a = np.minimum(upper_a, self.upper[: upper_a.size])
        lower = np.concatenate((lower_a, np.zeros(self.halved.size)))
        return lower, np.concatenate((first_a, (upper_a - first_a)[self.halved]))


@dataclass(frozen=True, slots=True)
class _Rows:
    """Every row; the cars' energies are the first."""

    row_of: Ints
    """(K, T) number of the row that a kind has in a slot, or ``ABSENT``."""
    upper: Floats
    names: Ints
    hard: int


def program_of(grid: Grid, outlook: Outlook, even_slots: int) -> Program:
    """The program of an outlook whose cars stand in their canonical order.

    In the first ``even_slots`` slots, cars that might as well wait for one another charge side by side.
    """
    left, room, alike = slots_left(outlook), grid.room_a(outlook), grid.alike(outlook.cars)
    uses = grid.uses(alike)
    cells = cells_of(outlook, grid.alone_a(alike, room), uses[:, -1])
    prices, peak = prices_of(outlook), peak_of(grid, outlook, left)
    uses[:, -1] /= 1 if peak is None else peak.window_slots
    names = _names_of_cars(grid, outlook)
    rows = _rows(uses, cells, room * _shared(uses, cells, left), peak, names, first_slot(outlook))
    row_lower = np.full(rows.upper.size, -np.inf)
    row_lower[: len(outlook.cars)] = cells.energy_kwh
    halved = np.flatnonzero(cells.slot < even_slots)
    starts, entries, values = _matrix(uses, cells, halved, rows.row_of, peak)
    cost, upper = _columns(outlook, cells, halved, prices, peak)
    return Program(
        cost=cost,
        upper=upper,
        row_lower=row_lower,
        row_upper=rows.upper,
        starts=starts,
        rows=entries,
        values=values,
        column_names=_column_names(cells, halved, names, peak is not None, first_slot(outlook)),
        row_names=rows.names,
        hard=rows.hard,
        cells=cells,
        halved=halved,
        prices=prices,
        peak=peak,
    )


def _names_of_cars(grid: Grid, outlook: Outlook) -> Ints:
    """(P,) ascending: after its point, and after how many cars of the outlook are there before."""
    names: list[int] = []
    for car in outlook.cars:
        own = MOST_CARS * grid.place[car.point]
        names.append(max(own, names[-1] + 1) if names else own)
    return np.array(names, dtype=np.int64)


def _shared(uses: Floats, cells: Cells, left: Floats) -> Floats:
    """(K - 1, T) the part of each slot in which anybody is there who needs something of a row.

    The last to leave decides; those who leave before can only take of it while they are there.
    """
    needing = np.where((cells.energy_kwh > 0.0)[:, None], cells.part, 0.0)
    uneven = np.flatnonzero(((needing > 0.0) & (needing < left)).any(axis=0))
    shared = np.repeat(left[None], uses.shape[1] - 1, axis=0)
    shared[:, uneven] = ((uses.T[:-1, :, None] > 0.0) * needing[None, :, uneven]).max(axis=1, initial=0.0)
    return shared


def _rows(uses: Floats, cells: Cells, free_a: Floats, peak: Peak | None, cars: Ints, first: int) -> _Rows:
    reach = uses.T @ np.where(cells.there, cells.most_a * cells.part, 0.0)
    bound = reach[:-1] > free_a + REACH_A
    count = cars.size + int(np.count_nonzero(bound))
    row_of = np.full(reach.shape, ABSENT)
    row_of[:-1][bound] = np.arange(cars.size, count)
    kind, slot = np.nonzero(bound)
    uppers = [cells.energy_kwh, free_a[bound]]
    names = [cars, _OTHERS + (kind << _SLOT_BITS) + first + slot]
    if peak is not None:
        spare_kw = peak.floor_kw - peak.background_kw
        reached = np.bincount(peak.window, weights=reach[-1]) > spare_kw + REACH_A
        row_of[-1] = np.where(reached, count - 1 + np.cumsum(reached), ABSENT)[peak.window]
        uppers.append(spare_kw[reached])
        names.append(_OTHERS + (len(reach) << _SLOT_BITS) + peak.first + np.flatnonzero(reached))
    return _Rows(row_of, np.concatenate(uppers), np.concatenate(names), count)


def _matrix(
    uses: Floats, cells: Cells, halved: Ints, row_of: Ints, peak: Peak | None
) -> tuple[Indices, Indices, Floats]:
    """The entries column by column: where each column begins, the rows, the values."""
    cars = len(uses)
    car = np.concatenate((cells.car, cells.car[halved]))
    slot = np.concatenate((cells.slot, cells.slot[halved]))
    alive = np.flatnonzero((row_of != ABSENT).any(axis=1))
    numbers = np.concatenate((car[:, None], np.ascontiguousarray(row_of[alive].T)[slot]), axis=1)
    values = np.concatenate((cells.kwh_per_a[:, None], uses[:, alive]), axis=1)[car]
    entry = (numbers != ABSENT) & (values > 0.0)
    demand = np.unique(row_of[-1][row_of[-1] != ABSENT])
    counts = [np.count_nonzero(entry, axis=1), np.ones(TIERS * cars, dtype=np.int64)]
    if peak is not None:
        counts.append(np.array([demand.size]))
    starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(np.concatenate(counts))))
    rows = np.concatenate((numbers[entry], np.tile(np.arange(cars), TIERS), demand))
    filled = np.concatenate((values[entry], np.ones(TIERS * cars), np.full(demand.size, -1.0)))
    return starts.astype(np.int32), rows.astype(np.int32), filled


def _columns(outlook: Outlook, cells: Cells, halved: Ints, prices: Prices, peak: Peak | None) -> tuple[Floats, Floats]:
    """Cost and upper bound of every column."""
    least_kwh = np.minimum(np.array([car.least_wh for car in outlook.cars]) / 1000.0, cells.energy_kwh)
    half_kwh = (cells.energy_kwh - least_kwh) / 2.0
    kwh_per_a = cells.kwh_per_a[cells.car]
    energy = prices.energy[cells.there] * kwh_per_a
    most_a = cells.most_a[cells.there] * cells.part[cells.there]
    # The lower part holds the minimum, which is all or nothing.
    min_a = np.array([car.min_a for car in outlook.cars])[cells.car[halved]] * cells.part[cells.there][halved]
    first_a = most_a.copy()
    first_a[halved] = np.minimum(most_a[halved], np.maximum(most_a[halved] / 2.0, min_a))
    upper_half = energy[halved] + prices.even * kwh_per_a[halved]
    cost = [energy, upper_half, prices.unmet, prices.unmet * SECOND_HALF, prices.least]
    upper = [first_a, (most_a - first_a)[halved], half_kwh, half_kwh, least_kwh]
    if peak is not None:
        cost.append(np.array([peak.per_kw]))
        upper.append(np.array([np.inf]))
    scale = LEAST_WEIGHT / (prices.even * cells.kwh_per_a.min(initial=np.inf))
    return np.concatenate(cost) * (scale or 1.0), np.concatenate(upper)


def _column_names(cells: Cells, halved: Ints, cars: Ints, priced: bool, first: int) -> Ints:
    """A cell is named after its car and its slot by the clock, a tier after its car."""
    names = (cars[cells.car] << _SLOT_BITS) + first + cells.slot
    tiers = _OTHERS + (np.arange(TIERS)[:, None] << _SLOT_BITS) + cars
    peak = np.full(1 if priced else 0, _OTHERS + (TIERS << _SLOT_BITS))
    return np.concatenate((names, _HALVES + names[halved], tiers.reshape(-1), peak))
