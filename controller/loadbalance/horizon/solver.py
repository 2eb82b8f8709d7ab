"""HiGHS, kept hot: each program begins where the one before it ended.

A program is passed anew every time, which takes a tenth of a millisecond; what takes long is the way to the optimum.
The basis of the last program saves most of it, carried over by the names of columns and rows
(docs/decisions/0010-the-plan-is-a-linear-program.md).
"""

from __future__ import annotations

from typing import Final

import highspy
import numpy as np
from numpy.typing import NDArray

from controller.loadbalance.horizon.chances import Ints
from controller.loadbalance.horizon.outlook import Floats
from controller.loadbalance.horizon.program import Program

MOST_NODES: Final = 200
"""Branching stops here, whatever the machine's speed: the same outlook gives the same plan everywhere."""

_COLUMNWISE: Final = 1
_MINIMISE: Final = 1
_CONTINUOUS: Final = int(highspy.HighsVarType.kContinuous)
_SEMI_CONTINUOUS: Final = int(highspy.HighsVarType.kSemiContinuous)
_OPTIONS: Final[dict[str, bool | int | float | str]] = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "presolve": "off",  # takes longer than it saves: no bound is in the program that cannot bind
    "simplex_scale_strategy": 0,  # the columns are of one scale already
}

_Statuses = NDArray[np.object_]
_LOWER: Final = highspy.HighsBasisStatus.kLower
_BASIC: Final = highspy.HighsBasisStatus.kBasic


class PlanningError(Exception):
    """The solver gave up: our own bug, since every program has a solution."""


class Solver:
    """One HiGHS instance and the basis that it ended with."""

    def __init__(self) -> None:
        self._highs = _Highs()
        self._columns: tuple[Ints, _Statuses] | None = None
        self._rows: tuple[Ints, _Statuses] | None = None

    def solve(self, program: Program) -> Floats:
        """The optimal values of the columns.

        Raises:
            PlanningError: there is none, or it was not found.
        """
        _pass(self._highs, program, np.zeros(program.cost.size), np.full(program.cost.size, _CONTINUOUS))
        if self._columns is not None and self._rows is not None:
            basis = highspy.HighsBasis()
            basis.col_status = _carried(self._columns, program.column_names, _LOWER)
            basis.row_status = _carried(self._rows, program.row_names, _BASIC)
            basis.valid = True
            _accept(self._highs.setBasis(basis))
        values = _optimum(self._highs)
        basis = self._highs.getBasis()
        self._columns = program.column_names, np.array(basis.col_status, dtype=np.object_)
        self._rows = program.row_names, np.array(basis.row_status, dtype=np.object_)
        return values

    def again(self, lower: Floats, upper: Floats) -> Floats:
        """Solve the same program with other bounds on its first columns; the next one begins as if it had not been.

        Raises:
            PlanningError: as ``solve``.
        """
        _accept(self._highs.changeColsBounds(lower.size, np.arange(lower.size, dtype=np.int32), lower, upper))
        return _optimum(self._highs)


def branched(program: Program, floor_a: Floats, start: Floats, certain: float, gap: float) -> Floats | None:
    """The best values in which each of the first columns is 0 or at least its ``floor_a``; None: none was found.

    Args:
        program: the one to solve.
        floor_a: (N,) 0 where a column is free.
        start: values that keep the rule.
        certain: the part of the cost that no solution avoids; the gap is measured on the rest.
        gap: what is better by less than this part of the cost is not looked for.
    """
    highs = _Highs()
    highs.setOptionValue("mip_rel_gap", gap)
    highs.setOptionValue("mip_max_nodes", MOST_NODES)
    floored = np.flatnonzero((floor_a > 0.0) & (program.upper[: floor_a.size] >= floor_a))
    lower, kinds = np.zeros(program.cost.size), np.full(program.cost.size, _CONTINUOUS)
    lower[floored], kinds[floored] = floor_a[floored], _SEMI_CONTINUOUS
    _pass(highs, program, lower, kinds, -certain)
    barred = np.flatnonzero((floor_a > 0.0) & (program.upper[: floor_a.size] < floor_a)).astype(np.int32)
    highs.changeColsBounds(barred.size, barred, np.zeros(barred.size), np.zeros(barred.size))
    highs.setSolution(start.size, np.arange(start.size, dtype=np.int32), start)
    highs.run()
    solution = highs.getSolution()
    return np.array(solution.col_value) if solution.value_valid else None


class _Highs(highspy.Highs):
    """HiGHS without the callbacks of its Python class, which greet on standard output and slow every run."""

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()
        for name, value in _OPTIONS.items():
            self.setOptionValue(name, value)


def _pass(highs: highspy.Highs, program: Program, lower: Floats, kinds: Ints, offset: float = 0.0) -> None:
    status = highs.passModel(
        program.cost.size,
        program.row_upper.size,
        program.values.size,
        _COLUMNWISE,
        _MINIMISE,
        offset,
        program.cost,
        lower,
        program.upper,
        program.row_lower,
        program.row_upper,
        program.starts[:-1],
        program.rows,
        program.values,
        kinds.astype(np.int32),
    )
    _accept(status)


def _optimum(highs: highspy.Highs) -> Floats:
    _accept(highs.run())
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise PlanningError(f"the solver ended with {highs.getModelStatus().name}")
    return np.array(highs.getSolution().col_value)


def _accept(status: highspy.HighsStatus) -> None:
    if status == highspy.HighsStatus.kError:
        raise PlanningError("the solver refused the program")


def _carried(
    before: tuple[Ints, _Statuses], names: Ints, other: highspy.HighsBasisStatus
) -> list[highspy.HighsBasisStatus]:
    """The statuses of what has the same name, ``other`` for what is new."""
    known, statuses = before
    carried = np.full(names.size, other, dtype=np.object_)
    place = np.searchsorted(known, names)
    same = np.flatnonzero(place < known.size)
    same = same[known[place[same]] == names[same]]
    carried[same] = statuses[place[same]]
    return carried.tolist()
