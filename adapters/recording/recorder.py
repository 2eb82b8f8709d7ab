"""Records a running service, hour by hour, without ever being in its way."""

from __future__ import annotations

import errno
import re
import shutil
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Final

from adapters.recording.lines import SUFFIX
from adapters.recording.secrets import TEXT_MAX
from adapters.recording.writing import RecordingFile
from controller.engine import Decision, Memory
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.ports.devices import Direction
from controller.site import Site
from controller.snapshot import Snapshot

QUEUE_LIMIT: Final = 3000
"""Lines that may wait for the disk: some minutes of 20 points, tens of megabytes. What comes then is dropped."""
FLUSH_S: Final = 2.0
"""A crash misses this much; more often would compress worse."""
RETRY_S: Final = 30.0
"""Between two attempts to write where it has failed."""
CLOSE_S: Final = 5.0
"""How long the end of the service may wait for the last lines."""
RESERVE_BYTES: Final = 256 << 20
"""Recordings leave this much of the disk to the ledger."""
NAMES: Final = 100
"""Attempts to find a name for a file; more files cannot begin at one moment."""
_STAMP: Final = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True)
class _Decided:
    at: datetime
    snapshot: Snapshot
    memory: Memory | None
    decision: Decision | None

    def write(self, file: RecordingFile) -> None:
        file.decided(self.snapshot, self.memory, self.decision)


@dataclass(frozen=True, slots=True)
class _Heard:
    at: datetime
    station: str
    direction: Direction
    frame: str | bytes

    def write(self, file: RecordingFile) -> None:
        file.message(self.at, self.station, self.direction, self.frame)


class Recorder:
    """Takes decisions and messages from the event loop; a thread of its own writes them.

    Nothing here blocks or raises for what happens to the files. ``on_event`` is called from that thread: once when
    recording fails, and once when it goes on, with the number of lines that were lost.

    Args:
        directory: where the files go; it is made where it is missing.
        site: what is recorded.
        keep_days: its files are deleted when they began longer ago; no file of another name is.
        clock: time.
        on_event: hears of failures.
    """

    def __init__(self, directory: Path, *, site: Site, keep_days: int, clock: Clock, on_event: EventSink) -> None:
        self._clock, self._on_event = clock, on_event
        self._folder = _Folder(directory, site, timedelta(days=keep_days))
        self._lock = threading.Lock()
        self._waiting: deque[_Decided | _Heard] = deque()
        self._dropped = 0
        self._lost = 0
        """Since the last event that has told it."""
        self._missing = 0
        """Since the last line that is in a file."""
        self._failing = False
        self._retry_at_s = 0.0
        self._wake, self._closing = threading.Event(), False
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def decided(self, snapshot: Snapshot, memory: Memory | None, decision: Decision | None) -> None:
        """Keep a decision, what it saw and what it remembered; no decision: it failed."""
        self._take(_Decided(snapshot.at, snapshot, memory, decision))

    def heard(self, station: str, direction: Direction, frame: str | bytes) -> None:
        """Keep a message of a station."""
        # Of a long one the text will not be kept, so it must not be while it waits.
        self._take(_Heard(self._clock.now(), station, direction, frame[: TEXT_MAX + 1]))

    def close(self) -> None:
        """Write what is waiting, then stop."""
        self._closing = True
        self._wake.set()
        self._thread.join(CLOSE_S)

    def _take(self, line: _Decided | _Heard) -> None:
        with self._lock:
            if len(self._waiting) >= QUEUE_LIMIT:
                self._dropped += 1
                return
            self._waiting.append(line)
            urgent = len(self._waiting) == QUEUE_LIMIT // 2
        if urgent:
            self._wake.set()

    def _work(self) -> None:
        closing = False
        while not closing:
            self._wake.wait(FLUSH_S)
            self._wake.clear()
            closing = self._closing
            self._flush()
        with suppress(OSError):
            self._folder.close()

    def _flush(self) -> None:
        with self._lock:
            lines, dropped = list(self._waiting), self._dropped
            self._waiting.clear()
            self._dropped = 0
        if self._failing and monotonic() < self._retry_at_s:
            self._lose(len(lines))
        elif lines:
            self._write(lines)
        self._lose(dropped)  # they came after those that had a place
        if self._lost and not self._failing:
            self._report(f"recording goes on; {self._lost} lines were lost")
            self._lost = 0

    def _lose(self, count: int) -> None:
        self._lost += count
        self._missing += count

    def _write(self, lines: Sequence[_Decided | _Heard]) -> None:
        try:
            self._folder.require_room()
            self._folder.file_at(lines[0].at).lose(self._missing)
            for line in lines:
                line.write(self._folder.file_at(line.at))
            self._folder.flush()
        except Exception as error:  # nothing that fails here may end the thread
            self._folder.let_go()
            self._lose(len(lines))
            self._retry_at_s = monotonic() + RETRY_S
            if not self._failing:
                self._report(f"nothing is recorded: {error}")
            self._failing = True
        else:
            self._failing, self._missing = False, 0

    def _report(self, message: str) -> None:
        with suppress(Exception):  # a listener that fails must not end the thread
            self._on_event(Event("recording_lost", "recording", message, Severity.WARNING))


class _Folder:
    """The files of one site in a folder: one per hour, the oldest deleted. Every method may raise ``OSError``."""

    def __init__(self, directory: Path, site: Site, keep: timedelta) -> None:
        self._directory, self._site, self._keep = directory, site, keep
        self._own = re.compile(rf"{re.escape(site.id)}-(\d{{8}}T\d{{6}})\.\d{{3}}Z{re.escape(SUFFIX)}")
        self._file: RecordingFile | None = None
        self._hour = ""

    def require_room(self) -> None:
        """Refuse to take what the ledger may need."""
        self._directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        if shutil.disk_usage(self._directory).free < RESERVE_BYTES:
            raise OSError(errno.ENOSPC, f"less than {RESERVE_BYTES >> 20} MiB are free, and are left to the ledger")

    def file_at(self, at: datetime) -> RecordingFile:
        """The file of that hour."""
        hour = f"{at:%Y%m%d%H}"
        if self._file is not None and hour == self._hour:
            return self._file
        self.close()
        self._hour = hour
        self._forget(at - self._keep)
        self._file = self._created(at)
        return self._file

    def flush(self) -> None:
        """Have everything so far reach the operating system."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """End the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def let_go(self) -> None:
        """Leave the file as it is. Raises nothing."""
        if self._file is not None:
            self._file.abandon()
        self._file = None

    def _created(self, at: datetime) -> RecordingFile:
        for _ in range(NAMES):
            stamp = f"{at:{_STAMP}}.{at.microsecond // 1000:03}Z"
            try:
                return RecordingFile(self._directory / f"{self._site.id}-{stamp}{SUFFIX}", self._site)
            except FileExistsError:
                at += timedelta(milliseconds=1)
        raise FileExistsError(errno.EEXIST, f"{NAMES} files of the same moment in {self._directory}")

    def _forget(self, before: datetime) -> None:
        for path in self._directory.iterdir():
            own = self._own.fullmatch(path.name)
            if own and datetime.strptime(own[1], _STAMP).replace(tzinfo=UTC) < before:
                path.unlink(missing_ok=True)
