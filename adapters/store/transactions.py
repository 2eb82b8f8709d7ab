"""What a transaction message does to the book.

Functions of a connection: the caller owns the transaction, and answers after its commit.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from adapters.store.schema import sessions, storable_integer, transaction_messages, utc
from adapters.store.terms import Terms, freeze
from controller.ports.transactions import (
    TIMESTAMP_INVALID,
    Outcome,
    Started,
    TransactionDetails,
    TransactionStart,
    TransactionStop,
)
from controller.tariffs.energy_price import session_cost

IMPLAUSIBLE_WH: Final = 2**31 - 1
"""No charger delivers 2 GWh in its life; some announce this number when they have no reading."""

_LAST_TRANSACTION_ID: Final = 2**31 - 1
"""OCPP 1.6 says only "integer"; every charger can hold 31 bits."""

_ID_ATTEMPTS: Final = 20
"""Random ids meet an old one about once in two thousand million sessions per million on record."""


def record_start(connection: Connection, start: TransactionStart, terms: Terms) -> Started:
    """Open a session, or find the one that the same message opened before."""
    known = _opened_before(connection, start)
    started = open_session(connection, start, terms) if known is None else repeated(known)
    journal(connection, start, started.outcome, started.session_id, started.transaction_id)
    return started


def repeated(session: Row[Any]) -> Started:
    """The word on a start that is on record already."""
    return Started(session.transaction_id or 0, session.id, Outcome.REPEATED, running=session.ended_at is None)


def record_stop(connection: Connection, stop: TransactionStop, terms: Terms) -> Outcome:
    """Close and price the session that the message names, or keep the message for review."""
    named = connection.execute(select(sessions).where(sessions.c.station_transaction_id == stop.transaction_id)).all()
    own = [session for session in named if session.station == stop.station]
    announced = _meant([session for session in own if session.transaction_id is not None], stop)
    session_id: str | None
    if announced is not None:
        outcome, session_id = _stop_announced(connection, announced, stop), announced.id
    elif not stop.chosen and any(session.transaction_id is not None for session in named):
        outcome, session_id = Outcome.FOREIGN, None
    else:
        outcome, session_id = _stop_without_start(connection, own, stop, terms)
    journal(connection, stop, outcome, session_id)
    return outcome


def _meant(announced: list[Row[Any]], stop: TransactionStop) -> Row[Any] | None:
    """The session that a stop is about: a station that chooses its ids may choose one again, years later."""
    ended_so = [session for session in announced if session.ended_at is not None and _same_end(session, stop)]
    running = [session for session in announced if session.ended_at is None]
    newest_first = sorted(announced, key=lambda session: session.started_at, reverse=True)
    return next(iter([*ended_so, *running, *newest_first]), None)


def _opened_before(connection: Connection, start: TransactionStart) -> Row[Any] | None:
    """The session of the same start, announced before; without its time only one that still runs can be told."""
    alike = select(sessions).where(
        sessions.c.transaction_id.is_not(None),
        sessions.c.station == start.station,
        sessions.c.connector == start.connector,
        sessions.c.token == start.token,
        sessions.c.start_wh == start.start_wh,
    )
    if TIMESTAMP_INVALID not in start.flags:
        return connection.execute(alike.where(sessions.c.started_at == start.started_at)).first()
    running = connection.execute(alike.where(sessions.c.ended_at.is_(None)))
    return next((session for session in running if TIMESTAMP_INVALID in session.review_flags), None)


def open_session(connection: Connection, start: TransactionStart, terms: Terms) -> Started:
    """Put a session on record that was never heard of."""
    flags = set(start.flags)
    if not plausible(start.start_wh):
        flags.add("implausible_register")
    transaction_id = fresh_transaction_id(connection)
    session_id = str(uuid.uuid4())
    connection.execute(
        sessions.insert().values(
            id=session_id,
            station=start.station,
            connector=start.connector,
            point=start.point,
            token=start.token,
            transaction_id=transaction_id,
            station_transaction_id=str(transaction_id) if start.transaction_id is None else start.transaction_id,
            started_at=start.started_at,
            start_wh=start.start_wh,
            currency=terms.currency,
            review_flags=sorted(flags),
        )
    )
    change(connection, session_id, price_per_kwh=freeze(connection, session_id, terms))
    return Started(transaction_id, session_id, Outcome.RECORDED)


def fresh_transaction_id(connection: Connection) -> int:
    """An id that no session has."""
    # Random, not counted: a ledger that was lost and begun anew must not take the queued end of an old
    # transaction for the end of a new one, and nobody can guess another station's number.
    for _ in range(_ID_ATTEMPTS):
        candidate = 1 + secrets.randbelow(_LAST_TRANSACTION_ID)
        here, there = sessions.c.station_transaction_id == str(candidate), sessions.c.transaction_id == candidate
        taken = select(sessions.c.id).where(here | there)
        if connection.execute(taken).first() is None:
            return candidate
    raise AssertionError("no free transaction id: the random numbers repeat")


def _stop_announced(connection: Connection, session: Row[Any], stop: TransactionStop) -> Outcome:
    if session.ended_at is None:
        _end_session(connection, session, stop)
        return Outcome.RECORDED
    if _same_end(session, stop):
        return Outcome.REPEATED
    change(connection, session.id, review_flags=merged(session.review_flags, ["conflicting_stop"]))
    return Outcome.CONFLICTING


def _end_session(connection: Connection, session: Row[Any], stop: TransactionStop) -> None:
    taken = settled(session.start_wh, stop.end_wh, session.price_per_kwh)
    flags = {*stop.flags, *taken.flags}
    if utc(stop.ended_at) < session.started_at:
        flags.add("clock_uncertain")
    change(
        connection,
        session.id,
        ended_at=stop.ended_at,
        end_wh=stop.end_wh,
        energy_wh=taken.energy_wh,
        cost=taken.cost,
        stop_reason=stop.reason,
        review_flags=merged(session.review_flags, flags),
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """What the registers at both ends of a session come to."""

    energy_wh: int | None = None
    cost: Decimal | None = None
    flags: tuple[str, ...] = ()


def settled(start_wh: int, end_wh: int, price_per_kwh: Decimal | None) -> Taken:
    """Return the energy between two registers and its cost, or why there is none."""
    if not (plausible(start_wh) and plausible(end_wh)):
        return Taken(flags=("implausible_register",))
    if end_wh < start_wh:
        return Taken(flags=("decreasing_register",))
    energy_wh = end_wh - start_wh
    return Taken(energy_wh, None if price_per_kwh is None else session_cost(energy_wh, price_per_kwh))


def _stop_without_start(
    connection: Connection, orphans: Iterable[Row[Any]], stop: TransactionStop, terms: Terms
) -> tuple[Outcome, str]:
    # Chargers that started offline may name every such transaction -1, so the id alone tells none from another.
    known = next((orphan.id for orphan in orphans if _same_end(orphan, stop)), None)
    if known is not None:
        return Outcome.REPEATED, known
    session_id = str(uuid.uuid4())
    connection.execute(
        sessions.insert().values(
            id=session_id,
            station=stop.station,
            connector=0,
            token=stop.token or "",
            station_transaction_id=stop.transaction_id,
            started_at=stop.ended_at,
            ended_at=stop.ended_at,
            start_wh=stop.end_wh,
            end_wh=stop.end_wh,
            currency=terms.currency,
            stop_reason=stop.reason,
            review_flags=sorted({*stop.flags, "stop_without_start"}),
        )
    )
    return Outcome.UNKNOWN, session_id


def plausible(register_wh: int) -> bool:
    """Whether a meter can show this [Wh]."""
    return 0 <= register_wh < IMPLAUSIBLE_WH


def _same_end(session: Row[Any], stop: TransactionStop) -> bool:
    same_time: bool = session.ended_at == utc(stop.ended_at) or TIMESTAMP_INVALID in stop.flags
    return same_time and session.end_wh == storable_integer(stop.end_wh)


def merged(flags: Iterable[str], more: Iterable[str]) -> list[str]:
    """Both lists of flags as one, in the order in which they are kept."""
    return sorted({*flags, *more})


def change(connection: Connection, session_id: str, **values: object) -> None:
    """Set columns of a session."""
    connection.execute(update(sessions).where(sessions.c.id == session_id).values(**values))


_KINDS: Final = {TransactionStart: "start", TransactionDetails: "more", TransactionStop: "stop"}


def journal(
    connection: Connection,
    message: TransactionStart | TransactionDetails | TransactionStop,
    outcome: Outcome,
    session_id: str | None,
    answered_transaction_id: int | None = None,
) -> None:
    """Keep a message as it was announced, with what became of it."""
    connection.execute(
        transaction_messages.insert().values(
            received_at=datetime.now(UTC),
            kind=_KINDS[type(message)],
            station=message.station,
            message=json.dumps(asdict(message), default=str, sort_keys=True),
            outcome=outcome,
            session_id=session_id,
            answered_transaction_id=answered_transaction_id,
        )
    )
