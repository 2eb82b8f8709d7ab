"""The tables of what back offices are told and have said."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from adapters.store.schema import PeerText, UtcTime, metadata

upstream_outbox: Final = Table(
    "upstream_outbox",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("upstream", String(64), nullable=False),
    Column("station", PeerText, nullable=False),
    Column("message_id", PeerText, nullable=False),
    Column("action", PeerText, nullable=False),
    # Emptied when it was delivered: the row stays a while, so that a repetition can be told.
    Column("frame", Text, nullable=False),
    Column("key", String(64), nullable=False),
    Column("happened_at", UtcTime, nullable=False),
    Column("session_id", String(36)),
    Column("transaction_id", PeerText),
    Column("refusals", Integer, nullable=False),
    Column("standing", String(16), nullable=False),
    Column("settled_at", UtcTime),
    UniqueConstraint("upstream", "station", "key", name="upstream_outbox_key"),
)
_waiting = upstream_outbox.c.standing != "delivered"
Index(
    "upstream_outbox_waiting",
    *(upstream_outbox.c[name] for name in ("upstream", "station", "standing", "number")),
    sqlite_where=_waiting,
    postgresql_where=_waiting,
)
Index("upstream_outbox_settled", upstream_outbox.c.settled_at)

upstream_transactions: Final = Table(
    "upstream_transactions",
    metadata,
    Column("upstream", String(64), primary_key=True),
    Column("session_id", String(36), primary_key=True),
    # How the back office calls the session's transaction.
    Column("theirs", PeerText, nullable=False),
)

upstream_tokens: Final = Table(
    "upstream_tokens",
    metadata,
    Column("upstream", String(64), primary_key=True),
    Column("uid_folded", PeerText, primary_key=True),
    Column("status", PeerText, nullable=False),
    Column("group_id", PeerText),
    Column("expires_at", UtcTime),
    Column("heard_at", UtcTime, nullable=False),
    # Whether it comes from a local list, else from an answer.
    Column("listed", Boolean, nullable=False),
)

upstream_notes: Final = Table(
    "upstream_notes",
    metadata,
    Column("upstream", String(64), primary_key=True),
    Column("station", PeerText, primary_key=True),
    Column("name", String(64), primary_key=True),
    # JSON text.
    Column("value", Text, nullable=False),
)
