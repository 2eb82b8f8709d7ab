"""The linear program of one plan, as the arrays that a solver takes.

Columns: the mean current of every cell [A], in the first slots in two parts; what each car will lack, in three tiers
[``unit_kwh``]; each demand peak above its floor [``Peak.a_per_kw``]. Rows: the energy of each car, and every bound that
the cars together could reach. Those that they cannot reach are left out, which is most of them.

Shapes: N cells, H of them in two parts, P cars, K row kinds, T slots, D parts of the demand's price.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from controller.loadbalance.horizon.chances import Cells, Peak, cells_of, peak_of, slots_left
from controller.loadbalance.horizon.grid import Grid
from controller.loadbalance.horizon.outlook import Floats, Ints, Outlook, first_slot
from controller.loadbalance.horizon.ranks import Prices, prices_of

Indices = NDArray[np.int32]

TIERS: Final = 3
"""Columns for what a car lacks: two halves of its energy by departure, then its least energy."""

SECOND_HALF: Final = 1.25
"""The second half of what is missing costs more than the first, so that what must be missing is spread."""

LEAST_WEIGHT: Final = 2e-6
"""The objective is scaled so that the least of its tie-breaks stands well above the solver's tolerance of 1e-7."""

UNIT_S: Final = 900.0
"""The unit of energy is a kWh for slots of this length and in proportion for others: with factors that are the same
whatever the slot, the solver needs a fifth fewer steps for slots of five minutes."""

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
    unit_kwh: float
    """What energy is counted in."""
    hard: int
    """So many rows come before those of the demand peaks, which may be exceeded at a price."""
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

    row_of: Indices
    """(K - 1 + D, T) number of the row that a kind has in a slot, or ``ABSENT``; the demand has one for each part."""
    upper: Floats
    names: Ints
    hard: int
    peaks: Floats
    """The entries of the peaks' columns, in the rows of the demand: those come last, part by part."""
    peak_sizes: Ints
    """(D,) how many rows each part has."""


def program_of(grid: Grid, outlook: Outlook, even_slots: int) -> Program:
    """The program of an outlook whose cars stand in their canonical order.

    In the first ``even_slots`` slots, cars that might as well wait for one another charge side by side.
    """
    left, room, alike = slots_left(outlook), grid.room_a(outlook), grid.alike(outlook.cars)
    uses = grid.uses(alike)
    cells = cells_of(outlook, grid.alone_a(alike, room), uses[:, -1])
    prices, peak = prices_of(outlook, cells), peak_of(grid, outlook, left)
    uses[:, -1] /= grid.site.nominal_voltage_v / 1000.0
    unit_kwh = outlook.slot_s / UNIT_S
    names = _names_of_cars(grid, outlook)
    rows = _rows(uses, cells, room * _shared(uses, cells, left), peak, names, first_slot(outlook))
    row_lower = np.full(rows.upper.size, -np.inf)
    rows.upper[: names.size] /= unit_kwh
    row_lower[: names.size] = rows.upper[: names.size]
    halved = np.flatnonzero(cells.slot < even_slots)
    starts, entries, values = _matrix(uses, cells, halved, rows, unit_kwh)
    cost, upper = _columns(outlook, cells, halved, prices, unit_kwh, peak)
    return Program(
        cost=cost,
        upper=upper,
        row_lower=row_lower,
        row_upper=rows.upper,
        starts=starts,
        rows=entries,
        values=values,
        column_names=_column_names(cells, halved, names, rows.peak_sizes.size, first_slot(outlook)),
        row_names=rows.names,
        unit_kwh=unit_kwh,
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
    loads = (uses.T[:-1] > 0.0).astype(np.float64)
    needing = np.where((cells.energy_kwh > 0.0)[:, None], cells.part, 0.0)
    nobody_all_along = (loads @ (needing == left) == 0.0) & (loads @ needing > 0.0)
    kind, slot = np.divmod(np.flatnonzero(nobody_all_along), left.size)
    shared = np.repeat(left[None], len(loads), axis=0)
    shared[kind, slot] = (loads[kind] * needing.T[slot]).max(axis=1, initial=0.0)
    return shared


def _rows(uses: Floats, cells: Cells, free_a: Floats, peak: Peak | None, cars: Ints, first: int) -> _Rows:
    reach = uses.T @ np.where((cells.energy_kwh > 0.0)[:, None], cells.most_a, 0.0)
    bound = reach[:-1] > free_a + REACH_A
    count = cars.size + int(np.count_nonzero(bound))
    kind, slot = np.divmod(np.flatnonzero(bound), bound.shape[1])
    uppers = [cells.energy_kwh, free_a[bound]]
    names = [cars, _OTHERS + (kind << _SLOT_BITS) + first + slot]
    row_of = np.full((len(bound) + (0 if peak is None else len(peak.weight)), len(bound[0])), ABSENT, dtype=np.int32)
    row_of[: len(bound)][bound] = np.arange(cars.size, count)
    if peak is None:
        return _Rows(row_of, np.concatenate(uppers), np.concatenate(names), count, np.zeros(0), np.zeros(0, np.int64))
    spare_a = (peak.bearable_kw(peak.floor_kw) - peak.background_kw) * peak.a_per_kw
    reached = np.bincount(peak.window, weights=reach[-1]) > spare_a + REACH_A
    numbers = np.where(reached, count - 1 + np.cumsum(reached).reshape(reached.shape), ABSENT)
    row_of[len(bound) :] = numbers.take(peak.window, axis=1)
    part, window = np.divmod(np.flatnonzero(reached), reached.shape[1])
    uppers.append(spare_a[reached])
    names.append(_OTHERS + (len(reach) + part << _SLOT_BITS) + peak.first + window)
    sizes = np.bincount(part, minlength=len(reached))
    return _Rows(row_of, np.concatenate(uppers), np.concatenate(names), count, -1.0 / peak.weight[reached], sizes)


def _matrix(uses: Floats, cells: Cells, halved: Ints, rows: _Rows, unit_kwh: float) -> tuple[Indices, Indices, Floats]:
    """The entries column by column: where each column begins, the rows, the values."""
    cars, slots = cells.part.shape
    car = np.concatenate((cells.car, cells.car[halved]))
    slot = np.concatenate((cells.slot, cells.slot[halved]))
    alive = np.flatnonzero(rows.row_of.max(axis=1) > ABSENT)
    row_of, used = rows.row_of[alive], uses[:, np.minimum(alive, uses.shape[1] - 1)]
    # ``take`` and the matrix product do what indexing and counting do, in half of the time.
    counts = (used > 0.0).astype(np.float32) @ (row_of != ABSENT).astype(np.float32) + 1.0
    numbers = np.empty((car.size, 1 + alive.size), dtype=np.int32)
    numbers[:, 0] = car
    loaded, of_slot = (used > 0.0).take(car, axis=0), np.ascontiguousarray(row_of.T).take(slot, axis=0)
    numbers[:, 1:] = np.where(loaded, of_slot, ABSENT)
    entry = np.flatnonzero(numbers != ABSENT)
    factors = np.concatenate((cells.kwh_per_a[:, None] / unit_kwh, used), axis=1).take(car, axis=0)
    demand = np.arange(rows.hard, rows.upper.size, dtype=np.int32)
    tier, lacking = np.arange(cars, dtype=np.int32), np.ones(TIERS * cars)
    sizes = [[0.0], counts.take(car * slots + slot), lacking, rows.peak_sizes]
    starts = np.cumsum(np.concatenate(sizes), dtype=np.int32)
    values = np.concatenate((factors.take(entry), lacking, rows.peaks))
    return starts, np.concatenate((numbers.take(entry), *[tier] * TIERS, demand)), values


def _columns(
    outlook: Outlook, cells: Cells, halved: Ints, prices: Prices, unit_kwh: float, peak: Peak | None
) -> tuple[Floats, Floats]:
    """Cost and upper bound of every column."""
    least_kwh = np.minimum(np.array([car.least_wh for car in outlook.cars]) / 1000.0, cells.energy_kwh)
    least, half = least_kwh / unit_kwh, (cells.energy_kwh - least_kwh) / 2.0 / unit_kwh
    kwh_per_a = cells.kwh_per_a[cells.car]
    energy = prices.energy.take(cells.place) * kwh_per_a
    most_a = cells.most_a.take(cells.place)
    # The lower part holds the minimum, which is all or nothing.
    part = cells.part.take(cells.place[halved])
    min_a = np.array([car.min_a for car in outlook.cars])[cells.car[halved]] * part
    first_a = most_a.copy()
    first_a[halved] = np.minimum(most_a[halved], np.maximum(most_a[halved] / 2.0, min_a))
    upper_half = energy[halved] + prices.even * kwh_per_a[halved]
    unmet = prices.unmet * unit_kwh
    cost = [energy, upper_half, unmet, unmet * SECOND_HALF, prices.least * unit_kwh]
    upper = [first_a, (most_a - first_a)[halved], half, half, least]
    if peak is not None:
        cost.append(peak.per_kw / peak.a_per_kw)
        upper.append(np.full(peak.per_kw.size, np.inf))
    scale = LEAST_WEIGHT / (prices.even * cells.kwh_per_a.min(initial=np.inf))
    return np.concatenate(cost) * (scale or 1.0), np.concatenate(upper)


def _column_names(cells: Cells, halved: Ints, cars: Ints, parts: int, first: int) -> Ints:
    """A cell is named after its car and its slot by the clock, a tier after its car."""
    names = (cars[cells.car] << _SLOT_BITS) + first + cells.slot
    tiers = _OTHERS + (np.arange(TIERS)[:, None] << _SLOT_BITS) + cars
    peak = _OTHERS + (TIERS << _SLOT_BITS) + np.arange(parts)
    return np.concatenate((names, _HALVES + names[halved], tiers.reshape(-1), peak))
