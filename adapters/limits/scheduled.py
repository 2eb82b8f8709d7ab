"""Keeps the limits of a schedule file in force: reads it again whenever it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from adapters.limits.limiting import Limits, Way
from adapters.limits.schedule import Scheduled, ScheduleError, read_schedule
from controller.peakshave.grid_operator import Limit, LimitRefused
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.site import Site

LOOK_EVERY_S: Final = 2.0
"""A limit that is written into the file is in the chargers 3 s after it has been seen."""

_Stamp = tuple[int, int]


class ScheduledLimits:
    """Follows one file. A file that cannot be read, or is wrong, changes nothing: what it said before holds."""

    def __init__(
        self, path: Path, source: str, *, site: Site, limits: Limits, clock: Clock, on_event: EventSink
    ) -> None:
        self._path, self._source, self._site, self._limits = path, source, site, limits
        self._clock, self._on_event = clock, on_event
        self._stamp: _Stamp | None = None
        self._wrong = ""

    async def run(self) -> None:
        """Follow until cancelled; never ends by itself and never raises for what the file is."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Take up what has changed. Blocks for milliseconds."""
        try:
            seen = self._path.stat()
            stamp = (seen.st_mtime_ns, seen.st_size)
            if stamp == self._stamp:
                return
            rows = read_schedule(self._path, self._site.circuit)
        except OSError as error:
            self._tell_wrong(f"{self._path.name}: cannot be read: {error.strerror}")
            return
        except ScheduleError as error:
            self._stamp = stamp
            self._tell_wrong(str(error))
            return
        self._stamp = stamp
        if self._wrong:
            self._wrong = ""
            self._tell(f"{self._path.name} is in force again", Severity.INFO)
        self._take({self._name(row): row for row in rows})

    def _take(self, rows: Mapping[str, Scheduled]) -> None:
        for limit in self._limits.running(Way.SCHEDULE):
            row = rows.get(limit.name)
            if row is None or (row.limit_w, row.ends) != (limit.limit_w, limit.valid_until):
                with suppress(LimitRefused):  # it has ended by itself in this moment
                    self._limits.withdraw(limit.name, Way.SCHEDULE, self._path.name)
        now = self._clock.now()
        for name, row in rows.items():
            if row.ends > now:
                limit = Limit(row.circuit, row.limit_w, self._source, now, row.begins, row.ends, id=name)
                with suppress(LimitRefused):  # which is reported and on record
                    self._limits.put(limit, Way.SCHEDULE, self._path.name)

    def _name(self, row: Scheduled) -> str:
        return f"{self._source}:{row.circuit}:{row.begins:%Y-%m-%dT%H:%M:%SZ}"

    def _tell_wrong(self, text: str) -> None:
        if text != self._wrong:
            self._wrong = text
            self._tell(f"{text}; what it said before holds", Severity.ALARM)

    def _tell(self, text: str, severity: Severity) -> None:
        self._on_event(Event("limit_schedule", f"limit:{self._source}", text, severity, self._clock.now()))
