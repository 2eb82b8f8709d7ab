"""What back offices are still to be told, on record in the same commit as the event itself."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select, update

from adapters.store.schema import sessions
from adapters.store.schema_upstream import upstream_outbox, upstream_transactions
from adapters.store.tariff_book import Reads, Writes
from adapters.store.writer import waited_for
from controller.hub_satellite.outbox import UNDECIDED, Entry, Letter, Posted, Queue, Settled, Standing

KEPT: Final = timedelta(days=7)
"""What was delivered is remembered so long, and while its session runs: a charger that was cut off may repeat what it
said days ago."""


class SqlOutbox:
    """Letters to back offices, on record (``controller.hub_satellite.outbox.Outbox``)."""

    def __init__(self, read: Reads, write: Writes) -> None:
        self._read = read
        self._write = write

    async def post(self, letters: Sequence[Letter]) -> None:
        """Put letters on record; of those that are there already nothing changes."""
        await waited_for(self._write(lambda connection: post(connection, letters)))

    async def head(self, upstream: str, station: str, most: int) -> Sequence[Entry]:
        """The entries that come next, in order."""
        at = upstream_outbox.c
        query = _entries().where(at.upstream == upstream, at.station == station, at.standing == Standing.WAITING)
        query = query.order_by(at.number).limit(most)
        return await asyncio.to_thread(
            self._read, lambda connection: [_entry(row) for row in connection.execute(query)]
        )

    async def entry(self, letter: Letter) -> Entry | None:
        """The entry of a letter that may be on record."""
        at = upstream_outbox.c
        query = _entries().where(at.upstream == letter.upstream, at.station == letter.station, at.key == letter.key)
        row = await asyncio.to_thread(self._read, lambda connection: connection.execute(query).first())
        return None if row is None else _entry(row)

    async def settle(self, settled: Settled) -> None:
        """Put on record what has become of an entry; it is on disk on return."""
        await waited_for(self._write(lambda connection: _settle(connection, settled)))

    async def transaction_id(self, session: str) -> str | None:
        """The id of a session's transaction, as its charger knows it."""
        query = select(sessions.c.station_transaction_id).where(sessions.c.id == session)
        return await asyncio.to_thread(self._read, lambda connection: connection.execute(query).scalar())

    async def theirs(self, upstream: str, station: str) -> Mapping[str, str]:
        """How a back office calls the running transactions of a station, by how the charger calls them."""
        query = (
            select(sessions.c.station_transaction_id, upstream_transactions.c.theirs)
            .join(sessions, sessions.c.id == upstream_transactions.c.session_id)
            .where(upstream_transactions.c.upstream == upstream)
            .where(sessions.c.station == station, sessions.c.ended_at.is_(None))
        )
        rows = await asyncio.to_thread(self._read, lambda connection: connection.execute(query).all())
        return {row.station_transaction_id: row.theirs for row in rows}

    async def owners(self, station: str, upstreams: Collection[str]) -> Mapping[str, str]:
        """Which of these back offices each transaction of a station was told to, by how the charger calls it."""
        at = upstream_outbox.c
        query = (
            select(sessions.c.station_transaction_id, at.upstream, sessions.c.started_at)
            .join(sessions, sessions.c.id == at.session_id)
            .where(at.station == station, at.upstream.in_([*upstreams, UNDECIDED]))
            .distinct()
            .order_by(sessions.c.started_at)
        )
        rows = await asyncio.to_thread(self._read, lambda connection: connection.execute(query).all())
        return {row.station_transaction_id: row.upstream for row in rows}

    async def assign(self, station: str, transaction_id: str | None, upstream: str) -> None:
        """Have a back office told what waits undecided, of one transaction of a station or (None) of all."""
        at = upstream_outbox.c
        undecided = update(upstream_outbox).where(at.upstream == UNDECIDED, at.station == station)
        if transaction_id is not None:
            undecided = undecided.where(at.transaction_id == transaction_id)
        decided = undecided.values(upstream=upstream)
        await waited_for(self._write(lambda connection: connection.execute(decided).rowcount))

    async def posted(self, upstream: str, station: str) -> Mapping[str, Posted]:
        """What a back office has been written of the sessions that run, by session."""
        return await asyncio.to_thread(self._read, lambda connection: _posted(connection, upstream, station))

    async def queues(self) -> Sequence[Queue]:
        """What waits, and what was set aside."""
        return await asyncio.to_thread(self._read, _queues)


def post(connection: Connection, letters: Sequence[Letter], session: str | None = None) -> None:
    """Put letters on record; the caller owns the transaction.

    Args:
        connection: to the ledger.
        letters: those that are there already change nothing.
        session: whose transaction they are about; None: the one that their transaction ids say.
    """
    at = upstream_outbox.c
    for letter in letters:
        there = select(at.number).where(
            at.upstream == letter.upstream, at.station == letter.station, at.key == letter.key
        )
        if connection.execute(there).first() is None:
            connection.execute(
                upstream_outbox.insert().values(
                    upstream=letter.upstream,
                    station=letter.station,
                    message_id=letter.message_id,
                    action=letter.action,
                    frame=letter.frame,
                    key=letter.key,
                    happened_at=letter.happened_at,
                    session_id=session or letter.session or _session_of(connection, letter),
                    transaction_id=letter.transaction_id,
                    refusals=0,
                    standing=Standing.WAITING,
                )
            )
    if letters:
        over = at.session_id.is_(None) | at.session_id.not_in(
            select(sessions.c.id).where(sessions.c.ended_at.is_(None))
        )
        long_ago = at.settled_at < datetime.now(UTC) - KEPT
        connection.execute(upstream_outbox.delete().where(at.standing == Standing.DELIVERED, long_ago, over))


def _session_of(connection: Connection, letter: Letter) -> str | None:
    if letter.transaction_id is None:
        return None
    query = (
        select(sessions.c.id)
        .where(sessions.c.station_transaction_id == letter.transaction_id, sessions.c.station == letter.station)
        .order_by(sessions.c.started_at.desc())
    )
    return connection.execute(query.limit(1)).scalar()


def _settle(connection: Connection, settled: Settled) -> None:
    entry, coming = settled.entry, settled.next
    values: dict[str, Any] = {"standing": coming.standing, "refusals": coming.refusals}
    if coming.standing is not Standing.WAITING:
        values["settled_at"] = datetime.now(UTC)
    if coming.standing is Standing.DELIVERED:
        values["frame"] = ""
    connection.execute(update(upstream_outbox).where(upstream_outbox.c.number == entry.number).values(**values))
    if settled.theirs is None or entry.session is None:
        return
    kept = upstream_transactions.c
    connection.execute(
        upstream_transactions.delete().where(kept.upstream == entry.upstream, kept.session_id == entry.session)
    )
    connection.execute(
        upstream_transactions.insert().values(upstream=entry.upstream, session_id=entry.session, theirs=settled.theirs)
    )
    if settled.adopted:
        connection.execute(
            update(sessions).where(sessions.c.id == entry.session).values(station_transaction_id=settled.theirs)
        )


def _entries() -> Select[Any]:
    at, kept = upstream_outbox.c, upstream_transactions.c
    same = (kept.upstream == at.upstream) & (kept.session_id == at.session_id)
    return select(upstream_outbox, kept.theirs).outerjoin(upstream_transactions, same)


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        upstream=row.upstream,
        station=row.station,
        message_id=row.message_id,
        action=row.action,
        frame=row.frame,
        key=row.key,
        happened_at=row.happened_at,
        transaction_id=row.transaction_id,
        number=row.number,
        session=row.session_id,
        theirs=row.theirs,
        refusals=row.refusals,
        standing=Standing(row.standing),
    )


def _posted(connection: Connection, upstream: str, station: str) -> dict[str, Posted]:
    at = upstream_outbox.c
    newest = (
        select(func.max(at.number))
        .join(sessions, sessions.c.id == at.session_id)
        .where(at.upstream == upstream, at.station == station, sessions.c.ended_at.is_(None))
        .group_by(at.session_id)
    )
    rows = connection.execute(_entries().where(at.number.in_(newest)))
    return {row.session_id: Posted(row.key, row.theirs) for row in rows}


def _queues(connection: Connection) -> list[Queue]:
    at = upstream_outbox.c
    query = (
        select(at.upstream, at.station, at.standing, func.count(), func.min(at.happened_at))
        .where(at.standing != Standing.DELIVERED, at.upstream != UNDECIDED)
        .group_by(at.upstream, at.station, at.standing)
    )
    found: dict[tuple[str, str], dict[str, tuple[int, datetime]]] = {}
    for upstream, station, standing, count, oldest_at in connection.execute(query):
        found.setdefault((upstream, station), {})[standing] = (count, oldest_at)
    return [
        Queue(
            upstream,
            station,
            waiting=by.get(Standing.WAITING, (0, None))[0],
            oldest_at=by[Standing.WAITING][1] if Standing.WAITING in by else None,
            set_aside=by.get(Standing.SET_ASIDE, (0, None))[0],
        )
        for (upstream, station), by in found.items()
    ]
