"""Planning in long steps: what a plan saves, what it may know, and what it must never do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from controller.site import ChargingPoint, Circuit, Site
from simulations.building import ScriptedBuilding
from simulations.cars import CarModel
from simulations.fast.coarse import run_coarse
from simulations.results import Results
from simulations.scenario.loads import SampledBuilding
from simulations.scenario.model import DemandCharge, Planning, PriceCurve, Scenario
from simulations.scenario.reading import load_scenario
from simulations.visits import Visit

GALLERY = Path(__file__).parents[3] / "simulations" / "scenarios"
HOUR_S = 3600.0
CHEAP_FROM_H = 4.0


def garage(min_a: float = 6.0) -> Site:
    wirings = [(0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 1, 2)]
    points = [ChargingPoint(f"P{n}", "main", f"S{n}", 1, wirings[n], min_a=min_a) for n in range(4)]
    return Site("g", (Circuit("main", None, (63.0,) * 3, meter="grid", base_load_a=(8.0,) * 3),), tuple(points))


def visit(point: str, arrives_h: float, leaves_h: float, kwh: float, *, said: bool = True) -> Visit:
    car = CarModel(max_a=16.0, taper_from=1.0, capacity_wh=90_000.0)
    one = Visit(f"{point}-{arrives_h:g}", point, arrives_h * HOUR_S, leaves_h * HOUR_S, kwh * 1000.0, car)
    return replace(one, stated_leaves_s=one.leaves_s, stated_energy_wh=one.energy_wh) if said else one


def story(*visits: Visit, **more: object) -> Scenario:
    """Twelve hours from midnight; electricity is dear for the first four."""
    plain = Scenario(
        name="story",
        description="",
        site=garage(),
        start_s=0.0,
        duration_s=12 * HOUR_S,
        step_s=900.0,
        record_s=900.0,
        seed=1,
        visits=tuple(sorted(visits, key=lambda v: v.arrives_s)),
        building=SampledBuilding(0.0, 86_400.0, np.full((2, 3), 5.0)),
        price=PriceCurve(np.array([0.0, CHEAP_FROM_H * HOUR_S]), np.array([0.40, 0.20])),
        controller="rules",
        plan=Planning(),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def run(*visits: Visit, **more: object) -> Results:
    return run_coarse([story(*visits, **more)])[0]


@pytest.mark.parametrize("controller", ["rules", "decide"])
def test_a_car_with_time_waits_for_the_cheap_hours_and_one_without_does_not(controller: str):
    result = run(visit("P0", 0.0, 10.0, 20.0), visit("P1", 0.0, 3.0, 20.0), controller=controller)
    early = result.series.time_s < CHEAP_FROM_H * HOUR_S
    assert result.series.power_w[early, 0].max() == 0.0
    assert result.series.power_w[early, 1].max() > 5_000.0
    assert [session.met for session in result.sessions] == [True, True]
    assert result.invalid_setpoints == 0


def test_whoever_waits_is_told_for_what():
    series = run(visit("P0", 0.0, 10.0, 20.0)).series
    assert series.reasons[series.because[2, 0]] == "plan:price"


def test_a_driver_who_says_nothing_is_not_made_to_wait():
    result = run(visit("P0", 0.0, 10.0, 20.0, said=False))
    assert result.sessions[0].first_charge_s == 0.0
    assert result.sessions[0].met


def test_a_peak_that_costs_much_is_shared_by_whoever_has_time():
    cars = [visit(f"P{n}", 0.0, 10.0, 22.0) for n in range(4)]
    dear = replace(story(*cars), price=PriceCurve(np.zeros(1), np.array([0.2])))
    alone = run_coarse([replace(dear, plan=None)])[0]
    planned = run_coarse([replace(dear, demand=DemandCharge(10.0), plan=Planning(peak="full"))])[0]
    assert alone.series.power_w.sum(axis=1).max() > 40_000.0
    assert planned.series.power_w.sum(axis=1).max() < 15_000.0
    assert all(session.met for session in planned.sessions)


@pytest.mark.parametrize("exact", [False, True])
def test_everybody_has_nothing_or_the_minimum(exact: bool):
    cars = [visit(f"P{n}", 0.25 * n, 9.0 + n / 4, 7.0 + n) for n in range(4)]
    result = run(*cars, demand=DemandCharge(20.0), plan=Planning(exact=exact, peak="full"))
    limits = result.series.limit_a
    assert ((limits == 0.0) | (limits >= 6.0 - 1e-6)).all()
    assert result.invalid_setpoints == 0
    assert all(session.met for session in result.sessions)


def test_steps_within_a_slot_follow_the_same_plan():
    result = run(visit("P0", 0.0, 10.0, 20.0), step_s=300.0, record_s=300.0)
    early = result.series.time_s < CHEAP_FROM_H * HOUR_S
    assert result.series.power_w[early, 0].max() == 0.0
    assert result.sessions[0].met


def test_a_car_that_stays_longer_than_said_is_not_forgotten():
    late = replace(visit("P0", 0.0, 9.0, 30.0), stated_leaves_s=2.0 * HOUR_S)
    assert run(late).sessions[0].met


def test_a_car_that_comes_within_a_step_is_not_taken_for_a_slow_one():
    """Whoever is thought to take less than it does is left uncapped, and makes a peak that nobody planned."""
    cars = [visit(f"P{n}", 0.2 + n / 4, 10.0, 22.0) for n in range(4)]
    flat = PriceCurve(np.zeros(1), np.array([0.2]))
    result = run(*cars, price=flat, demand=DemandCharge(10.0), plan=Planning(peak="hint", peak_hint_kw=18.45))
    assert result.series.power_w.sum(axis=1).max() <= 15_000.0 + 1.0
    assert all(session.met for session in result.sessions)


def test_members_of_a_batch_have_no_influence_on_one_another():
    stories = [
        story(visit("P0", 0.0, 10.0, 20.0)),
        story(visit("P0", 1.0, 8.0, 9.0), visit("P3", 0.0, 5.0, 9.0), seed=2),
    ]
    together = run_coarse(stories)
    for one, result in zip(stories, together, strict=True):
        alone = run_coarse([one])[0]
        assert alone.series.limit_a.tobytes() == result.series.limit_a.tobytes()


def test_what_the_building_did_yesterday_is_reckoned_with_today():
    """On the second morning the car keeps out of the way of a machine that runs from two to four."""
    machine_a = np.where((np.arange(48) % 24 >= 2) & (np.arange(48) % 24 < 4), 40.0, 5.0)
    building = ScriptedBuilding((HOUR_S * n, (a, a, a)) for n, a in enumerate(machine_a.tolist()))
    flat = PriceCurve(np.zeros(1), np.array([0.2]))
    plan = Planning(peak="full")
    car = visit("P0", 24.0, 30.0, 20.0)
    result = run(car, duration_s=32 * HOUR_S, building=building, price=flat, demand=DemandCharge(10.0), plan=plan)
    charging = result.series.power_w[:, 0] > 100.0
    hour = result.series.time_s / HOUR_S
    assert not charging[(hour >= 26.0) & (hour < 28.0)].any()
    assert result.sessions[0].met


def test_a_scenario_file_says_whether_it_plans():
    path = GALLERY / "office.toml"
    assert load_scenario(path, short=True).plan is None
    settings = {"scenario.plan": "true", "plan.peak": "hint", "plan.peak_hint_kw": "40", "plan.minimum": "exact"}
    assert load_scenario(path, short=True, settings=settings).plan == Planning(
        exact=True, peak="hint", peak_hint_kw=40.0
    )
