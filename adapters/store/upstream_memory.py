"""What back offices have said, kept for the time when they are away: of tokens, and of stations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from adapters.store.schema_upstream import upstream_notes, upstream_tokens
from adapters.store.tariff_book import Reads, Writes
from adapters.store.writer import waited_for
from controller.away import Heard
from controller.tariffs.choice import token_key


class SqlUpstreamMemory:
    """What back offices have said, on record (``controller.away.UpstreamMemory``)."""

    def __init__(self, read: Reads, write: Writes) -> None:
        self._read = read
        self._write = write

    async def hear(self, upstream: str, heard: Sequence[Heard], at: datetime, *, all_listed: bool = False) -> None:
        """Keep what a back office says of tokens.

        Args:
            upstream: its id.
            heard: its words, the newest of each token last.
            at: when.
            all_listed: whether this is the whole local list, so that what was listed before is so no longer.
        """
        await waited_for(self._write(lambda connection: _hear(connection, upstream, heard, at, all_listed)))

    async def heard(self, upstream: str, uid: str) -> Heard | None:
        """What a back office said last of a token."""
        at = upstream_tokens.c
        query = select(upstream_tokens).where(at.upstream == upstream, at.uid_folded == token_key(uid))
        row = await asyncio.to_thread(self._read, lambda connection: connection.execute(query).first())
        if row is None:
            return None
        return Heard(uid, row.status, row.group_id, row.expires_at, listed=row.listed)

    async def forget(self, upstream: str) -> None:
        """Forget what a back office answered of tokens; its local lists stay."""
        at = upstream_tokens.c
        answered = upstream_tokens.delete().where(at.upstream == upstream, at.listed.is_(False))
        await waited_for(self._write(lambda connection: connection.execute(answered).rowcount))

    async def note(self, upstream: str, station: str, name: str, value: Any) -> None:
        """Keep a value for a station of a back office."""
        await waited_for(self._write(lambda connection: _note(connection, upstream, station, name, value)))

    async def notes(self, upstream: str, station: str) -> Mapping[str, Any]:
        """Everything that was noted for a station of a back office, by name."""
        at = upstream_notes.c
        query = select(at.name, at.value).where(at.upstream == upstream, at.station == station)
        rows = await asyncio.to_thread(self._read, lambda connection: connection.execute(query).all())
        return {name: json.loads(value) for name, value in rows}


def _hear(connection: Connection, upstream: str, heard: Sequence[Heard], at: datetime, all_listed: bool) -> None:
    kept = upstream_tokens.c
    if all_listed:
        connection.execute(upstream_tokens.delete().where(kept.upstream == upstream, kept.listed))
    for one in heard:
        here = (kept.upstream == upstream) & (kept.uid_folded == token_key(one.uid))
        connection.execute(upstream_tokens.delete().where(here))
        if one.status:
            connection.execute(
                upstream_tokens.insert().values(
                    upstream=upstream,
                    uid_folded=token_key(one.uid),
                    status=one.status,
                    group_id=one.group,
                    expires_at=one.expires_at,
                    heard_at=at,
                    listed=one.listed,
                )
            )


def _note(connection: Connection, upstream: str, station: str, name: str, value: Any) -> None:
    kept = upstream_notes.c
    connection.execute(
        upstream_notes.delete().where(kept.upstream == upstream, kept.station == station, kept.name == name)
    )
    connection.execute(
        upstream_notes.insert().values(upstream=upstream, station=station, name=name, value=json.dumps(value))
    )
