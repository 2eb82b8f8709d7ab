"""Sessions from Loadstar's own ledger, and their highest power from the measurements beside it. Nothing is written."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from adapters.store.database import reading_engine, sqlite_path
from adapters.store.measurement_file import MeasurementFile, measurements_beside
from adapters.store.records import PAGE_LIMIT, session_page
from controller.ports.ledger import SessionRecord
from simulations.data.content import Database
from simulations.data.problems import file_problem
from simulations.data.recorded import RecordedSession

_NOT_KNOWN: Final = float("nan")


def database(url: str) -> Database:
    """The database of a URL such as ``postgresql+psycopg://...``.

    Raises:
        DataError: it is no such URL.
    """
    try:
        parsed = make_url(url)
        return Database(parsed.render_as_string(hide_password=True), url)
    except (SQLAlchemyError, ValueError):  # whose texts may repeat a part of a password
        raise file_problem(url.partition(":")[0] or "source", "expected a URL such as sqlite:///loadstar.db") from None


def session_rows(source: Database) -> Iterator[RecordedSession]:
    """Every session that has ended, the newest first.

    Raises:
        DataError: it cannot be read, or is no ledger of this version.
    """
    if source.url:
        yield from _sessions(source.name, source.url)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        path.write_bytes(source.content)
        yield from _sessions(source.name, f"sqlite:///{path}")


def _sessions(name: str, url: str) -> Iterator[RecordedSession]:
    try:
        path = sqlite_path(make_url(url))
        if path is not None and not path.is_file():  # SQLite would create it
            raise file_problem(name, "no such file")
        measurements = None if path is None else _measurements(path)
        for record in _records(url):
            yield _session(record, measurements)
    except (SQLAlchemyError, sqlite3.Error, ValueError) as error:
        cause = error.__cause__ or error
        raise file_problem(name, f"cannot be read as a ledger of this version of Loadstar: {cause}") from None


def _records(url: str) -> Iterator[SessionRecord]:
    engine = reading_engine(url)
    try:
        after: str | None = None
        while True:
            with engine.connect() as connection:
                page, after = session_page(
                    connection, running=False, point=None, limit=PAGE_LIMIT, after=after, last_register=lambda _: None
                )
            yield from page
            if after is None:
                return
    finally:
        engine.dispose()


def _measurements(ledger: Path) -> MeasurementFile | None:
    path = measurements_beside(ledger)
    # Only what writes asks for the time.
    return MeasurementFile(path, lambda: datetime.now(UTC)) if path.is_file() else None


def _session(record: SessionRecord, measurements: MeasurementFile | None) -> RecordedSession:
    ended = record.ended_at or record.started_at
    energy_wh = _NOT_KNOWN if record.energy_wh is None else float(record.energy_wh)
    power_w = None
    if measurements is not None and record.point is not None:
        power_w = measurements.highest_power_w(record.point, record.started_at, ended)
    # Measurements can have gaps; the registers behind the energy cannot. Where they contradict, these are right.
    if power_w is not None and power_w * (ended - record.started_at).total_seconds() / 3600.0 < energy_wh:
        power_w = None
    return RecordedSession(
        id=record.id,
        arrives=record.started_at,
        leaves=ended,
        energy_wh=energy_wh,
        point=record.point or f"{record.station}/{record.connector}",
        token=record.token or None,
        max_power_w=power_w,
    )
