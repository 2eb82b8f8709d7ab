"""The demand windows of the grid connection."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Demand windows are on record."""
    op.create_table(
        "demand_windows",
        sa.Column("begins_at", sa.String(27), primary_key=True),
        sa.Column("length_s", sa.Integer, nullable=False),
        sa.Column("energy_wh", sa.Float, nullable=False),
        sa.Column("covered_s", sa.Float, nullable=False),
        sa.Column("assumed_wh", sa.Float, nullable=False),
        sa.Column("marks", sa.Text, nullable=False),
        sa.Column("target_w", sa.Float),
        sa.Column("uncontrolled_wh", sa.Float, nullable=False),
    )
