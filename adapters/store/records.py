"""Reading the book of sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row, literal, select, tuple_

from adapters.store.schema import UtcTime, sessions, storable_text
from controller.ports.ledger import SessionRecord
from controller.ports.transactions import RunningSession
from controller.tariffs.energy_price import session_cost

PAGE_LIMIT: Final = 500
"""Sessions on one page, so that no request can make the service hold a year in memory."""

LastRegister = Callable[[str], int | None]
"""The newest register value [Wh] that was kept for a session id."""


def running_sessions(connection: Connection, last_register: LastRegister) -> list[RunningSession]:
    """Every session that has not ended, the oldest first."""
    query = select(sessions).where(sessions.c.ended_at.is_(None)).order_by(sessions.c.started_at, sessions.c.id)
    return [
        RunningSession(
            id=row.id,
            station=row.station,
            connector=row.connector,
            point=row.point,
            transaction_id=row.station_transaction_id,
            token=row.token,
            started_at=row.started_at,
            start_wh=row.start_wh,
            last_wh=last_register(row.id),
        )
        for row in connection.execute(query)
    ]


def session_record(connection: Connection, session_id: str, last_register: LastRegister) -> SessionRecord | None:
    """One session, or None."""
    row = connection.execute(select(sessions).where(sessions.c.id == storable_text(session_id))).first()
    return None if row is None else _record(row, last_register)


def sessions_ended(connection: Connection, since: datetime, until: datetime) -> Sequence[SessionRecord]:
    """The sessions that ended from ``since`` to before ``until``, by their end."""
    query = select(sessions).where(sessions.c.ended_at >= since, sessions.c.ended_at < until)
    return [
        _record(row, lambda _session: None)
        for row in connection.execute(query.order_by(sessions.c.ended_at, sessions.c.id))
    ]


def session_page(
    connection: Connection,
    *,
    running: bool | None,
    point: str | None,
    limit: int,
    after: str | None,
    last_register: LastRegister,
) -> tuple[Sequence[SessionRecord], str | None]:
    """Sessions, newest first, and what to pass as ``after`` for the next page.

    Raises:
        ValueError: ``limit`` is not positive, or ``after`` did not come from a page.
    """
    if limit < 1:
        raise ValueError(f"limit: expected at least 1, got {limit}")
    limit = min(limit, PAGE_LIMIT)
    key = tuple_(sessions.c.started_at, sessions.c.id)
    query = select(sessions).order_by(sessions.c.started_at.desc(), sessions.c.id.desc()).limit(limit + 1)
    if running is not None:
        query = query.where(sessions.c.ended_at.is_(None) if running else sessions.c.ended_at.is_not(None))
    if point is not None:
        query = query.where(sessions.c.point == point)
    if after is not None:
        last = connection.execute(
            select(sessions.c.started_at, sessions.c.id).where(sessions.c.id == storable_text(after))
        ).first()
        if last is None:
            raise ValueError(f"after: {after!r} is not the end of a page")
        query = query.where(key < tuple_(literal(last.started_at, UtcTime), literal(last.id)))
    rows = connection.execute(query).all()
    records = [_record(row, last_register) for row in rows[:limit]]
    return records, records[-1].id if len(rows) > limit else None


def _record(row: Row[Any], last_register: LastRegister) -> SessionRecord:
    running = row.ended_at is None
    energy_wh = _energy_so_far(row, last_register) if running else row.energy_wh
    return SessionRecord(
        id=row.id,
        station=row.station,
        point=row.point,
        connector=row.connector,
        transaction_id=row.station_transaction_id,
        token=row.token,
        running=running,
        started_at=row.started_at,
        ended_at=row.ended_at,
        start_wh=row.start_wh,
        end_wh=row.end_wh,
        energy_wh=energy_wh,
        cost=_cost_so_far(row, energy_wh) if running else row.cost,
        currency=row.currency,
        stop_reason=row.stop_reason,
        review_flags=tuple(row.review_flags),
    )


def _cost_so_far(row: Row[Any], energy_wh: int | None) -> Decimal | None:
    if energy_wh is None or row.price_per_kwh is None:
        return None
    return session_cost(energy_wh, row.price_per_kwh)


def _energy_so_far(row: Row[Any], last_register: LastRegister) -> int | None:
    last_wh = last_register(row.id)
    if last_wh is None:
        return None if "implausible_register" in row.review_flags else 0
    return last_wh - row.start_wh if last_wh >= row.start_wh else None
