"""What the control loop sees, gathered for the plans of the coming hours: the load, the peak, and when to plan anew.

Shapes: T slots, C circuits, 3 phases.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from controller.engine import Decision, Memory
from controller.loadbalance.habits import Habits
from controller.loadbalance.habits.appetite import RESERVE_A
from controller.loadbalance.horizon.assembly import Known, Shown, first_slot
from controller.loadbalance.horizon.outlook import Demand, Floats
from controller.peakshave.keeper import PEAK
from controller.peakshave.limits_ahead import LimitsAhead
from controller.peakshave.load_forecast import LoadForecast
from controller.site import Site
from controller.snapshot import COMPETING, ExternalLimit, PointState, Snapshot


class Foresight:
    """Learns from every decision of one site.

    Args:
        site: the site.
        slot_s: length of a plan's slots [s].
        slots: how many there are.
        demand: what a higher peak costs at a moment; None where it costs nothing.
        holidays: days that the building uses like Sundays.
        limits: what others will allow at moments, the middles of slots; without it those that hold are taken to last.
    """

    def __init__(
        self,
        site: Site,
        slot_s: float,
        slots: int,
        demand: Callable[[datetime], Demand | None] = lambda _at: None,
        holidays: Container[date] = frozenset(),
        limits: Callable[[Sequence[datetime]], LimitsAhead] | None = None,
    ) -> None:
        self._site, self._slot_s, self._slots, self._demand, self._limits = site, slot_s, slots, demand, limits
        self._zone = ZoneInfo(site.time_zone)
        self._holidays = holidays
        self._load = self._new_forecast()
        self._seen: tuple[Snapshot, Memory] | None = None
        self._mattered: tuple[object, ...] | None = None

    def learned(self) -> Mapping[str, Floats]:
        """What was learned of the load: arrays by name; to be stored."""
        return self._load.state()

    def restore(self, learned: Mapping[str, Floats]) -> None:
        """Go on from what was learned before.

        Raises:
            ValueError: it is of other slots or circuits, or not whole; nothing has changed then.
        """
        load = self._new_forecast()
        load.restore(learned)
        self._load = load

    def see(self, snapshot: Snapshot, decision: Decision) -> bool:
        """Take note of a decision and of what it saw; return whether plans that were made before no longer fit."""
        self._seen = (snapshot, decision.memory)
        if _meters_fresh(self._site, snapshot):
            background_a = np.array([decision.background_a[circuit.id] for circuit in self._site.circuits])
            self._load.see(snapshot.at.astimezone(self._zone), background_a)
        before, self._mattered = self._mattered, _what_matters(snapshot, decision.memory.habits)
        return before != self._mattered

    def known(self) -> Known | None:
        """What there is to plan with; None where nobody asks for current, or nothing has been seen yet."""
        if self._seen is None:
            return None
        snapshot, memory = self._seen
        if not any(state.state in COMPETING for state in snapshot.points.values()):
            return None
        snapshot, at = replace(snapshot, limits=_of_others(snapshot)), snapshot.at
        begins_at = first_slot(at, self._slot_s)
        moments = [begins_at + timedelta(seconds=(number + 0.5) * self._slot_s) for number in range(self._slots)]
        background_a = self._background_a(at, moments)
        limits = None if self._limits is None else self._limits([max(at, moments[0]), *moments[1:]])
        return Known(snapshot, _shown(memory.habits), background_a, self._demand(at), limits)

    def _new_forecast(self) -> LoadForecast:
        return LoadForecast(len(self._site.circuits), self._slot_s, self._holidays)

    def _background_a(self, at: datetime, moments: Sequence[datetime]) -> Floats:
        expected = self._load.ahead(at.astimezone(self._zone), [moment.astimezone(self._zone) for moment in moments])
        if expected is not None:
            return expected
        worst = np.array([self._site.worst_base_a[circuit.id] for circuit in self._site.circuits])
        return np.broadcast_to(worst, (self._slots, *worst.shape))


def _meters_fresh(site: Site, snapshot: Snapshot) -> bool:
    """Whether every meter is believed: what is assumed in place of one that is lost is no load to learn from."""
    for circuit in site.circuits:
        if circuit.meter is not None:
            reading = snapshot.meters.get(circuit.meter)
            if reading is None or (snapshot.at - reading.measured_at).total_seconds() >= site.control.hold_s:
                return False
    return True


def _shown(habits: Habits | None) -> Shown | None:
    """What a car draws at most lies below what it is left in case that it wants more."""
    if habits is None:
        return None
    return Shown(np.maximum(habits.takes_a - RESERVE_A, habits.needs_a), habits.needs_a, habits.uses)


def _what_matters(snapshot: Snapshot, habits: Habits | None) -> tuple[object, ...]:
    """What a plan that was made before no longer fits when it has changed."""
    points = (
        (name, *_asked(state, snapshot.at)) for name, state in snapshot.points.items() if state.state in COMPETING
    )
    return (_of_others(snapshot), None if habits is None else habits.takes_a.tobytes(), *points)


def _of_others(snapshot: Snapshot) -> tuple[ExternalLimit, ...]:
    """The limits that do not follow from the plan itself."""
    return tuple(limit for limit in snapshot.limits if limit.source != PEAK)


def _asked(state: PointState, at: datetime) -> tuple[object, ...]:
    """What is asked for a session; energy counted from its beginning, so that delivering changes nothing."""
    overdue = state.departs_at is not None and state.departs_at <= at
    wanted_wh, least_wh = _in_all(state.energy_needed_wh, state), _in_all(state.least_needed_wh, state)
    return (state.departs_at, overdue, wanted_wh, least_wh, state.priority, state.weight, state.max_a, state.obeys)


def _in_all(needed_wh: int | None, state: PointState) -> int | None:
    return needed_wh + state.delivered_wh if needed_wh else needed_wh
