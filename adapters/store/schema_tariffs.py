"""The ledger's tables of tariffs, rules, fees, parties, contracts, and of the terms on which sessions are charged.

Rows are only ever added. What is decided of a tariff, a rule or a fee stands beside it in ``tariff_decisions``; of
parties, contracts and the like the newest row counts, and the others are its history.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from adapters.store.schema import Money, PeerText, UtcTime, metadata

tariff_versions: Final = Table(
    "tariff_versions",
    metadata,
    Column("tariff", PeerText, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # An OCPI Tariff object, kept to the letter.
    Column("document", Text, nullable=False),
    Column("curves", JSON, nullable=False),
    # Only where the whole tariff is one price per kWh before tax.
    Column("price_per_kwh", Money),
    Column("valid_from", UtcTime, nullable=False),
    Column("valid_until", UtcTime),
    Column("proposed_by", PeerText, nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
)

billing_rules: Final = Table(
    "billing_rules",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("scope", String(12), nullable=False),
    Column("key", PeerText, nullable=False),
    # As it is compared: tokens without regard to case.
    Column("key_folded", PeerText, nullable=False),
    Column("leg", String(16), nullable=False),
    Column("tariff", PeerText, nullable=False),
    Column("valid_from", UtcTime, nullable=False),
    Column("valid_until", UtcTime),
    Column("proposed_by", PeerText, nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
)
Index("billing_rules_by_key", billing_rules.c.scope, billing_rules.c.key_folded)
Index("billing_rules_by_tariff", billing_rules.c.tariff)

card_fees: Final = Table(
    "card_fees",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("token_kind", String(12), nullable=False),
    Column("leg", String(16), nullable=False),
    Column("per_kwh", Money, nullable=False),
    Column("per_session", Money, nullable=False),
    Column("valid_from", UtcTime, nullable=False),
    Column("valid_until", UtcTime),
    Column("proposed_by", PeerText, nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
)

tariff_decisions: Final = Table(
    "tariff_decisions",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String(8), nullable=False),
    Column("subject", PeerText, nullable=False),
    # Of a tariff, the version; else 0.
    Column("number", Integer, nullable=False),
    Column("decision", String(8), nullable=False),
    # From when on it counts, or before when it ends.
    Column("effective_at", UtcTime, nullable=False),
    Column("decided_by", PeerText, nullable=False),
    Column("decided_at", UtcTime, nullable=False),
)
Index("tariff_decisions_by_subject", tariff_decisions.c.kind, tariff_decisions.c.subject)

standing_data: Final = Table(
    "standing_data",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String(12), nullable=False),
    Column("name", PeerText, nullable=False),
    # None where it was removed.
    Column("document", JSON(none_as_null=True)),
    Column("changed_by", PeerText, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)
Index("standing_data_newest", standing_data.c.kind, standing_data.c.name, standing_data.c.id)

price_curves: Final = Table(
    "price_curves",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("curve", PeerText, nullable=False),
    Column("version", PeerText, nullable=False),
    Column("published_at", UtcTime, nullable=False),
    # [begins, ends, price per kWh], as text.
    Column("periods", JSON, nullable=False),
)
Index("price_curves_by_version", price_curves.c.curve, price_curves.c.version, unique=True)

session_terms: Final = Table(
    "session_terms",
    metadata,
    Column("session_id", String(36), ForeignKey("sessions.id"), primary_key=True),
    Column("leg", String(16), primary_key=True),
    Column("tariff", PeerText),
    Column("number", Integer),
    Column("rule", String(36)),
    Column("scope", String(12)),
    Column("zero_rate", Boolean, nullable=False),
    # Version by curve.
    Column("curves", JSON, nullable=False),
    Column("card_fee", String(36)),
    Column("token_kind", String(12), nullable=False),
    # The contract as it was, and the tax that it or the operator sets.
    Column("contract", JSON(none_as_null=True)),
    Column("tax", JSON, nullable=False),
    Column("frozen_at", UtcTime, nullable=False),
)
