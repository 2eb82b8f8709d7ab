"""Whoever keeps to the fuses, and whatever the prices: no run delivers more than the bound, and none costs less."""

import numpy as np
import pytest

from controller.site import WIRINGS, ChargingPoint, Circuit, Site
from simulations.cars import CarModel
from simulations.fast import run_batch
from simulations.judging.baselines import BASELINES
from simulations.judging.bound import bound_of
from simulations.judging.metrics import metrics_of
from simulations.scenario.loads import SampledBuilding
from simulations.scenario.model import DemandCharge, PriceCurve, Scenario, TimedLimit
from simulations.visits import Visit
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
def scenarios() -> list[Scenario]:
    return [random_scenario(seed) for seed in SEEDS]


@pytest.mark.parametrize("policy", ["loadstar", *(name for name in BASELINES if name != "uncontrolled")])
def test_no_rule_beats_it(policy: str, scenarios: list[Scenario]):
    shares = []
    for of, result in zip(scenarios, run_batch(scenarios, policy), strict=True):
        bound = bound_of(of)
        metrics = metrics_of(result, bound)
        assert metrics.delivered_kwh <= bound.delivered_wh / 1000.0 + 1e-3
        assert metrics.cost >= bound.cost - 1e-3
        shares.append(metrics.delivered_kwh * 1000.0 / bound.delivered_wh)
    assert np.mean(shares) > 0.3, "a bound that nobody comes near says little"
