"""What was seen of sessions while they ran."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Activities and registers of sessions are on record."""
    op.create_table(
        "session_readings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("session_id", sa.String(36), sa.ForeignKey("sessions.id"), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("register_wh", sa.BigInteger),
    )
    op.create_index("session_readings_by_session", "session_readings", ["session_id", "at", "id"])
