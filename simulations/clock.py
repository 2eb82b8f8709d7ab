"""Virtual time: a heap of things to do, each at its moment. Nobody sleeps."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

Action = Callable[[], None]


class VirtualClock:
    """A clock that stands still until it is told how far to go; fulfils ``controller.ports.common.Clock``.

    Args:
        start_s: a time of day [Unix s]; every other time counts from there.
        now_s: the time at which it begins; before the start where it is negative.
    """

    def __init__(self, start_s: float, now_s: float = 0.0) -> None:
        self._start = datetime.fromtimestamp(start_s, UTC)
        self._now_s = now_s
        self._due: list[tuple[float, int, Action]] = []
        self._order = count()

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return self._start + timedelta(seconds=self._now_s)

    def monotonic_s(self) -> float:
        """Seconds since the start."""
        return self._now_s

    def at(self, time_s: float, action: Action) -> None:
        """Do this at that time, or next where that has passed. What is due at once is done in the order of asking."""
        heapq.heappush(self._due, (max(time_s, self._now_s), next(self._order), action))

    def run_until(self, time_s: float) -> None:
        """Do everything that is due before that time; then it is that time."""
        due = self._due
        while due and due[0][0] < time_s:
            self._now_s, _, action = heapq.heappop(due)
            action()
        self._now_s = time_s
