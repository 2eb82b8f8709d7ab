"""The figures of a run that somebody made up, worked out by hand."""

from dataclasses import replace

import pytest

from simulations.judging.judge import OURS, figures, judge, summary_of
from simulations.judging.metrics import interval, metrics_of
from simulations.judging.model import Bound, Judgement
from simulations.judging.policy import UNSHAVED
from simulations.results import Results
from simulations.scenario.model import DemandCharge, Judging, Scenario
from tests.support.small_scenarios import START_S, results, scenario, visit

SUMMARY_KEYS = {
    "requested_kwh", "delivered_kwh", "bound_delivered_kwh", "sessions", "sessions_met", "energy_cost", "demand_cost",
    "bound_cost", "regret_pct", "peak_kw", "fuse_violation_as", "thermal_peak", "invalid_setpoints", "wall_s",
    "days_per_s", "seed", "commit", "overload_as", "longest_overload_s",
}  # fmt: skip

BOUND = Bound(4000.0, 2.0, 1.5, 0.5, 0.0, 4000.0, 900.0)


def a_run(**changes: object) -> Results:
    """Two cars of 2 and 4 kWh; the first is served whole, the second to a quarter, in half an hour."""
    of = scenario([visit("P0", 0, 1800, 2000), visit("P1", 0, 1800, 4000)], quarters=2, prices=(0.2, 0.4), **changes)
    return results(of, [[3000, 2000]] * 3 + [[5000, 2000]] * 3, [2000, 1000])


def test_energy_costs_what_it_cost_when_it_flowed():
    metrics = metrics_of(a_run())
    assert metrics.energy_cost == pytest.approx(5.0 * 0.25 * 0.2 + 7.0 * 0.25 * 0.4)
    assert (metrics.requested_kwh, metrics.delivered_kwh) == pytest.approx((6.0, 3.0))
    assert metrics.unmet_cost == pytest.approx(3.0)


def test_a_session_is_met_with_nearly_all_of_its_energy():
    assert metrics_of(a_run()).sessions_met == 1


def test_fairness_is_told_by_the_shares_of_energy():
    metrics = metrics_of(a_run())
    assert metrics.least_share == pytest.approx(0.25)
    assert metrics.jain_index == pytest.approx(1.25**2 / (2 * (1 + 0.25**2)))


def test_demand_is_the_highest_mean_of_a_window_with_the_building():
    metrics = metrics_of(a_run(demand=DemandCharge(10.0), load=[(0.0, (10.0, 0.0, 0.0))]))
    assert metrics.peak_kw == pytest.approx(7.0 + 2.3)
    assert metrics.demand_cost == pytest.approx(93.0)


def test_a_longer_window_has_a_lower_peak():
    metrics = metrics_of(a_run(demand=DemandCharge(10.0, window_s=1800.0)))
    assert metrics.peak_kw == pytest.approx(6.0)


def test_windows_lie_on_the_clock():
    # From a quarter past, the half hour ends in the middle of the run.
    metrics = metrics_of(a_run(demand=DemandCharge(10.0, window_s=1800.0), start_s=START_S + 900.0))
    assert metrics.peak_kw == pytest.approx(7.0)


def test_each_month_has_a_peak_of_its_own():
    end_of_january = START_S + 31 * 86_400.0 - 900.0
    metrics = metrics_of(a_run(demand=DemandCharge(10.0), start_s=end_of_january))
    assert metrics.demand_cost == pytest.approx(50.0 + 70.0)


def test_months_begin_at_midnight_of_the_site():
    run = a_run(demand=DemandCharge(10.0), start_s=START_S + 31 * 86_400.0 - 900.0)
    there = replace(run.scenario, site=replace(run.scenario.site, time_zone="Europe/Amsterdam"))
    assert metrics_of(replace(run, scenario=there)).demand_cost == pytest.approx(70.0)


def test_more_is_produced_than_used():
    run = a_run(demand=DemandCharge(10.0), load=[(0.0, (-50.0, -50.0, -50.0))])
    assert metrics_of(run).demand_cost == 0.0


def test_regret_and_shares_are_told_against_the_bound():
    run = a_run()
    metrics = metrics_of(run, BOUND, replace(metrics_of(run), energy_cost=9.0))
    cost = 0.95 + 3.0
    assert metrics.regret_pct == pytest.approx(100 * (cost / 2.0 - 1.0))
    assert metrics.of_bound_pct == pytest.approx(75.0)
    assert metrics.saving_share_pct == pytest.approx(100 * (12.0 - cost) / (12.0 - 2.0))


def test_against_a_bound_that_costs_nothing_there_is_no_regret_to_tell():
    assert metrics_of(a_run(), replace(BOUND, cost=0.0)).regret_pct is None


def test_a_run_without_cars():
    metrics = metrics_of(results(scenario([], quarters=1), [[0, 0]] * 3, []))
    assert (metrics.sessions, metrics.jain_index, metrics.least_share, metrics.longest_wait_s) == (0, 1.0, 1.0, 0.0)


def test_an_interval_is_as_wide_as_students_t_says():
    mean, half = interval([1.0, 2.0, 3.0])
    assert mean == pytest.approx(2.0)
    assert half == pytest.approx(4.3027 / 3**0.5, rel=1e-4)


def test_one_value_has_no_spread_and_none_no_mean():
    assert interval([5.0]) == (5.0, None)
    with pytest.raises(ValueError, match="at least one"):
        interval([])


class Runner:
    """Runs that get better with the seed; the rivals do worse."""

    def __init__(self, of: Scenario) -> None:
        self.of = of
        self.asked: list[tuple[str, int]] = []

    def __call__(self, policy: str, seed: int) -> Results:
        self.asked.append((policy, seed))
        of = replace(self.of, seed=seed)
        got_wh = (1500.0 if policy == OURS else 500.0) + 100.0 * seed
        return results(of, [[got_wh / 0.25, 0.0]] * 3, [got_wh, 0.0], policy)


def judged(seeds: int = 3, policies: tuple[str, ...] = ("uncontrolled", "first_come"), bound: bool = True):
    cars = [visit("P0", 0, 900, 2000), visit("P1", 0, 900, 2000)]
    run = Runner(scenario(cars, quarters=1, judging=Judging(bound, policies, seeds)))
    own = run(OURS, 1)
    run.asked.clear()
    return judge(own, run), run.asked


def test_every_rival_runs_with_every_seed_and_we_with_all_but_the_one_that_ran():
    _, asked = judged()
    assert sorted(asked) == [
        *(("first_come", seed) for seed in (1, 2, 3)),
        *((OURS, seed) for seed in (2, 3)),
        *(("uncontrolled", seed) for seed in (1, 2, 3)),
    ]


def test_a_judgement_keeps_the_rivals_of_the_own_seed_and_the_figures_of_all():
    judgement, _ = judged()
    assert {name: of.scenario.seed for name, of in judgement.rivals.items()} == {"uncontrolled": 1, "first_come": 1}
    assert [m.seed for m in judgement.outcomes[OURS]] == [1, 2, 3]
    assert judgement.metrics == judgement.outcomes[OURS][0]
    assert judgement.metrics.saving_share_pct is not None
    assert judgement.bound is not None


def test_without_a_bound_nothing_is_told_against_it():
    judgement, _ = judged(seeds=1, policies=(), bound=False)
    assert judgement.bound is None
    assert judgement.metrics.regret_pct is None
    assert summary_of(judgement, 1.0, 900.0)["bound"] is None


def test_the_summary_holds_what_it_promises_and_the_spread_over_seeds():
    judgement, _ = judged()
    summary = summary_of(judgement, wall_s=2.0, duration_s=2 * 86_400.0)
    assert summary.keys() >= SUMMARY_KEYS
    assert summary["days_per_s"] == pytest.approx(1.0)
    assert set(summary["rivals"]) == {"uncontrolled", "first_come"}
    spread = summary["over_seeds"][OURS]
    assert spread["seeds"] == [1, 2, 3]
    assert spread["delivered_kwh"]["mean"] == pytest.approx(1.7)
    assert spread["delivered_kwh"]["plus_minus"] == pytest.approx(0.248, abs=5e-4)


def test_what_peak_shaving_saved_is_told_where_the_run_without_it_is_known():
    ours = replace(metrics_of(a_run()), demand_cost=100.0)
    free = replace(ours, policy=UNSHAVED, demand_cost=130.5)
    alone = Judgement(ours, None, outcomes={OURS: (ours,)})
    beside = Judgement(ours, None, outcomes={OURS: (ours,), UNSHAVED: (free,)})
    assert summary_of(alone, 1.0, 900.0)["demand_saved"] is None
    assert summary_of(beside, 1.0, 900.0)["demand_saved"] == 30.5


def test_figures_are_rounded_to_what_they_are_worth():
    told = figures(replace(metrics_of(a_run()), energy_cost=1.23456, requested_kwh=1.23456, jain_index=1 / 3))
    assert (told["energy_cost"], told["requested_kwh"], told["jain_index"]) == (1.23, 1.235, 0.333333)
    assert told["saving_share_pct"] is None
