"""What energy systems limit single charging points to: one more bound of their current, until it is cleared."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.ports.ledger import LedgerUnavailable
from controller.snapshot import PointState

MOST_A: Final = 1000.0
"""More than any charging point has: whoever says more means watts."""


class PointLimitBook(Protocol):
    """These limits, on record. Safe to call from any thread."""

    def limits_a(self) -> Mapping[str, float]:
        """By point; blocks for milliseconds, raises ``LedgerUnavailable``."""
        ...

    def keep_limit(self, point: str, limit_a: float | None, at: datetime) -> Future[None]:
        """Add what holds from now on, None: no limit. Returns at once; raises or holds ``LedgerUnavailable``."""
        ...


class PointLimits:
    """By point, the current that it may have at most. For one thread.

    A limit counts from the loop's next turn on, even if it cannot be put on record; on record it outlasts restarts.
    """

    def __init__(
        self, book: PointLimitBook, clock: Clock, on_event: EventSink, on_change: Callable[[], None] = lambda: None
    ) -> None:
        """``on_change`` is called when another limit than before counts."""
        self._book, self._clock, self._on_event, self._on_change = book, clock, on_event, on_change
        self._limits_a: dict[str, float] = {}

    def restore(self) -> None:
        """Take up what held before a restart. Blocks for milliseconds; raises ``LedgerUnavailable``."""
        self._limits_a = dict(self._book.limits_a())

    def say(self, point: str, limit_a: float | None) -> None:
        """Limit a point [A]; None: no longer. Below its minimum it gets nothing. Never blocks.

        Raises:
            ValueError: it is negative, not finite or more than any point has; the limit before it stays.
        """
        if limit_a is not None and not (math.isfinite(limit_a) and 0 <= limit_a <= MOST_A):
            raise ValueError(f"expected amperes from 0 to {MOST_A:g}, or none, found {limit_a:g}")
        if self._limits_a.get(point) == limit_a:
            return
        if limit_a is None:
            del self._limits_a[point]
        else:
            self._limits_a[point] = limit_a
        self._on_change()
        text = "is no longer limited" if limit_a is None else f"is limited to {limit_a:g} A"
        self._tell("point_limited", point, text)
        try:
            self._book.keep_limit(point, limit_a, self._clock.now()).add_done_callback(
                lambda kept: self._unrecorded(point) if kept.exception() else None
            )
        except LedgerUnavailable:
            self._unrecorded(point)

    def overlaid(self, states: Mapping[str, PointState]) -> Mapping[str, PointState]:
        """The points' states, with their limits as one more bound of their current."""
        changed = {
            point: replace(state, max_a=limit_a if state.max_a is None else min(state.max_a, limit_a))
            for point, limit_a in self._limits_a.items()
            if (state := states.get(point)) is not None
        }
        return {**states, **changed} if changed else states

    def _unrecorded(self, point: str) -> None:
        self._tell(
            "point_limit_unrecorded", point, "its limit is not on record, and ends with a restart", Severity.WARNING
        )

    def _tell(self, kind: str, point: str, text: str, severity: Severity = Severity.INFO) -> None:
        self._on_event(Event(kind, f"point:{point}", text, severity, self._clock.now()))
