"""How fairly the last day was shared out: who was admitted for how much of the time in which a car wanted to charge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from controller.explain import Turn
from controller.site import Site
from controller.units import TOLERANCE_A

HOURS: Final = 24
"""The day is kept by the hour, whatever happens in it."""
GAP_MOST_S: Final = 5.0
"""A longer gap between two turns is an interruption of the service, and nobody's wait."""
WANTED_LEAST_S: Final = 60.0
"""A point that wanted to charge for less than this says nothing about fairness."""


@dataclass(frozen=True, slots=True)
class Fairness:
    """The last 24 hours."""

    jain_index: float | None
    """From 1/n to 1, over the share of its wanted time for which each point was admitted; None: nobody wanted."""
    longest_wait_s: float
    """The longest that any car waited to be admitted without a break [s]."""
    longest_wait_point: str | None
    """Where that was."""


class DayOfFairness:
    """Adds up turns of the control loop by the hour; bounded by the hours of a day. Not thread-safe."""

    def __init__(self, site: Site) -> None:
        shape = (HOURS + 1, len(site.points))
        self._points = [point.id for point in site.points]
        self._wanted_s, self._served_s, self._wait_s = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self._hours = np.full(HOURS + 1, -1)
        """Which hour since 1970 stands in each row."""
        self._last: datetime | None = None

    def add(self, turn: Turn) -> None:
        """Count the time since the last turn as what this one says of it.

        Who waits because of the plan or its own limits wants nothing that others have.
        """
        at, memory, facts = turn.snapshot.at, turn.decision.memory, turn.decision.basis.facts
        passed_s = 0.0 if self._last is None else (at - self._last).total_seconds()
        passed_s = passed_s if 0.0 < passed_s <= GAP_MOST_S else 0.0
        self._last = at
        serving = ~np.isnan(memory.admitted_since_s[0])
        waiting = ~np.isnan(memory.unserved_since_s[0]) & (facts.max_a[0] >= facts.min_a[0] - TOLERANCE_A)
        row = self._row(at)
        self._wanted_s[row] += passed_s * (serving | waiting)
        self._served_s[row] += passed_s * serving
        waited_s = np.where(waiting, turn.snapshot.monotonic_s - memory.unserved_since_s[0], 0.0)
        np.maximum(self._wait_s[row], waited_s, out=self._wait_s[row])

    def figures(self) -> Fairness:
        """Of the day up to the last turn.

        Jain's index (Jain, Chiu, Hawe: A quantitative measure of fairness and discrimination, DEC-TR-301, 1984).
        """
        if self._last is None:
            return Fairness(None, 0.0, None)
        recent = self._hours > _hour(self._last) - HOURS
        wanted_s, served_s = self._wanted_s[recent].sum(axis=0), self._served_s[recent].sum(axis=0)
        counted = wanted_s >= WANTED_LEAST_S
        share = served_s[counted] / wanted_s[counted]
        squares = float((share**2).sum())
        index = float(share.sum()) ** 2 / (share.size * squares) if squares > 0.0 else None
        waits_s = self._wait_s[recent].max(axis=0)
        worst = int(waits_s.argmax()) if waits_s.size else 0
        longest_s = float(waits_s[worst]) if waits_s.size else 0.0
        return Fairness(index, longest_s, self._points[worst] if longest_s > 0.0 else None)

    def _row(self, at: datetime) -> int:
        hour = _hour(at)
        row = hour % (HOURS + 1)
        if self._hours[row] != hour:
            self._hours[row] = hour
            for kept in (self._wanted_s, self._served_s, self._wait_s):
                kept[row] = 0.0
        return row


def _hour(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp() // 3600)
