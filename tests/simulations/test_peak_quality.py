"""What is measured of the keeping of peaks: the bound of perfect information, the saving, targets that were missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from typer.testing import CliRunner

from simulations.cars import CarModel
from simulations.fast import run
from simulations.fast.fleet import taken_wh
from simulations.quality.loads import BuildingLoad, made
from simulations.quality.peak_case import MINUTES, case, in_minutes
from simulations.quality.peaks import Misses, Peaks, app, judged, misses_of, peaks_of
from simulations.visits import Visit

HOUR_S = 3600.0


def flat(load_kw: float) -> BuildingLoad:
    """A building that always draws the same, from a Sunday evening on."""
    begin = datetime(2026, 1, 4, 18, 0, tzinfo=UTC)
    return BuildingLoad("flat", begin, ZoneInfo("UTC"), np.full(9 * 96, load_kw))


def least_limit_a(car: Visit) -> float:
    """The lowest limit under which a car gets its energy while it is there [A]: no other course has a lower peak."""
    stay_h, battery = (car.leaves_s - car.arrives_s) / HOUR_S, (car.to_full_wh, car.taper_wh, car.car.max_a, 3 * 230.0)
    limits_a = np.arange(6.0, car.car.max_a, 0.01)
    missing_wh, taper_wh, most_a, w_per_a = (np.full(limits_a.shape, value) for value in battery)
    got_wh = taken_wh(limits_a, missing_wh, taper_wh, most_a, w_per_a, np.full(limits_a.shape, stay_h))
    return float(limits_a[np.flatnonzero(got_wh > car.energy_wh - 1.0)[0]])


def test_a_car_that_stays_for_five_hours_could_have_been_spread_over_all_of_them():
    car = Visit("V", "P00", 10 * HOUR_S, 15 * HOUR_S, 10_000.0, CarModel(max_a=16.0, phases=3, taper_from=1.0))
    scenario = replace(case(flat(30.0), 1, 1), visits=(car,))
    assert datetime.fromtimestamp(scenario.start_s, UTC).isoformat() == "2026-01-05T00:00:00+00:00"
    peaks = peaks_of(run(scenario, "uncontrolled"))
    assert peaks.billed_kw == pytest.approx([30.0 + 3 * 16.0 * 0.23], abs=0.05)
    assert peaks.bound_kw == pytest.approx([32.0], abs=0.05)
    assert peaks.undelivered_share == pytest.approx(0.0, abs=1e-6)


def test_a_battery_that_takes_less_as_it_fills_could_not_have_been_filled_evenly():
    """It takes its last 4.4 kWh ever more slowly: who knew that would begin with more than a third of it in an hour."""
    model = CarModel(max_a=16.0, phases=3, taper_from=0.9, capacity_wh=40_000.0)
    car = Visit("V", "P00", 10 * HOUR_S, 13 * HOUR_S, 15_000.0, model)
    peaks = peaks_of(run(replace(case(flat(30.0), 1, 1), visits=(car,)), "uncontrolled"))
    assert peaks.undelivered_share == pytest.approx(0.0, abs=1e-6)
    best_kw = 30.0 + 3 * 0.23 * least_limit_a(car)
    assert 30.0 + 15.0 / 3 + 0.5 < peaks.bound_kw[0] <= best_kw + 1e-6
    assert peaks.bound_kw[0] == pytest.approx(best_kw, rel=0.01)


def test_what_a_run_is_billed_is_never_below_its_bound():
    scenario = case(made(3, 4), 2, 1)
    assert len(scenario.visits) > 80
    peaks = peaks_of(run(scenario))
    assert peaks.over_bound_pct > 0.0
    assert (peaks.bound_kw <= peaks.billed_kw + 1e-6).all()
    assert peaks.undelivered_share == pytest.approx(0.0, abs=1e-6)


def test_minutes_keep_the_mean_of_their_quarter_and_are_the_same_again():
    quarters_kw = np.array([30.0, 0.0, 45.0])
    minutes_kw = in_minutes(quarters_kw, 1).reshape(3, MINUTES)
    assert minutes_kw.mean(axis=1) == pytest.approx(quarters_kw)
    assert 0.01 < minutes_kw[0].std() / 30.0 < 0.1
    assert in_minutes(quarters_kw, 1).tolist() == minutes_kw.reshape(-1).tolist()
    assert in_minutes(quarters_kw, 2).tolist() != minutes_kw.reshape(-1).tolist()


def test_the_saving_is_a_part_of_what_could_be_saved():
    uncontrolled = Peaks(np.array([100.0, 80.0]), np.array([60.0, 60.0]), 0.0)
    ours = Peaks(np.array([70.0, 65.0]), np.array([60.0, 60.0]), 0.0)
    assert ours.saving_pct(uncontrolled) == pytest.approx(75.0)
    assert ours.over_bound_pct == pytest.approx(12.5)
    assert uncontrolled.saving_pct(uncontrolled) == 0.0
    nothing_to_save = Peaks(np.array([60.0]), np.array([60.0]), 0.0)
    assert nothing_to_save.saving_pct(nothing_to_save) is None


def test_targets_are_missed_above_them_and_windows_without_one_do_not_count():
    target_kw = np.array([np.nan, 50.0, 50.0, 50.0])
    assert misses_of(target_kw, np.array([90.0, 50.0, 49.0, 51.0])) == Misses(3, 1, pytest.approx(2.0))
    assert not misses_of(target_kw, np.array([90.0, 50.0, 49.0, 51.0])).kept
    assert misses_of(np.full(2000, 50.0), np.append(np.full(1999, 49.0), 50.9)).kept
    assert not misses_of(np.full(2000, 50.0), np.append(np.full(1999, 49.0), 51.1)).kept


def test_two_days_of_which_nothing_was_known_are_kept_nearer_to_the_bound_than_to_no_control():
    week = case(made(3, 3), 2, 1, step_s=300.0)
    days = 2.0 * 86_400.0
    found = judged(replace(week, duration_s=days, visits=tuple(v for v in week.visits if v.arrives_s < days)))
    assert found.days == 2
    assert found.peaks.over_bound_pct >= 0.0
    assert found.saving_pct is not None
    assert found.saving_pct > 50.0
    assert found.unmet_pct < 3.0
    assert found.misses.targeted > 50


def test_a_step_that_is_no_part_of_a_quarter_of_an_hour_is_refused():
    told = CliRunner().invoke(app, ["--step", "4"])
    assert told.exit_code == 2
    assert "expected one of (1, 3, 5), got 4" in told.output
