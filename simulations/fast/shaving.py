"""Demand windows in long steps: what every site of a batch has drawn, what its next peak costs, how it is held.

A step is known only once it is over; what flowed in it counts for all of it. Within a window, charging is bound as in
a service, unless a step is as long as the window: then nothing is left to correct.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from controller.loadbalance.horizon.outlook import Demand
from controller.peak import demand_ahead
from controller.peakshave.demand_tariff import DemandComponent, DemandTariff, Reach
from controller.peakshave.keeper import PeakKeeper
from controller.peakshave.peak_facts import ClosedWindow, Flow, PeakTerms
from controller.snapshot import Advice, ExternalLimit
from simulations.judging.billing import window_s
from simulations.scenario.model import DemandCharge, Scenario

HOUR_S: Final = 3600
MINUTE_S: Final = 60.0
"""So finely the forecast of a window's rest learns."""


def unshaved(scenario: Scenario) -> Scenario:
    """The scenario whose plan does not see what demand costs; it is billed all the same."""
    return scenario if scenario.plan is None else replace(scenario, plan=replace(scenario.plan, peak="ignored"))


def peak_terms(scenario: Scenario) -> PeakTerms | None:
    """What demand costs in a scenario that plans; None where it costs nothing, or nobody looks at it."""
    charge, settings = scenario.demand, scenario.plan
    if charge is None or charge.per_kw <= 0.0 or settings is None or settings.peak == "ignored":
        return None
    price = Decimal(str(charge.per_kw))
    tariff = DemandTariff(
        "scenario", (DemandComponent("month peak", price, 1, Reach.MONTH),), _window_s(scenario, charge)
    )
    known_kw = {"hint": settings.peak_hint_kw, "full": 0.0}.get(settings.peak)
    return PeakTerms(tariff, expected_kw=known_kw)


def _window_s(scenario: Scenario, charge: DemandCharge) -> int:
    """As long as what is billed, where that divides the hour."""
    billed_s = round(window_s(scenario))
    return round(charge.window_s) if HOUR_S % billed_s else billed_s


class Shaving:
    """The demand windows of one site of a batch.

    Args:
        scenario: of that site.
        terms: what its demand costs.
    """

    def __init__(self, scenario: Scenario, terms: PeakTerms) -> None:
        self._scenario = scenario
        self._window_s = terms.tariff.window_s
        self._holds = scenario.step_s < self._window_s
        self._keeper = PeakKeeper(scenario.site, terms, hold_s=1.5 * scenario.step_s)
        self._at: datetime | None = None
        self.windows: list[ClosedWindow] = []
        """Those that have ended."""

    def see(self, now_s: float, building_w: float, charging_w: float) -> None:
        """Take note of the step before this one.

        Args:
            now_s: the beginning of this step, from that of the simulation [s].
            building_w: what was not charging in the step before [W].
            charging_w: what charged in it [W].
        """
        at, step_s = datetime.fromtimestamp(self._scenario.start_s + now_s, UTC), self._scenario.step_s
        power_w = building_w + charging_w
        if self._at is not None:
            for since_s in np.arange(0.0, step_s, MINUTE_S if self._holds else step_s).tolist():
                then = self._at + timedelta(seconds=since_s)
                self._see(then, now_s - step_s + since_s, Flow(power_w, charging_w, power_w))
        self._see(at, now_s, Flow(None, charging_w, power_w))
        self._at = at

    def _see(self, at: datetime, monotonic_s: float, flow: Flow) -> None:
        self.windows += self._keeper.see(at, monotonic_s, flow, {}, {}, {})

    def demand(self, slot_s: float) -> Demand | None:
        """What a higher peak costs from now on, for a plan in slots of this length."""
        settings = self._scenario.plan
        if self._at is None or settings is None:
            return None
        slots = round(settings.horizon_s / slot_s)
        often = self._holds and self._scenario.step_s <= MINUTE_S
        return demand_ahead(self._keeper, self._at, slot_s, slots, held=often)

    def limits(self, advice: Advice | None) -> tuple[ExternalLimit, ...]:
        """What charging may draw in the step that begins."""
        if self._at is None or not self._holds:
            return ()
        return self._keeper.limits(self._at, None if advice is None else advice.peak_at(self._at))


def shavings(scenarios: Sequence[Scenario]) -> list[Shaving | None]:
    """One for each site whose demand is looked at."""
    terms = [peak_terms(one) for one in scenarios]
    return [None if found is None else Shaving(one, found) for one, found in zip(scenarios, terms, strict=True)]
