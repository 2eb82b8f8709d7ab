"""Engines on the ledger's database: one that writes, one that only reads; and the migrations."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from controller.ports.ledger import LedgerUnavailable

HEAD: Final = "0010"
"""The newest revision under ``migrations/versions``; a test compares the two."""

BUSY_TIMEOUT_S: Final = 5.0
"""How long a write waits for a foreign lock (a backup tool, a curious shell) before it is refused."""

CHECKPOINT_PAGES: Final = 100
"""SQLite folds its log into the database from this length on (400 KiB). At its default of 4 MB the log, which
holds whole pages, would eat a nearly full disk a hundred times faster than the sessions in it do."""


def sqlite_path(url: URL) -> Path | None:
    """The database's file, or None when it is not SQLite.

    Raises:
        ValueError: a SQLite database without a file; writer and readers could not share it.
    """
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ValueError(f"store.url: {url} names no file; expected e.g. sqlite:///loadstar.db")
    return Path(url.database)


def writing_engine(url: str) -> Engine:
    """An engine with one connection, whose every commit is on disk before it returns."""
    parsed = make_url(url)
    path = sqlite_path(parsed)
    if path is None:
        options = {"options": "-c synchronous_commit=on"}
        return create_engine(parsed, pool_size=1, max_overflow=0, pool_pre_ping=True, connect_args=options)
    # The ledger holds password hashes: nobody but its owner reads it. WAL and shm files inherit the mode.
    path.touch(mode=0o600)
    engine = create_engine(parsed, pool_size=1, max_overflow=0, connect_args=_sqlite_arguments())
    event.listen(engine, "connect", _prepare_sqlite_writer)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def reading_engine(url: str) -> Engine:
    """An engine for queries from any thread, which cannot write."""
    parsed = make_url(url)
    if sqlite_path(parsed) is None:
        options = {"options": "-c default_transaction_read_only=on"}
        return create_engine(parsed, pool_pre_ping=True, connect_args=options)
    engine = create_engine(parsed, connect_args=_sqlite_arguments())
    event.listen(engine, "connect", _prepare_sqlite_reader)
    return engine


def _sqlite_arguments() -> dict[str, Any]:
    # Without an isolation level the driver begins no transaction of its own: ours begin as we say.
    return {"timeout": BUSY_TIMEOUT_S, "isolation_level": None, "check_same_thread": False}


def _prepare_sqlite_writer(connection: sqlite3.Connection, _record: object) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise sqlite3.OperationalError(f"the file system does not bear SQLite's WAL mode (it stays at {mode!r})")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    connection.execute("PRAGMA foreign_keys=ON")


def _prepare_sqlite_reader(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def _begin_immediate(connection: Connection) -> None:
    # A deferred transaction that turns into a writer half-way can fail where nobody expects it.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def migrate(engine: Engine) -> None:
    """Bring the database to the newest revision.

    Raises:
        LedgerUnavailable: it cannot be opened, or a newer program wrote it.
    """
    shown = engine.url.render_as_string(hide_password=True)
    try:
        with engine.begin() as connection:
            if revision(connection) != HEAD:
                _upgrade(connection, shown)
    except SQLAlchemyError as error:
        raise LedgerUnavailable(f"cannot open the ledger {shown}: {error.__cause__ or error}") from error


def revision(connection: Connection) -> str | None:
    """Which revision the database is of; None where it is no ledger."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection, shown: str) -> None:
    # Imported only when there is something to migrate: alembic costs a service that runs for years 13 MB.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise LedgerUnavailable(f"the ledger {shown} was written by a newer version: {error}") from error
