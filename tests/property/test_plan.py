"""Over random outlooks the plan is possible, worth what the best one is worth, and the same for any order of cars."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.loadbalance.horizon.outlook import Outlook
from controller.loadbalance.horizon.planner import HorizonPlan, Planner
from tests.support.plan_oracle import PlanOracle
from tests.support.random_outlooks import random_outlook

SEEDS = st.integers(0, 10**6)


def is_possible(outlook: Outlook, plan: HorizonPlan) -> None:
    oracle = PlanOracle(outlook)
    assert np.isfinite(plan.current_a).all()
    assert (plan.current_a >= 0.0).all()
    assert (plan.current_a <= oracle.most_a() + 1e-6).all()
    for name, slot, use, room in oracle.bounds():
        drawn = sum(share * plan.current_a[number, slot] for number, share in use.items())
        assert drawn <= room * oracle.shared(slot, use) * (1 + 1e-9) + 1e-5, f"{name} in slot {slot}"
    for number, car in enumerate(outlook.cars):
        given_wh = 1000 * oracle.kwh(car) * plan.current_a[number].sum()
        assert given_wh <= car.energy_wh + 1e-3
        assert given_wh + plan.unmet_wh[number] == pytest.approx(car.energy_wh, abs=1e-2)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, floor_slots=st.integers(0, 5), exact=st.booleans())
def test_every_wish_can_be_planned_for(seed: int, floor_slots: int, exact: bool) -> None:
    outlook = random_outlook(random.Random(seed))
    plan = Planner(floor_slots=floor_slots, exact=exact).plan(outlook)
    is_possible(outlook, plan)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_no_plan_is_better(seed: int) -> None:
    outlook = random_outlook(random.Random(seed))
    oracle = PlanOracle(outlook)
    found, best = oracle.value(Planner(floor_slots=0).plan(outlook).current_a), oracle.best_value()
    assert found == pytest.approx(best, rel=1e-5, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_the_order_of_cars_and_points_makes_no_difference(seed: int) -> None:
    rng = random.Random(seed)
    outlook = random_outlook(rng)
    order = list(range(len(outlook.cars)))
    rng.shuffle(order)
    points = list(outlook.site.points)
    rng.shuffle(points)
    site = replace(outlook.site, points=tuple(points))
    other = replace(outlook, site=site, cars=tuple(outlook.cars[place] for place in order))
    plan, shuffled = Planner().plan(outlook), Planner().plan(other)
    assert (plan.current_a[order] == shuffled.current_a).all()
    assert plan.advice == shuffled.advice


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, exact=st.booleans())
def test_in_the_first_slots_a_car_gets_nothing_or_its_minimum(seed: int, exact: bool) -> None:
    outlook = random_outlook(random.Random(seed))
    plan, oracle = Planner(floor_slots=4, exact=exact).plan(outlook), PlanOracle(outlook)
    for number, car in enumerate(outlook.cars):
        enough_a = car.energy_wh / 1000 / oracle.kwh(car)
        for slot in range(min(4, oracle.slots)):
            current_a = plan.current_a[number, slot]
            least_a = min(car.min_a * oracle.part(car, slot), enough_a)
            assert current_a < 1e-6 or current_a >= least_a - 1e-5
    for name, advised in plan.advice.points.items():
        come = [car for car in outlook.cars if car.point == name and (car.arrives_at or outlook.at) <= outlook.at]
        last = max(come, key=lambda car: (car.arrives_at is not None, car.arrives_at))
        assert all(target == 0.0 or target >= last.min_a - 1e-4 for target in advised.target_a)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_a_planner_that_has_planned_before_plans_as_well_as_a_fresh_one(seed: int) -> None:
    rng = random.Random(seed)
    first = random_outlook(rng)
    planner = Planner(floor_slots=0)
    planner.plan(first)
    for _ in range(3):
        second = random_outlook(rng, first.site)
        later = timedelta(seconds=second.slot_s * rng.randrange(3))
        second = replace(second, begins_at=second.begins_at + later, at=second.at + later)
        oracle = PlanOracle(second)
        hot, cold = planner.plan(second), Planner(floor_slots=0).plan(second)
        is_possible(second, hot)
        assert oracle.value(hot.current_a) == pytest.approx(oracle.value(cold.current_a), rel=1e-6, abs=1e-6)
