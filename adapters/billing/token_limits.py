"""Sessions that run past what their token may use are stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

import structlog

from controller.commands import Command, CommandResult, StopCharging
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.ports.ledger import LedgerUnavailable, SessionRecord
from controller.ports.transactions import RunningSession

LOOK_EVERY_S: Final = 10.0
"""At 22 kW a session takes 60 Wh in this time."""

AGAIN_AFTER_S: Final = 60.0
"""A charger that was asked to stop and has not is asked again."""

log = structlog.get_logger(__name__)


class Sessions(Protocol):
    """The running sessions, and which of them are past a limit."""

    def passed_limits(self, at: datetime, costs: Mapping[str, Decimal | None]) -> Mapping[str, str]:
        """Which limit in words, by session id; ``costs``: what sessions have cost so far, as far as that is known."""
        ...

    async def running(self) -> Sequence[RunningSession]:
        """Every session that has not ended."""
        ...


class Stations(Protocol):
    """Where sessions are stopped."""

    async def command(self, point: str, command: Command) -> CommandResult:
        """Have a point's station do something."""
        ...


class TokenLimits:
    """Looks after the limits of tokens for as long as it runs.

    Args:
        sessions: what runs, and what is past a limit.
        stations: where it is stopped.
        shown: what runs as it is shown, with what it has cost so far.
        clock: time.
        on_event: hears of every session that is stopped so.
    """

    def __init__(
        self,
        sessions: Sessions,
        stations: Stations,
        shown: Callable[[], Mapping[str, SessionRecord]],
        clock: Clock,
        on_event: EventSink,
    ) -> None:
        self._sessions, self._stations, self._shown = sessions, stations, shown
        self._clock, self._on_event = clock, on_event
        self._asked: dict[str, float] = {}
        """When each session was asked to stop last, while it is past its limit."""

    async def run(self) -> None:
        """Look again and again until cancelled. Whatever fails costs money, and never safety."""
        while True:
            try:
                await self.look()
            except LedgerUnavailable:
                pass  # the ledger has told
            except Exception:
                log.exception("token_limits_failed")
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Stop what is past its limit now.

        Raises:
            LedgerUnavailable: nothing can be known.
        """
        costs = {session.id: session.cost for session in self._shown().values()}
        passed = await asyncio.to_thread(self._sessions.passed_limits, self._clock.now(), costs)
        now_s = self._clock.monotonic_s()
        self._asked = {session: at_s for session, at_s in self._asked.items() if session in passed}
        due = {session for session in passed if now_s - self._asked.get(session, -AGAIN_AFTER_S) >= AGAIN_AFTER_S}
        if not due:
            return
        for session in await self._sessions.running():
            if session.id in due and session.point is not None:
                await self._stop(session, session.point, passed[session.id])

    async def _stop(self, session: RunningSession, point: str, limit: str) -> None:
        if session.id not in self._asked:
            message = f"the session is stopped, its token has reached a limit: {limit}"
            self._on_event(Event("token_limit_reached", f"point:{point}", message, Severity.INFO, self._clock.now()))
        self._asked[session.id] = self._clock.monotonic_s()
        await self._stations.command(point, StopCharging())
