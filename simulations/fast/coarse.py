"""The fast depth in long steps: a batch of sites as arrays, steered once a step, everybody settled within it.

A run is a batch of one; a batch equals single runs set-point by set-point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from controller.loadbalance.layout import layout_of
from controller.units import TOLERANCE_A
from simulations.fast.fleet import Fleet
from simulations.fast.fuses import Fuses
from simulations.fast.loops import Loops
from simulations.fast.moment import Moment, Steering, states_of
from simulations.fast.recorder import Recorder
from simulations.fast.rivals import Rival
from simulations.fast.rules import Rules
from simulations.fast.shaving import unshaved
from simulations.judging.baselines import BASELINES
from simulations.judging.policy import UNSHAVED
from simulations.results import Results, SessionResult
from simulations.scenario.checks import FINE_STEP_S
from simulations.scenario.loads import sampled_a
from simulations.scenario.model import Scenario
from simulations.visits import Visit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SETTLED_STEP_S: Final = 60.0
"""Enough for charger, car and meter to have answered."""


def run_coarse(
    scenarios: Sequence[Scenario], policy: str = "loadstar", progress: Callable[[float], None] | None = None
) -> list[Results]:
    """Run a batch of scenarios.

    Args:
        scenarios: they share horizon, step, points and circuits; ratings, people, loads and prices may differ.
        policy: ``loadstar``, for which each scenario's ``controller`` counts, ``without_peak_shaving``, or a baseline.
        progress: told the part that is done, from 0 to 1, now and then.

    Raises:
        ValueError: the scenarios differ in what they must share.
    """
    first = scenarios[0]
    for scenario in scenarios:
        if batch_key(scenario) != batch_key(first):
            raise ValueError("scenarios of a batch must share horizon, steps, points, circuits and controller")
    times_s: Floats = (np.arange(first.steps, dtype=np.float64) + 0.5) * first.step_s
    building_a = np.array([sampled_a(one.building, one.start_s + times_s) for one in scenarios])
    price = np.array([one.price.at(times_s) for one in scenarios])
    return _Run(scenarios, building_a, price, steering_of(scenarios, policy)).results(policy, progress)


def coarsened(scenario: Scenario) -> Scenario:
    """The scenario in steps in which everybody settles, for those that are shorter."""
    if scenario.step_s > FINE_STEP_S:
        return scenario
    return replace(scenario, step_s=SETTLED_STEP_S, record_s=max(SETTLED_STEP_S, scenario.record_s))


def steering_of(scenarios: Sequence[Scenario], policy: str) -> Steering:
    """Who steers a batch: what its scenarios ask for, with or without peak shaving, or the baseline of that name."""
    if policy in BASELINES:
        return Rival(scenarios, policy)
    if policy == UNSHAVED:
        scenarios = [unshaved(one) for one in scenarios]
    return Loops(scenarios) if scenarios[0].controller == "decide" else Rules(scenarios)


def batch_key(scenario: Scenario) -> tuple[object, ...]:
    """What scenarios share that can be run as one batch."""
    site = scenario.site
    points = tuple((p.id, p.circuit, p.phases) for p in site.points)
    circuits = tuple((c.id, c.parent) for c in site.circuits)
    return scenario.duration_s, scenario.step_s, scenario.record_s, scenario.controller, scenario.plan, points, circuits


class _Run:
    def __init__(self, scenarios: Sequence[Scenario], building_a: Floats, price: Floats, steering: Steering) -> None:
        self._scenarios, self._building_a, self._price = scenarios, building_a, price
        site = scenarios[0].site
        self._layout = layout_of(site)
        self._root = next(n for n, c in enumerate(site.circuits) if c.parent is None)
        self._min_a = np.array([[p.min_a for p in one.site.points] for one in scenarios])
        self._max_a = np.array([[p.max_a for p in one.site.points] for one in scenarios])
        self._fallback_a = np.array([[p.fallback_a for p in one.site.points] for one in scenarios])
        self._steering = steering
        self._fleet = Fleet(scenarios)
        self._fuses = Fuses([one.site for one in scenarios])
        self._recorder = Recorder(scenarios, building_a, price)
        self._limit_a = np.zeros(self._min_a.shape)
        self._invalid = np.zeros(len(scenarios), dtype=np.int64)

    def results(self, policy: str, progress: Callable[[float], None] | None) -> list[Results]:
        steps = self._scenarios[0].steps
        for step in range(steps):
            self._step(step)
            if progress is not None and step % 256 == 0:
                progress(step / steps)
        self._fleet.finish()
        outcomes = self._fleet.outcomes()
        return [self._result(member, policy, outcomes) for member in range(len(self._scenarios))]

    def _step(self, step: int) -> None:
        fleet, dt = self._fleet, self._scenarios[0].step_s
        new = fleet.arrive(step, self._price[:, step])
        held_a = np.where(new, self._fallback_a, self._limit_a)
        moment = Moment(step, step * dt, fleet, new, held_a, self._min_a, self._building_a[:, step])
        told = self._steering.limits(moment)
        self._limit_a = told.limit_a
        wrong = (told.limit_a > TOLERANCE_A) & (
            (told.limit_a < self._min_a - TOLERANCE_A) | (told.limit_a > self._max_a + TOLERANCE_A)
        )
        if wrong.any():
            self._invalid += wrong.sum(axis=1)
        fleet.charge(step, told.limit_a)
        circuit_a = self._layout.circuit_flow(fleet.phases * fleet.current_a[:, :, None])
        circuit_a[:, self._root] += self._building_a[:, step]
        self._fuses.step(circuit_a, dt)
        state = states_of(moment, told.limit_a, fleet.current_a)
        codes = self._recorder.codes(told.reasons)[told.because]
        self._recorder.step(
            step, told.limit_a, codes, state, fleet.current_a, fleet.power_w, circuit_a, self._fuses.thermal
        )

    def _result(
        self, member: int, policy: str, outcomes: Iterator[tuple[Visit, float, float | None, float]]
    ) -> Results:
        scenario = self._scenarios[member]
        sessions = tuple(SessionResult(*next(outcomes)) for _ in scenario.visits)
        violations = self._fuses.violation_as[member].sum(axis=1)
        return Results(
            scenario=scenario,
            policy=policy,
            series=self._recorder.series(member),
            sessions=sessions,
            truth=self._fuses.truth(member),
            invalid_setpoints=int(self._invalid[member]) + self._steering.interventions(member),
            events=self._steering.events(member),
            windows=self._steering.windows(member),
            violations={
                circuit.id: float(amount)
                for circuit, amount in zip(scenario.site.circuits, violations, strict=True)
                if amount > 0.0
            },
        )
