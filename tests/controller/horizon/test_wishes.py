"""What the plan does with wishes: in which order it meets them, and what it says of those that it cannot meet."""

from __future__ import annotations

import numpy as np
import pytest

from controller.loadbalance.horizon.outlook import Demand, DemandPart
from controller.loadbalance.horizon.planner import Planner
from tests.support.outlooks import after, car, evening, garage

KW_PER_A = 0.23


def test_a_car_that_stays_waits_for_the_cheap_hours() -> None:
    plan = Planner().plan(evening(car("P1", 10.0, leaves=8), price=[0.4] * 4 + [0.1] * 4))
    assert plan.current_a[0, :4] == pytest.approx(0.0)
    assert plan.current_a[0].sum() * KW_PER_A == pytest.approx(10.0)
    assert plan.cost == pytest.approx(1.0)
    assert plan.unmet_wh == pytest.approx([0.0])


def test_a_car_that_leaves_before_them_pays_the_price_of_the_evening() -> None:
    plan = Planner().plan(evening(car("P1", 10.0, leaves=3), price=[0.4] * 4 + [0.1] * 4))
    assert plan.current_a[0, :3].sum() * KW_PER_A == pytest.approx(10.0)
    assert plan.cost == pytest.approx(4.0)


def test_where_every_hour_costs_the_same_the_first_are_used() -> None:
    plan = Planner().plan(evening(car("P1", 14.72, leaves=8)))
    assert plan.current_a[0] == pytest.approx([32.0, 32.0] + [0.0] * 6)


def test_energy_that_is_worth_little_is_given_all_the_same() -> None:
    """A demand price of 50 per kW makes the first kWh very dear; the driver who asked for it still gets it."""
    plan = Planner().plan(evening(car("P1", 10.0, leaves=2), demand=Demand((DemandPart(50.0),))))
    assert plan.unmet_wh == pytest.approx([0.0], abs=1e-3)
    assert plan.peak_kw == pytest.approx(5.0)


def test_who_wants_60_kwh_in_ten_minutes_gets_what_physics_allows_and_is_told_at_once() -> None:
    plan = Planner().plan(evening(car("P1", 60.0, leaves=1 / 6), slot_s=900.0))
    possible_wh = 32.0 * 230 / 6
    assert plan.unmet_wh == pytest.approx([60_000 - possible_wh])
    assert plan.advice.shortfall_wh == {"P1": round(60_000 - possible_wh)}
    assert plan.advice.points["P1"].target_a[0] == pytest.approx(32.0)
    assert plan.advice.points["P1"].cap_a[0] is None


def test_who_should_have_left_already_is_told_that_nothing_comes() -> None:
    plan = Planner().plan(evening(car("P1", 5.0, leaves=-1)))
    assert plan.advice.shortfall_wh == {"P1": 5000}


def test_a_shortfall_that_can_be_made_up_after_the_horizon_is_none() -> None:
    plan = Planner().plan(evening(car("P1", 80.0, leaves=14)))
    assert plan.unmet_wh[0] > 20_000
    assert plan.advice.shortfall_wh == {}


def test_the_higher_priority_is_served_where_there_is_room_for_one() -> None:
    rivals = car("P1", 20.0, leaves=2), car("P2", 14.0, leaves=2, priority=1)
    plan = Planner(floor_slots=0).plan(evening(*rivals))
    assert plan.unmet_wh[1] == pytest.approx(0.0, abs=1e-3)
    assert plan.unmet_wh[0] == pytest.approx(20_000 - 720, abs=1.0)


def test_the_least_energy_of_anybody_comes_before_the_rest_of_a_higher_priority() -> None:
    rivals = car("P1", 20.0, leaves=2, least_wh=3000.0), car("P2", 20.0, leaves=2, priority=5)
    plan = Planner(floor_slots=0).plan(evening(*rivals))
    assert plan.unmet_wh == pytest.approx([17_000, 20_000 - (14_720 - 3000)], abs=1.0)


def test_what_must_be_missing_is_spread() -> None:
    plan = Planner(floor_slots=0).plan(evening(car("P1", 10.0, leaves=2), car("P2", 10.0, leaves=2)))
    assert plan.unmet_wh.sum() == pytest.approx(20_000 - 14_720)
    assert plan.unmet_wh.max() <= 5000.0


def test_equal_cars_charge_side_by_side() -> None:
    plan = Planner(floor_slots=4).plan(evening(car("P1", 14.72, leaves=8), car("P2", 14.72, leaves=8)))
    assert plan.current_a[:, :4] == pytest.approx(16.0)


def test_an_eager_car_waits_for_no_price_and_no_peak() -> None:
    outlook = evening(
        car("P1", 14.72, leaves=8, eager=True),
        car("P2", 10.0, leaves=8, phases=(1,)),
        price=[0.4] * 4 + [0.1] * 4,
        demand=Demand((DemandPart(5.0),)),
    )
    plan = Planner().plan(outlook)
    assert plan.current_a[0, :2] == pytest.approx(32.0)
    assert plan.current_a[1, :4] == pytest.approx(0.0)
    assert plan.advice.points["P1"].cap_a == (None,) * 4


def test_an_eager_car_leaves_room_for_those_who_must_leave() -> None:
    outlook = evening(car("P1", 14.72, leaves=8, eager=True), car("P2", 7.36, leaves=1))
    plan = Planner().plan(outlook)
    assert plan.unmet_wh == pytest.approx([0.0, 0.0], abs=1e-3)
    assert plan.current_a[1, 0] == pytest.approx(32.0)


def test_room_is_kept_for_a_car_that_is_expected() -> None:
    """One car could charge late; the one that comes late could not."""
    expected = car("P2", 29.0, leaves=8, arrives_at=after(4))
    plan = Planner().plan(evening(car("P1", 25.0, leaves=8), expected, price=[0.3] * 4 + [0.2] * 4))
    assert plan.unmet_wh == pytest.approx([0.0, 0.0], abs=1e-3)
    assert plan.current_a[1, :4] == pytest.approx(0.0)
    assert set(plan.advice.points) == {"P1"}


def test_a_peak_is_no_higher_than_departures_demand() -> None:
    cars = car("P1", 16.0, leaves=8, phases=(0, 1, 2)), car("P2", 16.0, leaves=8, phases=(0, 1, 2))
    plan = Planner(floor_slots=0).plan(evening(*cars, demand=Demand((DemandPart(5.0),))))
    assert plan.peak_kw == pytest.approx(4.0)
    assert plan.cost == pytest.approx(32 * 0.3 + 4.0 * 5.0)


def test_below_a_peak_that_is_paid_for_nothing_is_saved() -> None:
    cars = car("P1", 16.0, leaves=8, phases=(0, 1, 2)), car("P2", 16.0, leaves=8, phases=(0, 1, 2))
    outlook = evening(
        *cars, site=garage(63.0), price=[0.2] * 2 + [0.3] * 6, demand=Demand((DemandPart(5.0, floor_kw=20.0),))
    )
    plan = Planner(floor_slots=0).plan(outlook)
    assert plan.peak_kw == pytest.approx(20.0)
    assert plan.cost == pytest.approx(32 * 0.2)


def test_what_was_drawn_in_the_running_window_is_part_of_its_peak() -> None:
    """Half an hour is gone, in which 4 kWh were drawn: little more fits into this hour."""
    outlook = evening(
        car("P1", 5.0, leaves=2), demand=Demand((DemandPart(5.0, floor_kw=5.0),), drawn_kwh=4.0), minutes=30
    )
    plan = Planner(floor_slots=0).plan(outlook)
    assert plan.current_a[0, :2] * KW_PER_A == pytest.approx([1.0, 4.0])
    assert plan.peak_kw == pytest.approx(5.0)


def test_several_slots_share_a_demand_window() -> None:
    outlook = evening(car("P1", 3.0, leaves=1), demand=Demand((DemandPart(5.0),), window_slots=4), slot_s=900.0)
    plan = Planner(floor_slots=0).plan(outlook)
    assert plan.peak_kw == pytest.approx(3.0)
    assert plan.current_a[0, 0] == pytest.approx(32.0)


def test_nobody_there_is_a_plan_too() -> None:
    plan = Planner().plan(evening(background_a=10.0, demand=Demand((DemandPart(5.0),))))
    assert plan.current_a.shape == (0, 8)
    assert plan.peak_kw == pytest.approx(6.9)
    assert Planner().plan(evening()).advice.points == {}


def test_a_price_below_zero_is_waited_for() -> None:
    plan = Planner().plan(evening(car("P1", 7.0, leaves=8), price=[0.1] * 6 + [-0.05, 0.1]))
    assert plan.current_a[0, 6] * KW_PER_A == pytest.approx(7.0)
    assert plan.cost == pytest.approx(-0.35)
    assert np.count_nonzero(plan.current_a > 1e-6) == 1


def test_a_car_that_draws_on_no_phase_is_left_out_and_changes_nothing_for_others() -> None:
    able, unable = car("P2", 6.0, leaves=4), car("P1", 3.0, leaves=4, phases=())
    with_it, alone = Planner().plan(evening(unable, able)), Planner().plan(evening(able))
    assert set(with_it.advice.points) == {"P2"}
    assert with_it.current_a[1].tolist() == alone.current_a[0].tolist()
    assert (with_it.current_a[0].max(), with_it.unmet_wh[0]) == (0.0, 3_000.0)
    assert Planner().plan(evening(unable)).advice.points == {}


def test_the_last_minutes_are_left_free_where_that_costs_little() -> None:
    """The last hour is cheaper by a dime; that it may be too late by then weighs more."""
    waits = car("P1", 14.0, leaves=4, ready_at=after(3))
    plan = Planner().plan(evening(waits, price=[0.3, 0.3, 0.2, 0.1]))
    assert plan.current_a[0, 3] == pytest.approx(0.0)
    assert plan.current_a[0].sum() * KW_PER_A == pytest.approx(14.0)


def test_the_last_minutes_are_used_before_a_peak_is_raised_and_before_anything_is_missing() -> None:
    dear = Demand((DemandPart(10.0, floor_kw=3.0),))
    plan = Planner().plan(evening(car("P1", 12.0, leaves=4, ready_at=after(3)), demand=dear))
    assert plan.current_a[0, :4] * KW_PER_A == pytest.approx([3.0] * 4)
    plan = Planner().plan(evening(car("P1", 29.0, leaves=4, ready_at=after(3))))
    assert plan.unmet_wh == pytest.approx([0.0], abs=1e-3)


def test_where_not_all_can_charge_at_once_those_go_first_that_will_have_no_choice() -> None:
    idle, busy = car("P1", 7.36, leaves=8), car("P2", 7.36, leaves=3)
    plan = Planner(floor_slots=0).plan(evening(idle, busy))
    assert plan.current_a[:, 0] == pytest.approx([0.0, 32.0])
    assert plan.current_a[:, 1] == pytest.approx([32.0, 0.0])
