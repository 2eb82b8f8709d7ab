"""How fast simulated time runs on this machine, and an event loop that lives in it.

Everything that waits on the event loop waits in simulated time: sleeps, timeouts, keep-alives, polls. What waits in
threads of its own does not: the web server, the ledger's and the measurements' writers, InfluxDB's. None of them
takes part in control but the ledger, whose answers to a charger take ``factor`` times as long as on a real site.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From a moment on, simulated seconds pass ``factor`` times as fast as the machine's."""

    machine_s: float
    simulated_s: float
    factor: float


@dataclass(slots=True)
class Pace:
    """A clock (``controller.ports.Clock``) of simulated time, the same in every process that has the same numbers.

    ``CLOCK_MONOTONIC`` is one for the whole machine, so nothing needs to be exchanged but changes of pace.
    """

    unix_s: float
    """Simulated time of day at the origin [Unix s]."""
    origin_s: float
    """Machine time at the origin [s of ``time.monotonic``]. Simulated monotonic time begins with it too."""
    _stretches: list[_Stretch] = field(init=False)

    def __post_init__(self) -> None:
        self._stretches = [_Stretch(self.origin_s, self.origin_s, 1.0)]

    @classmethod
    def beginning(cls, unix_s: float | None = None) -> Pace:
        """Time that passes as fast as it does, from this moment on; ``unix_s``: what is the time now, if not true."""
        return cls(time.time() if unix_s is None else unix_s, time.monotonic())

    def change(self, factor: float, at_s: float) -> None:
        """Run at another speed from ``at_s`` on [s of ``time.monotonic``], later than any change before.

        Raises:
            ValueError: the factor is not a number above 0, or the moment lies before the last change.
        """
        if not 0.0 < factor < math.inf:
            raise ValueError(f"factor: expected a number above 0, got {factor}")
        last = self._stretches[-1]
        if at_s < last.machine_s:
            raise ValueError(f"at_s: expected a moment after {last.machine_s}, got {at_s}")
        simulated_s = last.simulated_s + (at_s - last.machine_s) * last.factor
        self._stretches = [*self._stretches, _Stretch(at_s, simulated_s, factor)]

    def monotonic_s(self) -> float:
        """Simulated seconds that never jump."""
        machine_s = time.monotonic()
        stretch = next(s for s in reversed(self._stretches) if s.machine_s <= machine_s or s is self._stretches[0])
        return stretch.simulated_s + (machine_s - stretch.machine_s) * stretch.factor

    def machine_s(self, simulated_s: float) -> float:
        """When it is that time on the machine's clock [s of ``time.monotonic``]."""
        stretch = next(s for s in reversed(self._stretches) if s.simulated_s <= simulated_s or s is self._stretches[0])
        return stretch.machine_s + (simulated_s - stretch.simulated_s) / stretch.factor

    def now_s(self) -> float:
        """Simulated time of day [Unix s]; it never jumps."""
        return self.unix_s + self.monotonic_s() - self.origin_s

    def now(self) -> datetime:
        """Simulated time of day, aware, in UTC."""
        return datetime.fromtimestamp(self.now_s(), UTC)


class _PacedSelector(selectors.DefaultSelector):
    """Waits on the machine as long as the loop wants to wait in simulated time."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0.0:
            timeout = self._pace.machine_s(self._pace.monotonic_s() + timeout) - time.monotonic()
        return super().select(timeout)


class PacedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is a pace's."""

    def __init__(self, pace: Pace) -> None:
        super().__init__(_PacedSelector(pace))
        self._pace = pace

    def time(self) -> float:
        """Simulated monotonic time [s]."""
        return self._pace.monotonic_s()
