"""Signed meter values as chargers sent them, to the letter. Only ever added to.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, Text, func, select

from adapters.store.schema import PeerText, UtcTime, metadata, storable_text

MOST: Final = 2_000
"""Of one transaction: a night's worth at one every ten seconds is cut, and its session is kept for review."""

signed_values: Final = Table(
    "signed_values",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("station", PeerText, nullable=False),
    Column("transaction_id", PeerText, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("value", Text, nullable=False),
)
Index("signed_values_by_transaction", signed_values.c.station, signed_values.c.transaction_id, signed_values.c.id)


def keep_signed(connection: Connection, station: str, transaction_id: str, texts: Sequence[str]) -> None:
    """Add what a charger sent of one of its transactions; what is there already is not added again."""
    of_transaction = (
        signed_values.c.station == storable_text(station),
        signed_values.c.transaction_id == storable_text(transaction_id),
    )
    count = select(func.count()).select_from(signed_values).where(*of_transaction)
    left = MOST - int(connection.execute(count).scalar_one())
    now = datetime.now(UTC)
    for text in dict.fromkeys(map(storable_text, texts)):
        known = select(signed_values.c.id).where(*of_transaction, signed_values.c.value == text).limit(1)
        if left > 0 and connection.execute(known).first() is None:
            row = {"station": station, "transaction_id": transaction_id, "received_at": now, "value": text}
            connection.execute(signed_values.insert().values(row))
            left -= 1


def signed_of(connection: Connection, station: str, transaction_id: str) -> Sequence[str]:
    """What a charger sent of one of its transactions, in the order in which it came."""
    query = select(signed_values.c.value).where(
        signed_values.c.station == storable_text(station),
        signed_values.c.transaction_id == storable_text(transaction_id),
    )
    return list(connection.execute(query.order_by(signed_values.c.id)).scalars())
