"""The ledger: what was announced, on disk before it is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError

from adapters.store import (
    access,
    records,
    session_offers,
    session_readings,
    signed_values,
    usage,
    wishes,
)
from adapters.store.ballast import Ballast
from adapters.store.chosen_ids import record_chosen_start, record_details
from adapters.store.database import migrate, reading_engine, sqlite_path, writing_engine
from adapters.store.demand_windows import DemandWindows
from adapters.store.key_book import KeyBook
from adapters.store.limit_log import LimitLog
from adapters.store.outbox import SqlOutbox, post
from adapters.store.point_book import SqlPointBook
from adapters.store.record_book import RecordBook
from adapters.store.tariff_book import TariffBook
from adapters.store.terms import Terms
from adapters.store.token_book import TokenBook
from adapters.store.transactions import record_start, record_stop
from adapters.store.upstream_memory import SqlUpstreamMemory
from adapters.store.writer import Writer, waited_for
from controller.hub_satellite.outbox import Letter
from controller.ports.common import EventSink
from controller.ports.ledger import LedgerUnavailable, SessionRecord
from controller.ports.tokens import Authorisation, Token
from controller.ports.transactions import (
    Outcome,
    RunningSession,
    Started,
    TransactionDetails,
    TransactionStart,
    TransactionStop,
)
from controller.tariffs.book import NO_OPERATOR_TERMS, OperatorTerms
from controller.tariffs.observed import Observed
from controller.tariffs.offers import Offer, Surcharge
from controller.wishes import Asker, Wish

T = TypeVar("T")


class SqlLedger:
    """The book of sessions in a SQL database (``controller.ports.ledger.Ledger`` and ``Records``).

    Construct it with ``open_ledger``. The asynchronous methods belong to the event loop; the others block for
    milliseconds and may be called from any thread. Every method raises ``LedgerUnavailable`` when the
    database cannot be written or read.
    """

    def __init__(self, writer: Writer, reader: Engine, terms: Terms, last_register: records.LastRegister) -> None:
        self._writer = writer
        self._reader = reader
        self._terms = terms
        self._last_register = last_register
        self.book = TariffBook(self.read, self.write, terms.operator)
        """Tariffs, rules, parties, contracts, and the terms on which sessions are charged."""
        self.charged = RecordBook(self.read, self.write)
        """What was charged: records, what was decided of them, statements."""
        self.token_book = TokenBook(self.read, self.write, terms.operator)
        """Who may charge, as people keep it."""
        self.keys = KeyBook(self.read, self.write)
        """Who is let in by password."""
        self.point_book = SqlPointBook(self.read, self.write)
        """Which charging points are out of service, and what they are limited to."""
        self.limit_log = LimitLog(self.read, self.write)
        """What others limit the site to."""
        self.demand = DemandWindows(self.read, self.write)
        """What it has drawn."""
        self.outbox = SqlOutbox(self.read, self.write)
        """What back offices are still to be told."""
        self.upstream_memory = SqlUpstreamMemory(self.read, self.write)
        """What back offices have said."""

    async def start_transaction(self, start: TransactionStart, letters: Sequence[Letter] = ()) -> Started:
        """Record a start; a repeated one gets the ids that it got the first time.

        Args:
            start: what was announced.
            letters: what back offices are to be told of it; on record with it, or not at all.
        """
        record = record_start if start.transaction_id is None else record_chosen_start

        def act(connection: Connection) -> Started:
            started = record(connection, start, self._terms)
            if start.transaction_id is not None or started.outcome is not Outcome.REPEATED:
                post(connection, letters, started.session_id)
            return started

        return await waited_for(self.write(act))

    async def complete_transaction(self, details: TransactionDetails, letters: Sequence[Letter] = ()) -> Outcome:
        """Fill in what the start has left open. What is on record stays, so a repeated one changes nothing."""

        def act(connection: Connection) -> Outcome:
            outcome = record_details(connection, details, self._terms)
            post(connection, letters)
            return outcome

        return await waited_for(self.write(act))

    async def stop_transaction(self, stop: TransactionStop, letters: Sequence[Letter] = ()) -> Outcome:
        """Record an end and price the session; a repeated one changes nothing."""

        def act(connection: Connection) -> Outcome:
            outcome = record_stop(connection, stop, self._terms)
            if stop.chosen or outcome is not Outcome.REPEATED:
                post(connection, letters)
            return outcome

        return await waited_for(self.write(act))

    async def keep_signed(self, station: str, transaction_id: str, texts: Sequence[str]) -> None:
        """Keep signed meter values of a station's transaction, to the letter; repeated ones change nothing."""
        action = self.write(lambda connection: signed_values.keep_signed(connection, station, transaction_id, texts))
        await waited_for(action)

    async def running(self) -> Sequence[RunningSession]:
        """Every session that has not ended, the oldest first."""
        return await asyncio.to_thread(
            self.read, lambda connection: records.running_sessions(connection, self._last_register)
        )

    async def token(self, uid: str) -> Token | None:
        """The token of that uid, in upper or lower case alike."""
        return await asyncio.to_thread(self.read, lambda connection: access.find_token(connection, uid))

    async def authorise(self, uid: str, points: Sequence[str], at: datetime) -> Authorisation:
        """Whether a token may charge at any of these points now."""
        return await asyncio.to_thread(
            self.read,
            lambda connection: usage.authorisation(
                connection, uid, points, at, self._terms.operator, self._last_register
            ),
        )

    def passed_limits(self, at: datetime, costs: Mapping[str, Decimal | None]) -> Mapping[str, str]:
        """The sessions that run past a limit of their token, and which limit in words; they are to be stopped.

        Args:
            at: now.
            costs: what running sessions have cost so far, as far as that is known; by id.
        """
        operator, register = self._terms.operator, self._last_register
        return self.read(lambda connection: usage.passed_limits(connection, at, operator, register, costs))

    async def password_hash(self, station: str) -> str | None:
        """The station's hashed password, or None when it has none."""
        return await asyncio.to_thread(self.read, lambda connection: access.find_password_hash(connection, station))

    def sessions(
        self, *, running: bool | None = None, point: str | None = None, limit: int = 100, after: str | None = None
    ) -> tuple[Sequence[SessionRecord], str | None]:
        """Newest first, at most 500 at once, and the ``after`` of the next page (None at the end).

        Raises:
            ValueError: ``limit`` is not positive, or ``after`` did not come from a page.
        """
        return self.read(
            lambda connection: records.session_page(
                connection, running=running, point=point, limit=limit, after=after, last_register=self._last_register
            )
        )

    def session(self, session_id: str) -> SessionRecord | None:
        """One session."""
        return self.read(lambda connection: records.session_record(connection, session_id, self._last_register))

    def wish(self, session: str, by: Asker, user: str, changes: Mapping[str, Any], at: datetime) -> Wish:
        """Add to what one of those who may ask has asked for a running session; it is on disk on return.

        Args:
            session: its id.
            by: for whom it is asked.
            user: who asks.
            changes: by field of ``Asked``; None takes back.
            at: when.

        Raises:
            NoSuchSession: it does not run.
        """
        return self.write(lambda connection: wishes.record_wish(connection, session, by, user, changes, at)).result()

    def wishes(self) -> Sequence[Wish]:
        """What has been asked for the sessions that run."""
        return self.read(wishes.running_wishes)

    def choose_offer(self, session: str, offer: Offer, tariff: str | None, at: datetime, chosen_by: str) -> None:
        """Put on record which offer holds for a session that runs, from now on; see ``record_offer``."""
        self.write(
            lambda connection: session_offers.record_offer(connection, session, offer, tariff, at, chosen_by)
        ).result()

    def chosen_offers(self) -> Mapping[str, Offer]:
        """Which was chosen last, by session id, for those that run."""
        return self.read(session_offers.offers_of_running)

    def keep_observed(self, observed: Sequence[Observed]) -> Future[None]:
        """Add what was seen of running sessions; the future is done when it is on disk. Returns at once."""
        return self.write(lambda connection: session_readings.record_observed(connection, observed))

    def last_observed(self) -> Mapping[str, Observed]:
        """The newest that was seen of each session that runs, by its id."""
        return self.read(session_readings.last_observed)

    def tokens(self, uids: Iterable[str]) -> Mapping[str, Token]:
        """Those of these tokens that are known, by the uid as it was given."""
        return self.read(lambda connection: access.find_tokens(connection, uids))

    def seed(
        self, tokens: Iterable[Token], passwords: Mapping[str, str], users: Iterable[access.SeededUser] = ()
    ) -> None:
        """Take over what the site file says; it is the beginning, the ledger has the last word.

        A token that the ledger knows stays as it is there. Its needs, a station's password (plain), or a user's
        password and role, count when they differ from what the file said last. Nothing is removed. Takes tens of
        milliseconds for each password: call it off the event loop.
        """
        listed = tuple(tokens)
        changed = self.read(lambda connection: access.changed_passwords(connection, passwords))
        changed_users = self.read(lambda connection: access.changed_users(connection, users))

        def write(connection: Connection) -> None:
            access.seed_tokens(connection, listed)
            access.store_passwords(connection, changed)
            access.store_users(connection, changed_users)

        self.write(write).result()

    def close(self) -> None:
        """Write what is waiting, then let go of the database."""
        self._writer.close()
        self._reader.dispose()

    def read(self, query: Callable[[Connection], T]) -> T:
        """What a query finds; for the books that are kept beside the sessions. Blocks for milliseconds."""
        try:
            with self._reader.connect() as connection:
                return query(connection)
        except DBAPIError as error:
            raise LedgerUnavailable(f"cannot read the ledger: {error.orig}") from error

    def write(self, action: Callable[[Connection], T]) -> Future[T]:
        """Do something in a transaction; the future is done when it is on disk. Returns at once."""
        return self._writer.submit(action)


def open_ledger(
    url: str,
    *,
    currency: str,
    price_per_kwh: Decimal | None,
    on_event: EventSink,
    last_register: records.LastRegister = lambda _session: None,
    operator: OperatorTerms = NO_OPERATOR_TERMS,
    surcharge: Callable[[datetime], Surcharge | None] = lambda _at: None,
) -> SqlLedger:
    """Open the ledger, creating and migrating it as needed.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql+psycopg://...``.
        currency: of the sessions that start from now on (ISO 4217).
        price_per_kwh: of the operator's own tariff from now on; None: it has none.
        on_event: hears of trouble and its end, from the writer's thread.
        last_register: the newest register value [Wh] kept for a session id, for what a running session has taken.
        operator: what is settled for all sessions.
        surcharge: what is added to the price of a session that begins at a moment.

    Raises:
        ValueError: the URL names no database that can hold a ledger.
        LedgerUnavailable: it cannot be opened, or a newer version wrote it.
    """
    path = sqlite_path(make_url(url))
    try:
        engine = writing_engine(url)
    except OSError as error:
        raise LedgerUnavailable(f"cannot open the ledger {path}: {error}") from error
    try:
        migrate(engine)
    except LedgerUnavailable:
        engine.dispose()
        raise
    ballast = None if path is None else Ballast(path)
    if ballast is not None:
        ballast.keep()
    ledger = SqlLedger(
        Writer(engine, ballast, on_event), reading_engine(url), Terms(currency, operator, surcharge), last_register
    )
    try:
        ledger.book.seed(currency, price_per_kwh)
    except LedgerUnavailable:
        ledger.close()
        raise
    return ledger
