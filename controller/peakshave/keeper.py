"""Holds every demand window at the peak that is worth having: how much charging may draw until the window ends.

The target of a window is the highest of what is paid for already, of what the month will bring anyway, and of what the
plan finds cheapest; a fixed target of the site bounds the last two. From it goes what has flowed since the window began
and what the building is likely to draw until it ends, cautiously; the rest is for charging.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from controller.peakshave.demand_ahead import Charge, charges_ahead
from controller.peakshave.demand_bill import bill
from controller.peakshave.demand_peaks import by_month, first_of, month_of, that_matter, year_of
from controller.peakshave.demand_worth import Worth, what_a_kw_costs
from controller.peakshave.filling import HOLD_S, fill
from controller.peakshave.load_forecast import LoadForecast
from controller.peakshave.peak_facts import ClosedWindow, Flow, PeakStatus, PeakTerms
from controller.peakshave.saving import Uncontrolled
from controller.peakshave.windows import HOUR_S, Filling, Window, aligned
from controller.site import Site
from controller.snapshot import ExternalLimit, MeterOwn, PointState

PEAK: Final = "peak"
"""The source of the limit, as `because` and pages name it."""

SETTLE_S: Final = 45.0
"""So near to the end of a window nothing is raised: chargers and cars take some 13 s to follow, and what is raised for
the last seconds only would have to be lowered again in the next window."""

AIM: Final = 0.995
"""A target is aimed at from slightly below: meters, chargers and cars follow in steps."""

CALM: Final = (0.99, 1.04)
"""An allowance between these shares of the one before changes nothing: noise is not news."""

LOOK_S: Final = 10.0
"""How often it is asked what the building will draw."""

_W: Final = 1000.0


class PeakKeeper:
    """Follows the demand windows of one site's grid connection.

    Args:
        site: the site; its root circuit is the grid connection.
        terms: prices and targets.
        closed: the windows of the accounting year and the last twelve months, as far as they are on record.
        filling: the running window as it was stored.
        hold_s: how long a reading counts when no other follows.
    """

    def __init__(
        self,
        site: Site,
        terms: PeakTerms,
        closed: Iterable[ClosedWindow] = (),
        filling: Filling | None = None,
        hold_s: float = HOLD_S,
    ) -> None:
        self.terms, self._hold_s = terms, hold_s
        self._zone = ZoneInfo(site.time_zone)
        self._root = next(circuit.id for circuit in site.circuits if circuit.parent is None)
        closed = tuple(closed)
        self._windows = self._that_matter(one.window for one in closed)
        self._free = self._that_matter(one.without_control for one in closed)
        """What the windows would have been without control."""
        self._saved: Decimal | None = None
        self.building = LoadForecast(1, float(terms.tariff.window_s), terms.holidays)
        """What is learned of the building's load [W on one phase]."""
        self._uncontrolled = Uncontrolled()
        self._more_wh = 0.0
        self._flow: Flow | None = None
        self._own: MeterOwn | None = None
        """What the meter last said of demand: its month's peak holds until it says another."""
        self._worth: tuple[float, Worth] | None = None
        self._ahead = 1
        """So many windows are looked at, the running one among them."""
        self._charges: tuple[float, int, tuple[Charge, ...]] | None = None
        """Of the window of that number, and of so many."""
        self._rest: tuple[float, float] | None = None
        """When it was last asked what the building will draw [Unix s], and the answer [W]."""
        self._target_w: float | None = None
        self._allowed_w: float | None = None
        self.filling = filling
        """The running window; to be stored."""

    def see(
        self,
        at: datetime,
        monotonic_s: float,
        flow: Flow,
        points: Mapping[str, PointState],
        drawn_w: Mapping[str, float],
        most_w: Mapping[str, float],
    ) -> tuple[ClosedWindow, ...]:
        """Take note of a moment; return the windows that have ended with it.

        Args:
            at: the wall clock, aware.
            monotonic_s: the monotonic clock of the same moment.
            flow: at the grid connection.
            points: what is known of each point.
            drawn_w: what each draws [W].
            most_w: what each could draw at most, as its car has shown [W].
        """
        before, window_s = self.filling, self.terms.tariff.window_s
        self.filling, ended = fill(
            before,
            at,
            monotonic_s,
            flow.power_w,
            window_s,
            flow.assumed_w,
            zone=self._zone,
            own=flow.own,
            hold_s=self._hold_s,
        )
        if flow.power_w is not None:
            building_w = flow.power_w - flow.charging_w
            self.building.see(at.astimezone(self._zone), np.array([[building_w, 0.0, 0.0]]))
        since_s = 0.0 if before is None or not before.running else max(0.0, monotonic_s - before.monotonic_s)
        more_wh = self._uncontrolled.step(points, drawn_w, most_w, since_s) * since_s / HOUR_S
        more = (self._more_wh, *(0.0 for _ in ended))  # what is not controlled is not known of more than the first
        closed = tuple(
            ClosedWindow(window, self._target_w, window.energy_wh + its_wh)
            for window, its_wh in zip(ended, more, strict=False)
        )
        if ended:
            self._windows = self._that_matter((*self._windows, *ended))
            self._free = self._that_matter((*self._free, *(one.without_control for one in closed)))
            self._saved = None
            self._worth, self._charges, self._rest = None, None, None
            self._target_w, self._allowed_w, self._more_wh = None, None, 0.0
        self._more_wh += more_wh
        self._flow, self._own = flow, flow.own or self._own
        return closed

    def limits(self, at: datetime, planned_kw: float | None) -> tuple[ExternalLimit, ...]:
        """What charging may draw now, as a limit; none where nothing is gained by it.

        Args:
            at: the wall clock, aware.
            planned_kw: what the running window may reach by the newest plan; None where there is no plan.
        """
        if self.filling is None or self._flow is None:
            return ()
        self._target_w = self._target(at, planned_kw)
        self._allowed_w = None if self._target_w is None else self._calm(self._allowance_w(at, self._target_w))
        if self._allowed_w is None:
            return ()
        return (ExternalLimit(self._root, self._allowed_w, PEAK, charging_only=True),)

    def window_begins_s(self, at: datetime) -> float:
        """When the window of that moment begins (Unix time [s])."""
        return aligned(at.timestamp(), self.terms.tariff.window_s, self._zone)

    def charges(self, at: datetime, count: int = 1) -> tuple[Charge, ...]:
        """What the running window and those after it cost, at least ``count``; worked out once a window."""
        self._ahead = max(self._ahead, count)
        wanted = self.window_begins_s(at), self._ahead
        if self._charges is None or self._charges[:2] != wanted:
            found = charges_ahead(self._windows, self.terms, at, self._zone, self._ahead, self._own)
            self._charges = (*wanted, found)
        return self._charges[2]

    def status(self, at: datetime) -> PeakStatus | None:
        """What is going on; None before anything was seen."""
        filling, flow = self.filling, self._flow
        if filling is None or flow is None:
            return None
        worth = self._worth_at(at)
        left_s = max(0.0, filling.ends_s - filling.at_s)
        now_w = flow.assumed_w if flow.power_w is None else flow.power_w
        highest = self._highest(at)
        return PeakStatus(
            window=filling.so_far,
            passed_s=filling.at_s - filling.begins_s,
            projected_w=(filling.energy_wh * HOUR_S + now_w * left_s) / filling.length_s,
            target_w=self._target_w,
            allowed_w=self._allowed_w,
            billed=worth.billed_now,
            month_peak_w=0.0 if highest is None else highest.mean_w,
            month_peak_at=None if highest is None else highest.begins_at,
            floor_w=worth.floor_kw * _W,
            per_kw=worth.per_kw,
            saved=self._saved_in_year(at),
        )

    @property
    def drawn_kwh(self) -> float:
        """Energy of the running window so far [kWh]."""
        return 0.0 if self.filling is None else self.filling.energy_wh / _W

    def _that_matter(self, windows: Iterable[Window]) -> tuple[Window, ...]:
        return that_matter(windows, self.terms.tariff, self._zone, self.terms.holidays)

    def _saved_in_year(self, at: datetime) -> Decimal:
        """By how much the bill of the accounting year is lower for control; worked out once a window."""
        if self._saved is None:
            tariff, local = self.terms.tariff, at.astimezone(self._zone)
            begins = first_of(year_of(month_of(local), tariff.year_begins))
            real, free = (
                bill(
                    [one for one in windows if one.begins_at.astimezone(self._zone).date() >= begins],
                    tariff,
                    self._zone,
                    self.terms.holidays,
                ).total
                for windows in (self._windows, self._free)
            )
            self._saved = free - real
        return self._saved

    def _target(self, at: datetime, planned_kw: float | None) -> float | None:
        """What the running window is to end at [W]."""
        running = [(charge, charge.weights[0]) for charge in self.charges(at) if charge.weights[0] > 0.0]
        hints_kw = [
            (charge.floor_kw if planned_kw is None else charge.planned_floor_kw) / weight
            for charge, weight in running
            if planned_kw is not None or charge.expected_kw is not None  # a plan has weighed those, too
        ]
        most_kw = self.terms.target_kw
        if not running or not (hints_kw or most_kw is not None):
            return None
        wanted_kw = max(min(hints_kw), planned_kw or 0.0) if hints_kw else most_kw or 0.0
        wanted_kw = wanted_kw if most_kw is None else min(wanted_kw, most_kw)
        return max(wanted_kw, min(charge.paid_kw / weight for charge, weight in running)) * _W

    def _allowance_w(self, at: datetime, target_w: float) -> float:
        """The mean power that charging may have until the window ends [W]."""
        filling = self.filling
        assert filling is not None
        left_s = max(0.0, filling.ends_s - at.timestamp())
        building_w = self._building_w(at, filling.ends_s)
        left_wh = (AIM * target_w * filling.length_s - building_w * left_s) / HOUR_S - filling.energy_wh
        if left_s >= SETTLE_S:
            return max(0.0, left_wh * HOUR_S / left_s)
        before_w = left_wh * HOUR_S / SETTLE_S if self._allowed_w is None else self._allowed_w
        return max(0.0, min(before_w, left_wh * HOUR_S / max(left_s, 1.0)))

    def _building_w(self, at: datetime, ends_s: float) -> float:
        """What the building is likely to draw until the window ends [W]."""
        now_s = at.timestamp()
        if self._rest is None or not 0.0 <= now_s - self._rest[0] < LOOK_S:
            ends_at = datetime.fromtimestamp(ends_s, UTC).astimezone(self._zone)
            rest = self.building.rest_of_window(at.astimezone(self._zone), ends_at, self.terms.caution)
            flow = self._flow
            assumed_w = 0.0 if flow is None else max(0.0, flow.assumed_w - flow.charging_w)
            self._rest = (now_s, assumed_w if rest is None else float(rest[0, 0]))
        return self._rest[1]

    def _calm(self, allowance_w: float) -> float:
        before_w = self._allowed_w
        least, most = CALM
        if before_w is not None and least * before_w <= allowance_w <= most * before_w:
            return before_w
        return allowance_w

    def _worth_at(self, at: datetime) -> Worth:
        """What the running window costs; asked for once a window."""
        begins_s = at.timestamp() // self.terms.tariff.window_s
        if self._worth is None or self._worth[0] != begins_s:
            tariff, holidays = self.terms.tariff, self.terms.holidays
            self._worth = (begins_s, what_a_kw_costs(self._windows, tariff, at, self._zone, holidays, self._own))
        return self._worth[1]

    def _highest(self, at: datetime) -> Window | None:
        now = month_of(at.astimezone(self._zone))
        seen: Sequence[tuple[datetime, Window]] = by_month(self._windows, self._zone).get(now, ())
        return max((window for _, window in seen), key=lambda window: window.mean_w, default=None)
