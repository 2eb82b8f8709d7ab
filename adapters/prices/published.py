"""What a kWh costs now, for everybody who asks, and a word whenever that changes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from adapters.learned import Notes
from controller.peakshave.peak_facts import PeakStatus
from controller.peakshave.price_lever import LeverTerms, PriceLevel, PriceLever, PriceSignal
from controller.plan import Event
from controller.ports.common import EventSink
from controller.ports.tick import PriceNow
from controller.site import Site

NOTE: Final = "published_price"

log = structlog.get_logger(__name__)


class PublishedPrice:
    """The price of one site.

    Args:
        site: tells currency and time zone.
        usual_per_kwh: what a kWh costs as a rule; None where the site has no tariff.
        terms: when it costs more; None: never.
        on_event: hears when the price is raised and lowered.
        notes: keep what is published over a restart.
    """

    def __init__(
        self, site: Site, usual_per_kwh: Decimal | None, terms: LeverTerms | None, on_event: EventSink, notes: Notes
    ) -> None:
        self._notes = notes
        self._currency, self._zone, self._on_event = site.currency, ZoneInfo(site.time_zone), on_event
        self._lever = None if terms is None else PriceLever(terms)
        self._now = None if usual_per_kwh is None and terms is None else PriceNow(usual_per_kwh)

    def restore(self, at: datetime) -> None:
        """Go on with a raised price of before the restart, for as long as it was to last; blocks for milliseconds."""
        text = None if self._lever is None else self._notes.kept(NOTE)
        if self._lever is None or self._now is None or text is None:
            return
        try:
            signal = self._lever.restore(_signal(text), at)
        except ValueError as error:
            log.warning("price_begins_anew", error=str(error))
            return
        if signal is not None:
            self._now = replace(self._now, signal=signal)

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
            self._now = replace(before, signal=signal)
            self._notes.keep(NOTE, _text(signal))
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


def _text(signal: PriceSignal) -> str:
    return json.dumps(
        {
            "level": signal.level.value,
            "surcharge_per_kwh": str(signal.surcharge_per_kwh),
            "since": signal.since.isoformat(),
            "until": signal.until.isoformat() if signal.until else None,
        }
    )


def _signal(text: str) -> PriceSignal:
    """What ``_text`` has written.

    Raises:
        ValueError: it is something else, or damaged.
    """
    try:
        document = json.loads(text)
        until = document["until"]
        signal = PriceSignal(
            PriceLevel(document["level"]),
            Decimal(document["surcharge_per_kwh"]),
            datetime.fromisoformat(document["since"]),
            None if until is None else datetime.fromisoformat(until),
        )
    except (KeyError, TypeError, InvalidOperation) as error:
        raise ValueError(f"it is damaged ({type(error).__name__}: {error})") from None
    if signal.since.tzinfo is None or (signal.until is not None and signal.until.tzinfo is None):
        raise ValueError("it is damaged (a time without a zone)")
    return signal
