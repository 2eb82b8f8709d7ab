"""The division of each instant for a whole batch: the kernels of the controller, without the calm of its loop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from controller.loadbalance.capacity import PowerLimit
from controller.loadbalance.division import split_arrays
from controller.loadbalance.facts import Facts, blank_facts
from controller.loadbalance.layout import layout_of_many
from controller.peakshave.peak_facts import ClosedWindow
from controller.plan import Event
from controller.units import TOLERANCE_A
from simulations.fast.moment import NOBODY, Moment, Told, in_force, states_of
from simulations.fast.plans import Plans, follow
from simulations.scenario.model import Scenario


class Rules:
    """``split_arrays`` for every site at once; whoever was admitted a moment ago comes first, as in the loop."""

    def __init__(self, scenarios: Sequence[Scenario]) -> None:
        self._scenarios = scenarios
        sites = [scenario.site for scenario in scenarios]
        self._layout = layout_of_many(sites)
        self._dwell_s = sites[0].control.dwell_s
        self._root = next(n for n, c in enumerate(sites[0].circuits) if c.parent is None)
        self._facts = blank_facts(self._layout, len(sites))
        self._admitted_s = np.full(self._facts.state.shape, np.nan)
        self._plans = Plans(scenarios, scenarios[0].plan) if scenarios[0].plan else None

    def limits(self, moment: Moment) -> Told:
        """Divide what is free at the beginning of a step."""
        advice = self._plans.advice(moment) if self._plans else None
        if not moment.fleet.present.any():  # the division of nothing, without its trouble
            self._admitted_s.fill(np.nan)
            return Told(np.zeros(moment.limit_a.shape), np.zeros(moment.limit_a.shape, dtype=np.int64), (NOBODY,))
        facts = self._look(moment)
        running = facts.competing & (moment.limit_a >= moment.min_a - TOLERANCE_A)
        dwelling = running & (moment.now_s - self._admitted_s < self._dwell_s)
        if advice is not None:
            times = [datetime.fromtimestamp(one.start_s + moment.now_s, UTC) for one in self._scenarios]
            follow(self._layout, facts, advice, times, dwelling)
        split = split_arrays(self._layout, facts, self._power_limits(moment.now_s), dwelling)
        admitted = facts.competing & (split.limit_a >= moment.min_a - TOLERANCE_A)
        newly = admitted & (np.isnan(self._admitted_s) | moment.new)
        self._admitted_s = np.where(admitted, np.where(newly, moment.now_s, self._admitted_s), np.nan)
        return Told(split.limit_a, split.reason, split.names)

    def interventions(self, member: int) -> int:
        """Nothing is cut after the division."""
        del member
        return 0

    def events(self, member: int) -> tuple[Event, ...]:
        """A division tells nothing."""
        del member
        return ()

    def windows(self, member: int) -> tuple[ClosedWindow, ...]:
        """The demand windows that it has looked at."""
        return self._plans.windows(member) if self._plans else ()

    def _look(self, moment: Moment) -> Facts:
        """What the meters and chargers of all sites say."""
        facts, fleet, layout = self._facts, moment.fleet, self._layout
        drawn_a = fleet.settled_a(moment.limit_a)
        facts.state = states_of(moment, moment.limit_a, drawn_a)
        facts.measured_a = fleet.phases * drawn_a[:, :, None]
        if fleet.single_phase_cars:
            facts.uses = np.where(fleet.present[:, :, None], fleet.phases > 0.0, layout.wired)
        facts.commanded_a = moment.limit_a
        facts.unserved_s = fleet.waited_s
        facts.delivered_wh = fleet.delivered_wh.astype(np.int64)
        circuit_a = layout.circuit_flow(facts.measured_a)
        circuit_a[:, self._root] += moment.building_a
        facts.meter_a = np.where(layout.metered[:, None], circuit_a, np.nan)
        return facts

    def _power_limits(self, now_s: float) -> list[PowerLimit]:
        """What others, and demand windows, allow now, by circuit and source."""
        found: dict[tuple[str, str, bool], PowerLimit] = {}
        for member, scenario in enumerate(self._scenarios):
            for limit in in_force(scenario, now_s) + (self._plans.limits(member) if self._plans else ()):
                nobody = np.full(len(self._scenarios), np.inf)
                bound = found.setdefault(
                    (limit.circuit, limit.source, limit.charging_only),
                    PowerLimit(limit.circuit, nobody, limit.source, limit.charging_only),
                )
                bound.limit_w[member] = min(bound.limit_w[member], limit.limit_w)
        return list(found.values())
