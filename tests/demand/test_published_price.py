"""The published price follows the demand window, and says so when it changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from adapters.published_price import PublishedPrice
from controller.peakshave.peak_facts import PeakStatus
from controller.peakshave.price_lever import LeverTerms, PriceLevel
from controller.plan import Event
from tests.support.web import BEGIN, made_peak, small_site

SITE = small_site()
USUAL = Decimal("0.35")
TERMS = LeverTerms(Decimal("0.15"))


def course(minute: float, projected_w: float) -> PeakStatus:
    """A site at that minute whose target is 40 kW."""
    begins_at = BEGIN + timedelta(minutes=minute // 15 * 15)
    window = replace(made_peak().window, begins_at=begins_at, marks=())
    return made_peak(window=window, passed_s=60.0 * (minute % 15), projected_w=projected_w, target_w=40_000.0)


def test_a_change_is_told_once_with_how_much_and_until_when() -> None:
    events: list[Event] = []
    price = PublishedPrice(SITE, USUAL, TERMS, events.append)
    told = []
    for minute in range(50):
        now = price.see(BEGIN + timedelta(minutes=minute), course(minute, 39_000.0 if 5 <= minute < 14 else 10_000.0))
        assert now is not None
        told.append(now.per_kwh)
    assert (told[4], told[6], told[29], told[30]) == (USUAL, Decimal("0.50"), Decimal("0.50"), USUAL)
    assert [(one.kind, one.subject) for one in events] == [("price_raised", "price"), ("price_lowered", "price")]
    assert events[0].message == "the site nears its peak: a kWh costs 0.15 EUR more until 10:30"
    assert events[0].at == BEGIN + timedelta(minutes=6)


def test_without_a_lever_the_price_is_always_the_usual_one() -> None:
    price = PublishedPrice(SITE, USUAL, None, lambda _: None)
    now = price.see(BEGIN, course(0, 39_000.0))
    assert now is not None
    assert (now.per_kwh, now.signal) == (USUAL, None)
    assert PublishedPrice(SITE, None, None, lambda _: None).see(BEGIN, None) is None


def test_before_a_demand_window_is_known_nothing_is_raised() -> None:
    price = PublishedPrice(SITE, None, TERMS, lambda _: None)
    before = price.see(BEGIN, None)
    assert before is not None
    assert (before.per_kwh, before.signal) == (None, None)
    first = price.see(BEGIN, course(0, 39_000.0))
    assert first is not None
    assert first.signal is not None
    assert first.signal.level is PriceLevel.NORMAL
