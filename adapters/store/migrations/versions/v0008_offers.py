"""Offers that drivers have chosen, and surcharges."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is added to and chosen for sessions is on record."""
    op.create_table(
        "session_offers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("session_id", sa.String(36), sa.ForeignKey("sessions.id"), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("offer", sa.String(16), nullable=False),
        sa.Column("tariff", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("chosen_by", sa.Text, nullable=False),
    )
    op.create_index("session_offers_by_session", "session_offers", ["session_id", "id"])
    op.create_table(
        "session_surcharges",
        sa.Column("session_id", sa.String(36), sa.ForeignKey("sessions.id"), primary_key=True),
        sa.Column("per_kwh", sa.String(40), nullable=False),
        sa.Column("per_session", sa.String(40), nullable=False),
        sa.Column("announced_at", sa.String(27), nullable=False),
    )
