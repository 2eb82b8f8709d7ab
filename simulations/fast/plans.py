"""Plans of the coming hours for every site of a batch, from what its controller may know.

It knows prices, the load of the building up to now, who is there, what drivers have said, and what each car takes: its
phases and its maximum, which it shows within a minute of plugging in, and where it tapers, once it does. It does not
know who comes next, nor what nobody has said.

Shapes: B sites, P points, T slots.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from controller.loadbalance.facts import OF_PEAK, OF_POINT, OF_PRICE, Facts
from controller.loadbalance.horizon.outlook import CarOutlook, Outlook, PowerBound
from controller.loadbalance.horizon.planner import Planner
from controller.loadbalance.layout import Layout
from controller.snapshot import Advice
from controller.units import TOLERANCE_A
from simulations.fast.knowledge import Books, LoadForecast
from simulations.fast.moment import Bools, Floats, Moment
from simulations.scenario.model import Planning, Scenario

FLOOR_SLOTS: Final = 1
"""In so many slots everybody has 0 or at least the minimum."""
ADVISED_SLOTS: Final = 1
"""Every slot brings a new plan."""
SHOWN_A: Final = 0.3
"""A car that stays so far below its limit takes no more."""
STAY_S: Final = 4 * 3600.0
NEED_WH: Final = 15_000.0
"""Of drivers who have said nothing: how long they stay, and what they need [Wh]."""
EARLY_SHARE: Final = 0.15
"""Of the time that is left at most this share is kept free before the departure."""
LEAST_WH: Final = 1_000.0
"""A car that asks for more than its driver was taken to need is not done yet: it needs this [Wh]."""


class Plans:
    """One planner for each site, kept hot between its plans."""

    def __init__(self, scenarios: Sequence[Scenario], settings: Planning) -> None:
        self._scenarios, self._settings = scenarios, settings
        self._planners = [
            Planner(floor_slots=FLOOR_SLOTS, exact=settings.exact, advised_slots=ADVISED_SLOTS) for _ in scenarios
        ]
        self._loads = [LoadForecast(one) for one in scenarios]
        self._books = [Books(one, settings) for one in scenarios]
        self._advice: list[Advice | None] = [None] * len(scenarios)
        self._takes_a = np.full((len(scenarios), len(scenarios[0].site.points)), np.inf)
        self._there: Bools = np.zeros(self._takes_a.shape, dtype=bool)
        self._newest: Bools = self._there
        self._building_a: Floats = np.zeros(len(scenarios))
        self._visits = [visit for one in scenarios for visit in one.visits]
        slots = round(settings.horizon_s / settings.slot_s)
        self._middles_s: Floats = settings.slot_s * (np.arange(slots, dtype=np.float64) + 0.5)

    def advice(self, moment: Moment) -> list[Advice | None]:
        """The advice in force at each site, made anew where a slot has begun or cars have come or gone."""
        fleet = moment.fleet
        self._watch(moment)
        changed = moment.new.any(axis=1) | (fleet.present != self._there).any(axis=1)
        for member, scenario in enumerate(self._scenarios):
            self._loads[member].see(moment.step, moment.building_a[member])
            power_w = scenario.site.nominal_voltage_v * float(self._building_a[member]) + float(fleet.drawn_w[member])
            self._books[member].see(moment.step, power_w)
            begins = (scenario.start_s + moment.now_s) % self._settings.slot_s < scenario.step_s - 1e-6
            if not fleet.wants[member].any():
                self._advice[member] = None
            elif begins or changed[member] or self._advice[member] is None:
                self._advice[member] = self._planners[member].plan(self._outlook(moment, member)).advice
        self._there, self._newest = fleet.present.copy(), moment.new
        self._building_a = moment.building_a.sum(axis=1)
        return self._advice

    def _watch(self, moment: Moment) -> None:
        """What each car takes at most: what it took, where that was less than it was offered."""
        fleet = moment.fleet
        self._takes_a[moment.new | ~fleet.present] = np.inf
        offered_a = np.minimum(moment.limit_a, fleet.car_max_a)
        whole = fleet.wants & self._there & ~self._newest  # who came within the last step drew for a part of it
        short = whole & (fleet.current_a > 0.0) & (fleet.current_a < offered_a - SHOWN_A)
        self._takes_a[short] = np.minimum(self._takes_a, fleet.current_a)[short]

    def _outlook(self, moment: Moment, member: int) -> Outlook:
        scenario, slot_s = self._scenarios[member], self._settings.slot_s
        now_s = scenario.start_s + moment.now_s
        begins_s = now_s - now_s % slot_s
        cars = tuple(self._cars(moment, member))
        last_s = max(car.departs_at.timestamp() for car in cars) - begins_s
        middles_s = begins_s - scenario.start_s + self._middles_s[: math.ceil(last_s / slot_s)]
        return Outlook(
            site=scenario.site,
            at=datetime.fromtimestamp(now_s, UTC),
            begins_at=datetime.fromtimestamp(begins_s, UTC),
            slot_s=slot_s,
            price_per_kwh=scenario.price.at(middles_s),
            background_a=self._loads[member].background_a(moment.step, middles_s),
            cars=cars,
            demand=self._books[member].demand(moment.step),
            bounds=tuple(_bounds(scenario, middles_s)),
            unmet_per_kwh=scenario.judging.unmet_per_kwh,
        )

    def _cars(self, moment: Moment, member: int) -> Iterator[CarOutlook]:
        """Who is there and asks for current."""
        fleet, scenario = moment.fleet, self._scenarios[member]
        soonest_s = moment.now_s + self._settings.slot_s
        for place in np.flatnonzero(fleet.wants[member]).tolist():
            point = scenario.site.points[place]
            visit = self._visits[fleet.visit[member, place]]
            leaves_s, needs_wh = visit.stated_leaves_s, visit.stated_energy_wh
            left_wh = (NEED_WH if needs_wh is None else needs_wh) - float(fleet.delivered_wh[member, place])
            until_s = visit.arrives_s + STAY_S if leaves_s is None else leaves_s
            until_s -= min(self._settings.early_s, EARLY_SHARE * (until_s - moment.now_s))
            yield CarOutlook(
                point=point.id,
                phases=tuple(np.flatnonzero(fleet.phases[member, place]).tolist()),
                min_a=point.min_a,
                max_a=max(
                    point.min_a,
                    float(min(point.max_a, fleet.car_max_a[member, place], self._takes_a[member, place])),
                ),
                energy_wh=max(LEAST_WH if needs_wh is None else 0.0, left_wh),
                departs_at=datetime.fromtimestamp(scenario.start_s + max(soonest_s, until_s), UTC),
                priority=point.priority,
                weight=point.weight,
                eager=leaves_s is None,
            )


def follow(
    layout: Layout, facts: Facts, advice: Sequence[Advice | None], times: Sequence[datetime], dwelling: Bools
) -> None:
    """Write what plans advise for this moment into the facts of a batch, as ``controller.loadbalance.needs`` does."""
    facts.target_a = np.zeros(facts.max_a.shape)
    cap_a = np.full(facts.max_a.shape, np.inf)
    bound = np.full(facts.max_a.shape, OF_PRICE)
    for member, (one, at) in enumerate(zip(advice, times, strict=True)):
        slot = None if one is None else one.slot(at)
        if one is None or slot is None:
            continue
        for name, point in one.points.items():
            place = layout.index[name]
            facts.target_a[member, place] = point.target_a[slot]
            capped_a = point.cap_a[slot]
            if capped_a is not None:
                cap_a[member, place] = capped_a
                bound[member, place] = OF_PEAK if point.because == "peak" else OF_PRICE
    cap_a = np.where(dwelling, np.maximum(cap_a, facts.min_a), cap_a)
    facts.bound = np.where(cap_a < layout.max_a - TOLERANCE_A, bound, OF_POINT)
    facts.max_a = np.minimum(layout.max_a, cap_a)


def _bounds(scenario: Scenario, times_s: Floats) -> Iterator[PowerBound]:
    """The limits that others have set; each is known once it is in force, or announced."""
    for limit in scenario.limits:
        during = (times_s >= limit.begins_s) & (times_s < limit.ends_s)
        if during.any():
            yield PowerBound(limit.circuit, np.where(during, limit.limit_w, np.inf))
