"""The sessions that run, at hand for everybody who may not wait for the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from adapters.wishes import Wishes
from controller.ports.ledger import Records, SessionRecord

LOOK_EVERY_S: Final = 2.0
"""How often they are looked up for those who watch."""

RUNNING_MOST: Final = 500
"""As many as one page of the ledger holds."""

log = structlog.get_logger("loadstar")


class RunningSessions:
    """The sessions of one site that run.

    Args:
        records: the book of sessions.
        priced: the same sessions with what they cost so far.
        wishes: hears which sessions run, so that something can be asked for them.
    """

    def __init__(
        self,
        records: Records,
        priced: Callable[[Sequence[SessionRecord]], Awaitable[Sequence[SessionRecord]]],
        wishes: Wishes,
    ) -> None:
        self._records, self._priced, self._wishes = records, priced, wishes
        self._by_point: Mapping[str, SessionRecord] = {}

    def by_point(self) -> Mapping[str, SessionRecord]:
        """As they were a moment ago, by point. Returns at once."""
        return self._by_point

    async def run(self) -> None:
        """Follow them until cancelled, without ever asking the ledger on the control loop's time."""
        while True:
            try:
                sessions, _ = await asyncio.to_thread(self._records.sessions, running=True, limit=RUNNING_MOST)
                priced = await self._priced(sessions)
                running = {session.point: session for session in reversed(priced) if session.point}
                await asyncio.to_thread(self._wishes.refresh, running.values())
                self._by_point = running  # last: for a session that is shown, something can be asked
            except Exception:
                log.exception("sessions_unreadable")
            await asyncio.sleep(LOOK_EVERY_S)
