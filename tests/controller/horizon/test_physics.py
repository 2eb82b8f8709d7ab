"""What bounds the plan: fuses phase by phase, contracts, limits that others set, and a car's minimum."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from controller.loadbalance.horizon.outlook import PowerBound
from controller.loadbalance.horizon.planner import Planner
from tests.support.outlooks import car, evening, garage


def test_cars_on_one_phase_leave_the_others_free() -> None:
    cars = [car(f"P{n}", 20.0, leaves=2.5, phases=(n - 1,)) for n in (1, 2, 3)]
    crowd = [replace(one, phases=(0,)) for one in cars]
    assert Planner().plan(evening(*cars)).unmet_wh.sum() == pytest.approx(3 * (20_000 - 2.5 * 7360), abs=1.0)
    assert Planner().plan(evening(*crowd)).unmet_wh.sum() == pytest.approx(60_000 - 2.5 * 7360, abs=1.0)


def test_another_car_at_the_same_point_may_use_other_phases() -> None:
    planner = Planner()
    first = planner.plan(evening(car("P1", 20.0, leaves=1)))
    second = planner.plan(evening(car("P1", 60.0, leaves=1, phases=(0, 1, 2))))
    assert first.unmet_wh == pytest.approx([20_000 - 7360])
    assert second.unmet_wh == pytest.approx([60_000 - 3 * 7360])


def test_the_building_comes_first() -> None:
    plan = Planner(floor_slots=0).plan(evening(car("P1", 20.0, leaves=8), background_a=29.0))
    assert plan.current_a[0] == pytest.approx(3.0)


def test_where_the_building_alone_is_too_much_nobody_charges() -> None:
    plan = Planner().plan(evening(car("P1", 20.0, leaves=8), background_a=40.0))
    assert plan.current_a[0] == pytest.approx(0.0)
    assert plan.advice.shortfall_wh == {"P1": 20_000}


def test_a_building_that_feeds_in_does_not_widen_the_fuse() -> None:
    plan = Planner().plan(evening(car("P1", 40.0, leaves=1, max_a=63.0), background_a=-20.0))
    assert plan.current_a[0, 0] == pytest.approx(32.0)


def test_a_contract_bounds_the_phases_together() -> None:
    outlook = evening(car("P1", 40.0, leaves=1, phases=(0, 1, 2)), site=garage(contract_w=11_040.0), background_a=4.0)
    plan = Planner().plan(outlook)
    assert plan.current_a[0, 0] == pytest.approx(12.0)


def test_a_limit_that_somebody_sets_holds_while_it_holds() -> None:
    limit_w = np.array([np.inf, 2300.0, 0.0, *[np.inf] * 5])
    plan = Planner().plan(evening(car("P1", 40.0, leaves=8), bounds=(PowerBound("main", limit_w),)))
    assert plan.current_a[0, :4] == pytest.approx([32.0, 10.0, 0.0, 32.0])


@pytest.mark.parametrize("exact", [True, False])
def test_in_the_first_hours_a_car_gets_nothing_or_its_minimum(exact: bool) -> None:
    """16 A are enough for two cars at a time; all three leave with what they need."""
    cars = [car(f"P{n}", 4.5, leaves=4) for n in (1, 2, 3)]
    plan = Planner(exact=exact).plan(evening(*cars, site=garage(16.0)))
    first = plan.current_a[:, :4]
    assert ((first < 1e-6) | (first >= 6.0 - 1e-6)).all()
    assert (first.sum(axis=0) <= 16.0 + 1e-6).all()
    assert plan.unmet_wh.max() < 500.0


def test_branching_finds_what_rounding_does_not() -> None:
    """Rounded one by one, these cars lose more energy than they have to."""
    cars = [car(f"P{n}", kwh, leaves=3) for n, kwh in enumerate([3.1, 4.3, 2.2, 5.0, 3.7], 1)]
    outlook = evening(*cars, site=garage(17.0, points=5))
    exact, rounded = Planner(exact=True).plan(outlook), Planner(exact=False).plan(outlook)
    assert exact.unmet_wh.sum() <= rounded.unmet_wh.sum() + 1e-3
    first = exact.current_a[:, :4]
    assert ((first < 1e-6) | (first >= 6.0 - 1e-6)).all()


def test_a_car_that_cannot_have_its_minimum_waits() -> None:
    plan = Planner(floor_slots=4).plan(evening(car("P1", 20.0, leaves=8), background_a=27.0))
    assert plan.current_a[0, :4] == pytest.approx(0.0)


def test_a_car_that_needs_less_than_its_minimum_gives_charges_for_a_while() -> None:
    plan = Planner().plan(evening(car("P1", 0.3, leaves=8)))
    assert plan.current_a[0, 0] * 230 == pytest.approx(300.0)
    assert plan.advice.points["P1"].target_a[0] == pytest.approx(6.0)


def test_a_planner_that_rolls_along_plans_as_a_fresh_one() -> None:
    cars = [
        car("P1", 20.0, leaves=6),
        car("P2", 30.0, leaves=7, phases=(0, 1, 2)),
        car("P3", 12.0, leaves=4, phases=(1,)),
    ]
    price = np.array([0.3, 0.35, 0.2, 0.25, 0.15, 0.3, 0.22, 0.28, 0.31, 0.18])
    planner = Planner()
    for hour in range(4):
        outlook = evening(*cars, site=garage(20.0), price=price[hour : hour + 6].tolist())
        later = timedelta(hours=hour)
        outlook = replace(outlook, at=outlook.at + later, begins_at=outlook.begins_at + later)
        rolled, fresh = planner.plan(outlook), Planner().plan(outlook)
        assert rolled.current_a == pytest.approx(fresh.current_a, abs=1e-6)
        gone_wh = rolled.current_a[:, 0] * [230.0, 690.0, 230.0]
        cars = [replace(one, energy_wh=one.energy_wh - gone) for one, gone in zip(cars, gone_wh.tolist(), strict=True)]


def test_another_site_is_planned_from_scratch() -> None:
    planner = Planner()
    planner.plan(evening(car("P1", 20.0, leaves=1)))
    plan = planner.plan(evening(car("P1", 20.0, leaves=1), site=garage(10.0)))
    assert plan.current_a[0, 0] == pytest.approx(10.0)
