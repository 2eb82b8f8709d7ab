"""What could be reached at best: worked out by hand, by trying everything, and never beaten by anybody."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from simulations.building import LivelyBuilding
from simulations.cars import CarModel
from simulations.judging.bound import bound_of, most_delivered_wh
from simulations.judging.programme import Programme, pairs, polygon, programme_of
from simulations.scenario.model import DemandCharge, Judging, Scenario, TimedLimit
from tests.support.small_scenarios import QUARTER_S, START_S, scenario, single_phase_site, visit

V = 230.0
QUARTER_WH_PER_A = V * 0.25


def test_without_anybody_there_is_nothing_to_gain():
    bound = bound_of(scenario([]))
    assert (bound.delivered_wh, bound.cost, bound.unmet_wh, bound.peak_w) == (0.0, 0.0, 0.0, 0.0)


def test_a_car_gets_what_it_needs_in_the_cheapest_quarters():
    bound = bound_of(scenario([visit("P0", 0, 3600, 2 * 16 * QUARTER_WH_PER_A)], prices=(0.40, 0.10, 0.30, 0.20)))
    assert bound.delivered_wh == pytest.approx(1840.0)
    assert bound.energy_cost == pytest.approx(0.92 * 0.10 + 0.92 * 0.20)
    assert bound.unmet_wh == pytest.approx(0.0, abs=1e-6)


def test_a_car_that_is_there_for_part_of_a_slot_can_draw_in_that_part_only():
    bound = bound_of(scenario([visit("P0", 600, 1200, 50_000)]))
    assert bound.delivered_wh == pytest.approx(16 * V / 6)


def test_a_battery_that_fills_takes_in_each_slot_a_part_of_what_is_missing():
    car = CarModel(max_a=16.0, taper_from=0.5, capacity_wh=7200.0, phases=1)
    one = visit("P0", 0, 3600, 3500, car)
    rate = car.max_a * V / one.taper_wh
    bound = bound_of(scenario([one]))
    assert bound.delivered_wh == pytest.approx(one.to_full_wh * (1.0 - np.exp(-rate)))
    assert bound.delivered_wh < min(3500.0, 16 * V)


def test_a_battery_far_from_full_does_not_matter():
    car = CarModel(max_a=16.0, taper_from=0.9, capacity_wh=60_000.0, phases=1)
    assert bound_of(scenario([visit("P0", 0, 3600, 50_000, car)])).delivered_wh == pytest.approx(16 * V)


def test_the_fuse_less_margin_and_building_bounds_what_all_get():
    site = single_phase_site(fuse_a=20.0, margin_a=1.0)
    cars = [visit("P0", 0, 3600, 50_000), visit("P1", 0, 3600, 50_000)]
    # Half of the time the building leaves 19 A, then 9 A.
    bound = bound_of(scenario(cars, site=site, load=[(1800.0, (10.0, 0.0, 0.0))]))
    assert bound.delivered_wh == pytest.approx((19 + 9) / 2 * V)


def test_where_the_building_alone_overloads_the_fuse_nothing_is_free_and_nothing_negative():
    bound = bound_of(scenario([visit("P0", 0, 3600, 50_000)], load=[(0.0, (99.0, 0, 0)), (1800.0, (0, 0, 0))]))
    assert bound.delivered_wh == pytest.approx(16 * V / 2)


def test_a_contract_and_a_limit_of_the_grid_operator_count_while_they_hold():
    site = single_phase_site(fuse_a=63.0, contract_w=3000.0)
    limits = (TimedLimit("main", 1000.0, "grid_operator", 900.0, 1800.0),)
    bound = bound_of(scenario([visit("P0", 0, 3600, 50_000)], site=site, limits=limits))
    assert bound.delivered_wh == pytest.approx(3 * 750.0 + 250.0)


def test_a_limit_on_charging_alone_leaves_the_building_out():
    limits = (TimedLimit("main", 1000.0, "dimmer", 900.0, 1800.0, charging_only=True),)
    site = single_phase_site(fuse_a=63.0, contract_w=10_000.0)
    load = [(0.0, (10.0, 10.0, 10.0))]
    bound = bound_of(scenario([visit("P0", 0, 3600, 50_000)], site=site, limits=limits, load=load))
    most_w = 10_000.0 - 30 * V
    assert bound.delivered_wh == pytest.approx(0.75 * most_w + 250.0)


def test_three_phases_three_times_the_power_and_a_single_phase_car_uses_the_first():
    bound = bound_of(scenario([visit("P0", 0, 3600, 50_000, CarModel(max_a=16.0, phases=3))]))
    assert bound.delivered_wh == pytest.approx(16 * V), "the point is wired to one phase"


def test_a_demand_charge_spreads_a_need_evenly():
    need_wh = 8 * V
    cars = [visit("P0", 0, 3600, need_wh)]
    bound = bound_of(scenario(cars, demand=DemandCharge(per_kw=10.0), judging=Judging(unmet_per_kwh=100.0)))
    assert bound.peak_w == pytest.approx(8 * V)
    assert bound.demand_cost == pytest.approx(10.0 * 8 * V / 1000)
    assert bound.cost == pytest.approx(bound.demand_cost + 0.25 * need_wh / 1000)


def test_below_the_buildings_own_peak_charging_costs_no_demand():
    load = [(0.0, (12.0, 0.0, 0.0)), (900.0, (4.0, 0.0, 0.0))]
    need_wh = 3 * 8 * QUARTER_WH_PER_A
    cars = [visit("P0", 0, 3600, need_wh)]
    bound = bound_of(scenario(cars, load=load, demand=DemandCharge(per_kw=10.0)))
    assert bound.peak_w == pytest.approx(12 * V)
    assert bound.unmet_wh == pytest.approx(0.0, abs=1e-6)


def test_energy_that_costs_more_than_it_is_worth_is_left_out():
    cars = [visit("P0", 0, 3600, 16 * V)]
    bound = bound_of(scenario(cars, prices=(0.9, 0.9, 1.1, 1.1), judging=Judging(unmet_per_kwh=1.0)))
    assert bound.unmet_wh == pytest.approx(8 * V)
    assert bound.cost == pytest.approx(8 * V / 1000 * (0.9 + 1.0))
    assert bound.delivered_wh == pytest.approx(16 * V)


def test_every_month_has_its_own_peak_and_a_car_may_stay_across_its_end():
    # Begins on the last of January at 23:00, an hour before the month ends in the site's time zone.
    begin_s = START_S + 30 * 86_400.0 + 23 * 3600.0
    cars = [visit("P0", 0, 7200, 16 * V)]
    bound = bound_of(
        scenario(
            cars, quarters=8, start_s=begin_s, demand=DemandCharge(per_kw=1.0), judging=Judging(unmet_per_kwh=100.0)
        )
    )
    # A kilowatt costs the same in both months: an hour at full power in one is as good as half of it in each.
    assert bound.demand_cost == pytest.approx(16 * V / 1000)
    assert bound.delivered_wh == pytest.approx(16 * V)


def test_a_slot_begins_on_the_clock_and_the_first_may_be_short():
    offset = scenario([visit("P0", 0, 1500, 50_000)], start_s=START_S + 300.0, duration_s=1500.0)
    programme, _ = programme_of(offset)
    assert programme.begins_s.tolist() == [0.0, 600.0]
    assert programme.length_s.tolist() == [600.0, 900.0]


def random_scenario(rng: np.random.Generator, visits: int, quarters: int, **changes: Any) -> Scenario:
    """Whole quarters and whole multiples of 4 A, so that trying all multiples finds an optimum."""
    cars = []
    for number in range(visits):
        begin = int(rng.integers(0, quarters))
        end = int(rng.integers(begin + 1, quarters + 1))
        need_wh = 4.0 * QUARTER_WH_PER_A * int(rng.integers(1, 3 * quarters))
        cars.append(
            visit(
                f"P{number}", begin * QUARTER_S, end * QUARTER_S, need_wh, CarModel(max_a=8.0, phases=1, taper_from=1)
            )
        )
    site = single_phase_site(visits, fuse_a=float(rng.choice([8.0, 12.0, 16.0])))
    prices = rng.choice([0.1, 0.2, 0.3, 1.2], quarters).tolist()
    return scenario(cars, site=site, quarters=quarters, prices=prices, **changes)


def every_course(of: Scenario, step_a: float):
    """Each way to give every car a multiple of some amperes in every quarter: energy [Wh] and cost."""
    quarters, count = round(of.duration_s / QUARTER_S), len(of.visits)
    begins_s = QUARTER_S * np.arange(quarters)
    price = of.price.at(begins_s)
    there = np.array([(begins_s >= v.arrives_s) & (begins_s < v.leaves_s) for v in of.visits])
    need_wh = np.array([v.energy_wh for v in of.visits])
    per_kw = of.demand.per_kw if of.demand else 0.0
    levels = np.arange(0.0, 8.0 + step_a, step_a)
    for flat in product(*(levels if here else [0.0] for here in there.ravel())):
        current_a = np.array(flat).reshape(count, quarters)
        got_wh = current_a.sum(axis=1) * QUARTER_WH_PER_A
        total_a = current_a.sum(axis=0)
        if (got_wh > need_wh + 1e-6).any() or (total_a > of.site.circuits[0].fuse_a[0]).any():
            continue
        unmet = of.judging.unmet_per_kwh * (need_wh - got_wh).sum()
        cost = float(total_a @ price) * QUARTER_WH_PER_A + unmet + per_kw * float(total_a.max()) * V
        yield float(got_wh.sum()), cost / 1000.0


@pytest.mark.parametrize("seed", range(12))
def test_trying_everything_finds_nothing_better_and_nothing_worse(seed: int):
    of = random_scenario(np.random.default_rng([1, seed]), visits=2, quarters=3)
    tried = list(every_course(of, step_a=4.0))
    bound = bound_of(of)
    assert bound.delivered_wh == pytest.approx(max(got for got, _ in tried))
    assert bound.cost == pytest.approx(min(cost for _, cost in tried))


@pytest.mark.parametrize("seed", range(6))
def test_with_a_demand_charge_the_bound_lies_just_below_what_trying_finds(seed: int):
    rng = np.random.default_rng([2, seed])
    of = random_scenario(rng, visits=2, quarters=2, demand=DemandCharge(per_kw=0.15))
    found = min(cost for _, cost in every_course(of, step_a=1.0))
    assert bound_of(of).cost <= found + 1e-9
    assert bound_of(of).cost >= found - 0.15 * V / 1000, "an ampere of peak is as fine as was tried"


def test_stretches_solved_apart_give_what_they_give_together(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(3)
    cars = []
    for day in range(6):
        for point in range(3):
            begin_s = 86_400.0 * day + rng.uniform(0, 30_000)
            cars.append(visit(f"P{point}", begin_s, begin_s + rng.uniform(3_000, 30_000), rng.uniform(3e3, 3e4)))
    cars.sort(key=lambda car: car.arrives_s)
    programme, _ = programme_of(scenario(cars, site=single_phase_site(3, 20.0), quarters=6 * 96))
    together = most_delivered_wh(programme)
    monkeypatch.setattr("simulations.judging.bound.CHUNK", 1)
    assert most_delivered_wh(programme) == pytest.approx(together)
    assert together < programme.need_wh.sum()


def test_a_polygon_holds_the_circle_and_little_more():
    rows = np.array([[1.0 + 0j, np.exp(2j * np.pi / 3)]])
    sides, limits = polygon(rows, np.array([[10.0]]))
    angle = np.linspace(0.0, 2 * np.pi, 721)
    for radius, within in [(10.0, True), (10.0 / np.cos(np.pi / 24) + 1e-6, False)]:
        # Currents that make up the phasor: solve for real x in x0 + x1 * exp(...) = z.
        z = radius * np.exp(1j * angle)
        x1 = z.imag / np.sin(2 * np.pi / 3)
        currents = np.vstack([z.real - x1 * np.cos(2 * np.pi / 3), x1])
        holds = (sides @ currents <= limits + 1e-9).all(axis=0)
        assert holds.all() if within else not holds.any()


def test_phasor_rows_let_more_through_than_their_magnitudes():
    begins_s, length_s = np.array([0.0]), np.array([3600.0])
    stays = pairs(begins_s, length_s, np.zeros(2), np.full(2, 3600.0), np.full(2, 16.0))
    phasors = np.exp(1j * np.deg2rad([[30.0, 150.0]]))

    def delivered(rows: np.ndarray) -> float:
        sides, free_a = polygon(rows, np.array([[10.0]]))
        return most_delivered_wh(Programme(begins_s, length_s, np.full(2, 1e6), np.full(2, V), sides, free_a, *stays))

    # Two currents 120 degrees apart sum to one of the same size.
    assert delivered(phasors) == pytest.approx(20.0 * V, rel=0.01)
    assert delivered(phasors) >= 20.0 * V
    assert delivered(np.abs(phasors)) == pytest.approx(10.0 * V)


def test_asking_for_the_bound_leaves_a_building_that_remembers_as_it_was():
    lively = LivelyBuilding((15.0, 15.0, 15.0), seed=4)
    of = scenario([visit("P0", 0, 3600, 9_000)], building=lively)
    assert bound_of(of) == bound_of(of)
    assert lively.current_a(START_S + 60.0) == LivelyBuilding((15.0, 15.0, 15.0), seed=4).current_a(START_S + 60.0)
