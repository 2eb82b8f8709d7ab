"""A meter that counts the running quarter and the month's peak by itself is believed before our own count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from controller.engine import decide
from controller.peak import Peak
from controller.peakshave.catalogue import flanders, sweden_hourly
from controller.peakshave.demand_tariff import DemandTariff
from controller.peakshave.peak_facts import PeakTerms
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import MeterOwn, PointState, Reading, Snapshot, State

TEN = datetime(2026, 7, 15, 10, tzinfo=UTC)
SITE = Site(
    "S",
    (Circuit("main", None, (63.0, 63.0, 63.0), meter="grid", base_load_a=(10.0, 10.0, 10.0)),),
    (ChargingPoint("P1", "main", "S1", 1),),
)


def see(peak: Peak, second: int, own: MeterOwn | None = None, age_s: float = 0.0) -> float:
    """A moment at 6.9 kW; returns the energy of the running window [Wh]."""
    at = TEN + timedelta(seconds=second)
    reading = Reading((10.0, 10.0, 10.0), at - timedelta(seconds=age_s), power_w=(2300.0, 2300.0, 2300.0), own=own)
    points = {"P1": PointState(State.CHARGING)}
    snapshot = Snapshot(at, at.timestamp(), {"grid": reading}, points=points)
    peak.see(snapshot, decide(SITE, None, snapshot))
    status = peak.status(at)
    assert status is not None
    return status.window.energy_wh


def peak_of(tariff: DemandTariff) -> Peak:
    return Peak(SITE, PeakTerms(tariff))


def test_the_meters_count_is_believed_and_goes_on_between_its_words():
    peak = peak_of(flanders(per_kw_year=Decimal(50)))
    see(peak, 0)
    ours_wh = see(peak, 2)
    assert ours_wh == pytest.approx(6900 * 2 / 3600)
    for second in range(3, 61):
        see(peak, second)
    assert see(peak, 61, MeterOwn(2000.0)) == 500.0
    assert see(peak, 62) == pytest.approx(500.0 + 6900 / 3600)


def test_what_was_said_long_ago_counts_for_nothing():
    peak = peak_of(flanders(per_kw_year=Decimal(50)))
    for second in range(60):
        before_wh = see(peak, second)
    after_wh = see(peak, 60, MeterOwn(2000.0), age_s=5.0)
    assert 0.0 < after_wh - before_wh < 10.0


def test_a_months_peak_that_only_the_meter_knows_is_paid_for_already():
    peak = peak_of(flanders(per_kw_year=Decimal(50)))
    see(peak, 61, MeterOwn(0.0, 20_000.0, TEN - timedelta(days=3)))
    see(peak, 62)  # the meter is silent about it for a moment
    status = peak.status(TEN + timedelta(seconds=62))
    assert status is not None
    assert status.floor_w == 20_000.0


def test_quarters_of_the_meter_say_nothing_of_billed_hours():
    peak = peak_of(sweden_hourly(per_kw_month=Decimal(5)))
    for second in range(61):
        before_wh = see(peak, second)
    assert 0.0 < see(peak, 61, MeterOwn(2000.0, 20_000.0)) - before_wh < 10.0
