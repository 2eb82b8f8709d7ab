"""When the price of a kWh is raised for drivers who can wait, because the site nears its peak.

A site nears its peak while its running demand window is on course for a large part of its target. The price then goes
up within a minute, and comes down only where a window begins: whoever reads it can plan by it. What a session
costs is decided with the tariffs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from controller.peakshave.peak_facts import PeakStatus
from controller.peakshave.windows import HOUR_S, METER_GAP

SURE_S: Final = 60.0
"""For so long a window must be on course before the price is raised: the start of a lift is no reason."""

CALM: Final = 0.9
"""A window must end below this part of what raises the price before it is lowered."""


class PriceLevel(StrEnum):
    """What the published price is."""

    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class LeverTerms:
    """When the price is raised, by how much, and for how long at least."""

    surcharge_per_kwh: Decimal
    """In the site's currency."""
    near: float = 0.9
    """The part of a window's target that it must be on course for."""
    least_s: float = 900.0
    """Rounded up to whole demand windows [s]."""


@dataclass(frozen=True, slots=True)
class PriceSignal:
    """What is published for flexible drivers."""

    level: PriceLevel
    surcharge_per_kwh: Decimal
    """What a kWh costs more than usual; 0 while the level is normal."""
    since: datetime
    until: datetime | None
    """Until then a high price stays, unless a window before it is not billed; None: nobody knows how long."""


class PriceLever:
    """Follows one site's demand windows, and says what the price is."""

    def __init__(self, terms: LeverTerms) -> None:
        self._terms = terms
        self._signal: PriceSignal | None = None
        self._window_at: datetime | None = None
        self._share = 0.0
        """What the running window is on course for, as a part of its target; 0: not known."""
        self._near_since: datetime | None = None

    def restore(self, kept: PriceSignal, at: datetime) -> PriceSignal | None:
        """Go on from the last signal of before a restart, if it still holds; return what is gone on from.

        Args:
            kept: what was published last.
            at: the wall clock, aware.
        """
        if kept.level is PriceLevel.NORMAL or kept.until is None or not kept.since <= at < kept.until:
            return None
        if (kept.until - at).total_seconds() > self._terms.least_s + HOUR_S:  # no window is longer than an hour
            return None
        self._signal = replace(kept, surcharge_per_kwh=self._terms.surcharge_per_kwh)
        return self._signal

    def see(self, at: datetime, status: PeakStatus) -> PriceSignal:
        """What the price is now.

        Args:
            at: the wall clock, aware; called every second or so.
            status: the running demand window.
        """
        window_at = status.window.begins_at
        if self._signal is None:
            self._signal = self._normal(at)
        elif window_at != self._window_at:
            self._signal = self._at_beginning(self._signal, at, status)
        if window_at != self._window_at:
            self._window_at, self._share, self._near_since = window_at, 0.0, None
        self._follow(at, status)
        if self._signal.level is PriceLevel.NORMAL and status.billed and self._sure(at):
            self._signal = self._high(at, status)
        return self._signal

    def _at_beginning(self, signal: PriceSignal, at: datetime, status: PeakStatus) -> PriceSignal:
        """What the price is where a window begins, by how the one before it has ended."""
        near, high = self._terms.near, signal.level is PriceLevel.HIGH
        if not status.billed:
            return self._normal(at) if high else signal
        window_at = status.window.begins_at
        # A clock that was set back must not keep a price up until it has caught up.
        if signal.until is not None and window_at < signal.until and signal.since <= at:
            return signal
        if self._share >= (CALM * near if high else near):
            return self._high(signal.since if high and signal.since <= at else window_at, status)
        return self._normal(at) if high else signal

    def _follow(self, at: datetime, status: PeakStatus) -> None:
        # What a silent meter leaves to be assumed raises no price.
        if status.target_w is None or status.target_w <= 0.0 or METER_GAP in status.window.marks:
            return
        self._share = status.projected_w / status.target_w
        if self._share < self._terms.near:
            self._near_since = None
        elif self._near_since is None or self._near_since > at:
            self._near_since = at

    def _sure(self, at: datetime) -> bool:
        return self._near_since is not None and (at - self._near_since).total_seconds() >= SURE_S

    def _normal(self, at: datetime) -> PriceSignal:
        return PriceSignal(PriceLevel.NORMAL, Decimal(0), at, None)

    def _high(self, since: datetime, status: PeakStatus) -> PriceSignal:
        """A high price until the end of a window: of this one at least, and not before its least duration is over."""
        window = status.window
        least_s = (since - window.begins_at).total_seconds() + self._terms.least_s
        windows = max(1, math.ceil(least_s / window.length_s))
        until = window.begins_at + timedelta(seconds=windows * window.length_s)
        return PriceSignal(PriceLevel.HIGH, self._terms.surcharge_per_kwh, since, until)
