"""The book of sessions: for those who add to it, and for those who read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from controller.ports.tokens import Authorisation, Token
from controller.ports.transactions import (
    Outcome,
    RunningSession,
    Started,
    TransactionDetails,
    TransactionStart,
    TransactionStop,
)


class LedgerUnavailable(Exception):  # noqa: N818 - a state of the world, not a mistake
    """The ledger could not put a record on disk (disk full, locked, unreachable).

    Whoever announced it is not acknowledged and announces it again; the ledger recovers by itself.
    """


class Ledger(Protocol):
    """The book of sessions. Every method returns after its record is on disk.

    Every method raises ``LedgerUnavailable`` when the ledger can neither write nor read.
    """

    async def start_transaction(self, start: TransactionStart) -> Started:
        """Record a start; a repeated one gets the ids that it got the first time."""
        ...

    async def complete_transaction(self, details: TransactionDetails) -> Outcome:
        """Fill in what the start has left open. What is on record stays, so a repeated one changes nothing."""
        ...

    async def stop_transaction(self, stop: TransactionStop) -> Outcome:
        """Record an end and price the session; a repeated one changes nothing."""
        ...

    async def keep_signed(self, station: str, transaction_id: str, texts: Sequence[str]) -> None:
        """Keep signed meter values of a station's transaction, to the letter; repeated ones change nothing."""
        ...

    async def running(self) -> Sequence[RunningSession]:
        """Every session that has not ended."""
        ...

    async def token(self, uid: str) -> Token | None:
        """The token of that uid (upper or lower case alike: OCPP 1.6 §7.28 idTokens are case-insensitive)."""
        ...

    async def authorise(self, uid: str, points: Sequence[str], at: datetime) -> Authorisation:
        """Whether a token may charge at any of these points now (``controller.access``)."""
        ...

    async def password_hash(self, station: str) -> str | None:
        """The station's hashed password, or None when it has none."""
        ...


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as people and programs see it; the fields are those of docs/reference/rest-api.md."""

    id: str
    station: str
    point: str | None
    connector: int
    transaction_id: str
    """As the charger knows it."""
    token: str
    running: bool
    started_at: datetime
    ended_at: datetime | None
    start_wh: int
    end_wh: int | None
    energy_wh: int | None
    """So far, while it runs; None where the registers cannot tell."""
    cost: Decimal | None
    """So far, while it runs."""
    currency: str
    stop_reason: str | None = None
    review_flags: tuple[str, ...] = ()


class Records(Protocol):
    """The book of sessions, for reading. Safe to call from any thread; may take milliseconds."""

    def sessions(
        self, *, running: bool | None = None, point: str | None = None, limit: int = 100, after: str | None = None
    ) -> tuple[Sequence[SessionRecord], str | None]:
        """Newest first, and the ``after`` of the next page (None at the end)."""
        ...

    def session(self, session_id: str) -> SessionRecord | None:
        """One session."""
        ...
