"""What is asked for sessions, on record.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from adapters.store.schema import sessions, storable_text, wishes
from controller.wishes import Asked, Asker, NoSuchSession, Wish

_FIELDS: Final = tuple(field.name for field in fields(Asked))


def record_wish(
    connection: Connection, session: str, by: Asker, user: str, changes: Mapping[str, Any], at: datetime
) -> Wish:
    """Write down what one has asked for a session so far, with what is new.

    Raises:
        NoSuchSession: it does not run.
    """
    session = storable_text(session)
    running = select(sessions.c.id).where(sessions.c.id == session, sessions.c.ended_at.is_(None))
    if connection.execute(running).first() is None:
        raise NoSuchSession(session)
    earlier = select(wishes).where(wishes.c.session_id == session, wishes.c.asked_by == by.value)
    row = connection.execute(earlier.order_by(wishes.c.id.desc()).limit(1)).first()
    asked = Asked(**{**(asdict(_asked(row)) if row is not None else {}), **changes})
    connection.execute(
        wishes.insert().values(session_id=session, asked_at=at, asked_by=by.value, user_name=user, **asdict(asked))
    )
    return Wish(session, by, asked)


def running_wishes(connection: Connection) -> list[Wish]:
    """What holds for the sessions that run: of each, and of each who has asked, the newest."""
    newest = (
        select(func.max(wishes.c.id))
        .join(sessions, sessions.c.id == wishes.c.session_id)
        .where(sessions.c.ended_at.is_(None))
        .group_by(wishes.c.session_id, wishes.c.asked_by)
    )
    rows = connection.execute(select(wishes).where(wishes.c.id.in_(newest)).order_by(wishes.c.id))
    return [Wish(row.session_id, Asker(row.asked_by), _asked(row)) for row in rows]


def _asked(row: Row[Any]) -> Asked:
    return Asked(**{name: getattr(row, name) for name in _FIELDS})
