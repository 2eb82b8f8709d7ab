"""Plans the coming hours when something has happened and every few minutes, and keeps the newest plan at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from adapters.configuration import PlanSettings
from adapters.learned import LearnedNote
from adapters.planning.checking import BadPlanError, checked_advice
from adapters.planning.messages import request_of
from adapters.planning.prices import Prices
from adapters.planning.process import ANSWER_S, COMMAND, PlanLateError, PlannerGoneError, PlannerProcess
from controller.engine import Decision
from controller.foresight import Foresight
from controller.loadbalance.horizon.assembly import Past, Terms, first_slot, outlook_of
from controller.loadbalance.horizon.history import Stay
from controller.loadbalance.horizon.outlook import Demand, Outlook
from controller.peakshave.limits_ahead import LimitsAhead
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.ports.ledger import SessionRecord
from controller.site import Site
from controller.snapshot import Advice, Snapshot

LEAST_GAP_S: Final = 2.0
"""Between two plans: many events at the same moment need one."""
BACKOFF_S: Final = (1.0, 60.0)
"""How long a planner that has failed is left alone, the first time and at most: each time twice as long."""
HISTORY_EVERY_S: Final = 3600.0
HISTORY_S: Final = 60 * 86_400.0
"""Habits are those of the last two months; sessions are looked up anew every hour."""

PastSessions = Callable[[str], Sequence[SessionRecord]]
"""The newest sessions of a point that have ended. May block: never called on the event loop."""

log = structlog.get_logger(__name__)


class Planning:
    """Everything about plans but their making.

    Args:
        site: the site.
        settings: prices, slots, horizon.
        clock: time.
        running: the sessions that run, by point.
        past: the sessions that have ended.
        on_event: hears when there is no plan, and why.
        note: keeps what was learned of the load over a restart.
        demand: what a higher peak costs at a moment.
        holidays: days that the building uses like Sundays.
        limits: what others will allow at moments; without it the limits that hold are taken to last.
        command: starts the planner.
        answer_s: how long it may take [s].
    """

    def __init__(
        self,
        *,
        site: Site,
        settings: PlanSettings,
        clock: Clock,
        running: Callable[[], Mapping[str, SessionRecord]],
        past: PastSessions,
        on_event: EventSink,
        note: LearnedNote,
        demand: Callable[[datetime], Demand | None] = lambda _at: None,
        holidays: Container[date] = frozenset(),
        limits: Callable[[Sequence[datetime]], LimitsAhead] | None = None,
        command: Sequence[str] = COMMAND,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._site, self._settings, self._clock = site, settings, clock
        self._running, self._past, self._on_event = running, past, on_event
        self._zone = ZoneInfo(site.time_zone)
        self._process = PlannerProcess(site, command, answer_s)
        self._prices = Prices(settings, site.time_zone, on_event)
        self._terms = Terms(settings.slot_s, settings.slots, settings.unmet_per_kwh)
        self._foresight = Foresight(site, settings.slot_s, settings.slots, demand, holidays, limits)
        self._note = note
        self._news = asyncio.Event()
        self._advice: Advice | None = None
        self._stays: Mapping[str, Sequence[Stay]] = {}
        self._stays_read_s = -HISTORY_EVERY_S
        self._number = 0
        self._failed = 0

    def restore(self) -> None:
        """Go on from what was learned of the load before a restart; blocks for milliseconds."""
        self._note.restore(self._foresight.restore)

    def wake(self) -> None:
        """Plan anew: something has changed that no decision shows yet."""
        self._news.set()

    def advice(self) -> Advice | None:
        """The newest plan; None when there is none, or when its time is over."""
        advice = self._advice
        return advice if advice is not None and advice.slot(self._clock.now()) is not None else None

    def decided(self, snapshot: Snapshot, decision: Decision) -> None:
        """Look at what the control loop saw and decided. Neither blocks nor raises."""
        try:
            if self._foresight.see(snapshot, decision):
                self._news.set()
            self._note.follow(snapshot.monotonic_s, self._foresight.learned)
        except Exception:  # nothing about plans may disturb the control loop
            log.exception("planning_failed")

    async def run(self) -> None:
        """Plan until cancelled."""
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._settings.every_s):
                        await self._news.wait()
                self._news.clear()
                await self._plan()
                await asyncio.sleep(LEAST_GAP_S if not self._failed else self._backoff_s())
        finally:
            self._note.keep(self._foresight.learned())
            await self._process.close()

    async def _plan(self) -> None:
        try:
            outlook = await self._outlook()
            if outlook is None:
                self._advice = None
                return
            self._number += 1
            request = request_of(self._number, outlook)
            self._succeed(checked_advice(await self._process.ask(request), request, self._site))
        except PlanLateError as late:
            self._fail("plan_late", f"the plan of the coming hours is dropped: {late}")
        except PlannerGoneError as gone:
            self._fail("planner_gone", f"the planner {gone}; it is started again")
        except BadPlanError as bad:
            self._fail("plan_dropped", f"the plan of the coming hours is dropped: {bad}")
        except Exception as error:  # whatever it is, a plan is not worth a service
            log.exception("planning_failed")
            self._fail("plan_dropped", f"the coming hours could not be planned: {type(error).__name__}")

    async def _outlook(self) -> Outlook | None:
        """What to plan for; None where nobody can be given current, or nothing is known yet."""
        await self._refresh_stays()
        known = self._foresight.known()
        if known is None:
            return None
        price = await asyncio.to_thread(self._prices.ahead, first_slot(known.snapshot.at, self._settings.slot_s))
        # With long histories it would hold up the loop by tens of milliseconds.
        outlook = await asyncio.to_thread(outlook_of, self._site, known, self._pasts(), self._terms, price)
        return outlook if any(car.arrives_at is None for car in outlook.cars) else None

    def _pasts(self) -> Mapping[str, Past]:
        running = self._running()
        begun = {point: session.started_at.astimezone(self._zone) for point, session in running.items()}
        return {point: Past(stays, begun.get(point)) for point, stays in self._stays.items()}

    async def _refresh_stays(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._stays_read_s < HISTORY_EVERY_S:
            return
        self._stays_read_s = now_s
        try:
            self._stays = await asyncio.to_thread(self._read_stays)
        except Exception:
            log.exception("history_unreadable")

    def _read_stays(self) -> Mapping[str, Sequence[Stay]]:
        since = self._clock.now() - timedelta(seconds=HISTORY_S)
        return {point.id: tuple(_stays(self._past(point.id), since, self._zone)) for point in self._site.points}

    def _succeed(self, advice: Advice) -> None:
        self._advice = advice
        if self._failed:
            self._failed = 0
            self._report("plan_again", "the coming hours are planned again", Severity.INFO)

    def _fail(self, kind: str, text: str) -> None:
        self._failed += 1
        self._news.set()  # another try, after a while
        self._report(kind, text, Severity.WARNING)

    def _backoff_s(self) -> float:
        first_s, most_s = BACKOFF_S
        return float(min(most_s, first_s * 2.0 ** min(self._failed - 1, 10)))

    def _report(self, kind: str, text: str, severity: Severity) -> None:
        self._on_event(Event(kind, "planner", text, severity, self._clock.now()))


def _stays(sessions: Sequence[SessionRecord], since: datetime, zone: ZoneInfo) -> Sequence[Stay]:
    return [
        Stay(session.started_at.astimezone(zone), session.ended_at.astimezone(zone), session.energy_wh)
        for session in sessions
        if session.ended_at is not None
        and session.energy_wh is not None
        and since <= session.started_at < session.ended_at
    ]
