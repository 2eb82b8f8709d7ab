"""The tables of what was charged: records of sessions, what was decided of them, statements, closed months.

Nothing in them is ever changed or deleted.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from adapters.store.schema import Money, PeerText, UtcTime, metadata

charge_records: Final = Table(
    "charge_records",
    metadata,
    Column("id", String(39), primary_key=True),
    Column("session_id", PeerText, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("credit_of", String(39)),
    # Of the session's end, by the calendar at the site.
    Column("month", String(7), nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("point", PeerText),
    Column("contract", PeerText),
    Column("currency", String(3), nullable=False),
    Column("energy_wh", BigInteger, nullable=False),
    Column("flagged", Boolean, nullable=False),
    Column("kept_at", UtcTime, nullable=False),
    # JSON text, not the JSON type: kept to the letter.
    Column("document", Text, nullable=False),
    UniqueConstraint("session_id", "version", "kind", name="charge_records_session"),
)
Index("charge_records_by_month", charge_records.c.month, charge_records.c.ended_at, charge_records.c.id)
Index("charge_records_flagged", charge_records.c.flagged, charge_records.c.month)
Index("charge_records_credits", charge_records.c.credit_of)

record_legs: Final = Table(
    "record_legs",
    metadata,
    Column("record_id", String(39), ForeignKey("charge_records.id"), primary_key=True),
    Column("leg", String(16), primary_key=True),
    # Empty: on the operator's own account.
    Column("party", PeerText, nullable=False),
    # One of them is None where a tax is unknown.
    Column("before_tax", Money),
    Column("after_tax", Money),
)
Index("record_legs_by_party", record_legs.c.party, record_legs.c.leg)

review_decisions: Final = Table(
    "review_decisions",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("record_id", String(39), ForeignKey("charge_records.id"), nullable=False),
    Column("verdict", String(8), nullable=False),
    Column("decided_by", PeerText, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("note", PeerText, nullable=False),
    Column("credit", String(39), ForeignKey("charge_records.id")),
    Column("replaced_by", String(39), ForeignKey("charge_records.id")),
)
Index("review_decisions_by_record", review_decisions.c.record_id, review_decisions.c.id)

closed_months: Final = Table(
    "closed_months",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("closed_at", UtcTime, nullable=False),
    Column("closed_by", PeerText, nullable=False),
)

statements: Final = Table(
    "statements",
    metadata,
    Column("number", String(40), primary_key=True),
    Column("series", String(16), nullable=False),
    Column("year", Integer, nullable=False),
    # 1, 2, 3, ... without a gap.
    Column("sequence", Integer, nullable=False),
    Column("month", String(7), ForeignKey("closed_months.month"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("party", PeerText, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("before_tax", Money),
    Column("after_tax", Money),
    Column("payable", Money, nullable=False),
    Column("closed_at", UtcTime, nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("series", "year", "sequence", name="statements_sequence"),
)
Index("statements_by_month", statements.c.month, statements.c.sequence)

# Which leg of which record is on which statement: each on one at most.
billed_legs: Final = Table(
    "billed_legs",
    metadata,
    Column("record_id", String(39), ForeignKey("charge_records.id"), primary_key=True),
    Column("leg", String(16), primary_key=True),
    Column("statement", String(40), ForeignKey("statements.number"), nullable=False),
)
Index("billed_legs_by_statement", billed_legs.c.statement)
