"""A run as the figures see it: powers and shares out of its series, computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from controller.site import Site
from simulations.judging import billing
from simulations.judging.model import Judgement, Metrics
from simulations.report import words
from simulations.report.pieces import Figure
from simulations.report.timeline import Clock, Floats, clock
from simulations.results import Results, Series
from simulations.scenario.model import Scenario

UNCONTROLLED = "uncontrolled"

Drawn = Figure | str
"""A figure, or in one line why there is none."""


@dataclass(frozen=True, eq=False)
class View:
    """One run of T rows; powers in kW."""

    results: Results
    clock: Clock

    @property
    def scenario(self) -> Scenario:
        """What was run."""
        return self.results.scenario

    @property
    def site(self) -> Site:
        """Where."""
        return self.results.scenario.site

    @property
    def series(self) -> Series:
        """What came of it, over time."""
        return self.results.series

    @property
    def root(self) -> int:
        """Place of the grid connection among the circuits."""
        return next(place for place, circuit in enumerate(self.site.circuits) if circuit.parent is None)

    @cached_property
    def building_kw(self) -> Floats:
        """(T,) What is not charging."""
        per_phase_a = self.series.building_a.sum(axis=1, dtype=np.float64)
        return np.asarray(per_phase_a * self.site.nominal_voltage_v / 1000.0, dtype=np.float64)

    @cached_property
    def charging_kw(self) -> Floats:
        """(T,) All points together."""
        return np.asarray(self.series.power_w.sum(axis=1, dtype=np.float64) / 1000.0)

    @cached_property
    def site_kw(self) -> Floats:
        """(T,) The grid connection; below 0: fed into the grid."""
        return self.building_kw + self.charging_kw

    @cached_property
    def fuse_a(self) -> Floats:
        """(C, 3) Ratings."""
        return np.array([circuit.fuse_a for circuit in self.site.circuits], dtype=np.float64)

    @cached_property
    def limit_kw(self) -> Floats:
        """(T,) The lowest limit of the grid connection's power that holds: fuses, contract, limits set for a time."""
        circuit = self.site.circuits[self.root]
        fixed_kw = sum(circuit.fuse_a) * self.site.nominal_voltage_v / 1000.0
        if circuit.contract_w is not None:
            fixed_kw = min(fixed_kw, circuit.contract_w / 1000.0)
        limit_kw = np.full(len(self.series.time_s), fixed_kw)
        for limit in self.scenario.limits:
            if limit.circuit == circuit.id and not limit.charging_only:
                during = (self.series.time_s >= limit.begins_s) & (self.series.time_s < limit.ends_s)
                limit_kw[during] = np.minimum(limit_kw[during], limit.limit_w / 1000.0)
        return limit_kw

    @cached_property
    def windows(self) -> tuple[Floats, Floats]:
        """Demand windows: their beginnings, from the run's beginning [s], and mean powers [kW]."""
        window, begins_s = billing.windows(self.scenario, self.series.time_s)
        length_s = np.full(len(self.series.time_s), self.series.step_s)
        return begins_s, billing.means(window, length_s, self.site_kw)

    @cached_property
    def shares(self) -> Floats:
        """Share of the requested energy that each session got, of those that asked for any; 1 at most."""
        asked = [s for s in self.results.sessions if s.visit.energy_wh > 0]
        return np.array([min(1.0, s.delivered_wh / s.visit.energy_wh) for s in asked], dtype=np.float64)

    @property
    def name(self) -> str:
        """The policy's name as a heading."""
        return words.policy(self.results.policy)


@dataclass(frozen=True, eq=False)
class Case:
    """A run beside its rivals."""

    view: View
    judgement: Judgement
    rivals: Mapping[str, View]

    @property
    def uncontrolled(self) -> View | None:
        """The run in which every car takes what it wants."""
        return self.rivals.get(UNCONTROLLED)

    def metrics_of(self, policy: str) -> Metrics | None:
        """A policy's figures for the scenario's own seed."""
        seed = self.view.scenario.seed
        if policy == self.judgement.metrics.policy and seed == self.judgement.metrics.seed:
            return self.judgement.metrics
        return next((m for m in self.judgement.outcomes.get(policy, ()) if m.seed == seed), None)

    def money(self, amount: float) -> str:
        """An amount in the site's currency."""
        return words.money(amount, self.view.site.currency)


def case_of(results: Results, judgement: Judgement) -> Case:
    """Prepare a run and its rivals for the figures.

    Raises:
        ZoneInfoNotFoundError: the site's time zone is unknown.
    """
    scenario = results.scenario
    local = clock(scenario.start_s, scenario.duration_s, scenario.site.time_zone)
    rivals = {name: View(rival, local) for name, rival in judgement.rivals.items() if name != results.policy}
    return Case(View(results, local), judgement, rivals)
