"""The fast depth in long steps: arrays of sites, steered by the controller's kernels, its loop, or a baseline."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from controller.engine import split
from controller.site import ChargingPoint, Circuit, Site
from simulations.cars import Car, CarModel
from simulations.fast.coarse import run_coarse
from simulations.fast.fleet import Fleet
from simulations.fast.fuses import Fuses
from simulations.fast.loops import snapshot_of
from simulations.fast.moment import Moment
from simulations.fast.rules import Rules
from simulations.judging.baselines import BASELINES
from simulations.results import Results
from simulations.scenario.loads import SampledBuilding
from simulations.scenario.model import PriceCurve, Scenario, TimedLimit
from simulations.scenario.reading import load_scenario
from simulations.visits import Visit
from simulations.world import FuseBook

GALLERY = Path(__file__).parents[3] / "simulations" / "scenarios"
WIRINGS = [(0, 1, 2), (1, 2, 0), (2, 0, 1), (1,)]


def garage(fuse_a: float = 40.0, points: int = 4) -> Site:
    circuits = (
        Circuit("main", None, (fuse_a,) * 3, margin_a=1.0, meter="grid"),
        Circuit("garage", "main", (35.0,) * 3),
    )
    return Site(
        "g", circuits, tuple(ChargingPoint(f"P{n}", "garage", f"S{n}", 1, WIRINGS[n % 4]) for n in range(points))
    )


def visit(point: str, arrives_h: float, leaves_h: float, kwh: float, **more: object) -> Visit:
    car = CarModel(max_a=16.0, taper_from=1.0, capacity_wh=90_000.0)
    return replace(Visit(f"{point}-{arrives_h:g}", point, arrives_h * 3600, leaves_h * 3600, kwh * 1000, car), **more)  # type: ignore[arg-type]


def story(*visits: Visit, site: Site | None = None, **more: object) -> Scenario:
    plain = Scenario(
        name="story",
        description="",
        site=site or garage(),
        start_s=0.0,
        duration_s=12 * 3600.0,
        step_s=300.0,
        record_s=300.0,
        seed=1,
        visits=tuple(sorted(visits, key=lambda v: v.arrives_s)),
        building=SampledBuilding(0.0, 86_400.0, np.full((2, 3), 5.0)),
        price=PriceCurve(np.zeros(1), np.array([0.25])),
        controller="rules",
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def run(*visits: Visit, policy: str = "loadstar", **more: object) -> Results:
    return run_coarse([story(*visits, **more)], policy)[0]


def test_a_car_alone_gets_what_it_needs_at_its_own_pace():
    result = run(visit("P0", 1.0, 9.0, 22.08))
    (session,) = result.sessions
    assert session.delivered_wh == pytest.approx(22_080, abs=0.1)
    assert session.first_charge_s == 3600.0
    hours = np.count_nonzero(result.series.power_w[:, 0] > 1) / 12
    assert hours == pytest.approx(22.08 / (16 * 3 * 0.230), abs=0.1)
    assert result.series.current_a[:, 0].max() == pytest.approx(16.0)


def test_a_car_that_comes_and_goes_within_steps_is_served_for_the_time_that_it_is_there():
    (session,) = run(visit("P0", 1.0 + 2 / 60, 1.0 + 9 / 60, 50.0)).sessions
    assert session.delivered_wh == pytest.approx(16 * 3 * 230 * 7 / 60, rel=1e-6)


def test_a_battery_that_fills_takes_as_long_as_that_of_the_object_world():
    car = CarModel(max_a=16.0, taper_from=0.8, capacity_wh=40_000.0, phases=3)
    one = visit("P0", 0.0, 11.0, 20.0, car=car)
    result = run(one)
    object_car = Car(car, one.arrival_soc)
    for second in range(1, 11 * 3600, 2):
        object_car.step(float(second), 2.0, 16.0, 3, 230.0)
    assert result.sessions[0].delivered_wh == pytest.approx(20_000, rel=1e-3)
    assert result.sessions[0].delivered_wh == pytest.approx(object_car.drawn_wh, rel=0.01)
    tapering = np.count_nonzero((result.series.current_a[:, 0] > 0) & (result.series.current_a[:, 0] < 15.9))
    assert tapering * 300 > 3600, "the last fifth takes its time"


def test_power_follows_the_same_curve_whatever_the_step():
    car = CarModel(max_a=16.0, taper_from=0.7, capacity_wh=60_000.0)
    delivered = [
        run(visit("P0", 0.0, 4.0, 30.0, car=car), step_s=s, record_s=s).sessions[0].delivered_wh
        for s in (30.0, 300.0, 900.0)
    ]
    assert delivered == pytest.approx([delivered[0]] * 3, rel=1e-9)


@pytest.mark.parametrize("policy", ["loadstar", *BASELINES])
def test_no_fuse_is_overloaded_but_where_nobody_looks(policy: str):
    result = run(*(visit(f"P{n}", 1.0, 8.0, 60.0) for n in range(4)), policy=policy)
    worst_a = result.series.circuit_peak_a.max(axis=(0, 2))
    if policy == "uncontrolled":
        assert worst_a[1] > 35
        assert result.truth.fuse_violation_as > 0
        assert result.violations["garage"] > 0
    else:
        assert worst_a[0] <= 40 - 1 + 1e-3
        assert worst_a[1] <= 35 + 1e-3
        assert result.truth.fuse_violation_as == 0
    assert result.invalid_setpoints == 0


def test_the_loop_and_its_division_deliver_alike():
    cars = [visit(f"P{n}", 1.0 + n / 2, 9.0, 25.0) for n in range(4)]
    by_rules, by_loop = (run(*cars, controller=kind) for kind in ("rules", "decide"))
    energy = [sum(s.delivered_wh for s in one.sessions) for one in (by_rules, by_loop)]
    assert energy[1] == pytest.approx(energy[0], rel=0.05)
    assert by_loop.truth.fuse_violation_as == 0


def test_more_cars_than_minimum_shares_take_turns():
    site = garage(fuse_a=20.0, points=3)
    result = run(*(visit(f"P{n}", 0.0, 12.0, 60.0) for n in range(3)), site=site)
    served = [s.delivered_wh for s in result.sessions]
    assert min(served) > 0.9 * max(served), "14 A feed two at 6 A"
    waits = [s.longest_wait_s for s in result.sessions]
    assert 900 <= max(waits) <= 2 * 900, "whoever was admitted keeps that for a quarter of an hour"


def test_a_limit_of_the_grid_operator_holds_while_it_lasts():
    limit = TimedLimit("main", 9_000.0, "grid_operator", 3 * 3600.0, 5 * 3600.0)
    result = run(*(visit(f"P{n}", 1.0, 11.0, 80.0) for n in range(4)), limits=(limit,))
    total_w = result.series.circuit_a[:, 0].sum(axis=1) * 230
    inside = (result.series.time_s >= 3 * 3600) & (result.series.time_s < 5 * 3600)
    assert total_w[inside].max() <= 9_000.5
    assert total_w[~inside].max() > 12_000
    reasons = {result.series.reasons[code] for code in result.series.because[inside].ravel()}
    assert "limit:grid_operator" in reasons


def test_a_limit_on_charging_alone_leaves_the_building_out():
    limit = TimedLimit("main", 9_000.0, "dimmer", 3 * 3600.0, 5 * 3600.0, charging_only=True)
    result = run(*(visit(f"P{n}", 1.0, 11.0, 80.0) for n in range(4)), limits=(limit,))
    inside = (result.series.time_s >= 3 * 3600) & (result.series.time_s < 5 * 3600)
    total_w = result.series.circuit_a[inside, 0].sum(axis=1) * 230
    assert 12_000 < total_w.max() <= 9_000.5 + 15 * 230, "beside the building's 15 A"


def test_a_driver_with_a_price_limit_waits_for_cheap_hours_as_long_as_the_need_can_be_met():
    price = PriceCurve(np.array([0.0, 4 * 3600.0, 6 * 3600.0]), np.array([0.4, 0.1, 0.4]))
    patient, hasty = visit("P0", 1.0, 10.0, 11.04, price_limit=0.2), visit("P1", 1.0, 2.2, 11.04, price_limit=0.2)
    result = run(patient, hasty, price=price)
    assert [round(s.delivered_wh, -1) for s in result.sessions] == [11_040, 11_040]
    assert result.sessions[0].first_charge_s == 4 * 3600
    assert result.sessions[1].first_charge_s == pytest.approx(3600, abs=900), "it could not wait"


@pytest.mark.parametrize("controller", ["rules", "decide"])
def test_a_batch_equals_single_runs_set_point_by_set_point(controller: str):
    settings = [{"circuits.main.fuse_a": str(fuse)} for fuse in (60, 80, 125)]
    path = GALLERY / "office.toml"
    batch = [
        load_scenario(path, seed=n, settings=s | {"scenario.controller": controller}, short=True)
        for n, s in enumerate(settings)
    ]
    together = run_coarse(batch)
    for scenario, result in zip(batch, together, strict=True):
        (alone,) = run_coarse([scenario])
        assert np.array_equal(alone.series.limit_a, result.series.limit_a)
        reasons = [[r.series.reasons[code] for code in r.series.because.ravel()] for r in (alone, result)]
        assert reasons[0] == reasons[1]
        assert [s.delivered_wh for s in alone.sessions] == pytest.approx(
            [s.delivered_wh for s in result.sessions], rel=1e-9
        )


def test_the_rules_of_a_batch_are_the_split_of_the_controller():
    scenario = replace(load_scenario(GALLERY / "office.toml", short=True), controller="rules")
    # The split of one instant reckons with all phases of a point, the rules with those that its car uses.
    visits = tuple(replace(visit, car=replace(visit.car, phases=3)) for visit in scenario.visits)
    scenario = replace(scenario, visits=visits)
    site = scenario.site
    fleet, rules = Fleet([scenario]), Rules([scenario])
    min_a = np.array([[p.min_a for p in site.points]])
    limit_a = np.zeros_like(min_a)
    for step in range(scenario.steps):
        new = fleet.arrive(step, np.array([0.25]))
        building_a = np.array([scenario.building.current_a(scenario.start_s + step * 300.0)])
        moment = Moment(step, step * 300.0, fleet, new, limit_a, min_a, building_a)
        told = rules.limits(moment)
        if not (fleet.wants & (fleet.waited_s > 0)).any():  # where nobody waits, dwelling makes no difference
            plan = split(site, snapshot_of(scenario, 0, moment, step * 300.0, limit_a))
            expected = [(plan.setpoints[p.id].limit_a, plan.setpoints[p.id].because) for p in site.points]
            assert [(a, told.reasons[r]) for a, r in zip(told.limit_a[0], told.because[0], strict=True)] == expected
        limit_a = told.limit_a
        fleet.charge(step, limit_a)


def test_scenarios_of_different_structure_make_no_batch():
    with pytest.raises(ValueError, match="must share"):
        run_coarse([story(), story(site=garage(points=3))])


def test_the_book_of_the_fuses_is_that_of_the_object_world():
    rng = np.random.default_rng(5)
    site = garage()
    fuses, books = Fuses([site]), [[FuseBook(c.fuse_a[0], c.fuse_curve) for _ in range(3)] for c in site.circuits]
    for _ in range(400):
        current_a = rng.uniform(20, 75, (1, 2, 3))
        fuses.step(current_a, 7.0)
        for circuit, row in enumerate(books):
            for phase, book in enumerate(row):
                book.step(float(current_a[0, circuit, phase]), 7.0)
    truth = fuses.truth(0)
    every = [book for row in books for book in row]
    assert truth.overload_as == pytest.approx(sum(book.overload_as for book in every))
    assert truth.fuse_violation_as == pytest.approx(sum(book.violation_as for book in every))
    assert truth.longest_overload_s == max(book.longest_overload_s for book in every)
    assert truth.thermal_peak == pytest.approx(max(book.thermal_peak for book in every))


def test_rows_of_longer_stretches_hold_means_and_peaks():
    result = run(visit("P0", 0.5, 9.0, 12.0), record_s=1800.0)
    fine = run(visit("P0", 0.5, 9.0, 12.0))
    assert len(result.series.time_s) == 24
    assert result.series.power_w[:, 0].tolist() == pytest.approx(
        fine.series.power_w[:, 0].reshape(24, 6).mean(axis=1).tolist(), rel=1e-5
    )
    assert result.series.circuit_peak_a[1, 0].max() >= result.series.circuit_a[1, 0].max()
