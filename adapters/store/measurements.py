"""The measurement store: what chargers measured and what they were told, apart from the ledger.

A SQLite file of its own, written about once a second without waiting for the disk (WAL, synchronous=NORMAL: a
power cut can cost the last seconds, never the file). Whatever fails here is counted and reported, and disturbs
nobody.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import make_url

from adapters.store.database import sqlite_path
from controller.plan import Event, Severity
from controller.ports import EventSink, HeldLimit, MeterSample

FLUSH_S: Final = 0.8
"""One batch in this time: with the writing, a crash misses about a second, and idle flash stays idle."""

SAMPLE_LIMIT: Final = 10_000
"""Samples that may wait: a quarter of an hour of 100 points every 10 s, a few megabytes."""

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


class MeasurementStore:
    """Measurements in a local SQLite file (``controller.ports.Measurements``). All methods are thread-safe.

    Opening never fails: without a usable file, the newest values are kept in memory only.
    """

    def __init__(self, path: Path, *, on_event: EventSink) -> None:
        self._path = path
        self._on_event = on_event
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._samples: deque[MeterSample] = deque(maxlen=SAMPLE_LIMIT)
        self._held: dict[str, HeldLimit] = {}
        self._unwritten: dict[str, HeldLimit] = {}
        # By point, so that it cannot grow: a point's newest session and its register.
        self._registers: dict[str, tuple[str, int, datetime]] = {}
        self._dropped = 0
        self._failing = False
        self._pruned_at: datetime | None = None
        self._connection: sqlite3.Connection | None = None  # the thread's own
        self._prepare()
        self._thread = threading.Thread(target=self._work, name="measurements-writer", daemon=True)
        self._thread.start()

    def record(self, sample: MeterSample) -> None:
        """Keep one measurement; when too many wait, the oldest is dropped."""
        with self._lock:
            if len(self._samples) == SAMPLE_LIMIT:
                self._dropped += 1
            self._samples.append(sample)
            self._note_register(sample)
        self._wake.set()

    def hold(self, held: HeldLimit) -> None:
        """Keep what a charger was last told; it is in the file about a second later."""
        with self._lock:
            self._held[held.point] = self._unwritten[held.point] = held
        self._wake.set()

    def held_limits(self) -> Mapping[str, HeldLimit]:
        """What every charger was last told, by point id, from before a restart too."""
        with self._lock:
            return dict(self._held)

    def last_register(self, session: str) -> int | None:
        """The newest register value [Wh] that was kept for the session, or None."""
        with self._lock:
            for newest_session, register_wh, _ in self._registers.values():
                if newest_session == session:
                    return register_wh
        rows = self._query("SELECT register_wh FROM registers WHERE session = ?", (session,))
        return int(rows[0][0]) if rows else None

    def history(self, point: str, since: datetime, until: datetime) -> Sequence[MeterSample]:
        """A point's measurements from ``since`` to before ``until``, oldest first, thinned to about a thousand.

        Where thinned, currents and power are means, and the register is the highest of its stretch.
        """
        first_us, end_us = _microseconds(since), _microseconds(until)
        step_us = max(1, (end_us - first_us) // CHART_STEPS)
        rows = self._query(_HISTORY, (point, first_us, end_us, first_us, step_us))
        return [
            MeterSample(point, _moment(at_us), None if l1 is None else (l1, l2, l3), power_w, register_wh)
            for at_us, l1, l2, l3, power_w, register_wh in rows
        ]

    def close(self) -> None:
        """Write what is waiting, then stop."""
        self._closing.set()
        self._wake.set()
        self._thread.join()

    def _note_register(self, sample: MeterSample) -> None:
        if sample.session is None or sample.register_wh is None:
            return
        newest = self._registers.get(sample.point)
        # A charger that was offline delivers its old readings after its new ones.
        if newest is None or newest[0] != sample.session or newest[2] <= sample.at:
            self._registers[sample.point] = (sample.session, sample.register_wh, sample.at)

    def _prepare(self) -> None:
        try:
            try:
                self._load()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                self._set_aside(error)
                self._load()
        except (sqlite3.Error, OSError) as error:
            self._report_failure(error)

    def _load(self) -> None:
        self._path.touch(mode=0o600)
        with closing(self._connect()) as connection:
            connection.executescript(_SCHEMA)
            rows = connection.execute("SELECT point, limit_a, written_at_us FROM held_limits")
            self._held = {point: HeldLimit(point, limit_a, _moment(at_us)) for point, limit_a, at_us in rows}

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        """Begin anew where the file is no database (any more): measurements are not worth a refusal to start."""
        self._path.replace(self._path.with_name(self._path.name + ".damaged"))
        for companion in ("-wal", "-shm"):
            self._path.with_name(self._path.name + companion).unlink(missing_ok=True)
        message = f"{self._path.name} was damaged ({error}); it was renamed to {self._path.name}.damaged"
        self._on_event(Event("measurements_damaged", "measurements", message, Severity.WARNING))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _query(self, statement: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            with closing(sqlite3.connect(self._path)) as connection:
                connection.execute("PRAGMA query_only=ON")
                return connection.execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            self._report_failure(error)
            return []

    def _work(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(FLUSH_S)
            self._wake.clear()
            self._flush()
        self._flush()
        self._disconnect()

    def _flush(self) -> None:
        with self._lock:
            samples, held = list(self._samples), list(self._unwritten.values())
            self._samples.clear()
            self._unwritten.clear()
            dropped, self._dropped = self._dropped, 0
        try:
            if shutil.disk_usage(self._path.parent).free < RESERVED_BYTES:
                raise sqlite3.OperationalError("the disk is nearly full; what is left belongs to the ledger")
            self._write(samples, held)
        except Exception as error:  # noqa: BLE001 - nothing that fails here may end the thread
            self._disconnect()
            with self._lock:
                self._unwritten = {h.point: h for h in held} | self._unwritten
            self._report_failure(error, dropped + len(samples))
            if held:
                self._wake.set()
        else:
            self._report_success(dropped)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(self, samples: Sequence[MeterSample], held: Iterable[HeldLimit]) -> None:
        if self._connection is None:
            # Kept open: whoever closes the last connection pays for folding the log into the file.
            self._connection = self._connect()
        with self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            rows = [_row(sample) for sample in samples]
            connection.executemany(_ADD_SAMPLE, rows)
            registers = [(s.session, row[-1], row[1]) for s, row in zip(samples, rows, strict=True)]
            connection.executemany(_ADD_REGISTER, [r for r in registers if None not in r])
            connection.executemany(
                "INSERT OR REPLACE INTO held_limits VALUES (?, ?, ?)",
                [(h.point, h.limit_a, _microseconds(h.written_at)) for h in held],
            )
            self._prune(connection)

    def _prune(self, connection: sqlite3.Connection) -> None:
        now = datetime.now(UTC)
        if self._pruned_at is None or abs(now - self._pruned_at) >= PRUNE_EVERY:
            self._pruned_at = now
            oldest_us = _microseconds(now - RETENTION)
            connection.execute(_PRUNE_SAMPLES, (oldest_us,))
            connection.execute("DELETE FROM registers WHERE at_us < ?", (oldest_us,))

    def _report_failure(self, error: Exception, lost: int = 0) -> None:
        if not self._failing:
            self._failing = True
            message = f"measurements are not kept ({lost} lost so far): {error}"
            self._on_event(Event("measurements_lost", "measurements", message, Severity.WARNING))

    def _report_success(self, dropped: int) -> None:
        if dropped:
            message = f"{dropped} measurements came too fast to be kept"
            self._on_event(Event("measurements_lost", "measurements", message, Severity.WARNING))
        elif self._failing:
            self._on_event(Event("measurements_lost", "measurements", "measurements are kept again"))
        self._failing = False


def measurements_path(ledger_url: str) -> Path:
    """Where the measurements belonging to a ledger are: beside a SQLite ledger, else in the working directory.

    >>> str(measurements_path("sqlite:///site/loadstar.db"))
    'site/loadstar-measurements.db'
    >>> str(measurements_path("postgresql+psycopg://db.example/charging"))
    'charging-measurements.db'
    """
    url = make_url(ledger_url)
    path = sqlite_path(url) or Path(f"{url.database or 'loadstar'}.db")
    return path.with_name(f"{path.stem}-measurements.db")


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
