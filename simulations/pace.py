"""Accelerated time: an event loop on which waiting is shortened and work is not.

What the loop computes takes as long as it takes; only where it would wait, simulated time passes ``factor`` times as
fast as the machine's, and never beyond the moment for which it waits. So a busy or slow machine makes a run longer,
and hardly changes what happens in it: the control loop still turns every simulated second.

The loop waits for its calls in threads at the machine's pace, and so for the ledger's commit before a charger is
answered. What else works in threads of its own takes ``factor`` times as long in simulated time as it does; nothing
that matters for control does. What other processes do beside it is not accelerated. Decisions reach chargers as fast
as in real time up to a factor of 300 at least (measured: docs/explanation/two-depths.md).
"""

from __future__ import annotations

import asyncio
import math
import select
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, TypeVarTuple

FASTEST: Final = 1000.0
"""A wait of a second then takes a millisecond, which is what the machine can wait for."""

_Arguments = TypeVarTuple("_Arguments")
_Result = TypeVar("_Result")


class Pace:
    """A clock (``controller.ports.common.Clock``) of simulated time; safe to be read from any thread.

    Args:
        factor: how much waiting is shortened; 1: real time.
        unix_s: the time of day at which it begins [Unix s]; None: the machine's.

    Raises:
        ValueError: the factor is not from 1 to ``FASTEST``.
    """

    def __init__(self, factor: float = 1.0, unix_s: float | None = None) -> None:
        if not 1.0 <= factor <= FASTEST:
            raise ValueError(f"expected a factor from 1 to {FASTEST:g}, got {factor}")
        self.factor = factor
        machine_s = time.monotonic()
        self._mark = (machine_s, machine_s)
        """A moment on the machine's monotonic clock, and what simulated time it was [s]."""
        self._offset_s = (time.time() if unix_s is None else unix_s) - machine_s

    def monotonic_s(self) -> float:
        """Simulated seconds that never jump."""
        machine_s, simulated_s = self._mark
        return simulated_s + time.monotonic() - machine_s

    def now_s(self) -> float:
        """Simulated time of day [Unix s]; it never jumps."""
        return self._offset_s + self.monotonic_s()

    def now(self) -> datetime:
        """Simulated time of day, aware, in UTC."""
        return datetime.fromtimestamp(self.now_s(), UTC)

    def wait(self, wait: Callable[[float], _Result], simulated_s: float) -> _Result:
        """Wait for up to so many simulated seconds with a function that waits for up to so many of the machine's."""
        began_s, began_simulated_s = time.monotonic(), self.monotonic_s()
        found = wait(simulated_s / self.factor)
        waited_s = time.monotonic() - began_s
        passed_s = max(waited_s, min(self.factor * waited_s, simulated_s))
        self._mark = (began_s + waited_s, began_simulated_s + passed_s)
        return found


class _PacedSelector(selectors.EpollSelector):
    """Waits as long as a pace wants it to."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace
        self.in_threads = 0
        """Calls that are being carried out in threads."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.in_threads or (timeout is not None and timeout <= 0.0):
            return super().select(timeout)
        if timeout is None:
            timeout = math.inf
        return self._pace.wait(self._select, timeout)

    def _select(self, timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
        # An epoll object counts in milliseconds; as a file that becomes readable it is waited for more finely.
        select.select([self.fileno()], [], [], timeout if math.isfinite(timeout) else None)
        return super().select(0)


class PacedLoop(asyncio.SelectorEventLoop):
    """An event loop that lives by a pace: every timer, timeout and poll on it."""

    def __init__(self, pace: Pace) -> None:
        self._waiting = _PacedSelector(pace)
        super().__init__(self._waiting)
        self._pace = pace

    def time(self) -> float:
        """Simulated monotonic time [s]."""
        return self._pace.monotonic_s()

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Arguments], _Result], *args: *_Arguments
    ) -> asyncio.Future[_Result]:
        """Run a function in a thread, at the machine's pace until it returns."""
        future = super().run_in_executor(executor, func, *args)
        self._waiting.in_threads += 1
        future.add_done_callback(self._returned)
        return future

    def _returned(self, _: asyncio.Future[Any]) -> None:
        self._waiting.in_threads -= 1
