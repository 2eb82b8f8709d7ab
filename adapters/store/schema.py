"""The ledger's tables, and how values that SQL has no exact type for are kept.

Times are kept as text of one width in UTC, money as decimal text: exact, sortable, readable in any tool, and
the same on SQLite and PostgreSQL. What a charger sends is made storable here, so that no content of a
message, however odd, can keep it out of the ledger.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
)

_INT64: Final = 2**63 - 1
_FIRST_MOMENT: Final = datetime.min.replace(tzinfo=UTC)
_LAST_MOMENT: Final = datetime.max.replace(tzinfo=UTC)


def storable_text(text: str) -> str:
    """Replace what databases refuse in text: NUL (PostgreSQL) and lone surrogates (both).

    >>> storable_text("04A2" + chr(0) + chr(0xD800))
    '04A2\N{REPLACEMENT CHARACTER}?'
    """
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def storable_integer(value: int) -> int:
    """Bring an integer into 64 bits.

    >>> storable_integer(10**30) == 2**63 - 1, storable_integer(-5)
    (True, -5)
    """
    return max(-_INT64, min(_INT64, value))


def utc(moment: datetime) -> datetime:
    """Return the moment in UTC; one that UTC cannot express becomes the nearest that it can.

    Raises:
        ValueError: the time has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with a zone, got {moment}")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _FIRST_MOMENT if moment.year == 1 else _LAST_MOMENT


class PeerText(TypeDecorator[str]):
    """Text that somebody else wrote."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """See ``storable_text``."""
        return None if value is None else storable_text(value)


class PeerInteger(TypeDecorator[int]):
    """An integer that somebody else chose."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's
        """See ``storable_integer``."""
        return None if value is None else storable_integer(value)


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept as ``2026-11-20T09:00:00.000000Z``."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """To text of one width, so that text order is time order."""
        if value is None:
            return None
        return utc(value).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Back to an aware time in UTC."""
        return None if value is None else datetime.fromisoformat(value)


class Money(TypeDecorator[Decimal]):
    """A decimal amount, kept as text with all its decimals."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """To text."""
        return None if value is None else format(value, "f")

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Back to a decimal."""
        return None if value is None else Decimal(value)


metadata = MetaData()

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("station", PeerText, nullable=False),
    Column("connector", PeerInteger, nullable=False),
    Column("point", PeerText),
    Column("token", PeerText, nullable=False),
    # The id that we gave out; none for a session of which only the end was announced.
    Column("transaction_id", Integer, unique=True),
    Column("station_transaction_id", PeerText, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("start_wh", PeerInteger, nullable=False),
    Column("end_wh", PeerInteger),
    Column("energy_wh", BigInteger),
    # Frozen when the session starts: a later change of the price does not reach back.
    Column("price_per_kwh", Money),
    Column("currency", String(3), nullable=False),
    Column("cost", Money),
    Column("stop_reason", PeerText),
    Column("review_flags", JSON, nullable=False),
)
_announced = sessions.c.transaction_id.is_not(None)
_orphaned = sessions.c.transaction_id.is_(None)
Index(
    "sessions_start",
    *(sessions.c[name] for name in ("station", "connector", "token", "started_at", "start_wh")),
    unique=True,
    sqlite_where=_announced,
    postgresql_where=_announced,
)
Index(
    "sessions_stop_without_start",
    *(sessions.c[name] for name in ("station", "station_transaction_id", "ended_at", "end_wh")),
    unique=True,
    sqlite_where=_orphaned,
    postgresql_where=_orphaned,
)
Index("sessions_station_transaction_id", sessions.c.station_transaction_id)
Index("sessions_newest", sessions.c.started_at, sessions.c.id)
Index("sessions_by_point", sessions.c.point, sessions.c.started_at)
_open = sessions.c.ended_at.is_(None)
Index("sessions_running", sessions.c.started_at, sqlite_where=_open, postgresql_where=_open)

transaction_messages = Table(
    "transaction_messages",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("received_at", UtcTime, nullable=False),
    Column("kind", String(5), nullable=False),
    Column("station", PeerText, nullable=False),
    # JSON text, not the JSON type: kept to the letter, and PostgreSQL looks into its JSON.
    Column("message", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("session_id", String(36), ForeignKey("sessions.id")),
    Column("answered_transaction_id", Integer),
)
Index("transaction_messages_by_session", transaction_messages.c.session_id)

tokens = Table(
    "tokens",
    metadata,
    Column("uid_folded", PeerText, primary_key=True),
    Column("uid", PeerText, nullable=False),
    Column("description", PeerText, nullable=False),
    Column("blocked", Boolean, nullable=False),
    Column("valid_until", UtcTime),
    # Group, priority, departure and so on; as the ledger knows them, and as the site file gave them last.
    Column("needs", JSON(none_as_null=True)),
    Column("seeded_needs", JSON(none_as_null=True)),
    Column("kind", String(12), nullable=False, server_default="own"),
    Column("contract", PeerText),
    Column("zero_rate", Boolean, nullable=False, server_default=false()),
    Column("limits", JSON(none_as_null=True)),
    Column("valid_from", UtcTime),
)

# Never changed: the newest row of a session and of one who may ask is what holds, the others are its history.
wishes = Table(
    "wishes",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("session_id", String(36), ForeignKey("sessions.id"), nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("asked_by", String(16), nullable=False),
    Column("user_name", PeerText, nullable=False),
    Column("departs_at", UtcTime),
    Column("energy_wh", PeerInteger),
    Column("least_wh", PeerInteger),
    Column("priority", Integer),
    Column("weight", Float),
    Column("max_a", Float),
)
Index("wishes_by_session", wishes.c.session_id, wishes.c.asked_by, wishes.c.id)

# Only ever added to: what a grid operator is shown.
limit_log = Table(
    "limit_log",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("happening", String(16), nullable=False),
    Column("name", PeerText, nullable=False),
    Column("circuit", PeerText, nullable=False),
    Column("source", PeerText, nullable=False),
    # None where what was said was no number.
    Column("limit_w", Float),
    Column("received_at", UtcTime, nullable=False),
    Column("valid_from", UtcTime),
    Column("valid_until", UtcTime),
    Column("priority", Integer, nullable=False),
    Column("sender_id", PeerText, nullable=False),
    Column("allowed_w", Float),
    Column("drawn_w", Float),
    Column("came_by", PeerText, nullable=False),
    Column("note", PeerText, nullable=False),
)
Index("limit_log_said", limit_log.c.happening, limit_log.c.name, limit_log.c.id)
Index("limit_log_by_time", limit_log.c.at, limit_log.c.id)

demand_windows = Table(
    "demand_windows",
    metadata,
    Column("begins_at", UtcTime, primary_key=True),
    Column("length_s", Integer, nullable=False),
    Column("energy_wh", Float, nullable=False),
    Column("covered_s", Float, nullable=False),
    Column("assumed_wh", Float, nullable=False),
    Column("marks", PeerText, nullable=False),
    Column("target_w", Float),
    Column("uncontrolled_wh", Float, nullable=False),
)

station_credentials = Table(
    "station_credentials",
    metadata,
    Column("station", PeerText, primary_key=True),
    Column("password_hash", Text, nullable=False),
    # What the site file gave last: tells an edited file from one that is merely older than a rotation.
    Column("seeded_hash", Text, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("name", PeerText, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("role", String(16), nullable=False),
    # As for the stations; none for a user whom no site file has named.
    Column("seeded_hash", Text),
    Column("seeded_role", String(16)),
)
