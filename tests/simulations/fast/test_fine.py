"""The fine fast depth: ordinary days, and that they are told the same way each time."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from controller.loadbalance.facts import STATES
from controller.snapshot import Snapshot, State
from simulations.building import LivelyBuilding
from simulations.cars import CarModel
from simulations.equipment import world_of
from simulations.fast.fine import run_fine
from simulations.results import Results
from simulations.scenario.model import PriceCurve, Scenario, TimedFault, TimedLimit
from simulations.visits import Visit
from tests.support.fine_scenarios import START_S, Outcome, garage, hungry, load, story


def arrived(points: int) -> list[Visit]:
    return [hungry(f"P{n}", 2.0 + 3.0 * n) for n in range(points)]


def told(scenario: Scenario) -> Outcome:
    return Outcome(run_fine(scenario))


def test_an_ordinary_half_hour_delivers_what_cars_draw_and_strains_no_fuse():
    building = load((0, 12), (600, 22), (1200, 8))
    outcome = told(story(garage(5), arrived(5), building, 1800.0))
    series, truth = outcome.results.series, outcome.results.truth
    assert outcome.delivered_wh() > 12_000
    by_points_wh = float(series.power_w.sum(dtype=float)) * series.step_s / 3600
    below_main_wh = float((series.circuit_a[:, 0] - series.building_a).sum(dtype=float)) * 230 * series.step_s / 3600
    assert by_points_wh == pytest.approx(outcome.delivered_wh(), rel=1e-5)
    assert below_main_wh == pytest.approx(outcome.delivered_wh(), rel=1e-5)
    assert outcome.results.violations == {}
    assert truth.fuse_violation_as == 0.0
    assert truth.longest_overload_s <= 8.0, "the building's jump at 600 s"
    assert outcome.results.invalid_setpoints == 0
    assert max(outcome.circuit_a("main", 1790)) > 55, "what is free is used"


def test_every_car_that_fits_is_served_and_says_when_it_began():
    outcome = told(story(garage(4), arrived(4), load((0, 10)), 120.0))
    for session in outcome.results.sessions:
        assert session.first_charge_s is not None
        assert 0 < session.first_charge_s - session.visit.arrives_s < 60
        assert session.longest_wait_s <= 60
        assert not session.met


def test_rows_say_what_was_seen_and_said():
    outcome = told(story(garage(2), [hungry("P0", 12.0)], load((0, 10)), 90.0))
    series = outcome.results.series
    assert series.time_s.tolist() == [10.0 * row for row in range(9)]
    assert [STATES[code] for code in series.state[[0, 8], 0]] == [State.AVAILABLE, State.CHARGING]
    assert outcome.because("P0", 85) == "point:max"
    assert outcome.because("P1", 85).startswith("not_admitted:available")
    assert outcome.limit_a("P0", 85) == pytest.approx(32.0)
    assert outcome.current_a("P0", 85) == pytest.approx(32.0, abs=0.1)
    assert series.power_w[8, 0] == pytest.approx(3 * 230 * series.current_a[8, 0])
    assert series.building_a[8].tolist() == [10.0, 10.0, 10.0]
    assert outcome.circuit_a("main", 85) == pytest.approx((42.0,) * 3, abs=0.1)
    assert (series.circuit_peak_a >= series.circuit_a - 1e-4).all()
    assert series.price.tolist() == pytest.approx([0.3] * 9)


def same(one: Results, other: Results) -> bool:
    arrays = ("limit_a", "current_a", "power_w", "because", "state", "circuit_a", "circuit_peak_a", "thermal", "price")
    equal = all(getattr(one.series, name).tobytes() == getattr(other.series, name).tobytes() for name in arrays)
    rest = (one.truth, one.events, one.series.reasons, one.sessions, one.violations)
    return equal and rest == (other.truth, other.events, other.series.reasons, other.sessions, other.violations)


def test_the_same_scenario_gives_the_same_results_byte_for_byte_and_another_seed_others():
    scenario = story(garage(5), arrived(5), LivelyBuilding((40.0,) * 3, 3, START_S), 240.0)
    first = run_fine(scenario)
    assert same(first, run_fine(scenario)), "the scenario is used up by nobody"
    assert not same(first, run_fine(replace(scenario, seed=2)))


def test_every_station_has_dice_of_its_own():
    few, many = (world_of(story(garage(size), [], load(), 60.0)) for size in (2, 4))
    for identity in ("S0", "S1"):
        assert few.stations[identity].connectors[1].model == many.stations[identity].connectors[1].model
        assert few.stations[identity].connectors[1].register_wh == many.stations[identity].connectors[1].register_wh


def test_decisions_see_what_the_service_would_see():
    seen: list[Snapshot] = []
    visit = replace(hungry("P0", 5.0), stated_energy_wh=9_000.0, stated_leaves_s=3600.0)
    scenario = story(garage(2), [visit], load((0, 10)), 120.0)
    run_fine(scenario, on_decision=lambda snapshot, _memory, _decision: seen.append(snapshot))
    seen = [snapshot for snapshot in seen if snapshot.monotonic_s >= 0.0]
    assert 118 <= sum(snapshot.monotonic_s >= 0.0 for snapshot in seen) <= 121, "one turn a second"
    ages_s = [snapshot.at - snapshot.meters["grid"].measured_at for snapshot in seen]
    assert max(ages_s) < timedelta(seconds=1.1)
    states = list(dict.fromkeys(snapshot.points["P0"].state for snapshot in seen))
    assert (states[0], states[-1]) == (State.AVAILABLE, State.CHARGING)
    assert set(states[1:-1]) <= {State.PLUGGED, State.WITHHELD}, "until its charger has looked at its limit"
    last = seen[-1].points["P0"]
    assert last.departs_at is not None
    assert last.departs_at.timestamp() == pytest.approx(START_S + 3600.0)
    assert last.energy_needed_wh == 9_000 - last.delivered_wh
    assert last.delivered_wh > 200
    assert last.commanded_a == pytest.approx(32.0)


def test_progress_rises_to_the_end():
    parts: list[float] = []
    run_fine(story(garage(1), [], load(), 60.0), progress=parts.append)
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


@pytest.mark.parametrize("step_s", [0.2, 5.0])
def test_the_fuse_holds_in_the_shortest_and_in_the_longest_steps(step_s: float):
    outcome = told(story(garage(4), arrived(4), load((0, 10), (60, 30)), 120.0, step_s=step_s))
    assert outcome.results.truth.longest_overload_s <= 13.0
    assert max(outcome.circuit_a("main", 115)) <= 62.5
    assert outcome.delivered_wh() > 500


def test_a_bound_of_the_grid_operator_is_kept_while_it_holds():
    bound = TimedLimit("main", 20_000.0, "grid_operator", 60.0, 150.0)
    outcome = told(story(garage(4), arrived(4), load((0, 10)), 220.0, limits=(bound,)))
    assert sum(outcome.circuit_a("main", 55)) * 230 > 30_000
    assert all(sum(outcome.circuit_a("main", at_s)) * 230 <= 20_000 for at_s in range(75, 150, 10))
    assert outcome.because("P1", 120) == "limit:grid_operator"
    assert sum(outcome.circuit_a("main", 215)) * 230 > 30_000


def test_a_bound_on_charging_alone_leaves_the_building_out():
    bound = TimedLimit("main", 13_020.0, "dimmer", 30.0, 100.0, charging_only=True)
    outcome = told(story(garage(4), arrived(4), load((0, 15)), 100.0, limits=(bound,)))
    inside_w = [(sum(outcome.circuit_a("main", at_s)) - 45.0) * 230 for at_s in range(45, 100, 10)]
    assert max(inside_w) <= 13_020
    assert min(inside_w) > 11_500, "15 A on each phase are not its business"


def test_a_driver_with_a_price_limit_waits_as_long_as_the_need_can_still_be_met():
    dear_until_200_s = PriceCurve(np.array([0.0, 200.0]), np.array([0.5, 0.1]))
    car = CarModel(capacity_wh=50_000.0, max_a=16.0, taper_from=1.0)
    patient = Visit("patient", "P0", 1.0, 3600.0, 1_000.0, car, price_limit=0.2)
    pressed = Visit("pressed", "P1", 1.0, 420.0, 1_000.0, car, price_limit=0.2)
    outcome = told(story(garage(2), [patient, pressed], load((0, 10)), 420.0, price=dear_until_200_s))
    begun_s = [session.first_charge_s or 0.0 for session in outcome.results.sessions]
    assert 200 < begun_s[0] < 280, "it looks at the price once a minute"
    assert begun_s[1] < 130, "1 kWh at 11 kW takes five and a half minutes, and it leaves after seven"
    assert outcome.results.sessions[1].delivered_wh > 850


def test_a_car_that_comes_when_another_leaves_finds_the_point_free():
    visits = [hungry("P0", 2.0, 60.0), hungry("P0", 60.0, 200.0)]
    outcome = told(story(garage(1), visits, load((0, 10)), 150.0))
    first, second = outcome.results.sessions
    assert first.delivered_wh > 200
    assert second.delivered_wh > 200
    assert second.first_charge_s is not None
    assert second.first_charge_s > 60.0


def test_a_visit_beyond_the_end_is_a_session_without_energy():
    outcome = told(story(garage(1), [hungry("P0", 900.0)], load((0, 10)), 60.0))
    assert outcome.results.sessions[0].delivered_wh == 0.0
    assert outcome.results.sessions[0].first_charge_s is None


def test_a_fault_that_does_not_exist_is_refused():
    with pytest.raises(KeyError, match="meteor"):
        run_fine(story(garage(1), [], load(), 30.0, faults=(TimedFault("meteor", 1.0, 2.0),)))
