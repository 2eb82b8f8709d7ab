"""Whoever keeps to the fuses, and whatever the prices: no run delivers more than the bound, and none costs less."""

import numpy as np
import pytest

from controller.site import WIRINGS, ChargingPoint, Circuit, Site
from simulations.cars import CarModel
from simulations.fast import run_batch
from simulations.judging.baselines import BASELINES
from simulations.judging.bound import bound_of
from simulations.judging.metrics import metrics_of
from simulations.judging.model import Bound
from simulations.scenario.loads import SampledBuilding
from simulations.scenario.model import DemandCharge, PriceCurve, Scenario, TimedLimit
from simulations.visits import Visit
from tests.benchmarks.caltech import Case, bound_wh, served_wh
from tests.support.small_scenarios import QUARTER_S, START_S, scenario

HOURS = 9
SEEDS = range(6)


def random_scenario(seed: int) -> Scenario:
    """Five points of any wiring on three circuits, tight, with tapering cars of any kind; a contract and a limit."""
    rng = np.random.default_rng([5, seed])
    circuits = (
        Circuit("main", None, (30.0, 30.0, 32.0), margin_a=1.0, meter="grid", contract_w=float(rng.uniform(9e3, 2e4))),
        Circuit("A", "main", (20.0,) * 3),
        Circuit("B", "main", (24.0,) * 3),
    )
    wirings = np.random.default_rng(5).choice(list(WIRINGS), 5)
    points = [ChargingPoint(f"P{n}", "AAABB"[n], f"S{n}", 1, WIRINGS[str(name)]) for n, name in enumerate(wirings)]
    visits = []
    for point in points:
        begin_s = rng.uniform(0, 2 * 3600)
        while begin_s < 3600 * (HOURS - 1):
            end_s = begin_s + rng.uniform(1800, 6 * 3600)
            car = CarModel(
                max_a=float(rng.choice([10.0, 16.0, 32.0])),
                phases=int(rng.choice([1, 3])),
                taper_from=float(rng.uniform(0.7, 1.0)),
            )
            visits.append(Visit(f"{point.id}-{begin_s:.0f}", point.id, begin_s, end_s, rng.uniform(2e3, 2e4), car))
            begin_s = end_s + rng.uniform(300, 5000)
    knots_a = rng.uniform(-3.0, 14.0, (HOURS * 4 + 1, 3))
    return scenario(
        sorted(visits, key=lambda visit: visit.arrives_s),
        site=Site("random", circuits, tuple(points)),
        quarters=4 * HOURS,
        step_s=300.0,
        building=SampledBuilding(START_S, QUARTER_S, knots_a),
        price=PriceCurve(3600.0 * np.arange(HOURS), rng.uniform(-0.05, 0.6, HOURS)),
        demand=DemandCharge(per_kw=float(rng.choice([0.0, 0.1, 1.0]))),
        limits=(TimedLimit("A", 4_000.0, "grid_operator", 7_000.0, 11_000.0),),
        controller="rules",
    )


@pytest.fixture(scope="module")
def cases() -> list[tuple[Scenario, Bound]]:
    return [(of, bound_of(of)) for of in map(random_scenario, SEEDS)]


@pytest.mark.parametrize("policy", ["loadstar", *(name for name in BASELINES if name != "uncontrolled")])
def test_no_rule_beats_it(policy: str, cases: list[tuple[Scenario, Bound]]):
    shares = []
    for result, (_, bound) in zip(run_batch([of for of, _ in cases], policy), cases, strict=True):
        metrics = metrics_of(result, bound)
        assert metrics.delivered_kwh <= bound.delivered_wh / 1000.0 + 1e-3
        assert metrics.cost >= bound.cost - 1e-3
        shares.append(metrics.delivered_kwh * 1000.0 / bound.delivered_wh)
    assert np.mean(shares) > 0.3, "a bound that nobody comes near says little"


def delta_wired(seed: int) -> Case:
    """Six stations between three phases, behind bounds on the magnitudes of the lines' currents."""
    rng = np.random.default_rng([6, seed])
    between = np.repeat(np.exp(1j * np.deg2rad([30.0, -90.0, 150.0])), 2)
    lines = np.array([[1, 1, 0, 0, -1, -1], [-1, -1, 1, 1, 0, 0], [0, 0, -1, -1, 1, 1]]) * between
    arrival = np.sort(rng.integers(0, 20, 6)).astype(np.float64)
    departure = arrival + rng.integers(3, 30, 6)
    return Case(
        period_s=300.0,
        voltage_v=208.0,
        max_a=32.0,
        rows=lines,
        limits_a=rng.uniform(20.0, 60.0, 3),
        place=rng.permutation(6),
        arrival=arrival,
        departure=departure,
        stated_departure=departure,
        need_wh=rng.uniform(500.0, 12_000.0, 6),
        most_a=np.full(6, 32.0),
        acn_wh={},
    )


@pytest.mark.parametrize("policy", [name for name in BASELINES if name != "uncontrolled"])
def test_nor_where_phasors_are_bound(policy: str):
    shares = []
    for case in map(delta_wired, range(5)):
        delivered_wh, most_wh = float(served_wh(case, BASELINES[policy]).sum()), bound_wh(case)
        assert delivered_wh <= most_wh + 0.1
        shares.append(delivered_wh / most_wh)
    assert np.mean(shares) > 0.6
