"""Has put on record, as letters, what a hub's back office is to hear of sessions while they run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from adapters.ocpp.upstream.hub_book import Draft, HubBook
from adapters.ocpp.upstream.hub_settings import HubSettings
from controller.hub_satellite.connector import Status
from controller.hub_satellite.hub_sessions import HubSession
from controller.hub_satellite.outbox import Outbox
from controller.ports.common import Clock


class HubLetters:
    """The letters of one hub that no message of a charger brings about."""

    def __init__(
        self, book: HubBook, settings: HubSettings, outbox: Outbox, clock: Clock, posted: Callable[[], None]
    ) -> None:
        """Begin; ``posted`` is called when there is something new in the outbox."""
        self.turn = asyncio.Lock()
        """Held by whoever has something put on record about sessions."""
        self._book, self._settings, self._outbox, self._clock, self._posted = book, settings, outbox, clock, posted

    async def write_due(self, said: Mapping[int, Status | None]) -> None:
        """Write what is due now.

        Args:
            said: what each connector's charger says.

        Raises:
            LedgerUnavailable: it could not be put on record, and is still due.
        """
        now = self._clock.now()
        for one in list(self._book.sessions.values()):
            await self._write(one.id, partial(self._book.announcing, now=now))
            state = said.get(one.connector)
            if state is not None:
                await self._write(one.id, partial(self._book.changing, state=state, now=now))
            await self._write(one.id, partial(self._book.sampling, now=now, every_s=self._settings.sample_s))

    async def write_values(self, session_id: str) -> None:
        """Write what was measured last of a session.

        Raises:
            LedgerUnavailable: it could not be put on record.
        """
        await self._write(session_id, partial(self._book.triggered, now=self._clock.now()))

    async def _write(self, session_id: str, drafting: Callable[[HubSession], Draft | None]) -> None:
        """Put a draft on record; once begun it goes on to its end."""

        async def in_turn() -> None:
            async with self.turn:
                session = self._book.sessions.get(session_id)
                draft = None if session is None else drafting(session)
                if draft is not None:
                    await self._outbox.post(draft.letters)
                    self._book.take(draft)
                    self._posted()

        await asyncio.shield(asyncio.ensure_future(in_turn()))
