"""Plans of the coming hours for every site of a batch, from what its controller may know.

It knows prices, the load of the building up to now, who is there, what drivers have said, and what each car takes: its
phases and its maximum, which it shows within a minute of plugging in, and where it tapers, once it does. It does not
know who comes next, but from what came before, nor what nobody has said.

Shapes: B sites, P points, T slots.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from controller.loadbalance.facts import OF_PEAK, OF_POINT, OF_PRICE, Facts
from controller.loadbalance.horizon.assembly import Known, Past, Shown, Terms, first_slot, outlook_of
from controller.loadbalance.horizon.history import Stay
from controller.loadbalance.horizon.planner import Planner
from controller.loadbalance.layout import Layout
from controller.peakshave.load_forecast import LoadForecast
from controller.peakshave.peak_facts import ClosedWindow
from controller.snapshot import Advice, ExternalLimit, PointState, Snapshot, State
from controller.units import TOLERANCE_A
from simulations.fast.moment import Bools, Floats, Ints, Moment, in_force
from simulations.fast.shaving import shavings
from simulations.scenario.model import Planning, Scenario

FLOOR_SLOTS: Final = 1
"""In so many slots everybody has 0 or at least the minimum."""
ADVISED_SLOTS: Final = 1
"""Every slot brings a new plan."""
SHOWN_A: Final = 0.3
"""A car that stays so far below its limit takes no more."""
STAYS: Final = 120
"""So many stays of each point are remembered."""
AFTERWARDS_S: Final = 6.0 * 3600.0
"""Beyond the last departure that was told: so long those may stay who come before it, where a peak has its price."""


class Plans:
    """One planner for each site, kept hot between its plans."""

    def __init__(self, scenarios: Sequence[Scenario], settings: Planning) -> None:
        self._scenarios, self._settings = scenarios, settings
        self._planners = [
            Planner(floor_slots=FLOOR_SLOTS, exact=settings.exact, advised_slots=ADVISED_SLOTS) for _ in scenarios
        ]
        self._loads = [LoadForecast(1, settings.slot_s) for _ in scenarios]
        self._zones = [ZoneInfo(one.site.time_zone) for one in scenarios]
        self._root = next(n for n, c in enumerate(scenarios[0].site.circuits) if c.parent is None)
        self._shavings = shavings(scenarios)
        self._advice: list[Advice | None] = [None] * len(scenarios)
        self._takes_a = np.full((len(scenarios), len(scenarios[0].site.points)), np.inf)
        self._there: Bools = np.zeros(self._takes_a.shape, dtype=bool)
        self._newest: Bools = self._there
        self._building_a: Floats = np.zeros(len(scenarios))
        self._visits = [visit for one in scenarios for visit in one.visits]
        self._stays: list[dict[str, deque[Stay]]] = [
            {point.id: deque(maxlen=STAYS) for point in one.site.points} for one in scenarios
        ]
        self._visit: Ints = np.full(self._takes_a.shape, -1, dtype=np.int64)
        self._delivered_wh = np.zeros(self._takes_a.shape)
        self._slots = round(settings.horizon_s / settings.slot_s)

    def advice(self, moment: Moment) -> list[Advice | None]:
        """The advice in force at each site, made anew where a slot has begun or cars have come or gone."""
        fleet = moment.fleet
        self._watch(moment)
        self._remember(moment)
        changed = moment.new.any(axis=1) | (fleet.present != self._there).any(axis=1)
        for member, scenario in enumerate(self._scenarios):
            self._loads[member].see(self._local(member, moment.now_s), moment.building_a[member][None])
            self._note(moment, member)
            begins = (scenario.start_s + moment.now_s) % self._settings.slot_s < scenario.step_s - 1e-6
            if not fleet.wants[member].any():
                self._advice[member] = None
            elif begins or changed[member] or self._advice[member] is None:
                self._advice[member] = self._plan(moment, member)
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

    def _remember(self, moment: Moment) -> None:
        """Write down the stays that have ended, with the energy that was known when they did."""
        fleet = moment.fleet
        for member, place in np.argwhere((fleet.visit != self._visit) & (self._visit >= 0)).tolist():
            visit, scenario = self._visits[self._visit[member, place]], self._scenarios[member]
            began, ended = self._local(member, visit.arrives_s), self._local(member, visit.leaves_s)
            stay = Stay(began, ended, float(self._delivered_wh[member, place]))
            self._stays[member][scenario.site.points[place].id].append(stay)
        self._visit, self._delivered_wh = fleet.visit.copy(), fleet.delivered_wh.copy()

    def _note(self, moment: Moment, member: int) -> None:
        """Write down what flowed in the step before this one."""
        shaving = self._shavings[member]
        if shaving is not None:
            building_w = self._scenarios[member].site.nominal_voltage_v * float(self._building_a[member])
            shaving.see(moment.now_s, building_w, float(moment.fleet.drawn_w[member]))

    def limits(self, member: int) -> tuple[ExternalLimit, ...]:
        """What one site's demand window leaves for charging in this step; after ``advice``."""
        shaving = self._shavings[member]
        return () if shaving is None else shaving.limits(self._advice[member])

    def windows(self, member: int) -> tuple[ClosedWindow, ...]:
        """The demand windows of one site that have ended; none where nobody looks at them."""
        shaving = self._shavings[member]
        return () if shaving is None else tuple(shaving.windows)

    def _plan(self, moment: Moment, member: int) -> Advice:
        scenario, slot_s = self._scenarios[member], self._settings.slot_s
        snapshot = self._snapshot(moment, member)
        begins_s = first_slot(snapshot.at, slot_s).timestamp() - scenario.start_s
        slots = self._slots_needed(member, snapshot, begins_s + scenario.start_s)
        middles_s: Floats = begins_s + slot_s * (np.arange(slots, dtype=np.float64) + 0.5)
        takes_a = np.minimum(moment.fleet.car_max_a[member], self._takes_a[member])
        known = Known(
            snapshot,
            Shown(
                np.maximum(takes_a, moment.min_a[member])[None],
                moment.min_a[member][None],
                moment.fleet.phases[member][None] > 0.0,
            ),
            self._background_a(member, moment.now_s, middles_s),
            None if (shaving := self._shavings[member]) is None else shaving.demand(slot_s),
        )
        terms = Terms(slot_s, slots, scenario.judging.unmet_per_kwh, self._settings.early_s)
        outlook = outlook_of(scenario.site, known, self._pasts(member), terms, scenario.price.at(middles_s))
        return self._planners[member].plan(outlook).advice

    def _pasts(self, member: int) -> Mapping[str, Past]:
        """What came before; only where a peak has its price, elsewhere nobody is expected."""
        if self._shavings[member] is None:
            return {}
        return {name: Past(tuple(stays)) for name, stays in self._stays[member].items()}

    def _background_a(self, member: int, now_s: float, times_s: Floats) -> Floats:
        """(T, C, 3) what the building is expected to draw at these times, as a service expects it [A]."""
        moments = [self._local(member, time_s) for time_s in times_s.tolist()]
        expected_a = self._loads[member].ahead(self._local(member, now_s), moments)
        background_a = np.zeros((times_s.size, len(self._scenarios[member].site.circuits), 3))
        if expected_a is not None:
            background_a[:, self._root] = expected_a[:, 0]
        return background_a

    def _local(self, member: int, time_s: float) -> datetime:
        """A time from the beginning of the simulation, on the clock of the site."""
        return datetime.fromtimestamp(self._scenarios[member].start_s + time_s, self._zones[member])

    def _slots_needed(self, member: int, snapshot: Snapshot, begins_s: float) -> int:
        """How far to look: as far as anybody has said to stay, which is most often less than the horizon."""
        last_s = 0.0
        for state in snapshot.points.values():
            if state.departs_at is None or state.departs_at <= snapshot.at:
                return self._slots
            last_s = max(last_s, state.departs_at.timestamp() - begins_s)
        if self._shavings[member] is not None:
            last_s += AFTERWARDS_S
        return min(self._slots, math.ceil(last_s / self._settings.slot_s))

    def _snapshot(self, moment: Moment, member: int) -> Snapshot:
        """Who is there and asks for current."""
        fleet, scenario = moment.fleet, self._scenarios[member]
        at = datetime.fromtimestamp(scenario.start_s + moment.now_s, UTC)
        points: dict[str, PointState] = {}
        for place in np.flatnonzero(fleet.wants[member]).tolist():
            visit = self._visits[fleet.visit[member, place]]
            leaves_s, needs_wh = visit.stated_leaves_s, visit.stated_energy_wh
            delivered_wh = float(fleet.delivered_wh[member, place])
            points[scenario.site.points[place].id] = PointState(
                state=State.PLUGGED,
                energy_needed_wh=None if needs_wh is None else max(0, math.ceil(needs_wh - delivered_wh)),
                departs_at=None if leaves_s is None else at + timedelta(seconds=leaves_s - moment.now_s),
                delivered_wh=int(delivered_wh),
            )
        return Snapshot(at, moment.now_s, limits=in_force(scenario, moment.now_s), points=points)


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
