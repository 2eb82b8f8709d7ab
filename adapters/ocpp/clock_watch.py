"""How far a charger's clock is off, as the times that it sends tell."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Final

from adapters.ocpp.surroundings import Premises
from controller.hub_satellite.deadman import CLOCK_SKEW_S
from controller.plan import Severity

_SAMPLES: Final = 5
"""Times in a row by which a charger's clock is judged: a single late message may have waited in a queue."""


class ClockWatch:
    """Watches the clock of one station.

    Args:
        around: our own time, and where is told that its clock is wrong.
        subject: the station, in what is told.
    """

    def __init__(self, around: Premises, subject: str) -> None:
        self._around, self._subject = around, subject
        self._offsets_s: deque[float] = deque(maxlen=_SAMPLES)
        self.ahead_s = 0.0
        """How far it is ahead (+) or behind (-) [s]; 0 while within what is allowed for."""

    @property
    def late_s(self) -> float:
        """By how much the station's schedules may end late [s]."""
        return max(CLOCK_SKEW_S, -self.ahead_s)

    def connected(self) -> None:
        """Judge by what comes on this connection: before, messages may have waited."""
        self._offsets_s.clear()

    def hear(self, told: datetime | None) -> None:
        """Judge it by a time that the station sent just now.

        A message may have waited in the charger, so only the least delayed of the latest few shows how far a
        clock is behind.
        """
        if told is None:
            return
        self._offsets_s.append((told - self._around.clock.now()).total_seconds())
        newest_s = max(self._offsets_s)
        judged = newest_s > 0 or len(self._offsets_s) == _SAMPLES
        ahead_s = newest_s if judged and abs(newest_s) > CLOCK_SKEW_S else 0.0
        if ahead_s and not self.ahead_s:
            message = f"its clock is {abs(ahead_s):.0f} s {'ahead' if ahead_s > 0 else 'behind'}"
            self._around.report("charger_clock_skewed", self._subject, message, Severity.WARNING)
        self.ahead_s = ahead_s
