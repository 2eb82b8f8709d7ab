"""What the plan tells dispatch: targets to see to, caps where waiting pays, and none where there is just no room."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from controller.loadbalance.horizon.outlook import Demand, DemandPart, Outlook, PowerBound
from controller.loadbalance.horizon.planner import Planner
from tests.support.outlooks import SIX, after, car, evening


def test_who_waits_for_a_better_price_is_capped_at_nothing() -> None:
    advice = Planner().plan(evening(car("P1", 10.0, leaves=8), price=[0.4] * 4 + [0.1] * 4)).advice
    assert (advice.made_at, advice.begins_at, advice.slot_s) == (SIX, SIX, 3600.0)
    assert advice.points["P1"].target_a == (0.0,) * 4
    assert advice.points["P1"].cap_a == (0.0,) * 4
    assert advice.points["P1"].because == "price"


def test_who_waits_for_room_may_take_what_others_leave() -> None:
    """Both want the first hour; the fuse lets one of them have it all."""
    cars = car("P1", 7.36, leaves=1), car("P2", 7.36, leaves=8)
    advice = Planner().plan(evening(*cars)).advice
    assert advice.points["P1"].target_a[0] == pytest.approx(32.0)
    assert advice.points["P2"].target_a[0] == pytest.approx(0.0)
    assert advice.points["P2"].cap_a[0] is None


def test_who_waits_for_room_in_a_dear_hour_still_waits_for_the_price() -> None:
    cars = car("P1", 7.36, leaves=1), car("P2", 7.36, leaves=8)
    advice = Planner().plan(evening(*cars, price=[0.4] * 4 + [0.1] * 4)).advice
    assert advice.points["P2"].cap_a[0] == 0.0


def test_who_charges_below_the_maximum_for_the_sake_of_the_peak_is_told_so() -> None:
    advice = Planner().plan(evening(car("P1", 16.0, leaves=8), demand=Demand((DemandPart(5.0),)))).advice
    assert advice.points["P1"].target_a == pytest.approx([2.0 / 0.23] * 4)
    assert advice.points["P1"].cap_a == advice.points["P1"].target_a
    assert advice.points["P1"].because == "peak"


def test_who_charges_need_not_be_held_back_for_a_peak_that_somebody_else_holds() -> None:
    demand = Demand((DemandPart(5.0),), held=True)
    first, second = car("P1", 16.0, leaves=8), car("P2", 16.0, leaves=8)
    advice = Planner().plan(evening(first, second, demand=demand)).advice
    assert advice.points["P1"].target_a[0] > 6.0
    assert advice.points["P1"].cap_a[0] is None
    assert advice.peak_kw[0] == pytest.approx(4.0)


def test_in_a_running_slot_the_target_is_for_what_is_left_of_it() -> None:
    plan = Planner().plan(evening(car("P1", 30.0, leaves=8), minutes=45))
    assert plan.current_a[0, 0] == pytest.approx(8.0)
    assert plan.advice.points["P1"].target_a[0] == pytest.approx(32.0)


def test_a_car_that_leaves_within_the_slot_gets_its_target_until_then() -> None:
    plan = Planner().plan(evening(car("P1", 30.0, leaves=0.25)))
    assert plan.current_a[0, 0] == pytest.approx(8.0)
    assert plan.advice.points["P1"].target_a[0] == pytest.approx(32.0)


def test_a_car_that_has_what_it_asked_for_is_given_no_more() -> None:
    advice = Planner().plan(evening(car("P1", 0.0, leaves=8))).advice
    assert advice.points["P1"].target_a == advice.points["P1"].cap_a == (0.0,) * 4


def test_there_is_advice_for_no_more_slots_than_there_are() -> None:
    advice = Planner(advised_slots=12).plan(evening(car("P1", 5.0, leaves=8))).advice
    assert len(advice.points["P1"].target_a) == 8


CAR = car("P1", 5.0, leaves=8)
NONSENSE = {
    "price_per_kwh": replace(evening(CAR), price_per_kwh=np.array([0.3] * 7 + [math.nan])),
    "background_a": replace(evening(CAR), background_a=np.full((8, 1, 3), math.inf)),
    "background_a: expected the shape": replace(evening(CAR), background_a=np.zeros((8, 3))),
    "bounds.main.limit_w": evening(CAR, bounds=(PowerBound("main", np.full(8, math.nan)),)),
    "bounds.main.limit_w: expected the shape": evening(CAR, bounds=(PowerBound("main", np.zeros(3)),)),
    "demand.parts.0.per_kw": evening(CAR, demand=Demand((DemandPart(math.inf),))),
    "demand.parts.1.weights: expected finite": evening(
        CAR, demand=Demand((DemandPart(1.0), DemandPart(1.0, weights=(1.0, -1.0) * 4)))
    ),
    "demand.parts.0.weights: expected one for each of 8": evening(CAR, demand=Demand((DemandPart(1.0, 0.0, (1.0,)),))),
    "demand.parts: expected at least one": evening(CAR, demand=Demand(())),
    "demand.drawn_kwh": evening(CAR, demand=Demand((DemandPart(1.0),), drawn_kwh=math.nan)),
    "cars.P1.energy_wh": evening(replace(CAR, energy_wh=math.nan)),
    "cars.P1.max_a": evening(replace(CAR, max_a=math.inf)),
    "slot_s": replace(evening(CAR), slot_s=math.nan),
    "unmet_per_kwh": replace(evening(CAR), unmet_per_kwh=math.inf),
}


@pytest.mark.parametrize(("named", "outlook"), NONSENSE.items(), ids=NONSENSE)
def test_nonsense_is_refused_by_its_name(named: str, outlook: Outlook) -> None:
    with pytest.raises(ValueError, match=named):
        Planner().plan(outlook)


def test_a_planner_survives_nonsense() -> None:
    planner = Planner()
    before = planner.plan(evening(CAR)).current_a
    with pytest.raises(ValueError, match="finite"):
        planner.plan(evening(replace(CAR, energy_wh=math.inf)))
    assert (planner.plan(evening(CAR)).current_a == before).all()


def test_the_advice_knows_its_slots() -> None:
    advice = Planner().plan(evening(CAR)).advice
    assert [advice.slot(after(hours)) for hours in (-0.1, 0.0, 3.9, 4.0)] == [None, 0, 3, None]
