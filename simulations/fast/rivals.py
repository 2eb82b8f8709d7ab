"""Baselines as steering: what a policy of ``simulations.judging.baselines`` needs to see, made from a moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controller.loadbalance.layout import layout_of, layout_of_many
from controller.peakshave.peak_facts import ClosedWindow
from controller.plan import Event
from simulations.fast.moment import Floats, Moment, Told, in_force
from simulations.judging.baselines import BASELINES
from simulations.judging.policy import Picture
from simulations.scenario.model import Scenario


class Rival:
    """One baseline for every site of a batch."""

    def __init__(self, scenarios: Sequence[Scenario], policy: str) -> None:
        self._scenarios = scenarios
        self._policy = BASELINES[policy]
        self._layout = layout_of(scenarios[0].site)
        sites = [one.site for one in scenarios]
        self._voltage_v = sites[0].nominal_voltage_v
        self._room_a = layout_of_many(sites).usable_a
        self._max_a = np.array([[p.max_a for p in site.points] for site in sites])
        self._min_a = np.array([[p.min_a for p in site.points] for site in sites])
        self._root = next(n for n, c in enumerate(sites[0].circuits) if c.parent is None)
        self._reasons = (f"policy:{policy}",)

    def limits(self, moment: Moment) -> Told:
        """The policy's word, floored as chargers are told it."""
        fleet = moment.fleet
        rows, free_a = self._bounds(moment)
        picture = Picture(
            now_s=moment.now_s,
            step_s=self._scenarios[0].step_s,
            rows=rows,
            free_a=free_a,
            active=fleet.wants,
            arrived_s=fleet.arrived_s,
            leaves_s=fleet.stated_leaves_s,
            left_wh=fleet.stated_left_wh,
            max_a=np.minimum(self._max_a, np.where(fleet.present, fleet.car_max_a, self._max_a)),
            min_a=self._min_a,
            w_per_a=fleet.w_per_a,
        )
        limit_a = np.floor(self._policy.limits(picture) * 10.0 + 1e-6) / 10.0
        return Told(limit_a, np.zeros(limit_a.shape, dtype=np.int64), self._reasons)

    def interventions(self, member: int) -> int:
        """No guard stands behind a baseline."""
        del member
        return 0

    def events(self, member: int) -> tuple[Event, ...]:
        """A baseline tells nothing."""
        del member
        return ()

    def windows(self, member: int) -> tuple[ClosedWindow, ...]:
        """A baseline looks at no demand window."""
        del member
        return ()

    def _bounds(self, moment: Moment) -> tuple[Floats, Floats]:
        """(K, P) rows and (B, K) what is free of each: the phases of all circuits, then limits on power [A]."""
        layout = self._layout
        room_a = self._room_a.copy()
        room_a[:, self._root] -= moment.building_a
        free = [layout.by_row(room_a)]
        rows = [layout.rows]
        phases = layout.wired.sum(axis=1)
        for place, charging_only, watts in self._power_limits(moment.now_s):
            building_a = moment.building_a.sum(axis=1) if place == self._root and not charging_only else 0.0
            rows.append((layout.below[place] * phases)[None, :].astype(np.float64))
            free.append((watts / self._voltage_v - building_a)[:, None])
        return np.vstack(rows), np.hstack(free)

    def _power_limits(self, now_s: float) -> list[tuple[int, bool, Floats]]:
        """Circuits with a bound on their power or on what charges, and each site's, infinite where it has none [W]."""
        bounds: dict[tuple[int, bool], Floats] = {}
        for member, scenario in enumerate(self._scenarios):
            site = scenario.site
            limits = [(limit.circuit, limit.charging_only, limit.limit_w) for limit in in_force(scenario, now_s)]
            limits += [(c.id, False, c.contract_w) for c in site.circuits if c.contract_w is not None]
            for circuit, charging_only, watts in limits:
                place = site.circuits.index(site.circuit[circuit])
                bound = bounds.setdefault((place, charging_only), np.full(len(self._scenarios), np.inf))
                bound[member] = min(bound[member], watts)
        return [(place, charging_only, bound) for (place, charging_only), bound in bounds.items()]
