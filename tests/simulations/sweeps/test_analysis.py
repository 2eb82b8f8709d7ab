"""Which setting is best, and how sure that is."""

import numpy as np
import pytest

from simulations.sweeps.analysis import NUMBERS, Analysis, analysed
from simulations.sweeps.cases import Cases, parameters_of

FUSES = "circuits.main.fuse_a=25,40,63"
CARS = "people.staff.cars_per_day=3,9"


def analysis(
    costs: list[list[float]], *settings: str, violations: dict[tuple[int, int], float] | None = None
) -> Analysis:
    """Costs by setting and seed; NaN: the run failed."""
    cases = Cases(parameters_of(settings), tuple(range(len(costs[0]))))
    runs = cases.runs(lambda _: "scenario")
    rows = {}
    for run in runs:
        cost = costs[run.setting][run.seed]
        if np.isfinite(cost):
            figures = dict.fromkeys(NUMBERS, 0.0) | {"sessions": 10, "sessions_met": 9, "cost": cost}
            figures["fuse_violation_as"] = (violations or {}).get((run.setting, run.seed), 0.0)
            rows[run.key] = {**figures, "regret_pct": None}
    return analysed(cases, runs, rows)


def test_the_cheapest_setting_is_the_best():
    found = analysis([[30, 32, 31], [20, 21, 22], [24, 25, 27]], FUSES)
    assert found.order == [1, 2, 0]
    assert found.best == 1
    assert found.estimate(1, "cost").mean == pytest.approx(21.0)
    assert found.estimate(1, "cost").half_width == pytest.approx(2.4841, abs=1e-4)  # t(0.975; 2) x 1 / sqrt(3)


def test_violations_rule_a_setting_out_however_cheap_it_is():
    found = analysis([[10, 10, 10], [20, 21, 22], [24, 25, 27]], FUSES, violations={(0, 2): 0.5})
    assert found.best == 1
    assert found.order == [1, 2, 0]
    assert not found.as_good(0)


def test_a_setting_with_a_failed_run_cannot_be_the_best():
    found = analysis([[10, float("nan"), 10], [20, 21, 22], [24, 25, 27]], FUSES)
    assert found.best == 1
    assert found.runs(0) == 2


def test_without_any_sound_setting_there_is_no_best():
    found = analysis([[10, 12], [20, 21], [24, 25]], FUSES, violations={(n, 0): 1.0 for n in range(3)})
    assert found.best is None
    assert found.order == [0, 1, 2]


def test_settings_are_compared_seed_by_seed():
    # What the seeds do to both is far more than what lies between the two settings, and yet that is certain.
    found = analysis([[10, 50, 90, 130], [11, 51.1, 90.9, 131], [11, 49.2, 90.9, 129]], FUSES)
    assert found.estimate(0, "cost").half_width > 80
    assert found.behind_best(1).mean == pytest.approx(1.0)
    assert [found.as_good(setting) for setting in range(3)] == [True, False, True]


def test_one_seed_says_nothing_about_chance():
    found = analysis([[10], [10.01], [12]], FUSES)
    assert np.isnan(found.estimate(0, "cost").half_width)
    assert [found.as_good(setting) for setting in range(3)] == [True, False, False]


def test_a_value_is_averaged_over_the_other_parameters_before_the_seeds():
    found = analysis([[10, 20], [30, 40], [50, 60], [70, 80], [1, 1], [1, 1]], FUSES, CARS)
    one = found.of_value(0, 0, "cost")  # 25 A: (10 + 30) / 2 and (20 + 40) / 2
    assert (one.mean, one.half_width) == (pytest.approx(25.0), pytest.approx(12.7062 * 5, rel=1e-4))
    assert found.of_values((0, 1), (1, 1), "cost") == pytest.approx(75.0)


def test_a_swing_changes_one_parameter_and_leaves_the_others_at_their_best():
    found = analysis([[10], [90], [12], [13], [11], [95]], FUSES, CARS)
    cars, fuse = found.swings()
    assert (cars.parameter, cars.least, cars.most, cars.least_text, cars.most_text) == (1, 10.0, 90.0, "3", "9")
    assert (fuse.parameter, fuse.least, fuse.most, fuse.least_text, fuse.most_text) == (0, 10.0, 12.0, "25", "40")


def test_figures_that_no_run_has_are_no_numbers():
    found = analysis([[10, 11], [20, 21], [30, 31]], FUSES)
    assert np.isnan(found.estimate(0, "regret_pct").mean)
    assert found.estimate(0, "sessions_met_pct").mean == pytest.approx(90.0)
