"""What all meters share: their samples are judged, the last good one is kept, and troubles are told once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.metering.plausibility import Judge, Trouble
from adapters.metering.sample import Sample
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.snapshot import Reading

HOLD_S: Final = 3.0
"""The controller believes a reading for this long (controller.site.Control.hold_s); one lost poll is no loss yet."""
WATCH_S: Final = 0.5
"""How often a meter that speaks by itself is looked after; much shorter than ``HOLD_S``."""
OWN_S: Final = 0.5
"""What a meter says of the running demand window is of the moment: later it would lag behind what has flowed since."""
GOOD_AGAIN: Final = 5
"""Good samples in a row that end a trouble, so that a meter on the edge is one event and not one a second."""

_SEVERITY: Final[Mapping[Trouble, Severity]] = {
    Trouble.LOST: Severity.ALARM,
    Trouble.IMPLAUSIBLE: Severity.ALARM,
    Trouble.FROZEN: Severity.ALARM,
    Trouble.PHASE_LOST: Severity.WARNING,
    Trouble.TOO_SLOW: Severity.ALARM,
}


class Intake:
    """The last good sample of one meter.

    Events have the subject ``meter:<id>``: one of a ``Trouble`` kind when that trouble begins, and one
    ``meter_back`` when all of it is over.
    """

    def __init__(
        self, meter_id: str, judge: Judge, clock: Clock, on_event: EventSink, on_reading: Callable[[], None] | None
    ) -> None:
        self._id = meter_id
        self._judge = judge
        self._clock = clock
        self._on_event = on_event
        self._on_reading = on_reading or (lambda: None)
        self._good: tuple[Sample, float] | None = None
        self._heard_s = clock.monotonic_s()
        self._troubles: set[Trouble] = set()
        self._good_in_a_row = 0

    def take(self, sample: Sample, measured_s: float) -> None:
        """Judge a sample that was measured at ``measured_s`` (monotonic), and keep it if it is good."""
        self._heard_s = self._clock.monotonic_s()
        verdict = self._judge.verdict(sample, measured_s)
        if verdict.sample is not None:
            self._good = (verdict.sample, measured_s)
            self._on_reading()
        if verdict.trouble is not None:
            self._begin(verdict.trouble, verdict.reason)
        else:
            self._end()

    def refuse(self, reason: str, trouble: Trouble = Trouble.IMPLAUSIBLE) -> None:
        """The meter said something that cannot be used at all."""
        self._heard_s = self._clock.monotonic_s()
        self._begin(trouble, reason)

    def miss(self, reason: str) -> None:
        """The meter did not answer."""
        self._good_in_a_row = 0
        self.watch(reason)

    def watch(self, reason: str) -> None:
        """Call the meter lost, for that reason, when it has said nothing for ``HOLD_S``. Call often."""
        if self._clock.monotonic_s() - self._heard_s > HOLD_S:
            self._begin(Trouble.LOST, reason)

    async def attend(self, listening: Coroutine[Any, Any, None], silent_because: Callable[[], str]) -> None:
        """Look after a meter that speaks by itself, for as long as somebody listens.

        Args:
            listening: hears it, until cancelled.
            silent_because: why it may be that it says nothing.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listening)
            while True:
                self.watch(silent_because())
                await asyncio.sleep(WATCH_S)

    def reading(self, now: datetime, monotonic_s: float) -> Reading | None:
        """The last good reading, dated ``now`` minus its age; None when there has been none."""
        if self._good is None:
            return None
        sample, measured_s = self._good
        age_s = max(0.0, monotonic_s - measured_s)
        if age_s > OWN_S:
            sample = replace(sample, own=None)
        return sample.reading(now - timedelta(seconds=age_s))

    def _begin(self, trouble: Trouble, reason: str) -> None:
        self._good_in_a_row = 0
        if trouble not in self._troubles:
            self._troubles.add(trouble)
            self._tell(trouble, f"meter {self._id}: {reason}", _SEVERITY[trouble])

    def _end(self) -> None:
        self._good_in_a_row += 1
        if self._troubles and self._good_in_a_row >= GOOD_AGAIN:
            self._troubles.clear()
            self._tell("meter_back", f"meter {self._id}: {GOOD_AGAIN} good readings in a row", Severity.INFO)

    def _tell(self, kind: str, message: str, severity: Severity) -> None:
        self._on_event(Event(str(kind), f"meter:{self._id}", message, severity, self._clock.now()))
