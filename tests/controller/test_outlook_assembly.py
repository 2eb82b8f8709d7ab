"""From what is known at one moment to what a plan is made from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from controller.loadbalance.horizon.assembly import (
    LEAST_WH,
    UNKNOWN_WH,
    Known,
    Past,
    Shown,
    Terms,
    first_slot,
    outlook_of,
)
from controller.loadbalance.horizon.history import Stay, likely_visits, usual_departure, usual_energy_wh
from controller.loadbalance.horizon.outlook import CarOutlook, Demand, DemandPart, Outlook, check
from controller.loadbalance.horizon.planner import Planner
from controller.site import ChargingPoint, Circuit, Site, Station
from controller.snapshot import ExternalLimit, PointState, Snapshot, State

ZONE = ZoneInfo("Europe/Amsterdam")
WEDNESDAY = datetime(2026, 11, 18, tzinfo=ZONE)
NOW = datetime(2026, 11, 18, 9, 7, tzinfo=UTC)
SITE = Site(
    "s",
    (Circuit("main", None, (63.0,) * 3, meter="grid", base_load_a=(20.0,) * 3),),
    (ChargingPoint("P1", "main", "C1", 1, priority=1, weight=2.0), ChargingPoint("P2", "main", "C2", 1, phases=(1,))),
    time_zone="Europe/Amsterdam",
)
TERMS = Terms(900.0, 96, 1.0)
CHARGING = PointState(State.CHARGING, delivered_wh=2_000)


PEAK = Demand((DemandPart(5.0),))


def outlook(
    past: dict[str, Past] | None = None,
    shown: Shown | None = None,
    site: Site = SITE,
    limits: tuple[ExternalLimit, ...] = (),
    background_a: float = 0.0,
    demand: Demand | None = None,
    **points: PointState,
) -> Outlook:
    background = np.full((96, len(site.circuits), 3), background_a)
    known = Known(Snapshot(NOW, 0.0, limits=limits, points=points), shown, background, demand)
    found = outlook_of(site, known, past or {}, TERMS, np.full(96, 0.3))
    check(found)
    return found


def only_car(found: Outlook) -> CarOutlook:
    (car,) = found.cars
    return car


def stays(
    days: int, arrives_h: float, leaves_h: float, energy_wh: float = 20_000.0, weekends: bool = False
) -> list[Stay]:
    """One on each day of so many before Wednesday."""
    mornings = [WEDNESDAY - timedelta(days=number) for number in range(1, days + 1)]
    return [
        Stay(day + timedelta(hours=arrives_h), day + timedelta(hours=leaves_h), energy_wh)
        for day in mornings
        if weekends or day.weekday() < 5
    ]


def test_slots_lie_on_the_clock():
    assert first_slot(NOW, 900.0) == datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
    assert first_slot(NOW, 300.0) == datetime(2026, 11, 18, 9, 5, tzinfo=UTC)
    assert outlook().begins_at == first_slot(NOW, 900.0)


def test_what_was_asked_is_what_is_planned_for():
    leaves = NOW + timedelta(hours=5)
    asked = PointState(
        State.WITHHELD, energy_needed_wh=9_000, least_needed_wh=4_000, departs_at=leaves, priority=7, weight=0.5
    )
    car = only_car(outlook(P1=asked))
    assert (car.point, car.phases, car.min_a, car.max_a) == ("P1", (0, 1, 2), 6.0, 32.0)
    assert (car.energy_wh, car.least_wh, car.priority, car.eager) == (9_000, 4_000, 7, False)


@pytest.mark.parametrize(
    ("leaves_h", "energy_wh", "ready_h"),
    [(5.0, 9_000, 4.5), (1.0, 9_000, 0.85), (1.0, 19_000, 19.0 / 22.08), (0.5, 40_000, 0.5)],
    ids=["half an hour early", "a part of the time early", "as early as it can be", "no time to lose"],
)
def test_needs_had_better_be_met_a_little_before_the_departure(leaves_h: float, energy_wh: int, ready_h: float):
    """Batteries take less as they fill; but nobody is told of a lack that there need not be."""
    asked = PointState(State.WITHHELD, energy_needed_wh=energy_wh, departs_at=NOW + timedelta(hours=leaves_h))
    car = only_car(outlook(P1=asked))
    assert car.departs_at == asked.departs_at
    assert car.ready_at is not None
    assert (car.ready_at - NOW).total_seconds() == pytest.approx(3600.0 * ready_h)


@pytest.mark.parametrize(("leaves_min", "eager"), [(14.0, True), (16.0, False)])
def test_who_leaves_within_a_slot_is_made_to_wait_for_nothing(leaves_min: float, eager: bool):
    asked = PointState(State.WITHHELD, energy_needed_wh=500, departs_at=NOW + timedelta(minutes=leaves_min))
    assert only_car(outlook(P1=asked)).eager is eager


def test_of_whom_nothing_is_known_much_is_expected_and_nobody_lets_him_wait():
    car = only_car(outlook(P2=CHARGING))
    assert (car.phases, car.energy_wh, car.eager) == ((1,), UNKNOWN_WH - 2_000, True)
    assert car.departs_at == first_slot(NOW, 900.0) + timedelta(hours=24)


def test_who_still_asks_after_all_that_was_asked_for_is_not_done_and_need_not_wait():
    full = PointState(State.CHARGING, energy_needed_wh=0, departs_at=NOW + timedelta(hours=2))
    car = only_car(outlook(P1=full))
    assert (car.energy_wh, car.eager) == (LEAST_WH, True)


@pytest.mark.parametrize(
    "state",
    [
        PointState(State.AVAILABLE),
        PointState(State.EV_IDLE),
        PointState(State.OFFLINE),
        PointState(State.CHARGING, obeys=False),
        PointState(State.CHARGING, max_a=0.0),
    ],
)
def test_who_cannot_be_given_anything_is_not_planned_for(state: PointState):
    assert outlook(P1=state).cars == ()


def test_the_lowest_maximum_counts_also_that_of_a_charger_that_bears_few_writes():
    assert only_car(outlook(P1=PointState(State.CHARGING, max_a=10.0))).max_a == pytest.approx(10.0)
    frugal = Site("s", SITE.circuits, SITE.points, (Station("C1", writes_per_day=10),))
    tight = Site("s", (Circuit("main", None, (30.0,) * 3, base_load_a=(20.0,) * 3),), SITE.points[:1], frugal.stations)
    assert only_car(outlook(site=tight, P1=CHARGING)).max_a == pytest.approx(10.0)


def test_a_car_that_has_shown_one_phase_and_ten_amperes_is_planned_with_these():
    shown = Shown(
        takes_a=np.array([[10.0, np.inf]]),
        uses=np.array([[[True, False, False], [False, True, False]]]),
        needs_a=np.array([[7.5, 6.0]]),
    )
    car = only_car(outlook(shown=shown, P1=CHARGING))
    assert (car.phases, car.min_a, car.max_a) == ((0,), 7.5, 10.0)


def test_limits_of_others_are_expected_to_stay():
    (bound,) = outlook(limits=(ExternalLimit("main", 9_000.0, "grid_operator"),)).bounds
    assert bound.circuit == "main"
    assert bound.limit_w.tolist() == [9_000.0] * 96


def test_a_limit_on_charging_alone_leaves_room_for_the_building():
    limits = (ExternalLimit("main", 9_000.0, "grid_operator", charging_only=True),)
    (bound,) = outlook(limits=limits, background_a=10.0).bounds
    assert bound.limit_w.tolist() == [pytest.approx(9_000.0 + 3 * 10.0 * 230.0)] * 96


@pytest.mark.parametrize("late_h", [0.0, 0.01, 3.0])
def test_who_is_still_there_after_the_told_departure_gets_the_rest_before_those_with_time(late_h: float):
    """His car leaves as soon as it can have what it needs: it may wait for nothing, and lacks nothing."""
    late = PointState(State.CHARGING, energy_needed_wh=9_000, departs_at=NOW - timedelta(hours=late_h))
    patient = PointState(State.CHARGING, energy_needed_wh=9_000, departs_at=NOW + timedelta(hours=20))
    found = outlook(background_a=25.0, P1=late, P2=patient)
    assert (found.cars[0].departs_at - NOW).total_seconds() == pytest.approx(3600 * 9_000 / (32.0 * 690.0))
    plan = Planner().plan(found)
    assert plan.advice.points["P1"].target_a[:2] == (pytest.approx(32.0), pytest.approx(32.0))
    assert plan.advice.points["P1"].cap_a[:2] == (None, None)
    assert plan.advice.shortfall_wh == {}


@pytest.mark.parametrize("needed_wh", [0, None])
def test_who_stays_after_the_told_departure_and_lacks_nothing_that_is_known_may_stay_for_ever(needed_wh: int | None):
    stays_on = PointState(State.CHARGING, energy_needed_wh=needed_wh, departs_at=NOW - timedelta(hours=1))
    found = outlook(P1=stays_on)
    assert only_car(found).departs_at == first_slot(NOW, 900.0) + timedelta(hours=24)
    assert only_car(found).eager
    assert Planner().plan(found).advice.shortfall_wh == {}


def test_with_a_past_departure_and_energy_are_expected_cautiously():
    past = Past(stays(28, 8.5, 17.5) + stays(28, 8.5, 15.0, 4_000.0), WEDNESDAY + timedelta(hours=8))
    car, _tomorrows = outlook({"P1": past}, P1=CHARGING).cars
    assert car.departs_at == datetime(2026, 11, 18, 14, tzinfo=UTC), "15:00 at the site: a quarter leave by then"
    assert car.energy_wh == pytest.approx(18_000), "three quarters need 20 kWh at most; 2 are there already"
    assert not car.eager


def test_who_stays_longer_than_anybody_did_may_stay_for_ever():
    past = stays(28, 1.0, 9.5)
    assert usual_departure(past, WEDNESDAY + timedelta(hours=1), WEDNESDAY + timedelta(hours=10)) is None


def test_a_stay_over_night_is_one_over_night():
    past = stays(28, 18.0, 31.0)
    arrived = WEDNESDAY + timedelta(hours=18)
    assert usual_departure(past, arrived, arrived) == WEDNESDAY + timedelta(hours=31)


def test_nine_stays_are_no_habit():
    nine: Sequence[Stay] = stays(12, 8.0, 17.0, weekends=True)[:9]
    assert usual_departure(nine, WEDNESDAY, WEDNESDAY) is None
    assert usual_energy_wh(nine, WEDNESDAY.date()) is None
    assert list(likely_visits(nine, WEDNESDAY, WEDNESDAY + timedelta(days=1))) == []


def test_who_comes_on_most_wednesdays_is_expected_on_this_one():
    past = stays(28, 10.5, 17.0)
    (car,) = outlook({"P1": Past(past)}).cars
    assert car.arrives_at == datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
    assert (car.departs_at, car.energy_wh) == (datetime(2026, 11, 18, 16, tzinfo=UTC), 20_000.0)
    assert not car.eager


def test_who_is_late_is_not_expected_any_more_today():
    visits = list(likely_visits(stays(28, 8.0, 17.0), WEDNESDAY + timedelta(hours=10), WEDNESDAY + timedelta(hours=34)))
    assert [visit.arrives for visit in visits] == [WEDNESDAY + timedelta(hours=32)], "but tomorrow"


def test_who_comes_on_few_wednesdays_or_never_at_weekends_is_not_expected():
    some = [stay for stay in stays(70, 8.0, 17.0) if stay.arrived.isocalendar().week % 3 == 0]
    assert list(likely_visits(some, WEDNESDAY, WEDNESDAY + timedelta(hours=24))) == []
    saturday = WEDNESDAY + timedelta(days=3)
    assert list(likely_visits(stays(28, 8.0, 17.0), saturday, saturday + timedelta(hours=24))) == []


def test_nobody_is_expected_where_somebody_stands():
    past = stays(28, 10.5, 17.0)
    until_evening = PointState(State.CHARGING, energy_needed_wh=5_000, departs_at=NOW + timedelta(hours=9))
    assert only_car(outlook({"P1": Past(past)}, P1=until_evening)).arrives_at is None
    until_soon = PointState(State.CHARGING, energy_needed_wh=5_000, departs_at=NOW + timedelta(minutes=10))
    here, coming = outlook({"P1": Past(past)}, P1=until_soon).cars
    assert coming.arrives_at is not None
    assert here.departs_at <= coming.arrives_at


def until(hours: float) -> PointState:
    return PointState(State.CHARGING, energy_needed_wh=5_000, departs_at=NOW + timedelta(hours=hours))


def test_where_a_peak_has_its_price_room_is_kept_for_what_usually_comes_whatever_the_point():
    """Of ten working days somebody came at 11:00 to either point, and every day at 11:30 to the second."""
    early, half = stays(14, 11.0, 15.0), stays(14, 11.5, 16.5, 10_000.0)
    past = {"P1": Past(early[::2]), "P2": Past([*early[1::2], *half])}
    here, coming = outlook(past, demand=PEAK, P1=until(8)).cars
    assert (here.point, coming.point) == ("P1", "P2")
    assert coming.arrives_at == datetime(2026, 11, 18, 10, 15, tzinfo=UTC), "11:15 at the site"
    assert coming.departs_at - coming.arrives_at == timedelta(hours=4.5)
    assert coming.energy_wh == pytest.approx(0.85 * 30_000.0), "rather less than usual"
    assert coming.priority < here.priority


def test_what_comes_after_everybody_has_left_makes_no_peak_with_them():
    past = {"P2": Past(stays(14, 11.0, 15.0) + stays(14, 14.0, 17.0))}
    assert [car.arrives_at for car in outlook(past, demand=PEAK, P1=until(0.5)).cars] == [None]
    assert len(outlook(past, demand=PEAK, P1=until(2)).cars) == 2
    assert len(outlook(past, demand=PEAK, P1=until(6)).cars) == 3
    assert outlook(past, demand=PEAK).cars == ()


def test_a_few_days_say_nothing_yet_and_weekends_nothing_of_working_days():
    four_days = Past(stays(6, 11.0, 15.0))
    weekends = Past([stay for stay in stays(70, 11.0, 15.0, weekends=True) if stay.arrived.weekday() > 4])
    for past in (four_days, weekends):
        assert only_car(outlook({"P2": past}, demand=PEAK, P1=until(8))).arrives_at is None


def test_the_planner_takes_what_is_assembled_and_advises_who_is_there():
    asked = PointState(State.PLUGGED, energy_needed_wh=9_000, departs_at=NOW + timedelta(minutes=30))
    past = Past(stays(28, 11.0, 17.0))
    plan = Planner().plan(outlook({"P2": past}, P1=asked, P2=CHARGING))
    assert set(plan.advice.points) == {"P1", "P2"}
    assert plan.advice.points["P1"].target_a[0] > 20.0
    assert plan.advice.points["P2"].cap_a[0] is None, "nobody knows how long it stays"
