"""The site's own loop, once a step, for each site of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from controller.engine import Memory, decide
from controller.loadbalance.facts import STATES
from controller.peakshave.peak_facts import ClosedWindow
from controller.plan import Event
from controller.snapshot import Advice, ExternalLimit, PointState, Reading, Snapshot, State
from controller.units import TOLERANCE_A
from simulations.fast.moment import NOBODY, Floats, Ints, Moment, Told, in_force, states_of
from simulations.fast.plans import Plans
from simulations.scenario.model import Scenario

SETTLE_S: Final = 20.0
"""Charger, car and meter have answered, and the loop's own pauses are over, by the next turn that counts."""
MOST_TURNS: Final = 12
"""A loop that has not come to rest by then hunts, and is shown as it is."""


class Loops:
    """``controller.engine.decide`` for each site of the batch, with snapshots as the service makes them."""

    def __init__(self, scenarios: Sequence[Scenario]) -> None:
        self._scenarios = scenarios
        self._turns = min(MOST_TURNS, max(1, int(scenarios[0].step_s / SETTLE_S)))
        self._memory: list[Memory | None] = [None] * len(scenarios)
        self._events: list[list[Event]] = [[] for _ in scenarios]
        self._reasons: dict[str, int] = {}
        self._plans = Plans(scenarios, scenarios[0].plan) if scenarios[0].plan else None
        self._advice: list[Advice | None] = [None] * len(scenarios)

    def limits(self, moment: Moment) -> Told:
        """Let each loop turn until its site has come to rest: within a step of minutes it turns hundreds of times."""
        if self._plans is not None:
            self._advice = self._plans.advice(moment)
        limit_a = moment.limit_a.copy()
        because = np.zeros(limit_a.shape, dtype=np.int64)
        for member, scenario in enumerate(self._scenarios):
            if not moment.fleet.present[member].any():  # nobody is there to be told anything
                limit_a[member], because[member] = 0.0, self._reason(NOBODY)
                continue
            bounds = in_force(scenario, moment.now_s) + (self._plans.limits(member) if self._plans else ())
            for turn in range(self._turns):
                before_a = limit_a[member].copy()
                self._turn(member, moment, moment.now_s + turn * SETTLE_S, bounds, limit_a, because)
                if not (np.abs(limit_a[member] - before_a) > TOLERANCE_A)[moment.fleet.present[member]].any():
                    break
        return Told(limit_a, because, tuple(self._reasons))

    def _turn(
        self,
        member: int,
        moment: Moment,
        now_s: float,
        bounds: tuple[ExternalLimit, ...],
        limit_a: Floats,
        because: Ints,
    ) -> None:
        """One decision of one loop, on what its cars draw under their last limits; changes the arrays in place."""
        scenario = self._scenarios[member]
        seen = snapshot_of(scenario, member, moment, now_s, limit_a)
        snapshot = replace(seen, limits=bounds, advice=self._advice[member])
        decision = decide(scenario.site, self._memory[member], snapshot)
        self._memory[member] = decision.memory
        self._events[member] += [replace(event, at=snapshot.at) for event in decision.plan.events]
        for place, point in enumerate(scenario.site.points):
            setpoint = decision.plan.setpoints[point.id]
            limit_a[member, place] = setpoint.limit_a
            because[member, place] = self._reason(setpoint.because)

    def _reason(self, name: str) -> int:
        return self._reasons.setdefault(name, len(self._reasons))

    def interventions(self, member: int) -> int:
        """Alarms of the guard."""
        return sum(event.kind == "guard_intervened" for event in self._events[member])

    def events(self, member: int) -> tuple[Event, ...]:
        """The events of all decisions."""
        return tuple(self._events[member])

    def windows(self, member: int) -> tuple[ClosedWindow, ...]:
        """The demand windows that it has looked at."""
        return self._plans.windows(member) if self._plans else ()


def snapshot_of(scenario: Scenario, member: int, moment: Moment, now_s: float, limit_a: Floats) -> Snapshot:
    """The picture of one site of a batch, as the service would take it.

    Args:
        scenario: of that site.
        member: its place in the batch.
        moment: the step.
        now_s: the time within it, from the beginning of the simulation [s].
        limit_a: (B, P) what the chargers hold [A].
    """
    fleet = moment.fleet
    at = datetime.fromtimestamp(scenario.start_s + now_s, UTC)
    drawn_a = fleet.settled_a(limit_a)
    state = states_of(moment, limit_a, drawn_a)
    draw_a = fleet.phases[member] * drawn_a[member][:, None]
    points = {}
    rows = zip(
        scenario.site.points,
        state[member].tolist(),
        draw_a.tolist(),
        limit_a[member].tolist(),
        fleet.waited_s[member].tolist(),
        fleet.delivered_wh[member].tolist(),
        fleet.stated_left_wh[member].tolist(),
        fleet.stated_leaves_s[member].tolist(),
        fleet.has_said[member].tolist(),
        strict=True,
    )
    for point, number, drawn, limit, waited_s, delivered_wh, left_wh, leaves_s, said in rows:
        if STATES[number] is State.AVAILABLE:
            continue
        points[point.id] = PointState(
            state=STATES[number],
            measured_a=(drawn[0], drawn[1], drawn[2]),
            measured_at=at,
            commanded_a=limit,
            unserved_s=waited_s,
            energy_needed_wh=int(left_wh) if said else None,
            departs_at=at + timedelta(seconds=max(0.0, leaves_s - now_s)) if said else None,
            delivered_wh=int(delivered_wh),
        )
    meters = _readings(scenario, moment.building_a[member], draw_a, at)
    return Snapshot(at, now_s, meters, in_force(scenario, moment.now_s), points)


def _readings(scenario: Scenario, building_a: Floats, draw_a: Floats, at: datetime) -> dict[str, Reading]:
    """What the meters of all circuits say."""
    site = scenario.site
    drawn = {point.id: draw for point, draw in zip(site.points, draw_a, strict=True)}
    readings = {}
    for circuit in site.circuits:
        if circuit.meter is None:
            continue
        total = building_a.copy() if circuit.parent is None else np.zeros(3)
        for point in site.points_below[circuit.id]:
            total += drawn[point.id]
        one, two, three = total.tolist()
        readings[circuit.meter] = Reading((one, two, three), at)
    return readings
