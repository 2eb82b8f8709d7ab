"""The price of a kWh goes up while the site nears its peak, and comes down calmly."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from controller.peakshave.price_lever import LeverTerms, PriceLevel, PriceLever, PriceSignal
from controller.peakshave.windows import METER_GAP, Window
from tests.support.web import BEGIN, made_peak

TERMS = LeverTerms(Decimal("0.15"), near=0.9, least_s=900.0)
QUARTER_S = 900.0
TARGET_W = 40_000.0


class Watched:
    """A lever that looks every five seconds at a site of a given power."""

    def __init__(self, terms: LeverTerms = TERMS) -> None:
        self.lever = PriceLever(terms)
        self.now_s, self.energy_wh, self.shift = 0.0, 0.0, timedelta()
        self.told: list[PriceSignal] = []

    @property
    def at(self) -> datetime:
        return BEGIN + timedelta(seconds=self.now_s) + self.shift

    def run(
        self,
        seconds: float,
        power_w: float,
        *,
        billed: bool = True,
        target_w: float | None = TARGET_W,
        marks: tuple[str, ...] = (),
    ) -> PriceSignal:
        for _ in range(round(seconds / 5.0)):
            passed_s = self.now_s % QUARTER_S
            if passed_s == 0.0:
                self.energy_wh = 0.0
            window = Window(self.at - timedelta(seconds=passed_s), 900, self.energy_wh, passed_s, marks)
            projected_w = (self.energy_wh * 3600.0 + power_w * (QUARTER_S - passed_s)) / QUARTER_S
            first = passed_s == 0.0  # as in the loop: the target of a window is known from its second turn on
            status = made_peak(
                window=window,
                passed_s=passed_s,
                projected_w=projected_w,
                billed=billed,
                target_w=None if first else target_w,
            )
            signal = self.lever.see(self.at, status)
            if not self.told or signal != self.told[-1]:
                self.told.append(signal)
            self.now_s, self.energy_wh = self.now_s + 5.0, self.energy_wh + power_w * 5.0 / 3600.0
        return self.told[-1]

    def levels(self) -> list[str]:
        return [one.level.value for one in self.told]


def minute(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def test_the_price_goes_up_a_minute_after_the_site_nears_its_peak() -> None:
    site = Watched()
    before = site.run(120.0, 20_000.0)
    assert (before.level, before.surcharge_per_kwh, before.until) == (PriceLevel.NORMAL, Decimal(0), None)
    site.run(300.0, 60_000.0)
    high = site.run(180.0, 38_000.0)
    assert (high.level, high.surcharge_per_kwh) == (PriceLevel.HIGH, Decimal("0.15"))
    assert minute(3) <= high.since <= minute(4)
    assert high.until == minute(30), "a whole quarter of an hour at least, to the end of a window"


def test_it_stays_up_while_windows_end_near_the_peak_and_is_lowered_where_one_begins() -> None:
    site = Watched()
    site.run(3 * QUARTER_S, 38_000.0)
    site.run(QUARTER_S, 34_000.0)
    assert site.levels() == ["normal", "high", "high", "high"], "only the end moves, a window at a time"
    assert [one.until for one in site.told[1:]] == [minute(30), minute(45), minute(60)]
    assert len({one.since for one in site.told[1:]}) == 1
    site.run(QUARTER_S, 30_000.0)
    lowered = site.run(60.0, 30_000.0)
    assert (lowered.level, lowered.since, lowered.until) == (PriceLevel.NORMAL, minute(75), None)


def test_a_short_surge_raises_no_price() -> None:
    site = Watched()
    for _ in range(5):
        site.run(50.0, 60_000.0)
        site.run(130.0, 5_000.0)
    assert site.levels() == ["normal"]


def test_a_longer_least_duration_is_kept_however_soon_the_surge_ends() -> None:
    site = Watched(LeverTerms(Decimal("0.15"), least_s=2400.0))
    high = site.run(120.0, 60_000.0)
    assert high.until == minute(45)
    assert site.run(2 * QUARTER_S, 0.0).level is PriceLevel.HIGH
    assert site.run(QUARTER_S, 0.0).level is PriceLevel.NORMAL
    assert site.told[-1].since == minute(45)


@pytest.mark.parametrize(
    "quiet",
    [{"billed": False}, {"target_w": None}, {"target_w": 0.0}, {"marks": (METER_GAP,)}],
    ids=["not billed", "nothing to gain", "no target worth the name", "the meter is silent"],
)
def test_nothing_raises_the_price_where(quiet: dict[str, object]) -> None:
    site = Watched()
    site.run(QUARTER_S, 60_000.0, **quiet)  # type: ignore[arg-type]
    assert site.levels() == ["normal"]


def test_a_window_that_is_not_billed_ends_a_high_price_at_once() -> None:
    site = Watched(LeverTerms(Decimal("0.15"), least_s=7200.0))
    assert site.run(QUARTER_S, 38_000.0).level is PriceLevel.HIGH
    lowered = site.run(60.0, 38_000.0, billed=False)
    assert (lowered.level, lowered.since) == (PriceLevel.NORMAL, minute(15))


def test_a_clock_that_is_set_back_does_not_keep_the_price_up() -> None:
    site = Watched()
    site.run(QUARTER_S, 38_000.0)
    site.shift = -timedelta(days=30)
    assert site.run(QUARTER_S, 10_000.0).level is PriceLevel.HIGH, "the window before it ended near the peak"
    assert site.run(QUARTER_S, 10_000.0).level is PriceLevel.NORMAL
