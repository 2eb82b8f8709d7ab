"""From a tariff to the chargers: what demand costs goes into a plan, and the plan's peak into the running window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from controller.loadbalance.horizon.outlook import CarOutlook, Outlook
from controller.loadbalance.horizon.planner import HorizonPlan, Planner
from controller.peak import demand_ahead
from controller.peakshave.catalogue import california, sweden_hourly
from controller.peakshave.keeper import PeakKeeper
from controller.peakshave.peak_facts import ClosedWindow, Flow, PeakTerms
from controller.peakshave.windows import Window
from controller.site import ChargingPoint, Circuit, Site

PRICE = 0.3


def site_in(zone: ZoneInfo) -> Site:
    main = Circuit("main", None, (200.0, 200.0, 200.0), meter="grid")
    points = tuple(ChargingPoint(f"P{n}", "main", f"S{n}", 1) for n in range(3))
    return Site("S", (main,), points, time_zone=zone.key)


def plan_of(keeper: PeakKeeper, site: Site, at: datetime, slot_s: float, kwh: float, hours: float) -> HorizonPlan:
    """Three cars that need so much together until then, at one price, beside a building of 6.9 kW."""
    slots = round(24 * 3600 / slot_s)
    leaves = at + timedelta(hours=hours)
    return Planner(floor_slots=0, advised_slots=8).plan(
        Outlook(
            site=site,
            at=at,
            begins_at=at,
            slot_s=slot_s,
            price_per_kwh=np.full(slots, PRICE),
            background_a=np.full((slots, 1, 3), 10.0),
            cars=tuple(CarOutlook(one.id, (0, 1, 2), 6.0, 32.0, kwh / 3 * 1000, leaves) for one in site.points),
            demand=demand_ahead(keeper, at, slot_s, slots),
        )
    )


def allowed_kw(keeper: PeakKeeper, plan: HorizonPlan, at: datetime) -> float | None:
    """What charging may draw at the beginning of a window, beside the building."""
    keeper.see(at, at.timestamp(), Flow(6_900.0, 0.0, 6_900.0), {}, {}, {})
    limits = keeper.limits(at, plan.advice.peak_at(at))
    return limits[0].limit_w / 1000.0 if limits else None


@pytest.mark.parametrize("slot_s", [300.0, 900.0, 1800.0, 3600.0])
def test_charging_moves_out_of_californian_afternoons(slot_s: float) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    site, at = site_in(zone), datetime(2026, 7, 15, 15, tzinfo=zone).astimezone(UTC)
    tariff = california(facility_per_kw_month=Decimal(10), on_peak_per_kw_month=Decimal(20))
    paid = Window(at - timedelta(days=2), 900, 15_000.0, 900.0)
    keeper = PeakKeeper(site, PeakTerms(tariff), [ClosedWindow(paid, None, 15_000.0)])
    plan = plan_of(keeper, site, at, slot_s, kwh=120.0, hours=9.0)
    drawn_kw = plan.current_a.sum(axis=0) * 0.69
    hours = np.arange(drawn_kw.size) * slot_s / 3600.0
    assert drawn_kw[(hours >= 1.0) & (hours < 6.0)].max() == pytest.approx(0.0, abs=1e-6)
    of_window = max(1, round(900.0 / slot_s))
    assert drawn_kw[:of_window].mean() == pytest.approx(60.0 - 6.9), "up to what is paid for at any time"
    assert plan.unmet_wh.sum() == pytest.approx(0.0, abs=1e-3)


def test_the_running_window_is_held_by_what_bills_it() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    site, at = site_in(zone), datetime(2026, 7, 15, 15, 30, tzinfo=zone).astimezone(UTC)
    tariff = california(facility_per_kw_month=Decimal(10), on_peak_per_kw_month=Decimal(20))
    paid = Window(at - timedelta(days=2, hours=4), 900, 15_000.0, 900.0)
    keeper = PeakKeeper(site, PeakTerms(tariff), [ClosedWindow(paid, None, 15_000.0)])
    plan = plan_of(keeper, site, at, 900.0, kwh=60.0, hours=9.0)
    assert allowed_kw(keeper, plan, at) == pytest.approx(0.995 * 60.0 - 6.9, abs=0.1)
    on_peak = at + timedelta(minutes=30)
    assert allowed_kw(keeper, plan, on_peak) == pytest.approx(0.0, abs=0.1), "by a plan that was made before it began"


def test_swedish_nights_take_twice_as_much() -> None:
    zone = ZoneInfo("Europe/Stockholm")
    site, at = site_in(zone), datetime(2026, 11, 10, 0, tzinfo=zone).astimezone(UTC)
    keeper = PeakKeeper(site, PeakTerms(sweden_hourly(per_kw_month=Decimal(60)), expected_kw=0.0))
    plan = plan_of(keeper, site, at, 3600.0, kwh=200.0, hours=8.0)
    load_kw = plan.current_a.sum(axis=0) * 0.69 + 6.9
    assert load_kw[:6] == pytest.approx([2.0 * load_kw[6]] * 6)
    assert allowed_kw(keeper, plan, at) == pytest.approx(0.995 * load_kw[0] - 6.9, rel=0.01)


@pytest.mark.parametrize("minute", [0, 15, 30, 45])
def test_hourly_windows_begin_by_a_clock_that_is_half_an_hour_beside_utc(minute: int) -> None:
    zone = ZoneInfo("Asia/Kolkata")
    site, at = site_in(zone), datetime(2026, 11, 10, 0, minute, tzinfo=zone).astimezone(UTC)
    keeper = PeakKeeper(site, PeakTerms(sweden_hourly(per_kw_month=Decimal(60)), expected_kw=0.0))
    keeper.charges(at - timedelta(minutes=40))
    plan = plan_of(keeper, site, at, 900.0, kwh=200.0, hours=8.0 - minute / 60)
    load_kw = plan.current_a.sum(axis=0) * 0.69 + 6.9
    hours_kw = load_kw[4 - minute // 15 :][: 7 * 4].reshape(-1, 4).mean(axis=1)
    assert hours_kw[:5] == pytest.approx([2.0 * hours_kw[5]] * 5), "what is drawn from 22 to 6 counts half"
    assert hours_kw[6] == pytest.approx(hours_kw[5])
