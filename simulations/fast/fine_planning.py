"""The service's planning in virtual time: outlooks of the same things at the same moments, planned at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from adapters.planning.planning import LEAST_GAP_S
from controller.engine import Decision
from controller.foresight import Foresight
from controller.loadbalance.horizon.assembly import Past, Terms, first_slot, outlook_of
from controller.loadbalance.horizon.history import Stay
from controller.loadbalance.horizon.outlook import Demand, Floats
from controller.loadbalance.horizon.planner import Planner
from controller.peak import Peak
from controller.ports.transactions import RunningSession
from controller.snapshot import Advice, Snapshot
from simulations.scenario.model import Planning, Scenario

EVERY_S: Final = 300.0
"""Plans are made anew so often, as in a service whose site file says nothing else."""


class FinePlanning:
    """Plans one site, whose decisions it is told.

    Args:
        scenario: its site, prices and demand charge.
        settings: slots and horizon.
        peak: what demand costs; None where it costs nothing.
    """

    def __init__(self, scenario: Scenario, settings: Planning, peak: Peak | None) -> None:
        self._scenario, self._settings = scenario, settings
        self._zone = ZoneInfo(scenario.site.time_zone)
        slots = round(settings.horizon_s / settings.slot_s)
        self._terms = Terms(settings.slot_s, slots, scenario.judging.unmet_per_kwh, settings.early_s)
        self._middles_s: Floats = settings.slot_s * (np.arange(slots, dtype=np.float64) + 0.5)
        self._foresight = Foresight(scenario.site, settings.slot_s, slots, self._demand)
        self._peak = peak
        self._planner = Planner(exact=settings.exact)
        self._planned_s, self._news = -np.inf, False
        self.advice: Advice | None = None
        """The newest plan; none while nobody asks for current."""

    def decided(
        self,
        snapshot: Snapshot,
        decision: Decision,
        running: Mapping[str, RunningSession],
        stays: Mapping[str, Sequence[Stay]],
    ) -> None:
        """Look at a decision, and plan if it is time; the next decision follows the plan.

        Args:
            snapshot: what the decision saw.
            decision: the decision.
            running: the sessions that run, by point.
            stays: those that have ended, by point.
        """
        self._news = self._foresight.see(snapshot, decision) or self._news
        since_s = snapshot.monotonic_s - self._planned_s
        if since_s >= EVERY_S or (self._news and since_s >= LEAST_GAP_S):
            self._planned_s, self._news = snapshot.monotonic_s, False
            self.advice = self._plan(running, stays)

    def _demand(self, at: datetime) -> Demand | None:
        return None if self._peak is None else self._peak.demand(at, self._settings.slot_s, self._terms.slots)

    def _plan(self, running: Mapping[str, RunningSession], stays: Mapping[str, Sequence[Stay]]) -> Advice | None:
        known = self._foresight.known()
        if known is None:
            return None
        scenario, snapshot = self._scenario, known.snapshot
        begins_s = first_slot(snapshot.at, self._settings.slot_s).timestamp() - scenario.start_s
        begun = {point: session.started_at.astimezone(self._zone) for point, session in running.items()}
        past = {point: Past(its_stays, begun.get(point)) for point, its_stays in stays.items()}
        price = scenario.price.at(begins_s + self._middles_s)
        outlook = outlook_of(scenario.site, known, past, self._terms, price)
        return self._planner.plan(outlook).advice
