"""What a kWh costs now, for everybody who asks, and a word whenever that changes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import structlog

from controller.peakshave.peak_facts import PeakStatus
from controller.peakshave.price_lever import LeverTerms, PriceLevel, PriceLever, PriceSignal
from controller.plan import Event
from controller.ports import EventSink, PriceNow
from controller.site import Site

log = structlog.get_logger(__name__)


class PublishedPrice:
    """The price of one site.

    Args:
        site: tells currency and time zone.
        usual_per_kwh: what a kWh costs as a rule; None where the site has no tariff.
        terms: when it costs more; None: never.
        on_event: hears when the price is raised and lowered.
    """

    def __init__(
        self, site: Site, usual_per_kwh: Decimal | None, terms: LeverTerms | None, on_event: EventSink
    ) -> None:
        self._currency, self._zone, self._on_event = site.currency, ZoneInfo(site.time_zone), on_event
        self._lever = None if terms is None else PriceLever(terms)
        self._now = None if usual_per_kwh is None and terms is None else PriceNow(usual_per_kwh)

    def see(self, at: datetime, status: PeakStatus | None) -> PriceNow | None:
        """What it is now, as the demand window stands; None where there is none. Neither blocks nor raises."""
        before = self._now
        if before is None or self._lever is None or status is None:
            return before
        try:
            signal = self._lever.see(at, status)
        except Exception:
            log.exception("price_lever_failed")
            return before
        level = PriceLevel.NORMAL if before.signal is None else before.signal.level
        if signal is not before.signal:
            self._now = PriceNow(before.usual_per_kwh, signal)
        if signal.level is not level:
            self._on_event(self._event(at, signal))
        return self._now

    def _event(self, at: datetime, signal: PriceSignal) -> Event:
        if signal.level is PriceLevel.NORMAL or signal.until is None:
            return Event("price_lowered", "price", "a kWh costs the usual price again", at=at)
        until = signal.until.astimezone(self._zone)
        text = (
            f"the site nears its peak: a kWh costs {signal.surcharge_per_kwh} {self._currency} more until {until:%H:%M}"
        )
        return Event("price_raised", "price", text, at=at)
