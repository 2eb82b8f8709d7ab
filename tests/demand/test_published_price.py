"""The published price follows the demand window, and says so when it changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.prices.published import PublishedPrice
from controller.peakshave.peak_facts import PeakStatus
from controller.peakshave.price_lever import LeverTerms, PriceLevel
from controller.plan import Event
from tests.support.web import BEGIN, made_peak, small_site

SITE = small_site()
USUAL = Decimal("0.35")
TERMS = LeverTerms(Decimal("0.15"))


class Kept(dict[str, str]):
    """Notes that outlive a restart."""

    def keep(self, name: str, text: str) -> None:
        self[name] = text

    def kept(self, name: str) -> str | None:
        return self.get(name)


def raised(notes: Kept) -> None:
    """A service that has raised the price at minute 6, until minute 30, and was stopped at minute 10."""
    price = PublishedPrice(SITE, USUAL, TERMS, lambda _: None, notes)
    for minute in range(10):
        price.see(BEGIN + timedelta(minutes=minute), course(minute, 39_000.0 if minute >= 5 else 10_000.0))


def course(minute: float, projected_w: float) -> PeakStatus:
    """A site at that minute whose target is 40 kW."""
    begins_at = BEGIN + timedelta(minutes=minute // 15 * 15)
    window = replace(made_peak().window, begins_at=begins_at, marks=())
    return made_peak(window=window, passed_s=60.0 * (minute % 15), projected_w=projected_w, target_w=40_000.0)


def test_a_change_is_told_once_with_how_much_and_until_when() -> None:
    events: list[Event] = []
    price = PublishedPrice(SITE, USUAL, TERMS, events.append, Kept())
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
    price = PublishedPrice(SITE, USUAL, None, lambda _: None, Kept())
    now = price.see(BEGIN, course(0, 39_000.0))
    assert now is not None
    assert (now.per_kwh, now.signal) == (USUAL, None)
    assert PublishedPrice(SITE, None, None, lambda _: None, Kept()).see(BEGIN, None) is None


def test_before_a_demand_window_is_known_nothing_is_raised() -> None:
    price = PublishedPrice(SITE, None, TERMS, lambda _: None, Kept())
    before = price.see(BEGIN, None)
    assert before is not None
    assert (before.per_kwh, before.signal) == (None, None)
    first = price.see(BEGIN, course(0, 39_000.0))
    assert first is not None
    assert first.signal is not None
    assert first.signal.level is PriceLevel.NORMAL


def test_a_raised_price_outlives_a_restart_and_ends_when_it_was_to_end() -> None:
    raised(notes := Kept())
    events: list[Event] = []
    price = PublishedPrice(SITE, USUAL, TERMS, events.append, notes)
    price.restore(BEGIN + timedelta(minutes=12))
    told = [price.see(BEGIN + timedelta(minutes=12), None)]
    told += [price.see(BEGIN + timedelta(minutes=m), course(m, 10_000.0)) for m in range(12, 32)]
    prices = [now.per_kwh for now in told if now is not None]
    assert prices == [Decimal("0.50")] * 19 + [USUAL] * 2
    assert [one.kind for one in events] == ["price_lowered"], "that it was raised has been told before"


def test_after_a_long_absence_the_price_is_the_usual_one() -> None:
    raised(notes := Kept())
    price = PublishedPrice(SITE, USUAL, TERMS, lambda _: None, notes)
    price.restore(BEGIN + timedelta(minutes=30))
    now = price.see(BEGIN + timedelta(minutes=30), course(30, 10_000.0))
    assert now is not None
    assert now.per_kwh == USUAL


def test_a_surcharge_that_was_changed_meanwhile_counts_as_it_is_now() -> None:
    raised(notes := Kept())
    price = PublishedPrice(SITE, USUAL, replace(TERMS, surcharge_per_kwh=Decimal("0.20")), lambda _: None, notes)
    price.restore(BEGIN + timedelta(minutes=12))
    now = price.see(BEGIN + timedelta(minutes=12), course(12, 39_000.0))
    assert now is not None
    assert now.per_kwh == Decimal("0.55")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"level": "dear", "surcharge_per_kwh": "0.15", "since": "2026-11-20T09:06:00Z", "until": null}',
        '{"level": "high", "surcharge_per_kwh": "much", "since": "2026-11-20T09:06:00Z", "until": null}',
        '{"level": "high", "surcharge_per_kwh": "0.15", "since": "2026-11-20T09:06:00", "until": null}',
        '{"level": "high", "surcharge_per_kwh": "0.15", "since": "2000-01-01T00:00Z", "until": "2999-01-01T00:00Z"}',
    ],
)
def test_a_note_that_is_damaged_or_absurd_raises_no_price(text: str) -> None:
    notes = Kept(published_price=text)
    price = PublishedPrice(SITE, USUAL, TERMS, lambda _: None, notes)
    price.restore(BEGIN)
    now = price.see(BEGIN, course(0, 10_000.0))
    assert now is not None
    assert now.per_kwh == USUAL
