"""Demand windows in long steps: what a peak costs as the month goes by, and how windows are held within them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from controller.site import ChargingPoint, Circuit, Site
from simulations.cars import CarModel
from simulations.fast import run
from simulations.fast.shaving import Shaving, peak_terms
from simulations.judging.metrics import metrics_of
from simulations.judging.policy import UNSHAVED
from simulations.results import Results
from simulations.scenario.loads import SampledBuilding
from simulations.scenario.model import DemandCharge, Planning, PriceCurve, Scenario
from simulations.visits import Visit

END_S = 4 * 3600.0
QUARTER_S = 900.0
JANUARY_S = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def story(**more: object) -> Scenario:
    """Four cars that stay until noon, beside a building whose draw jumps between 4 and 8 kW."""
    points = [ChargingPoint(f"P{n}", "main", f"S{n}", 1, (0, 1, 2)) for n in range(4)]
    main = Circuit("main", None, (63.0,) * 3, meter="grid", base_load_a=(15.0,) * 3)
    car = CarModel(max_a=16.0, taper_from=1.0, capacity_wh=90_000.0)
    draws_a = np.where(np.arange(48) % 3 == 0, 12.0, 6.0)[:, None].repeat(3, axis=1)
    plain = Scenario(
        name="story",
        description="",
        site=Site("g", (main,), tuple(points)),
        start_s=JANUARY_S,
        duration_s=END_S,
        step_s=60.0,
        record_s=60.0,
        seed=1,
        visits=tuple(
            Visit(f"V{n}", f"P{n}", 600.0 * n, END_S, 12_000.0, car, stated_leaves_s=END_S, stated_energy_wh=12_000.0)
            for n in range(4)
        ),
        building=SampledBuilding(JANUARY_S, 300.0, draws_a),
        price=PriceCurve(np.zeros(1), np.array([0.25])),
        plan=Planning(peak="hint", peak_hint_kw=26.0),
        demand=DemandCharge(8.0),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def windows_kw(results: Results) -> np.ndarray:
    """The mean powers of the quarter-hours, from the rows."""
    watts = results.series.power_w.sum(axis=1) + 230.0 * results.series.building_a.sum(axis=1)
    return watts.reshape(-1, round(QUARTER_S / results.series.step_s)).mean(axis=1) / 1000.0


@pytest.mark.parametrize(("controller", "step_s"), [("rules", 60.0), ("decide", 300.0)])
def test_every_window_is_held_at_the_peak_that_is_worth_having(controller: str, step_s: float):
    scenario = story(controller=controller, step_s=step_s, record_s=step_s)
    held, free = run(scenario), run(scenario, UNSHAVED)
    assert windows_kw(free).max() > 30.0
    assert windows_kw(held).max() <= 26.0 * 1.02
    assert all(session.met for session in held.sessions)
    assert "limit:peak" in held.series.reasons
    assert held.invalid_setpoints == 0
    told = [one.window.mean_w / 1000.0 for one in held.windows]
    assert told == pytest.approx(windows_kw(held)[: len(told)].tolist(), abs=0.01)
    targets_w = [one.target_w for one in held.windows]
    assert targets_w == pytest.approx([26_000.0] * len(targets_w))
    assert free.windows == ()


def test_without_peak_shaving_the_same_is_billed():
    scenario = story()
    held, free = metrics_of(run(scenario)), metrics_of(run(scenario, UNSHAVED))
    assert free.policy == UNSHAVED
    assert free.demand_cost == pytest.approx(8.0 * free.peak_kw)
    assert held.demand_cost < 0.7 * free.demand_cost
    assert run(replace(scenario, plan=Planning(peak="ignored"))).series.limit_a.tobytes() == (
        run(scenario, UNSHAVED).series.limit_a.tobytes()
    )


def shaving(peak: str, days: float = 0.0) -> Shaving:
    """Of a site whose first window begins so many days after the month."""
    begin_s = JANUARY_S + 86_400.0 * days
    scenario = story(start_s=begin_s, step_s=900.0, record_s=900.0, plan=Planning(peak=peak), demand=DemandCharge(12.0))
    terms = peak_terms(scenario)
    assert terms is not None
    return Shaving(scenario, terms)


def price_of(one: Shaving) -> tuple[float, float]:
    demand = one.demand(900.0)
    assert demand is not None
    part = demand.parts[0]
    return part.per_kw, part.floor_kw


def test_a_peak_that_was_reached_is_paid_for_until_the_month_ends():
    books = shaving("full", days=30.0)
    for step, power_w in enumerate((99_000.0, 30_000.0, 20_000.0)):
        books.see(QUARTER_S * step, 5_000.0, power_w - 5_000.0)
    assert price_of(books) == (12.0, pytest.approx(30.0)), "99 kW flowed before anybody looked"
    for step in range(3, 96 + 1):
        books.see(QUARTER_S * step, 5_000.0, 0.0)
    assert price_of(books) == (12.0, 0.0)


def test_a_new_peak_counts_more_as_the_month_goes_by():
    prices = []
    for days in (0.0, 10.0, 20.0, 29.5):
        books = shaving("by_days_left", days)
        books.see(0.0, 0.0, 0.0)
        prices.append(price_of(books)[0])
    assert all(earlier < later for earlier, later in pairwise(prices))
    assert prices[0] == pytest.approx(12.0 * 2.0 / 31.0)
    assert prices[-1] == 12.0


def test_who_is_charged_nothing_or_ignores_it_has_no_windows_to_hold():
    assert peak_terms(story(demand=None)) is None
    assert peak_terms(story(demand=DemandCharge(0.0))) is None
    assert peak_terms(story(plan=None)) is None
    assert peak_terms(story(plan=Planning(peak="ignored"))) is None
