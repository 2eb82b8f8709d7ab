"""Writes down what a session's price may depend on, while it runs: what the car does, and registers in between.

Every change of what it does is written at once. Of the registers, those on either side of each quarter-hour are
written: prices change on the clock, and what lies between two registers seconds apart is known to the Wh.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from controller.ports.ledger import LedgerUnavailable
from controller.ports.measurements import HeldLimit, Measurements, MeterSample
from controller.ports.tick import Tick
from controller.tariffs.observed import Observed, activity_of
from controller.tariffs.session_facts import Activity

QUARTER_S: Final = 900

UNSEEN: Final = timedelta(seconds=QUARTER_S)
"""A session is looked at for as long at a time; what it did when nobody looked for longer is not billed as time."""

WAITING_MOST: Final = 20_000
"""Rows that wait for a ledger which cannot be written: a day of 20 busy points."""

log = structlog.get_logger(__name__)


class Readings(Protocol):
    """Where what was seen is kept."""

    def keep_observed(self, observed: Sequence[Observed]) -> Future[None]:
        """Add it; the future is done when it is on disk. Returns at once."""
        ...


@dataclass(slots=True)
class _Running:
    """What is known of a session that runs."""

    activity: Activity | None = None
    at: datetime | None = None
    """Of the newest row."""
    sample: MeterSample | None = None
    """The newest register."""
    noted: bool = False
    """Whether it is among the rows."""


class Chronicle:
    """The chronicle of the sessions that run. It is where measurements pass by on their way to their store.

    Args:
        measurements: where they go.
        readings: where what counts is kept.
        last: the newest that is on record of each running session, by its id.
    """

    def __init__(self, measurements: Measurements, readings: Readings, last: Mapping[str, Observed]) -> None:
        self._measurements, self._readings = measurements, readings
        self._running = {session: _Running(one.activity, one.at) for session, one in last.items()}
        self._waiting: deque[Observed] = deque(maxlen=WAITING_MOST)
        self._writing: tuple[Future[None], Sequence[Observed]] | None = None

    def record(self, sample: MeterSample) -> None:
        """Keep one measurement, and its register where a quarter-hour has passed since the one before."""
        self._measurements.record(sample)
        if sample.session is None or sample.register_wh is None:
            return
        running = self._running.setdefault(sample.session, _Running())
        crossed = running.sample is not None and _quarter(running.sample.at) < _quarter(sample.at)
        if crossed:
            self._note_register(sample.session, running)
        running.sample, running.noted = sample, False
        if crossed:
            self._note_register(sample.session, running)
            self._flush()

    def hold(self, held: HeldLimit) -> None:
        """Keep what a charger was last told."""
        self._measurements.hold(held)

    def see(self, tick: Tick) -> None:
        """Look at what the sessions do at a turn of the control loop. Neither blocks nor raises."""
        try:
            points = {session.id: point for point, session in tick.sessions.items()}
            for session, point in points.items():
                state, setpoint = tick.points.get(point), tick.plan.setpoints.get(point)
                if state is not None:
                    limit_a = None if setpoint is None else setpoint.limit_a
                    self._see(session, tick.at, activity_of(state.state, limit_a))
            for ended in self._ended(points, tick.at):
                del self._running[ended]
            self._flush()
        except Exception:
            log.exception("chronicle_failed")

    def _see(self, session: str, at: datetime, activity: Activity) -> None:
        running = self._running.setdefault(session, _Running())
        if running.at is not None and at - running.at > 2 * UNSEEN:
            self._note(session, running, running.at + UNSEEN, Activity.WITHHELD)
        if running.activity is not activity or running.at is None or at - running.at >= UNSEEN:
            self._note_register(session, running)
            self._note(session, running, at, activity)

    def _note(self, session: str, running: _Running, at: datetime, activity: Activity) -> None:
        self._waiting.append(Observed(session, at, activity))
        running.activity, running.at = activity, at

    def _note_register(self, session: str, running: _Running) -> None:
        sample = running.sample
        if sample is not None and not running.noted and running.activity is not None:
            self._waiting.append(Observed(session, sample.at, running.activity, sample.register_wh))
            running.noted = True

    def _ended(self, points: Mapping[str, str], at: datetime) -> list[str]:
        """Those not looked at any more; a session that began a moment ago is not among those looked at yet."""
        return [
            session
            for session, running in self._running.items()
            if session not in points and (running.sample is None or at - running.sample.at > UNSEEN)
        ]

    def _flush(self) -> None:
        """Have the ledger write what waits; what it could not write waits again."""
        if self._writing is not None:
            future, rows = self._writing
            if not future.done():
                return
            self._writing = None
            error = future.exception()
            if isinstance(error, LedgerUnavailable):
                self._waiting.extendleft(reversed(rows))
            elif error is not None:
                log.error("readings_refused", rows=len(rows), error=str(error))
        if self._waiting:
            rows = tuple(self._waiting)
            self._waiting.clear()
            self._writing = (self._readings.keep_observed(rows), rows)


def _quarter(at: datetime) -> int:
    return int(at.timestamp()) // QUARTER_S
