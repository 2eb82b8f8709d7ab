"""Rows of what happened in the object world, and what became of every visit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from controller.loadbalance.facts import STATES
from controller.plan import Plan, Setpoint
from controller.site import ChargingPoint
from controller.snapshot import PointState, State
from controller.units import TOLERANCE_A
from simulations.cars import Car
from simulations.connectors import FLOWING_A, Connector
from simulations.results import Series, SessionResult
from simulations.scenario.model import Scenario
from simulations.visits import Visit
from simulations.world import World

Floats = NDArray[np.float64]

NOBODY_SPOKE = ""
"""The reason where the controller said nothing."""

_CODES: Mapping[State, int] = {state: code for code, state in enumerate(STATES)}


class Stay:
    """A visit while it lasts."""

    def __init__(self, visit: Visit, car: Car, connector: Connector) -> None:
        self.visit = visit
        self.car = car
        self._connector = connector
        self._first_charge_s: float | None = None
        self._wait_s = 0.0
        self._longest_wait_s = 0.0

    def step(self, time_s: float, dt: float) -> None:
        """Look at what happened in the ``dt`` seconds before ``time_s``."""
        if self.car.current_a > FLOWING_A:
            self._wait_s = 0.0
            if self._first_charge_s is None:
                self._first_charge_s = time_s - dt
        elif self._connector.pilot_a <= 0.0 and self.car.wanted_a > 0.0:
            self._wait_s += dt
            self._longest_wait_s = max(self._longest_wait_s, self._wait_s)
        else:
            self._wait_s = 0.0

    def result(self) -> SessionResult:
        """What has become of it so far."""
        return SessionResult(self.visit, self.car.drawn_wh, self._first_charge_s, self._longest_wait_s)


class Recorder:
    """Keeps a row for each stretch of ``record_s`` of a scenario's run in an object world.

    Both depths tell it of every step of the world; who decides tells it of every decision.
    """

    def __init__(self, scenario: Scenario, world: World) -> None:
        self._scenario, self._world = scenario, world
        site = scenario.site
        self._rows = int(scenario.duration_s / scenario.record_s + 1e-9)
        points, circuits = len(site.points), len(site.circuits)
        self._connectors = [(world.connector(point.id), site.nominal_voltage_v) for point in site.points]
        self._limit_a = np.full((self._rows, points), np.nan, dtype=np.float32)
        self._current_a = np.zeros((self._rows, points), dtype=np.float32)
        self._power_w = np.zeros((self._rows, points), dtype=np.float32)
        self._because = np.zeros((self._rows, points), dtype=np.int16)
        self._state = np.zeros((self._rows, points), dtype=np.uint8)
        self._circuit_a = np.zeros((self._rows, circuits, 3), dtype=np.float32)
        self._peak_a = np.zeros((self._rows, circuits, 3), dtype=np.float32)
        self._building_a = np.zeros((self._rows, 3), dtype=np.float32)
        self._thermal = np.zeros((self._rows, circuits), dtype=np.float32)
        self._reasons: dict[str, int] = {NOBODY_SPOKE: 0}
        self._said: tuple[Mapping[str, PointState], Plan] | None = None
        self._row = 0
        self._begin_row()

    def decided(self, points: Mapping[str, PointState], plan: Plan) -> None:
        """The controller has spoken, on points that it saw like this."""
        self._said = (points, plan)

    def silent(self) -> None:
        """The controller has gone: what it said last says nothing of now."""
        self._said = None

    def step(self, time_s: float, dt: float) -> None:
        """Keep what has flowed in the ``dt`` seconds before ``time_s``, counted from the beginning [s]."""
        if self._row >= self._rows:
            return
        world = self._world
        for place, (connector, voltage_v) in enumerate(self._connectors):
            car = connector.car
            if car is not None and car.current_a > 0.0:
                charge_as = car.current_a * dt
                self._charge_as[place] += charge_as
                self._energy_ws[place] += charge_as * voltage_v * min(len(connector.wiring), car.model.phases)
        flows = np.array([*world.circuit_a.values(), world.building_a])
        self._flows_as += flows * dt
        np.maximum(self._highest_a, flows[:-1], out=self._highest_a)
        self._length_s += dt
        if time_s >= (self._row + 1) * self._scenario.record_s - 1e-6:
            self._end_row()

    def series(self) -> Series:
        """Every row."""
        times_s: Floats = np.arange(self._rows, dtype=np.float64) * self._scenario.record_s
        return Series(
            time_s=times_s,
            step_s=self._scenario.record_s,
            limit_a=self._limit_a,
            current_a=self._current_a,
            power_w=self._power_w,
            because=self._because,
            state=self._state,
            circuit_a=self._circuit_a,
            circuit_peak_a=self._peak_a,
            building_a=self._building_a,
            price=self._price(times_s),
            thermal=self._thermal,
            reasons=tuple(self._reasons),
        )

    def _begin_row(self) -> None:
        circuits = len(self._scenario.site.circuits)
        self._charge_as = [0.0] * len(self._connectors)
        self._energy_ws = [0.0] * len(self._connectors)
        self._flows_as = np.zeros((circuits + 1, 3))
        self._highest_a = np.full((circuits, 3), -np.inf)
        self._length_s = 0.0

    def _end_row(self) -> None:
        row, length_s = self._row, self._length_s
        self._current_a[row] = np.array(self._charge_as) / length_s
        self._power_w[row] = np.array(self._energy_ws) / length_s
        mean_a = self._flows_as / length_s
        self._circuit_a[row], self._building_a[row] = mean_a[:-1], mean_a[-1]
        self._peak_a[row] = self._highest_a
        self._thermal[row] = [self._world.thermal(circuit.id) for circuit in self._scenario.site.circuits]
        if self._said is not None:
            self._write_down(row, *self._said)
        self._row += 1
        self._begin_row()

    def _write_down(self, row: int, points: Mapping[str, PointState], plan: Plan) -> None:
        """Keep what the controller saw and said."""
        for place, point in enumerate(self._scenario.site.points):
            self._state[row, place] = _CODES[points[point.id].state]
            setpoint = plan.setpoints.get(point.id)
            if setpoint is not None:
                self._limit_a[row, place] = setpoint.limit_a
                self._because[row, place] = self._reasons.setdefault(setpoint.because, len(self._reasons))

    def _price(self, times_s: Floats) -> Floats:
        """The mean price of each row: steps of the price need not meet the rows' edges."""
        parts = max(1, round(self._scenario.record_s / self._scenario.step_s))
        middles_s = (np.arange(parts) + 0.5) * (self._scenario.record_s / parts)
        mean: Floats = self._scenario.price.at(times_s[:, None] + middles_s).mean(axis=1)
        return mean


def is_invalid(point: ChargingPoint, told: Setpoint) -> bool:
    """Whether a limit is neither 0 nor one that the point may be given."""
    low_a, high_a = point.min_a - TOLERANCE_A, point.max_a + TOLERANCE_A
    return not (abs(told.limit_a) <= TOLERANCE_A or low_a <= told.limit_a <= high_a)
