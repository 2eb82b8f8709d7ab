"""The ledger as a forwarded station's conversation sees it: what enters it goes to the back office as well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from controller.hub_satellite.outbox import Letter
from controller.ports.ledger import Ledger
from controller.ports.tokens import Authorisation, Token
from controller.ports.transactions import (
    Outcome,
    RunningSession,
    Started,
    TransactionDetails,
    TransactionStart,
    TransactionStop,
)


class PostingLedger(Ledger, Protocol):
    """A ledger that puts letters on record in the commit of what they tell of."""

    async def start_transaction(self, start: TransactionStart, letters: Sequence[Letter] = ()) -> Started:
        """Record a start, and letters with it."""
        ...

    async def complete_transaction(self, details: TransactionDetails, letters: Sequence[Letter] = ()) -> Outcome:
        """Fill in what the start has left open, and record letters with it."""
        ...

    async def stop_transaction(self, stop: TransactionStop, letters: Sequence[Letter] = ()) -> Outcome:
        """Record an end, and letters with it."""
        ...


class Teller(Protocol):
    """Who tells a back office."""

    async def letters(self) -> Sequence[Letter]:
        """What it is to be told of the call that is being answered."""
        ...

    def posted(self, outcome: Outcome) -> None:
        """That is on record now."""
        ...

    async def named(self, start: TransactionStart, started: Started) -> Started:
        """A start with the id that the back office gives it."""
        ...

    async def authorised(self, uid: str, here: Authorisation, at: datetime) -> Authorisation:
        """What the back office says of a token; ``here`` is what the site says."""
        ...


class ToldLedger:
    """Passes everything on to a ledger, and to a back office what it is to know (``ports.ledger.Ledger``)."""

    def __init__(self, ledger: PostingLedger, teller: Teller) -> None:
        self._ledger = ledger
        self._teller = teller

    async def start_transaction(self, start: TransactionStart) -> Started:
        """Record a start; its id is the back office's where that gives one in time."""
        started = await self._ledger.start_transaction(start, await self._teller.letters())
        self._teller.posted(started.outcome)
        return started if start.transaction_id is not None else await self._teller.named(start, started)

    async def complete_transaction(self, details: TransactionDetails) -> Outcome:
        """Fill in what the start has left open."""
        outcome = await self._ledger.complete_transaction(details, await self._teller.letters())
        self._teller.posted(outcome)
        return outcome

    async def stop_transaction(self, stop: TransactionStop) -> Outcome:
        """Record an end."""
        outcome = await self._ledger.stop_transaction(stop, await self._teller.letters())
        self._teller.posted(outcome)
        return outcome

    async def keep_signed(self, station: str, transaction_id: str, texts: Sequence[str]) -> None:
        """Keep signed meter values of a station's transaction."""
        await self._ledger.keep_signed(station, transaction_id, texts)

    async def running(self) -> Sequence[RunningSession]:
        """Every session that has not ended."""
        return await self._ledger.running()

    async def token(self, uid: str) -> Token | None:
        """The token of that uid."""
        return await self._ledger.token(uid)

    async def authorise(self, uid: str, points: Sequence[str], at: datetime) -> Authorisation:
        """Whether a token may charge, by the back office's word where there is one."""
        return await self._teller.authorised(uid, await self._ledger.authorise(uid, points, at), at)

    async def password_hash(self, station: str) -> str | None:
        """The station's hashed password."""
        return await self._ledger.password_hash(station)
