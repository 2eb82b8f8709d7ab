"""Tariffs, billing rules, fees, parties, contracts, and the terms of sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Prices have rules, tokens have accounts, sessions have terms."""
    _add_dated()
    _add_decisions()
    _add_terms()
    op.add_column("tokens", sa.Column("kind", sa.String(12), nullable=False, server_default="own"))
    op.add_column("tokens", sa.Column("contract", sa.Text))
    op.add_column("tokens", sa.Column("zero_rate", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("tokens", sa.Column("limits", sa.JSON))
    op.add_column("tokens", sa.Column("valid_from", sa.String(27)))


def _validity() -> list[sa.Column[str]]:
    return [
        sa.Column("valid_from", sa.String(27), nullable=False),
        sa.Column("valid_until", sa.String(27)),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("proposed_at", sa.String(27), nullable=False),
    ]


def _add_dated() -> None:
    op.create_table(
        "tariff_versions",
        sa.Column("tariff", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("curves", sa.JSON, nullable=False),
        sa.Column("price_per_kwh", sa.String(40)),
        *_validity(),
    )
    op.create_table(
        "billing_rules",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("scope", sa.String(12), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("key_folded", sa.Text, nullable=False),
        sa.Column("leg", sa.String(16), nullable=False),
        sa.Column("tariff", sa.Text, nullable=False),
        *_validity(),
    )
    op.create_index("billing_rules_by_key", "billing_rules", ["scope", "key_folded"])
    op.create_index("billing_rules_by_tariff", "billing_rules", ["tariff"])
    op.create_table(
        "card_fees",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("token_kind", sa.String(12), nullable=False),
        sa.Column("leg", sa.String(16), nullable=False),
        sa.Column("per_kwh", sa.String(40), nullable=False),
        sa.Column("per_session", sa.String(40), nullable=False),
        *_validity(),
    )


def _add_decisions() -> None:
    op.create_table(
        "tariff_decisions",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("decision", sa.String(8), nullable=False),
        sa.Column("effective_at", sa.String(27), nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided_at", sa.String(27), nullable=False),
    )
    op.create_index("tariff_decisions_by_subject", "tariff_decisions", ["kind", "subject"])
    op.create_table(
        "standing_data",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("document", sa.JSON),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("changed_at", sa.String(27), nullable=False),
    )
    op.create_index("standing_data_newest", "standing_data", ["kind", "name", "id"])
    op.create_table(
        "price_curves",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("curve", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("published_at", sa.String(27), nullable=False),
        sa.Column("periods", sa.JSON, nullable=False),
    )
    op.create_index("price_curves_by_version", "price_curves", ["curve", "version"], unique=True)


def _add_terms() -> None:
    op.create_table(
        "session_terms",
        sa.Column("session_id", sa.String(36), sa.ForeignKey("sessions.id"), primary_key=True),
        sa.Column("leg", sa.String(16), primary_key=True),
        sa.Column("tariff", sa.Text),
        sa.Column("number", sa.Integer),
        sa.Column("rule", sa.String(36)),
        sa.Column("scope", sa.String(12)),
        sa.Column("zero_rate", sa.Boolean, nullable=False),
        sa.Column("curves", sa.JSON, nullable=False),
        sa.Column("card_fee", sa.String(36)),
        sa.Column("token_kind", sa.String(12), nullable=False),
        sa.Column("contract", sa.JSON),
        sa.Column("tax", sa.JSON, nullable=False),
        sa.Column("frozen_at", sa.String(27), nullable=False),
    )
