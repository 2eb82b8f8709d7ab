"""Records of sessions, what was decided of them, statements and closed months."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was charged is on record."""
    _create_records()
    op.create_table(
        "closed_months",
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("closed_at", sa.String(27), nullable=False),
        sa.Column("closed_by", sa.Text, nullable=False),
    )
    op.create_table(
        "statements",
        sa.Column("number", sa.String(40), primary_key=True),
        sa.Column("series", sa.String(16), nullable=False),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("month", sa.String(7), sa.ForeignKey("closed_months.month"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("before_tax", sa.String(40)),
        sa.Column("after_tax", sa.String(40)),
        sa.Column("payable", sa.String(40), nullable=False),
        sa.Column("closed_at", sa.String(27), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.UniqueConstraint("series", "year", "sequence", name="statements_sequence"),
    )
    op.create_index("statements_by_month", "statements", ["month", "sequence"])
    op.create_table(
        "billed_legs",
        sa.Column("record_id", sa.String(39), sa.ForeignKey("charge_records.id"), primary_key=True),
        sa.Column("leg", sa.String(16), primary_key=True),
        sa.Column("statement", sa.String(40), sa.ForeignKey("statements.number"), nullable=False),
    )
    op.create_index("billed_legs_by_statement", "billed_legs", ["statement"])


def _create_records() -> None:
    op.create_table(
        "charge_records",
        sa.Column("id", sa.String(39), primary_key=True),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("credit_of", sa.String(39)),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("ended_at", sa.String(27), nullable=False),
        sa.Column("point", sa.Text),
        sa.Column("contract", sa.Text),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("energy_wh", sa.BigInteger, nullable=False),
        sa.Column("flagged", sa.Boolean, nullable=False),
        sa.Column("kept_at", sa.String(27), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.UniqueConstraint("session_id", "version", "kind", name="charge_records_session"),
    )
    op.create_index("charge_records_by_month", "charge_records", ["month", "ended_at", "id"])
    op.create_index("charge_records_flagged", "charge_records", ["flagged", "month"])
    op.create_index("charge_records_credits", "charge_records", ["credit_of"])
    op.create_table(
        "record_legs",
        sa.Column("record_id", sa.String(39), sa.ForeignKey("charge_records.id"), primary_key=True),
        sa.Column("leg", sa.String(16), primary_key=True),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("before_tax", sa.String(40)),
        sa.Column("after_tax", sa.String(40)),
    )
    op.create_index("record_legs_by_party", "record_legs", ["party", "leg"])
    op.create_table(
        "review_decisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("record_id", sa.String(39), sa.ForeignKey("charge_records.id"), nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("credit", sa.String(39), sa.ForeignKey("charge_records.id")),
        sa.Column("replaced_by", sa.String(39), sa.ForeignKey("charge_records.id")),
    )
    op.create_index("review_decisions_by_record", "review_decisions", ["record_id", "id"])
