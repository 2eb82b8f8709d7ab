"""Zero or at least the minimum: what a car can do, in the slots that come first.

Between zero and its minimum a car cannot charge, so the plan of the first hour has to decide who charges and who waits.
The program without that rule is a lower bound; rounding its solution with a sense of urgency gives a plan that is close
to it as a rule. Where it is not, branching finds the best one.

Shapes: P cars, K row kinds, T slots.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from controller.loadbalance.horizon.outlook import Bools, Floats, Ints, Outlook
from controller.loadbalance.horizon.program import Indices, Program
from controller.loadbalance.horizon.solver import PlanningError, Solver

ROUNDS: Final = 3
"""Rounding moves energy to other slots, where it may have to be rounded again; the last round moves it behind them."""

GAP: Final = 1e-3
"""A plan that costs so much more than it might is as good as the best."""

MOST_NODES: Final = 60
"""Branching stops here, whatever the machine's speed: the same outlook gives the same plan everywhere."""

_CLOSE_A: Final = 1e-6


def at_least_the_minimum(
    solver: Solver, program: Program, outlook: Outlook, values: Floats, slots: int, exact: bool
) -> Floats:
    """The column values of a plan whose first ``slots`` slots keep the rule, from those of the plan without it."""
    if slots == 0 or not any(car.min_a for car in outlook.cars):
        return values
    floor_a = _floors(program, outlook, slots)
    if not _broken(floor_a, program.currents(values)).any():
        return values
    rounded = _rounded(solver, program, outlook, floor_a, values)
    return _branched(solver, program, floor_a, rounded, values) if exact else rounded


def _branched(solver: Solver, program: Program, floor_a: Floats, found: Floats, free: Floats) -> Floats:
    """Search for a plan that is better than the one ``found``; ``free`` is the best one without the rule.

    Depth first: a cell that is between zero and its minimum gets either, the nearer one first, until nothing is left
    that might be better by more than the gap.
    """
    certain = float(program.cost[program.tiers] @ free[program.tiers])
    least = float(program.cost @ found)
    upper = _most(program)
    nodes = [(np.zeros(floor_a.size), np.where(upper < floor_a, 0.0, upper), float(program.cost @ free))]
    for _ in range(MOST_NODES):
        while nodes and nodes[-1][2] >= least - GAP * abs(least - certain):
            nodes.pop()
        if not nodes:
            break
        lower, upper, _bound = nodes.pop()
        values = solver.again(*program.bounds(lower, upper))
        value = np.inf if values is None else float(program.cost @ values)
        if values is None or value >= least - GAP * abs(least - certain):
            continue
        current = program.currents(values)
        broken = np.flatnonzero(_broken(floor_a, current))
        if broken.size == 0:
            found, least = values, value
            continue
        share = current[broken] / floor_a[broken]
        cell = broken[np.argmin(np.abs(share - 0.5))]
        waits, charges = upper.copy(), lower.copy()
        waits[cell], charges[cell] = 0.0, floor_a[cell]
        branches = [(lower, waits, value), (charges, upper, value)]
        nodes += branches if current[cell] > floor_a[cell] / 2.0 else branches[::-1]
    return found


def _floors(program: Program, outlook: Outlook, slots: int) -> Floats:
    """(N,) the least mean current but 0; a car that needs less than its minimum gives has it for a while only."""
    cells = program.cells
    least_a = np.array([car.min_a for car in outlook.cars])[:, None] * cells.part
    floor = np.minimum(least_a, (cells.energy_kwh / cells.kwh_per_a)[:, None])
    floor[:, slots:] = 0.0
    floors_a: Floats = floor.take(cells.place)
    return floors_a


def _broken(floor_a: Floats, current_a: Floats) -> Bools:
    """(N,) the cells that would charge below their minimum."""
    broken: Bools = (current_a > _CLOSE_A) & (current_a < floor_a - _CLOSE_A)
    return broken


def _most(program: Program) -> Floats:
    """(N,) the most that each cell can take [A]."""
    most_a: Floats = program.cells.most_a.take(program.cells.place)
    return most_a


def _rounded(solver: Solver, program: Program, outlook: Outlook, floor_a: Floats, values: Floats) -> Floats:
    """Decide for each cell whether it charges, slot by slot and the most urgent car first."""
    car, slot = program.cells.car, program.cells.slot
    turn, kwh_per_a = _turns(program, outlook)[car], program.cells.kwh_per_a[car]
    most_a, floored = _most(program), floor_a > 0.0
    possible = floored & (most_a >= floor_a)
    waiting = floored & ~possible
    for number in range(ROUNDS):
        current = program.currents(values)
        broken = _broken(floor_a, current)
        charging = possible & (current >= floor_a - _CLOSE_A)
        room = _Room(program, floor_a, np.flatnonzero(charging))
        for place in np.unique(slot[broken]).tolist():
            unsure = np.flatnonzero(broken & possible & (slot == place))
            budget_kwh = float(current[unsure] @ kwh_per_a[unsure])
            for cell in unsure[np.argsort(turn[unsure], kind="stable")].tolist():
                share_kwh = floor_a[cell] * kwh_per_a[cell]
                if budget_kwh >= share_kwh / 2.0 and room.take(cell):
                    charging[cell] = True
                    budget_kwh -= share_kwh
        waiting |= (broken if number < ROUNDS - 1 else floored) & ~charging
        bounds = program.bounds(np.where(charging, floor_a, 0.0), np.where(waiting, 0.0, most_a))
        found = solver.again(*bounds)
        if found is None:
            raise PlanningError("there was room for every minimum, and yet there is no solution")
        values = found
        if not _broken(floor_a, program.currents(values)).any():
            break
    return values


def _turns(program: Program, outlook: Outlook) -> Floats:
    """(P,) whose turn comes first: by priority, then by the time that is left beyond what charging takes."""
    most_kw = np.array([car.max_a for car in outlook.cars]) * program.cells.kwh_per_a * 3600.0 / outlook.slot_s
    left_s = np.array([(car.departs_at - outlook.at).total_seconds() for car in outlook.cars])
    spare_s = left_s - program.cells.energy_kwh / most_kw * 3600.0
    turns = np.empty(spare_s.size)
    turns[np.lexsort((spare_s, np.array([-car.priority for car in outlook.cars])))] = np.arange(spare_s.size)
    return turns


class _Room:
    """What is left of needs and physical bounds when some cells have their minimum; the demand peak may rise."""

    def __init__(self, program: Program, floor_a: Floats, charging: Ints) -> None:
        self._program, self._floor_a = program, floor_a
        self._left = program.row_upper.copy()
        self._left[program.hard :] = np.inf
        for cell in charging.tolist():
            rows, taken = self._entries(cell)
            self._left[rows] -= taken

    def take(self, cell: int) -> bool:
        """Give a cell its minimum if there is room."""
        rows, taken = self._entries(cell)
        fits = bool((self._left[rows] >= taken - _CLOSE_A).all())
        if fits:
            self._left[rows] -= taken
        return fits

    def _entries(self, cell: int) -> tuple[Indices, Floats]:
        entries = slice(self._program.starts[cell], self._program.starts[cell + 1])
        return self._program.rows[entries], self._program.values[entries] * self._floor_a[cell]
