"""What the hours ahead cost by tariffs of several charges, and what the running window is held to by them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from controller.peakshave.catalogue import (
    california,
    contract,
    flanders,
    germany_rlm,
    netherlands_kw_max,
    sweden_hourly,
)
from controller.peakshave.demand_ahead import AIM_SHARE, charges_ahead
from controller.peakshave.demand_tariff import DemandTariff
from controller.peakshave.keeper import PeakKeeper
from controller.peakshave.peak_facts import ClosedWindow, Flow, PeakTerms
from controller.peakshave.windows import Window
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import MeterOwn

BRUSSELS = ZoneInfo("Europe/Brussels")
STOCKHOLM = ZoneInfo("Europe/Stockholm")
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
CALIFORNIA = california(facility_per_kw_month=Decimal(10), on_peak_per_kw_month=Decimal(20))
NETHERLANDS = netherlands_kw_max(
    per_kw_max_month=Decimal(2), contracted_kw=Decimal(50), per_contracted_kw_month=Decimal(3)
)
SWEDEN = sweden_hourly(per_kw_month=Decimal(60))


def local(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def window(text: str, kw: float, zone: ZoneInfo, length_s: int = 900) -> Window:
    return Window(local(text, zone).astimezone(UTC), length_s, kw * length_s / 3.6, float(length_s))


def keeper(tariff: DemandTariff, zone: ZoneInfo, *past: Window, **terms: float) -> PeakKeeper:
    """Of a site whose building draws nothing."""
    main = Circuit("main", None, (400.0, 400.0, 400.0), meter="grid")
    site = Site("S", (main,), (ChargingPoint("P1", "main", "CP1", 1),), time_zone=zone.key)
    return PeakKeeper(site, PeakTerms(tariff, **terms), [ClosedWindow(one, None, one.energy_wh) for one in past])


def target_kw(of: PeakKeeper, at: datetime, planned_kw: float | None) -> float | None:
    """What the window that begins at this moment is held to."""
    of.see(at, at.timestamp(), Flow(0.0, 0.0, 0.0), {}, {}, {})
    of.limits(at, planned_kw)
    status = of.status(at)
    assert status is not None
    return None if status.target_w is None else round(status.target_w / 1000.0, 3)


def test_californian_afternoons_are_billed_besides() -> None:
    past = (window("2026-07-06T10:00", 60.0, LOS_ANGELES), window("2026-07-06T17:00", 25.0, LOS_ANGELES))
    at = local("2026-07-15T15:05", LOS_ANGELES)
    facility, on_peak = charges_ahead(past, PeakTerms(CALIFORNIA, expected_kw=0.0), at, LOS_ANGELES, 96)
    assert (facility.per_kw, facility.floor_kw) == (10.0, pytest.approx(60.0))
    assert (on_peak.per_kw, on_peak.floor_kw) == (20.0, pytest.approx(25.0))
    assert on_peak.weights == (0.0,) * 4 + (1.0,) * 20 + (0.0,) * 72
    assert facility.weights == (1.0,) * 96


def test_in_winter_and_on_a_holiday_californian_afternoons_cost_nothing_besides() -> None:
    winter = charges_ahead((), PeakTerms(CALIFORNIA), local("2026-01-14T15:05", LOS_ANGELES), LOS_ANGELES, 96)
    assert len(winter) == 1
    terms = PeakTerms(CALIFORNIA, holidays={date(2026, 7, 3)})
    friday = charges_ahead((), terms, local("2026-07-03T09:00", LOS_ANGELES), LOS_ANGELES, 96)
    assert len(friday) == 1, "and the day after is a Saturday"


def test_each_charge_learns_from_its_own_hours() -> None:
    past = [
        window(f"2026-{month:02}-08T{hour}:00", kw, LOS_ANGELES)
        for month in (6, 7, 8)
        for hour, kw in ((10, 80.0), (17, 30.0))
    ]
    at = local("2026-09-01T15:05", LOS_ANGELES)
    facility, on_peak = charges_ahead(past, PeakTerms(CALIFORNIA), at, LOS_ANGELES, 24)
    assert (facility.expected_kw, on_peak.expected_kw) == (pytest.approx(80.0), pytest.approx(30.0))


def test_a_californian_afternoon_is_held_to_its_own_peak_and_the_evening_is_not() -> None:
    past = (window("2026-07-06T10:00", 60.0, LOS_ANGELES), window("2026-07-06T17:00", 25.0, LOS_ANGELES))
    held = keeper(CALIFORNIA, LOS_ANGELES, *past)
    assert target_kw(held, local("2026-07-15T15:45", LOS_ANGELES), 60.0) == 60.0
    assert target_kw(held, local("2026-07-15T16:00", LOS_ANGELES), 31.0) == 31.0, "what the plan finds worth it"
    assert target_kw(held, local("2026-07-15T16:15", LOS_ANGELES), 3.0) == 25.0, "what is paid for"
    assert target_kw(held, local("2026-07-15T21:00", LOS_ANGELES), 60.0) == 60.0


def test_without_a_plan_only_what_is_expected_holds_anybody_back() -> None:
    past = (window("2026-05-06T10:00", 60.0, LOS_ANGELES),)
    held = keeper(CALIFORNIA, LOS_ANGELES, *past)
    afternoon = local("2026-06-15T17:00", LOS_ANGELES)
    assert target_kw(held, afternoon, None) == 60.0, "of the first summer month's afternoons nothing is known"
    assert target_kw(held, afternoon + timedelta(minutes=15), 0.0) == 0.0
    assert target_kw(keeper(CALIFORNIA, LOS_ANGELES), afternoon, None) is None


def test_a_fixed_target_bounds_every_charge() -> None:
    held = keeper(NETHERLANDS, BRUSSELS, window("2026-03-02T10:00", 20.0, BRUSSELS), target_kw=35.0)
    assert target_kw(held, local("2026-03-10T10:00", BRUSSELS), 48.0) == 35.0
    assert target_kw(held, local("2026-03-10T10:15", BRUSSELS), None) == 35.0


def test_a_dutch_contract_is_a_second_step_of_a_year() -> None:
    past = (window("2026-03-02T10:00", 20.0, BRUSSELS), window("2026-02-02T10:00", 30.0, BRUSSELS))
    at = local("2026-03-10T10:00", BRUSSELS)
    month, contracted = charges_ahead(past, PeakTerms(NETHERLANDS), at, BRUSSELS, 96)
    assert (month.per_kw, month.paid_kw, month.floor_kw) == pytest.approx((2.0, 20.0, 30.0))
    assert (contracted.per_kw, contracted.floor_kw) == pytest.approx((36.0, 50.0))
    held = keeper(NETHERLANDS, BRUSSELS, *past)
    assert target_kw(held, at, None) == 30.0, "up to the contract is the plan's to decide"
    assert target_kw(held, at + timedelta(minutes=15), 47.0) == 47.0


def test_above_a_contract_with_a_penalty_only_the_penalty_counts() -> None:
    tariff = contract(contracted_kw=Decimal(40), per_contracted_kw_month=Decimal(3), per_kw_above_month=Decimal(9))
    (above,) = charges_ahead((), PeakTerms(tariff, expected_kw=0.0), local("2026-03-10T10:00", BRUSSELS), BRUSSELS, 96)
    assert (above.per_kw, above.floor_kw) == (9.0, 40.0)


def test_swedish_nights_bear_twice_the_power_and_each_day_makes_a_peak_of_its_own() -> None:
    past = [window(f"2026-11-{day:02}T18:00", kw, STOCKHOLM, 3600) for day, kw in ((3, 30.0), (4, 24.0), (5, 18.0))]
    at = local("2026-11-10T20:30", STOCKHOLM)
    today, tomorrow = charges_ahead(past, PeakTerms(SWEDEN, expected_kw=0.0), at, STOCKHOLM, 24)
    assert today.weights == (1.0, 1.0, 0.5, 0.5) + (0.0,) * 20
    assert tomorrow.weights == (0.0,) * 4 + (0.5,) * 6 + (1.0,) * 14
    assert today.per_kw == tomorrow.per_kw == pytest.approx(20.0)
    assert today.floor_kw == tomorrow.floor_kw == pytest.approx(18.0), "the third-highest day"
    held = keeper(SWEDEN, STOCKHOLM, *past, expected_kw=0.0)
    assert target_kw(held, local("2026-11-10T21:00", STOCKHOLM), 5.0) == 18.0
    assert target_kw(held, local("2026-11-10T22:00", STOCKHOLM), 5.0) == 36.0


def test_a_month_that_ends_within_the_hours_ahead_takes_its_peak_with_it() -> None:
    past, at = (window("2026-03-10T10:00", 41.0, BRUSSELS),), local("2026-03-31T20:00", BRUSSELS)
    own = MeterOwn(0.0, month_peak_w=43_000.0)
    terms = PeakTerms(flanders(per_kw_year=Decimal(60)))
    march, april = charges_ahead(past, terms, at, BRUSSELS, 96, own)
    assert (march.floor_kw, march.weights) == (pytest.approx(43.0), (1.0,) * 16 + (0.0,) * 80)
    assert (april.paid_kw, april.expected_kw) == (2.5, pytest.approx(41.0)), "what March has brought is expected"
    assert april.weights == (0.0,) * 16 + (1.0,) * 80
    assert march.per_kw == april.per_kw == pytest.approx(5.0)


def test_a_plan_does_not_take_for_granted_all_that_the_months_before_have_brought() -> None:
    """Without a plan, nobody could raise a target that is too low; what somebody has said holds as it was said."""
    tariff, at = flanders(per_kw_year=Decimal(60)), local("2026-04-02T10:00", BRUSSELS)
    past = (window("2026-03-10T10:00", 40.0, BRUSSELS),)
    (learned,) = charges_ahead(past, PeakTerms(tariff), at, BRUSSELS, 1)
    assert (learned.floor_kw, learned.planned_floor_kw) == (pytest.approx(40.0), pytest.approx(AIM_SHARE * 40.0))
    assert target_kw(keeper(tariff, BRUSSELS, *past), at, None) == 40.0
    assert target_kw(keeper(tariff, BRUSSELS, *past), at, 10.0) == pytest.approx(AIM_SHARE * 40.0)
    assert target_kw(keeper(tariff, BRUSSELS, *past), at, 44.0) == 44.0
    (said,) = charges_ahead(past, PeakTerms(tariff, expected_kw=40.0), at, BRUSSELS, 1)
    assert said.planned_floor_kw == 40.0


def test_a_year_s_peak_is_one_across_its_months_and_two_across_years() -> None:
    terms = PeakTerms(germany_rlm(per_kw_year=Decimal(120)), expected_kw=0.0)
    past = (window("2026-02-10T10:00", 41.0, BRUSSELS),)
    (year,) = charges_ahead(past, terms, local("2026-03-31T20:00", BRUSSELS), BRUSSELS, 96)
    assert year.floor_kw == pytest.approx(41.0)
    old, new = charges_ahead(past, terms, local("2026-12-31T20:00", BRUSSELS), BRUSSELS, 96)
    assert (old.floor_kw, new.floor_kw) == (pytest.approx(41.0), 0.0)
