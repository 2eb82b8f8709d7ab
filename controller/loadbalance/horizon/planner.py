"""The plan of the coming hours: the program of an outlook, solved, and what it advises.

``docs/explanation/plan.md`` says how it thinks. Shapes: P cars in the outlook's order, T slots.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np

from controller.loadbalance.horizon.advice import advice_of
from controller.loadbalance.horizon.floor import at_least_the_minimum
from controller.loadbalance.horizon.grid import Grid
from controller.loadbalance.horizon.outlook import CarOutlook, Floats, Outlook, check
from controller.loadbalance.horizon.program import TIERS, Program, program_of
from controller.loadbalance.horizon.solver import PlanningError, Solver
from controller.snapshot import Advice

__all__ = ["HorizonPlan", "Planner", "PlanningError"]

_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class HorizonPlan:
    """Who charges when."""

    current_a: Floats
    """(P, T) mean over the whole slot, on each phase that the car uses [A]."""
    unmet_wh: Floats
    """(P,) what is needed and cannot be given until the departure, or until the horizon's end [Wh]."""
    peak_kw: float | None
    """What the running demand window may reach before demand costs more than planned: where everything counts alike,
    the highest mean power of all, at least the floor. None where the running window costs nothing."""
    cost: float
    """Of the energy for charging, and of the peaks above their floors [currency]."""
    advice: Advice


class Planner:
    """Plans one site after the other moment; each plan begins where the one before it ended."""

    def __init__(self, *, floor_slots: int = 4, exact: bool = True, advised_slots: int = 4) -> None:
        """In the first ``floor_slots`` slots a car gets 0 or at least its minimum.

        ``exact`` finds the cheapest such plan; without it, the cars that may charge are chosen by urgency in the first
        slot alone, which is faster and hardly dearer. Advice covers the first ``advised_slots`` slots.
        """
        self._floor_slots, self._exact, self._advised_slots = floor_slots, exact, advised_slots
        self._solver = Solver()
        self._grid: Grid | None = None

    def plan(self, outlook: Outlook) -> HorizonPlan:
        """The best plan for an outlook: what cannot be met is left out, and told; so is a car without a phase.

        Raises:
            ValueError: a number of the outlook is not finite, or an array is of the wrong shape.
            PlanningError: the solver gave up.
        """
        check(outlook)
        if self._grid is None or self._grid.site is not outlook.site:
            self._grid, self._solver = Grid(outlook.site), Solver()
        able = [place for place, car in enumerate(outlook.cars) if car.phases]
        order = sorted(able, key=lambda place: _identity(outlook.cars[place]))
        ordered = replace(outlook, cars=tuple(outlook.cars[place] for place in order))
        program = program_of(self._grid, ordered, self._floor_slots)
        values = self._solver.solve(program)
        values = at_least_the_minimum(self._solver, program, ordered, values, self._floor_slots, self._exact)
        values = np.minimum(np.maximum(values, 0.0), program.upper)
        current = np.zeros(program.cells.part.shape)
        current.reshape(-1)[program.cells.place] = program.currents(values)
        unmet_wh = values[program.tiers].reshape(TIERS, -1).sum(axis=0) * program.unit_kwh * 1000.0
        reached_kw, cost = _account(program, outlook, current)
        advice = advice_of(program, ordered, current, unmet_wh, reached_kw, self._advised_slots, self._floor_slots)
        current_a = np.zeros((len(outlook.cars), outlook.price_per_kwh.size))
        all_unmet_wh = np.array([car.energy_wh for car in outlook.cars])
        current_a[order], all_unmet_wh[order] = current, unmet_wh
        return HorizonPlan(current_a, all_unmet_wh, advice.peak_kw[0] if advice.peak_kw else None, cost, advice)


def _identity(car: CarOutlook) -> tuple[str, datetime]:
    return car.point, car.arrives_at or _BEFORE_ALL


def _account(program: Program, outlook: Outlook, current_a: Floats) -> tuple[Floats | None, float]:
    """(D,) the peak that each part of the demand's price comes to [kW], and what charging costs [currency]."""
    charged_kwh = program.cells.kwh_per_a @ current_a
    cost, peak = float(charged_kwh @ outlook.price_per_kwh), program.peak
    if peak is None:
        return None, cost
    reached_kw = peak.reached_kw(charged_kwh)
    return reached_kw, cost + float(peak.per_kw @ (reached_kw - peak.floor_kw))
