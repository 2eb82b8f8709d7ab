"""Sessions, transaction messages, tokens, credentials and users."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first ledger."""
    _create_sessions()
    op.create_table(
        "transaction_messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("received_at", sa.String(27), nullable=False),
        sa.Column("kind", sa.String(5), nullable=False),
        sa.Column("station", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("session_id", sa.String(36), sa.ForeignKey("sessions.id")),
        sa.Column("answered_transaction_id", sa.Integer),
    )
    op.create_index("transaction_messages_by_session", "transaction_messages", ["session_id"])
    op.create_table(
        "tokens",
        sa.Column("uid_folded", sa.Text, primary_key=True),
        sa.Column("uid", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("blocked", sa.Boolean, nullable=False),
        sa.Column("valid_until", sa.String(27)),
    )
    op.create_table(
        "station_credentials",
        sa.Column("station", sa.Text, primary_key=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("seeded_hash", sa.Text, nullable=False),
    )
    op.create_table(
        "users",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("seeded_hash", sa.Text),
        sa.Column("seeded_role", sa.String(16)),
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("station", sa.Text, nullable=False),
        sa.Column("connector", sa.BigInteger, nullable=False),
        sa.Column("point", sa.Text),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("transaction_id", sa.Integer, unique=True),
        sa.Column("station_transaction_id", sa.Text, nullable=False),
        sa.Column("started_at", sa.String(27), nullable=False),
        sa.Column("ended_at", sa.String(27)),
        sa.Column("start_wh", sa.BigInteger, nullable=False),
        sa.Column("end_wh", sa.BigInteger),
        sa.Column("energy_wh", sa.BigInteger),
        sa.Column("price_per_kwh", sa.String(40)),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("cost", sa.String(40)),
        sa.Column("stop_reason", sa.Text),
        sa.Column("review_flags", sa.JSON, nullable=False),
    )
    _create_unique("sessions_start", "station connector token started_at start_wh", "transaction_id IS NOT NULL")
    _create_unique(
        "sessions_stop_without_start", "station station_transaction_id ended_at end_wh", "transaction_id IS NULL"
    )
    op.create_index("sessions_station_transaction_id", "sessions", ["station_transaction_id"])
    op.create_index("sessions_newest", "sessions", ["started_at", "id"])
    op.create_index("sessions_by_point", "sessions", ["point", "started_at"])
    running = sa.text("ended_at IS NULL")
    op.create_index("sessions_running", "sessions", ["started_at"], sqlite_where=running, postgresql_where=running)


def _create_unique(name: str, columns: str, where: str) -> None:
    clause = sa.text(where)
    op.create_index(name, "sessions", columns.split(), unique=True, sqlite_where=clause, postgresql_where=clause)
