"""Signed meter values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Signed meter values are on record."""
    op.create_table(
        "signed_values",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("station", sa.Text, nullable=False),
        sa.Column("transaction_id", sa.Text, nullable=False),
        sa.Column("received_at", sa.String(27), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_index("signed_values_by_transaction", "signed_values", ["station", "transaction_id", "id"])
