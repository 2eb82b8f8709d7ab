"""What a message does to the book when the station has chosen the transaction's id (OCPP 2.0.1 E01).

Such an id is unique at its station only, and not for ever: stations that lose their memory count from one again. Their
messages may be kept while they are offline, and lost when there are too many (E04), so any of them can be the first
that is heard of a transaction.

Functions of a connection, as in ``transactions``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from adapters.store.schema import sessions, utc
from adapters.store.terms import Terms, freeze
from adapters.store.transactions import (
    change,
    fresh_transaction_id,
    journal,
    merged,
    open_session,
    plausible,
    repeated,
    settled,
)
from controller.ports.transactions import (
    REGISTER_MISSING,
    START_MISSING,
    TIMESTAMP_INVALID,
    Outcome,
    Started,
    TransactionDetails,
    TransactionStart,
)

_NOT_ANNOUNCED: Final = frozenset({START_MISSING, "stop_without_start"})
"""The flags of a session whose start is not on record."""


def record_chosen_start(connection: Connection, start: TransactionStart, terms: Terms) -> Started:
    """Open a session, find the one that the same message opened, or give one its start that is on record without it."""
    named = _named(connection, start.station, start.transaction_id or "")
    without = next((session for session in named if _lacks(session, start)), None)
    known = next((session for session in named if _same_start(session, start)), None)
    if without is not None:
        started = _given_its_start(connection, without, start, terms)
    elif known is not None:
        started = repeated(known)
    else:
        again = ("transaction_id_reused",) if named else ()
        start = _apart(connection, replace(start, flags=start.flags + again))
        started = open_session(connection, start, terms)
    journal(connection, start, started.outcome, started.session_id, started.transaction_id)
    return started


def record_details(connection: Connection, details: TransactionDetails, terms: Terms) -> Outcome:
    """Fill in what the start of a running session has left open."""
    running = [one for one in _named(connection, details.station, details.transaction_id) if one.ended_at is None]
    session = next(iter(running), None)
    outcome = Outcome.UNKNOWN if session is None else Outcome.REPEATED
    if session is not None and (values := _news(session, details)):
        outcome = Outcome.RECORDED
        change(connection, session.id, **values)
        if {"token", "point"} & values.keys():
            change(connection, session.id, price_per_kwh=freeze(connection, session.id, terms))
    journal(connection, details, outcome, None if session is None else session.id)
    return outcome


def _news(session: Row[Any], details: TransactionDetails) -> dict[str, object]:
    values: dict[str, object] = {}
    flags = set(session.review_flags)
    if details.token and not session.token:
        values["token"] = details.token
    if details.connector is not None and session.connector == 0:
        values |= {"connector": details.connector, "point": details.point}
    if details.start_wh is not None and REGISTER_MISSING in flags:
        values["start_wh"] = details.start_wh
        flags -= {REGISTER_MISSING, "implausible_register"} if plausible(details.start_wh) else {REGISTER_MISSING}
    if (flags := flags.union(details.flags)) != set(session.review_flags):
        values["review_flags"] = sorted(flags)
    return values


def _named(connection: Connection, station: str, transaction_id: str) -> Sequence[Row[Any]]:
    """The station's sessions of that id, the newest first."""
    query = select(sessions).where(sessions.c.station_transaction_id == transaction_id, sessions.c.station == station)
    return connection.execute(query.order_by(sessions.c.started_at.desc())).all()


def _same_start(session: Row[Any], start: TransactionStart) -> bool:
    if session.started_at == utc(start.started_at) or START_MISSING in start.flags:
        return True
    if _without_start(session, start):
        return True
    invalid = TIMESTAMP_INVALID in {*start.flags, *session.review_flags}
    return session.ended_at is None and (invalid or session.start_wh == start.start_wh)


def _without_start(session: Row[Any], start: TransactionStart) -> bool:
    """Whether this may be the start that was missing."""
    in_time = session.ended_at is None or utc(start.started_at) <= session.ended_at
    return in_time and bool(_NOT_ANNOUNCED & set(session.review_flags))


def _lacks(session: Row[Any], start: TransactionStart) -> bool:
    """Whether a session is to be given this late start; not one that is priced: a record is never changed."""
    return START_MISSING not in start.flags and session.cost is None and _without_start(session, start)


def _given_its_start(connection: Connection, session: Row[Any], start: TransactionStart, terms: Terms) -> Started:
    ended = session.ended_at is not None
    number = fresh_transaction_id(connection) if session.transaction_id is None else session.transaction_id
    start = _apart(connection, replace(start, token=start.token or session.token))
    place = {"connector": start.connector, "point": start.point} if start.connector else {}
    told = {"token": start.token, "started_at": start.started_at, "start_wh": start.start_wh, **place}
    change(connection, session.id, transaction_id=number, **told)
    price_per_kwh = freeze(connection, session.id, terms)
    flags = set(session.review_flags) - _NOT_ANNOUNCED - {REGISTER_MISSING, "implausible_register"}
    values: dict[str, object] = {"price_per_kwh": price_per_kwh}
    if ended:
        taken = settled(start.start_wh, session.end_wh, price_per_kwh)
        flags = flags.union(taken.flags)
        values |= {"energy_wh": taken.energy_wh, "cost": taken.cost}
    elif not plausible(start.start_wh):
        flags.add("implausible_register")
    change(connection, session.id, review_flags=merged(flags, start.flags), **values)
    return Started(number, session.id, Outcome.RECORDED, running=not ended)


def _apart(connection: Connection, start: TransactionStart) -> TransactionStart:
    """The start as it can be kept beside another of the same moment: a microsecond later for each.

    Two transactions can only look that much alike when the station's clock stands still.
    """
    alike = select(sessions.c.started_at).where(
        sessions.c.transaction_id.is_not(None),
        sessions.c.station == start.station,
        sessions.c.connector == start.connector,
        sessions.c.token == start.token,
        sessions.c.start_wh == start.start_wh,
    )
    taken = {row.started_at for row in connection.execute(alike)}
    moment = utc(start.started_at)
    while moment in taken:
        moment += timedelta(microseconds=1)
    return replace(start, started_at=moment)
