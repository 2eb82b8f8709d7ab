"""The log of limits that others set."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Limits get a log."""
    op.create_table(
        "limit_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("happening", sa.String(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("circuit", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("limit_w", sa.Float),
        sa.Column("received_at", sa.String(27), nullable=False),
        sa.Column("valid_from", sa.String(27)),
        sa.Column("valid_until", sa.String(27)),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("sender_id", sa.Text, nullable=False),
        sa.Column("allowed_w", sa.Float),
        sa.Column("drawn_w", sa.Float),
        sa.Column("came_by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_index("limit_log_said", "limit_log", ["happening", "name", "id"])
    op.create_index("limit_log_by_time", "limit_log", ["at", "id"])
