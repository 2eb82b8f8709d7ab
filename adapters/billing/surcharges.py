"""What nearing the peak adds to the price of sessions that begin, and when it did."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Final

from controller.peakshave.price_lever import PriceLevel, PriceSignal
from controller.tariffs.offers import Surcharge, SurchargeTerms

SURCHARGES_KEPT: Final = 500
"""Starts that were announced late are looked up among these: some days of a site that is always near its peak."""


class Surcharges:
    """When nearing the peak adds to the price of sessions that begin. Thread-safe."""

    def __init__(self, terms: SurchargeTerms) -> None:
        self._terms = terms
        self._spans: deque[tuple[datetime, datetime | None, Surcharge]] = deque(maxlen=SURCHARGES_KEPT)

    def see(self, at: datetime, signal: PriceSignal | None) -> None:
        """Follow what is published."""
        last = self._spans[-1] if self._spans else None
        running = last is not None and last[1] is None
        high = signal is not None and signal.level is PriceLevel.HIGH
        if running and last is not None and not high:
            self._spans[-1] = (last[0], at, last[2])
        elif high and signal is not None and not running:
            surcharge = Surcharge(signal.surcharge_per_kwh, self._terms.per_session, signal.since)
            self._spans.append((signal.since + self._terms.notice, None, surcharge))

    def at(self, moment: datetime) -> Surcharge | None:
        """What is added to a session that begins at a moment."""
        for begins, ends, surcharge in reversed(tuple(self._spans)):
            if begins <= moment and (ends is None or moment < ends):
                return surcharge
        return None
