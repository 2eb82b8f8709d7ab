"""Charges for demand lie one on top of the other; each looks at its own windows, by their weights."""

from __future__ import annotations

import numpy as np
import pytest

from controller.loadbalance.horizon.outlook import Demand, DemandPart, Outlook
from controller.loadbalance.horizon.planner import HorizonPlan, Planner
from tests.support.outlooks import after, car, evening, garage

FUSE_A = 250.0
FOUR_HOURS = (1.0,) * 4


def three_phase_kw(plan: HorizonPlan) -> list[float]:
    """What charges in each slot."""
    return [round(kw, 2) for kw in (plan.current_a.sum(axis=0) * 0.69).tolist()]


def cars_of_three_phases(kwh: float, leaves: float = 8.0) -> Outlook:
    """Three that together take 66 kW at most."""
    cars = [car(f"P{n}", kwh / 3, leaves, phases=(0, 1, 2)) for n in (1, 2, 3)]
    return evening(*cars, site=garage(FUSE_A))


def planned(outlook: Outlook, *parts: DemandPart, price: tuple[float, ...] = (0.3,) * 8) -> HorizonPlan:
    given = Outlook(
        site=outlook.site,
        at=outlook.at,
        begins_at=outlook.begins_at,
        slot_s=outlook.slot_s,
        price_per_kwh=np.array(price),
        background_a=outlook.background_a,
        cars=outlook.cars,
        demand=Demand(parts),
    )
    return Planner(floor_slots=0, advised_slots=8).plan(given)


def test_an_hour_that_is_billed_besides_is_left_out() -> None:
    always, on_peak = DemandPart(10.0, floor_kw=60.0), DemandPart(20.0, weights=(0.0, 0.0, *FOUR_HOURS, 0.0, 0.0))
    plan = planned(cars_of_three_phases(200.0), always, on_peak)
    assert three_phase_kw(plan) == [60.0, 60.0, 0.0, 0.0, 0.0, 0.0, 60.0, 20.0]
    peaks_kw = (60.0, 60.0, 0.0, 0.0, 0.0, 0.0, 60.0, 60.0)
    assert plan.advice.peak_kw == pytest.approx(peaks_kw), "each hour by what bills it"
    assert plan.peak_kw == pytest.approx(60.0)


def test_what_does_not_fit_elsewhere_raises_whichever_charge_is_cheaper() -> None:
    on_peak = (0.0, 0.0, *FOUR_HOURS, 0.0, 0.0)
    plan = planned(cars_of_three_phases(300.0), DemandPart(30.0, floor_kw=60.0), DemandPart(20.0, weights=on_peak))
    assert three_phase_kw(plan) == pytest.approx([60.0, 60.0, *[15.0] * 4, 60.0, 60.0]), "60 kWh in four hours"
    assert plan.cost == pytest.approx(300.0 * 0.3 + 20.0 * 15.0)
    plan = planned(cars_of_three_phases(256.0), DemandPart(1.0, floor_kw=60.0), DemandPart(20.0, weights=on_peak))
    assert max(three_phase_kw(plan)) == pytest.approx(64.0), "one more kilowatt there costs less than a quarter here"


def test_at_half_weight_twice_as_much_flows() -> None:
    plan = planned(cars_of_three_phases(120.0), DemandPart(30.0, weights=(*FOUR_HOURS, *[0.5] * 4)))
    assert three_phase_kw(plan) == pytest.approx([10.0] * 4 + [20.0] * 4)
    assert plan.advice.peak_kw == pytest.approx((10.0,) * 4 + (20.0,) * 4)
    assert plan.cost == pytest.approx(120.0 * 0.3 + 30.0 * 10.0)


def test_it_stops_where_the_next_charge_begins() -> None:
    cheap_first = (0.1, 0.1, *[0.6] * 6)
    outlook = cars_of_three_phases(180.0)
    month, contract = DemandPart(0.4), DemandPart(48.0, floor_kw=50.0)
    assert max(three_phase_kw(planned(outlook, month, price=cheap_first))) > 65.0
    plan = planned(outlook, month, contract, price=cheap_first)
    assert three_phase_kw(plan)[:2] == pytest.approx([50.0, 50.0])
    assert plan.cost == pytest.approx(100.0 * 0.1 + 80.0 * 0.6 + 0.4 * 50.0)


def test_an_hour_that_is_not_billed_has_no_peak_and_no_cap() -> None:
    plan = planned(cars_of_three_phases(60.0), DemandPart(20.0, weights=(0.0, 0.0, *FOUR_HOURS, 0.0, 0.0)))
    assert three_phase_kw(plan)[0] == 60.0
    assert plan.peak_kw is None
    assert plan.advice.peak_kw == (None, None, 0.0, 0.0, 0.0, 0.0, None, None)
    assert plan.advice.peak_at(after(1.5)) is None
    assert plan.advice.peak_at(after(2.5)) == 0.0
    assert plan.advice.peak_at(after(8.5)) is None, "beyond what is advised"


def test_one_charge_in_two_halves_is_the_same_charge() -> None:
    outlook = cars_of_three_phases(200.0)
    whole = planned(outlook, DemandPart(30.0, floor_kw=12.0))
    halves = planned(outlook, DemandPart(10.0, floor_kw=12.0), DemandPart(20.0, floor_kw=12.0, weights=(1.0,) * 9))
    assert three_phase_kw(halves) == pytest.approx(three_phase_kw(whole))
    assert (halves.cost, halves.peak_kw) == (pytest.approx(whole.cost), pytest.approx(whole.peak_kw))
