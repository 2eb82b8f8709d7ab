"""The measurement store: what chargers measured and what they were told, apart from the ledger.

A SQLite file of its own, written about once a second without waiting for the disk (WAL, synchronous=NORMAL: a
power cut can cost the last seconds, never the file). Whatever fails here is counted and reported, and disturbs
nobody.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from adapters.store.measurement_file import MeasurementFile
from controller.plan import Event, Severity
from controller.ports.common import EventSink
from controller.ports.measurements import HeldLimit, MeterSample

FLUSH_S: Final = 0.8
"""One batch in this time: with the writing, a crash misses about a second, and idle flash stays idle."""

SAMPLE_LIMIT: Final = 10_000
"""Samples that may wait: a quarter of an hour of 100 points every 10 s, a few megabytes."""


class MeasurementStore:
    """Measurements in a local SQLite file (``ports.measurements.Measurements``). All methods are thread-safe.

    Nothing here raises for what happens to the file, not even opening: without a usable one, the newest values
    are kept in memory only. ``on_event`` is called from whichever thread notices; ``now`` tells what is too old.
    """

    def __init__(
        self, path: Path, *, on_event: EventSink, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._file = MeasurementFile(path, now)
        self._on_event = on_event
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._samples: deque[MeterSample] = deque(maxlen=SAMPLE_LIMIT)
        self._overflowed = 0
        self._lost = 0
        self._unwritten: dict[str, HeldLimit] = {}
        self._notes: dict[str, str] = {}
        # By point, so that it cannot grow: the newest session of a point, its register and the time of that.
        self._registers: dict[str, tuple[str, int, datetime]] = {}
        self._failing = False
        self._held = dict(self._open())
        self._thread = threading.Thread(target=self._work, name="measurements-writer", daemon=True)
        self._thread.start()

    def record(self, sample: MeterSample) -> None:
        """Keep one measurement; when too many wait, the oldest is dropped."""
        with self._lock:
            if len(self._samples) == SAMPLE_LIMIT:
                self._overflowed += 1
            self._samples.append(sample)
            self._note_register(sample)
        self._wake.set()

    def hold(self, held: HeldLimit) -> None:
        """Keep what a charger was last told; it is in the file about a second later."""
        with self._lock:
            self._held[held.point] = self._unwritten[held.point] = held
        self._wake.set()

    def keep(self, name: str, text: str) -> None:
        """Keep the newest text of a name over a restart; it is in the file about a second later."""
        with self._lock:
            self._notes[name] = text
        self._wake.set()

    def kept(self, name: str) -> str | None:
        """The text of that name from before the last start; None where there is none."""
        try:
            return self._file.note(name)
        except (sqlite3.Error, OSError) as error:
            self._report_failure(error)
            return None

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
        try:
            return self._file.last_register(session)
        except (sqlite3.Error, OSError) as error:
            self._report_failure(error)
            return None

    def history(self, point: str, since: datetime, until: datetime) -> Sequence[MeterSample]:
        """A point's measurements from ``since`` to before ``until``, oldest first, thinned to about a thousand.

        Where thinned, currents and power are means, and the register is the highest of its stretch.
        """
        try:
            return self._file.history(point, since, until)
        except (sqlite3.Error, OSError) as error:
            self._report_failure(error)
            return []

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

    def _open(self) -> Mapping[str, HeldLimit]:
        try:
            try:
                return self._file.create()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                # No database (any more): measurements are not worth a refusal to start.
                message = f"{self._file.path} is damaged ({error}); renamed to {self._file.set_aside().name}"
                self._on_event(Event("measurements_damaged", "measurements", message, Severity.WARNING))
                return self._file.create()
        except (sqlite3.Error, OSError) as error:
            self._report_failure(error)
            return {}

    def _work(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(FLUSH_S)
            self._wake.clear()
            self._flush()
        self._flush()
        self._file.let_go()

    def _flush(self) -> None:
        with self._lock:
            samples, held = list(self._samples), list(self._unwritten.values())
            self._samples.clear()
            self._unwritten.clear()
            notes, self._notes = self._notes, {}
            self._lost += self._overflowed
            self._overflowed = 0
        if not samples and not held and not notes:
            return
        try:
            self._file.append(samples, held, notes)
        except Exception as error:  # nothing that fails here may end the thread
            self._file.let_go()
            with self._lock:
                self._unwritten = {h.point: h for h in held} | self._unwritten
                self._notes = notes | self._notes
            self._lost += len(samples)
            self._report_failure(error)
            if held:
                self._wake.set()
        else:
            self._report_success()

    def _report_failure(self, error: Exception) -> None:
        if not self._failing:
            self._failing = True
            message = f"measurements are not kept: {error}"
            self._on_event(Event("measurements_lost", "measurements", message, Severity.WARNING))

    def _report_success(self) -> None:
        if self._failing or self._lost:
            message = f"measurements are kept; {self._lost} were lost"
            severity = Severity.WARNING if self._lost else Severity.INFO
            self._on_event(Event("measurements_lost", "measurements", message, severity))
        self._failing = False
        self._lost = 0
