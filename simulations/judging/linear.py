"""The linear program behind the bound: its constraints, and the solver (HiGHS, through scipy)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, vstack

from simulations.judging.programme import Programme

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class BoundError(RuntimeError):
    """The solver found no optimum: a fault of the program, since drawing nothing is always feasible."""


def physics(programme: Programme, chosen: Ints) -> tuple[csr_array, Floats]:
    """What bounds the currents of the chosen pairs: the cars' needs [kWh], and the rows of each slot.

    What cannot bind, even with every car at its maximum, is left out.
    """
    visit, slot, most_a = programme.visit[chosen], programme.slot[chosen], programme.most_a[chosen]
    kwh_per_a = programme.wh_per_a[chosen] / 1000.0
    blocks = [_binding(visit, kwh_per_a, most_a, programme.need_wh / 1000.0)]
    for use, free_a in zip(programme.rows, programme.free_a, strict=True):
        if use[visit].any():
            blocks.append(_binding(slot, use[visit], most_a, free_a))
    if programme.decay is not None and programme.full_wh is not None:
        blocks.append(_tapering(visit, kwh_per_a, programme.decay[chosen], programme.full_wh[visit] / 1000.0))
    return vstack([matrix for matrix, _ in blocks], format="csr"), np.concatenate([limit for _, limit in blocks])


def _binding(group: Ints, use: Floats, most: Floats, limit: Floats) -> tuple[csr_array, Floats]:
    """Rows that bound the sum of ``use`` times the variables of each group, where the variables' maxima exceed it."""
    highest = np.bincount(group, np.maximum(use, 0.0) * most, limit.size)
    can_bind = highest > limit + 1e-9
    row = np.cumsum(can_bind) - 1
    entries = np.flatnonzero(can_bind[group] & (use != 0.0))
    shape = (int(can_bind.sum()), group.size)
    return coo_array((use[entries], (row[group[entries]], entries)), shape=shape).tocsr(), limit[can_bind]


def _tapering(visit: Ints, kwh_per_a: Floats, decay: Floats, full_kwh: Floats) -> tuple[csr_array, Floats]:
    """Rows by which nobody takes more in a slot than its part of what is missing then, pair by pair of each visit."""
    number = np.arange(visit.size)
    begins = np.append(True, visit[1:] != visit[:-1]) if visit.size else np.zeros(0, dtype=bool)
    before = number - np.maximum.accumulate(np.where(begins, number, 0))
    bound = np.flatnonzero(np.isfinite(decay))
    row = np.repeat(np.arange(bound.size), before[bound] + 1)
    back = np.arange(row.size) - np.repeat(np.cumsum(before[bound] + 1) - before[bound] - 1, before[bound] + 1)
    column = bound[row] - back
    use = np.where(back == 0, 1.0, decay[bound][row]) * kwh_per_a[column]
    matrix = coo_array((use, (row, column)), shape=(bound.size, visit.size)).tocsr()
    return matrix, decay[bound] * full_kwh[bound]


def minimum(cost: Floats, matrix: csr_array, limit: Floats, most: Floats) -> Floats:
    """The variables, from 0 to ``most``, of least cost with ``matrix @ variables <= limit``.

    Raises:
        BoundError: the solver gave up.
    """
    bounds = np.column_stack([np.zeros(most.shape), most])
    found = linprog(cost, matrix if limit.size else None, limit if limit.size else None, bounds=bounds)
    if found.status != 0:
        raise BoundError(f"no optimum: {found.message}")
    return np.asarray(found.x, dtype=np.float64)
