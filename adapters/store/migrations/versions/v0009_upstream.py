"""What back offices are told, and what they have said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing that a back office is to be told is lost."""
    op.create_table(
        "upstream_outbox",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("upstream", sa.String(64), nullable=False),
        sa.Column("station", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("frame", sa.Text, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("happened_at", sa.String(27), nullable=False),
        sa.Column("session_id", sa.String(36)),
        sa.Column("transaction_id", sa.Text),
        sa.Column("refusals", sa.Integer, nullable=False),
        sa.Column("standing", sa.String(16), nullable=False),
        sa.Column("settled_at", sa.String(27)),
        sa.UniqueConstraint("upstream", "station", "key", name="upstream_outbox_key"),
    )
    waiting = sa.text("standing <> 'delivered'")
    op.create_index(
        "upstream_outbox_waiting",
        "upstream_outbox",
        ["upstream", "station", "standing", "number"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index("upstream_outbox_settled", "upstream_outbox", ["settled_at"])
    op.create_table(
        "upstream_transactions",
        sa.Column("upstream", sa.String(64), primary_key=True),
        sa.Column("session_id", sa.String(36), primary_key=True),
        sa.Column("theirs", sa.Text, nullable=False),
    )
    op.create_table(
        "upstream_tokens",
        sa.Column("upstream", sa.String(64), primary_key=True),
        sa.Column("uid_folded", sa.Text, primary_key=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("group_id", sa.Text),
        sa.Column("expires_at", sa.String(27)),
        sa.Column("heard_at", sa.String(27), nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
    )
    op.create_table(
        "upstream_notes",
        sa.Column("upstream", sa.String(64), primary_key=True),
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
