"""HiGHS, kept hot: each program begins where the one before it ended.

A program is passed anew every time, which takes a tenth of a millisecond; what takes long is the way to the optimum.
The basis of the last program saves most of it, carried over by the names of columns and rows
(docs/decisions/0010-the-plan-is-a-linear-program.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import highspy
import numpy as np

from controller.loadbalance.horizon.outlook import Floats, Ints
from controller.loadbalance.horizon.program import Program

_COLUMNWISE: Final = 1
_MINIMISE: Final = 1
_OPTIONS: Final[dict[str, bool | int | float | str]] = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "presolve": "off",  # takes longer than it saves: no bound is in the program that cannot bind
    "simplex_scale_strategy": 0,  # the columns are of one scale already
    "simplex_dual_edge_weight_strategy": 1,  # Devex: exact weights of a carried basis take longer than the steps
    "dual_simplex_cost_perturbation_multiplier": 0.1,  # tie-breaks leave little that is degenerate
    "primal_simplex_bound_perturbation_multiplier": 0.0,  # nor are the few steps of a hot program worth a clean-up
}

_DUAL: Final = 1
_PRIMAL: Final = 4
"""The simplex that a carried basis suits best: it is nearly optimal, and neither kind of feasible."""

_STATUSES: Final = np.array(
    [highspy.HighsBasisStatus.kLower, highspy.HighsBasisStatus.kUpper, highspy.HighsBasisStatus.kBasic], dtype=object
)
_LOWER: Final = 0
_UPPER: Final = 1
_BASIC: Final = 2
_NEW: Final = -1
_AT_BOUND: Final = 1e-9


class PlanningError(Exception):
    """The solver gave up: our own bug, since every program has a solution."""


@dataclass(frozen=True, slots=True)
class _Basis:
    """How the last program ended, by the names of its columns and rows: places in ``_STATUSES``."""

    column_names: Ints
    columns: Ints
    row_names: Ints
    rows: Ints

    def carried_to(self, program: Program) -> highspy.HighsBasis:
        """What another program begins with; its new columns are at their lower bounds, its new rows do not bind."""
        columns = _carried(self.column_names, self.columns, program.column_names, _NEW)
        if program.halved.size:
            # A cell that is new among those in two parts was full before if its lower part is.
            upper = slice(program.cells.car.size, program.tiers.start)
            full = (columns[upper] == _NEW) & (columns[program.halved] == _UPPER)
            columns[upper][full] = _UPPER
        columns[columns == _NEW] = _LOWER
        rows = _carried(self.row_names, self.rows, program.row_names, _BASIC)
        basis = highspy.HighsBasis()
        basis.col_status, basis.row_status = _STATUSES[columns].tolist(), _STATUSES[rows].tolist()
        basis.valid = True
        # With as many basic as there are rows nothing has to be mended, and HiGHS need not factorise it to find out.
        basis.alien = np.count_nonzero(columns == _BASIC) + np.count_nonzero(rows == _BASIC) != rows.size
        return basis


class Solver:
    """One HiGHS instance and the basis that it ended with."""

    def __init__(self) -> None:
        self._highs = _Highs()
        self._basis: _Basis | None = None

    def solve(self, program: Program) -> Floats:
        """The optimal values of the columns.

        Raises:
            PlanningError: there is none, or it was not found.
        """
        if program.row_upper.size == 0:  # nobody to charge
            return np.zeros(program.cost.size)
        _pass(self._highs, program)
        self._highs.setOptionValue("simplex_strategy", _DUAL if self._basis is None else _PRIMAL)
        if self._basis is not None:
            _accept(self._highs.setBasis(self._basis.carried_to(program)))
        values = _optimum(self._highs)
        if values is None:
            raise PlanningError("the solver takes the program to have no solution")
        self._basis = self._ended(program, values)
        return values

    def _ended(self, program: Program, values: Floats) -> _Basis:
        """The basis, worked out from numbers: HiGHS would tell it as thousands of objects."""
        basic = self._highs.getBasicVariables()[1]  # type: ignore[attr-defined]
        columns = np.where(values >= program.upper - _AT_BOUND, _UPPER, _LOWER)
        rows = np.full(program.row_upper.size, _UPPER)
        of_column = basic >= 0
        columns[basic[of_column]] = _BASIC
        rows[-1 - basic[~of_column]] = _BASIC
        return _Basis(program.column_names, columns, program.row_names, rows)

    def again(self, lower: Floats, upper: Floats) -> Floats | None:
        """Solve the same program with other bounds on its first columns; None: there is no solution.

        What the next program begins with stays as it was.

        Raises:
            PlanningError: the solver gave up.
        """
        self._highs.setOptionValue("simplex_strategy", _DUAL)  # other bounds leave the basis dual feasible
        _accept(self._highs.changeColsBounds(lower.size, np.arange(lower.size, dtype=np.int32), lower, upper))
        return _optimum(self._highs)


class _Highs(highspy.Highs):
    """HiGHS without the callbacks of its Python class, which greet on standard output and slow every run."""

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()
        for name, value in _OPTIONS.items():
            self.setOptionValue(name, value)


def _pass(highs: highspy.Highs, program: Program) -> None:
    status = highs.passModel(
        program.cost.size,
        program.row_upper.size,
        program.values.size,
        _COLUMNWISE,
        _MINIMISE,
        0.0,
        program.cost,
        np.zeros(program.cost.size),
        program.upper,
        program.row_lower,
        program.row_upper,
        program.starts[:-1],
        program.rows,
        program.values,
        np.zeros(program.cost.size, dtype=np.int32),
    )
    _accept(status)


def _optimum(highs: highspy.Highs) -> Floats | None:
    """The optimal values, None where there is no solution."""
    _accept(highs.run())
    status = highs.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return None
    if status != highspy.HighsModelStatus.kOptimal:
        raise PlanningError(f"the solver ended with {status.name}")
    return np.array(highs.getSolution().col_value)


def _accept(status: highspy.HighsStatus) -> None:
    if status == highspy.HighsStatus.kError:
        raise PlanningError("the solver refused the program")


def _carried(names_before: Ints, before: Ints, names: Ints, other: int) -> Ints:
    """The status of each name, ``other`` for what is new."""
    place = np.searchsorted(names_before, names)
    same = names_before.take(place, mode="clip") == names
    return np.where(same, before.take(place, mode="clip"), other)
