"""The ledger and the measurements as the central system sees them where points stand behind hubs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from adapters.ocpp.upstream.hub_book import Draft, HubBook
from adapters.ocpp.upstream.told_ledger import PostingLedger
from controller.hub_satellite.hub_sessions import HubSession
from controller.hub_satellite.outbox import Letter
from controller.ports.common import Clock
from controller.ports.measurements import HeldLimit, Measurements, MeterSample
from controller.ports.tokens import Authorisation, Token
from controller.ports.transactions import (
    Outcome,
    RunningSession,
    Started,
    TransactionDetails,
    TransactionStart,
    TransactionStop,
)

T = TypeVar("T")


class TellingHub(Protocol):
    """A hub that is to hear of what happens at its satellites."""

    book: HubBook

    def began(self, draft: Draft) -> None:
        """A session has begun; it is on record."""
        ...

    def ended(self, draft: Draft) -> None:
        """A session has ended; it is on record."""
        ...

    def posted(self) -> None:
        """There is something new in the outbox."""
        ...

    async def transaction_id(self, session: HubSession) -> str:
        """The id of a session's transaction, as its charger knows it by now."""
        ...

    async def judge(self, uid: str, points: Sequence[str], here: Authorisation, at: datetime) -> Authorisation:
        """What its back office says of a token at some of its points; ``here`` is what the site says."""
        ...


class HubLedger:
    """Puts on record with each session what back offices are to be told of it (``controller.ports.ledger.Ledger``).

    Messages about one session are numbered in the order in which they are put on record, so only one is at a time.
    """

    def __init__(self, ledger: PostingLedger, hubs: Sequence[TellingHub], turn: asyncio.Lock, clock: Clock) -> None:
        """Stand before a ledger.

        Args:
            ledger: the ledger.
            hubs: all of them.
            turn: held by whoever has something put on record about their sessions.
            clock: time.
        """
        self._ledger, self._hubs, self._turn, self._clock = ledger, hubs, turn, clock

    async def start_transaction(self, start: TransactionStart, letters: Sequence[Letter] = ()) -> Started:
        """Record a start."""

        async def act() -> Started:
            drafts = [(hub, hub.book.starting(start)) for hub in self._hubs]
            started = await self._ledger.start_transaction(start, [*letters, *_letters(drafts)])
            for hub, draft in drafts:
                if (begun := hub.book.started(start, started, draft)) is not None:
                    hub.began(begun)
            return started

        return await self._whole(act())

    async def complete_transaction(self, details: TransactionDetails, letters: Sequence[Letter] = ()) -> Outcome:
        """Fill in what the start has left open."""

        async def act() -> Outcome:
            now = self._clock.now()
            drafts = [(hub, hub.book.completing(details, now)) for hub in self._hubs]
            outcome = await self._ledger.complete_transaction(details, [*letters, *_letters(drafts)])
            for hub, draft in drafts:
                if draft is not None:
                    hub.book.take(draft)
                    hub.began(draft)
            return outcome

        return await self._whole(act())

    async def stop_transaction(self, stop: TransactionStop, letters: Sequence[Letter] = ()) -> Outcome:
        """Record an end."""

        async def act() -> Outcome:
            for hub in self._hubs:
                for session in hub.book.unheard_of(stop):
                    session.transaction_id = await hub.transaction_id(session)
            drafts = [(hub, hub.book.stopping(stop)) for hub in self._hubs]
            outcome = await self._ledger.stop_transaction(stop, [*letters, *_letters(drafts)])
            for hub, draft in drafts:
                if draft is not None:
                    hub.book.stopped(draft)
                    hub.ended(draft)
            return outcome

        return await self._whole(act())

    async def running(self) -> Sequence[RunningSession]:
        """Every session that has not ended."""
        return await self._ledger.running()

    async def token(self, uid: str) -> Token | None:
        """The token of that uid."""
        return await self._ledger.token(uid)

    async def authorise(self, uid: str, points: Sequence[str], at: datetime) -> Authorisation:
        """Whether a token may charge, by the word of the points' back office where there is one."""
        answer = await self._ledger.authorise(uid, points, at)
        for hub in self._hubs:
            answer = await hub.judge(uid, points, answer, at)
        return answer

    async def password_hash(self, station: str) -> str | None:
        """The station's hashed password."""
        return await self._ledger.password_hash(station)

    async def keep_signed(self, station: str, transaction_id: str, texts: Sequence[str]) -> None:
        """Keep signed meter values."""
        await self._ledger.keep_signed(station, transaction_id, texts)

    async def _whole(self, act: Coroutine[Any, Any, T]) -> T:
        """Do it to its end, also when nobody waits for it any more: what is on record must be known here."""

        async def in_turn() -> T:
            async with self._turn:
                done = await act
            for hub in self._hubs:
                hub.posted()
            return done

        return await asyncio.shield(asyncio.ensure_future(in_turn()))


class HubMeasurements:
    """Shows hubs what is measured on its way to its store (``controller.ports.measurements.Measurements``)."""

    def __init__(self, measurements: Measurements, hubs: Sequence[TellingHub]) -> None:
        self._measurements, self._hubs = measurements, hubs

    def record(self, sample: MeterSample) -> None:
        """Keep one measurement."""
        self._measurements.record(sample)
        for hub in self._hubs:
            hub.book.measured(sample)

    def hold(self, held: HeldLimit) -> None:
        """Keep what a charger was last told."""
        self._measurements.hold(held)


def _letters(drafts: Sequence[tuple[TellingHub, Draft | None]]) -> list[Letter]:
    return [letter for _, draft in drafts if draft is not None for letter in draft.letters]
