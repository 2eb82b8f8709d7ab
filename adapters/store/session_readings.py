"""What was seen of sessions while they ran, on record: activities and registers. Only ever added to.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, Index, Integer, String, Table, func, select

from adapters.store.schema import PeerInteger, UtcTime, metadata, sessions, storable_text
from controller.tariffs.observed import Observed
from controller.tariffs.session_facts import Activity

session_readings: Final = Table(
    "session_readings",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("session_id", String(36), ForeignKey("sessions.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("state", String(20), nullable=False),
    # None where only what the car does has changed.
    Column("register_wh", PeerInteger),
)
Index("session_readings_by_session", session_readings.c.session_id, session_readings.c.at, session_readings.c.id)


def record_observed(connection: Connection, observed: Iterable[Observed]) -> None:
    """Add what was seen."""
    rows = [
        {"session_id": one.session, "at": one.at, "state": one.activity.value, "register_wh": one.register_wh}
        for one in observed
    ]
    if rows:
        connection.execute(session_readings.insert(), rows)


def observed_of(connection: Connection, session_id: str) -> Sequence[Observed]:
    """What was seen of a session, in order of time."""
    query = select(session_readings).where(session_readings.c.session_id == storable_text(session_id))
    rows = connection.execute(query.order_by(session_readings.c.at, session_readings.c.id))
    return [Observed(row.session_id, row.at, Activity(row.state), row.register_wh) for row in rows]


def last_observed(connection: Connection) -> dict[str, Observed]:
    """The newest row of each session that runs, by its id."""
    newest = (
        select(func.max(session_readings.c.id))
        .join(sessions, sessions.c.id == session_readings.c.session_id)
        .where(sessions.c.ended_at.is_(None))
        .group_by(session_readings.c.session_id)
    )
    rows = connection.execute(select(session_readings).where(session_readings.c.id.in_(newest)))
    return {row.session_id: Observed(row.session_id, row.at, Activity(row.state), row.register_wh) for row in rows}
