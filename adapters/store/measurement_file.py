"""The SQLite file that measurements are in. Everything here may raise ``sqlite3.Error`` or ``OSError``."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import make_url

from adapters.store.database import sqlite_path
from controller.ports.measurements import HeldLimit, MeterSample

RETENTION: Final = timedelta(days=90)
PRUNE_EVERY: Final = timedelta(hours=1)

RESERVED_BYTES: Final = 8 << 20
"""With less than this free on the disk nothing is stored here: what is left belongs to the ledger."""

CHART_STEPS: Final = 1_000
"""Samples in one answer of ``history``: about one for each pixel of a chart."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS samples (
    point TEXT NOT NULL, at_us INTEGER NOT NULL, l1_a REAL, l2_a REAL, l3_a REAL, power_w REAL, register_wh INTEGER,
    PRIMARY KEY (point, at_us)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS registers (
    session TEXT PRIMARY KEY, register_wh INTEGER NOT NULL, at_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held_limits (
    point TEXT PRIMARY KEY, limit_a REAL NOT NULL, written_at_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
"""

_ADD_SAMPLE: Final = """
INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    l1_a = coalesce(excluded.l1_a, l1_a), l2_a = coalesce(excluded.l2_a, l2_a), l3_a = coalesce(excluded.l3_a, l3_a),
    power_w = coalesce(excluded.power_w, power_w), register_wh = coalesce(excluded.register_wh, register_wh)
"""
"""Two messages about one instant complete each other."""

_ADD_REGISTER: Final = """
INSERT INTO registers VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET
    register_wh = excluded.register_wh, at_us = excluded.at_us WHERE excluded.at_us >= at_us
"""

_PRUNE_SAMPLES: Final = """
WITH RECURSIVE points(point) AS (
    SELECT min(point) FROM samples
    UNION ALL
    SELECT (SELECT min(point) FROM samples WHERE point > points.point) FROM points WHERE point IS NOT NULL
)
DELETE FROM samples WHERE point IN (SELECT point FROM points) AND at_us < ?
"""
"""Walks the primary key from point to point, so that only rows to be deleted are read."""

_HISTORY: Final = """
SELECT min(at_us), avg(l1_a), avg(l2_a), avg(l3_a), avg(power_w), max(register_wh)
FROM samples WHERE point = ? AND at_us >= ? AND at_us < ? GROUP BY (at_us - ?) / ? ORDER BY 1
"""

_INT64: Final = 2**63 - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def measurements_beside(ledger: Path) -> Path:
    """The file of the measurements that belong to a SQLite ledger."""
    return ledger.with_name(f"{ledger.stem}-measurements.db")


def measurements_path(store_url: str, folder: Path) -> Path:
    """Beside a SQLite ledger; for any other, in this folder: measurements never leave the machine."""
    ledger = sqlite_path(make_url(store_url))
    return folder / "loadstar-measurements.db" if ledger is None else measurements_beside(ledger)


class MeasurementFile:
    """One thread calls ``append`` and ``let_go``; the queries use connections of their own.

    ``now`` tells what is too old to keep.
    """

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self.path = path
        self._now = now
        # Kept open: whoever closes the last connection pays for folding the log into the file.
        self._connection: sqlite3.Connection | None = None
        self._pruned_at: datetime | None = None

    def create(self) -> Mapping[str, HeldLimit]:
        """Create what is missing, and return the limits that were held last, by point id."""
        self.path.touch(mode=0o600)
        with closing(self._connect()) as connection:
            rows = connection.execute("SELECT point, limit_a, written_at_us FROM held_limits")
            return {point: HeldLimit(point, limit_a, _moment(at_us)) for point, limit_a, at_us in rows}

    def set_aside(self) -> Path:
        """Rename the file, so that ``create`` begins anew; return its new name."""
        aside = self.path.with_name(self.path.name + ".damaged")
        self.path.replace(aside)
        for companion in ("-wal", "-shm"):
            self.path.with_name(self.path.name + companion).unlink(missing_ok=True)
        return aside

    def append(
        self, samples: Sequence[MeterSample], held: Iterable[HeldLimit], notes: Mapping[str, str] | None = None
    ) -> None:
        """Write a batch, all or nothing, and now and then delete what is too old."""
        if shutil.disk_usage(self.path.parent).free < RESERVED_BYTES:
            raise OSError("the disk is nearly full; what is left belongs to the ledger")
        if self._connection is None:
            self._connection = self._connect()
        with self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            rows = [_row(sample) for sample in samples]
            connection.executemany(_ADD_SAMPLE, rows)
            registers = [(sample.session, row[-1], row[1]) for sample, row in zip(samples, rows, strict=True)]
            connection.executemany(_ADD_REGISTER, [register for register in registers if None not in register])
            connection.executemany(
                "INSERT OR REPLACE INTO held_limits VALUES (?, ?, ?)",
                [(h.point, h.limit_a, _microseconds(h.written_at)) for h in held],
            )
            connection.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?)", list((notes or {}).items()))
            self._prune(connection)

    def note(self, name: str) -> str | None:
        """The newest text of that name."""
        rows = self._query("SELECT text FROM notes WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def let_go(self) -> None:
        """Close the writing connection; the next ``append`` opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def last_register(self, session: str) -> int | None:
        """The newest register value [Wh] of the session."""
        rows = self._query("SELECT register_wh FROM registers WHERE session = ?", (session,))
        return int(rows[0][0]) if rows else None

    def history(self, point: str, since: datetime, until: datetime) -> list[MeterSample]:
        """See ``MeasurementStore.history``."""
        first_us, end_us = _microseconds(since), _microseconds(until)
        step_us = max(1, -(-(end_us - first_us) // CHART_STEPS))
        return [
            MeterSample(point, _moment(at_us), None if l1_a is None else (l1_a, l2_a, l3_a), power_w, register_wh)
            for at_us, l1_a, l2_a, l3_a, power_w, register_wh in self._query(
                _HISTORY, (point, first_us, end_us, first_us, step_us)
            )
        ]

    def highest_power_w(self, point: str, since: datetime, until: datetime) -> float | None:
        """The highest power [W] measured at a point from ``since`` to ``until``; None where none was."""
        highest = "SELECT max(power_w) FROM samples WHERE point = ? AND at_us BETWEEN ? AND ?"
        rows = self._query(highest, (point, _microseconds(since), _microseconds(until)))
        return None if rows[0][0] is None else float(rows[0][0])

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(_SCHEMA)
        return connection

    def _query(self, statement: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA query_only=ON")
            return connection.execute(statement, parameters).fetchall()

    def _prune(self, connection: sqlite3.Connection) -> None:
        now = self._now()
        if self._pruned_at is None or abs(now - self._pruned_at) >= PRUNE_EVERY:
            oldest_us = _microseconds(now - RETENTION)
            connection.execute(_PRUNE_SAMPLES, (oldest_us,))
            connection.execute("DELETE FROM registers WHERE at_us < ?", (oldest_us,))
            self._pruned_at = now


def _row(sample: MeterSample) -> tuple[str, int, float | None, float | None, float | None, float | None, int | None]:
    l1_a, l2_a, l3_a = sample.current_a or (None, None, None)
    register_wh = sample.register_wh
    if register_wh is not None and abs(register_wh) > _INT64:
        register_wh = None  # no meter counts that far, and SQLite cannot hold it
    return (sample.point, _microseconds(sample.at), l1_a, l2_a, l3_a, sample.power_w, register_wh)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
