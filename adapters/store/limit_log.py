"""The log of limits that others set: only ever added to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, or_, select

from adapters.store.schema import limit_log
from adapters.store.tariff_book import Reads, Writes
from controller.peakshave.evidence import Evidence, Happening
from controller.peakshave.grid_operator import Limit

_SAID: Final = (Happening.RECEIVED.value, Happening.WITHDRAWN.value)
LINES_MOST: Final = 100_000
"""In one answer: two months of a limit that never ends, at a line a minute."""


class LimitLog:
    """The log, on record. Every method may be called from any thread, and raises ``LedgerUnavailable``."""

    def __init__(self, read: Reads, write: Writes) -> None:
        self._read = read
        self._write = write

    def limit_evidence(self, lines: Sequence[Evidence]) -> Future[None]:
        """Add to it; the future is done when it is on disk. Returns at once."""
        return self._write(lambda connection: _record(connection, lines))

    def limits_said(self, since: datetime) -> Sequence[Limit]:
        """The newest word of each limit that has not ended before ``since``; what was withdrawn ends then."""
        return self._read(lambda connection: _limits_said(connection, since))

    def evidence(self, since: datetime, until: datetime) -> Sequence[Evidence]:
        """What was put on record from ``since`` to before ``until``, oldest first; at most ``LINES_MOST``."""
        return self._read(lambda connection: evidence(connection, since, until))


def evidence(connection: Connection, since: datetime, until: datetime) -> Sequence[Evidence]:
    """The log of a period, for who has no more than a connection; see ``LimitLog``."""
    chosen = select(limit_log).where(limit_log.c.at >= since, limit_log.c.at < until)
    rows = connection.execute(chosen.order_by(limit_log.c.at, limit_log.c.id).limit(LINES_MOST))
    return [_evidence(row) for row in rows]


def _record(connection: Connection, lines: Iterable[Evidence]) -> None:
    connection.execute(limit_log.insert(), [_values(line) for line in lines])


def _limits_said(connection: Connection, since: datetime) -> list[Limit]:
    newest = select(func.max(limit_log.c.id)).where(limit_log.c.happening.in_(_SAID)).group_by(limit_log.c.name)
    lasting = or_(limit_log.c.valid_until.is_(None), limit_log.c.valid_until > since)
    rows = connection.execute(select(limit_log).where(limit_log.c.id.in_(newest), lasting).order_by(limit_log.c.id))
    said = [_evidence(row).limit for row in rows]
    return [one for one in said if not _never_began(one)]


def _never_began(limit: Limit) -> bool:
    """Withdrawn before its beginning."""
    ends, begins = limit.valid_until, limit.valid_from
    return ends is not None and begins is not None and ends <= begins


def _values(line: Evidence) -> dict[str, Any]:
    limit = line.limit
    return {
        "at": line.at,
        "happening": line.happening.value,
        "name": limit.name,
        "circuit": limit.circuit,
        "source": limit.source,
        "limit_w": limit.limit_w if math.isfinite(limit.limit_w) else None,
        "received_at": limit.received_at,
        "valid_from": limit.valid_from,
        "valid_until": limit.valid_until,
        "priority": limit.priority,
        "sender_id": limit.id,
        "allowed_w": line.allowed_w,
        "drawn_w": line.drawn_w,
        "came_by": line.by,
        "note": line.note,
    }


def _evidence(row: Row[Any]) -> Evidence:
    limit = Limit(
        row.circuit,
        math.nan if row.limit_w is None else row.limit_w,
        row.source,
        row.received_at,
        row.valid_from,
        row.valid_until,
        row.priority,
        row.sender_id,
    )
    return Evidence(row.at, Happening(row.happening), limit, row.allowed_w, row.drawn_w, row.came_by, row.note)
