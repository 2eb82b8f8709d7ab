"""What tokens need, and what is asked for sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tokens get needs, and wishes a table."""
    op.add_column("tokens", sa.Column("needs", sa.JSON))
    op.add_column("tokens", sa.Column("seeded_needs", sa.JSON))
    op.create_table(
        "wishes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("session_id", sa.String(36), sa.ForeignKey("sessions.id"), nullable=False),
        sa.Column("asked_at", sa.String(27), nullable=False),
        sa.Column("asked_by", sa.String(16), nullable=False),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("departs_at", sa.String(27)),
        sa.Column("energy_wh", sa.BigInteger),
        sa.Column("least_wh", sa.BigInteger),
        sa.Column("priority", sa.Integer),
        sa.Column("weight", sa.Float),
        sa.Column("max_a", sa.Float),
    )
    op.create_index("wishes_by_session", "wishes", ["session_id", "asked_by", "id"])
