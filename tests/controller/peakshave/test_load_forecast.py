"""What will flow that is not charging: what is learned of a building, and how soon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from controller.peakshave.load_forecast import LoadForecast

ZONE = ZoneInfo("Europe/Amsterdam")
MONDAY = datetime(2026, 11, 16, tzinfo=ZONE)
QUARTER = timedelta(minutes=15)


def usual(moment: datetime) -> float:
    """20 A from eight to six on working days, else 4 A."""
    return 20.0 if moment.weekday() < 5 and 8 <= moment.hour < 18 else 4.0


def load(level_a: float) -> np.ndarray:
    return np.array([[level_a, level_a / 2, 0.0]])


def lived_through(days: float, extra_a: float = 0.0) -> tuple[LoadForecast, datetime]:
    forecast, moment = LoadForecast(1, 900.0), MONDAY
    for _ in range(round(days * 96)):
        for second in (10, 400, 800):
            forecast.see(moment + timedelta(seconds=second), load(usual(moment)))
        moment += QUARTER
    forecast.see(moment, load(usual(moment) + extra_a))
    return forecast, moment


def first_phase(forecast: LoadForecast, now: datetime, *hours: float) -> list[float]:
    expected = forecast.ahead(now, [now + timedelta(hours=hour) for hour in hours])
    assert expected is not None
    assert expected.shape == (len(hours), 1, 3)
    assert np.isfinite(expected).all()
    return [round(value, 2) for value in expected[:, 0, 0].tolist()]


def test_before_anything_was_seen_nothing_is_said():
    assert LoadForecast(2, 900.0).ahead(MONDAY, [MONDAY]) is None


def test_at_first_things_stay_as_they_are():
    forecast = LoadForecast(1, 900.0)
    forecast.see(MONDAY, load(7.0))
    assert first_phase(forecast, MONDAY, 0, 5, 23) == [7.0, 7.0, 7.0]


def test_after_a_day_the_next_one_is_expected_to_be_alike():
    forecast, now = lived_through(1.0)
    assert first_phase(forecast, now, 1, 9, 12, 19) == [4.0, 20.0, 20.0, 4.0]


def test_weekends_are_learned_apart_once_one_has_been_seen():
    forecast, now = lived_through(5.0)
    assert first_phase(forecast, now, 12) == [20.0], "no Saturday was seen yet"
    forecast, now = lived_through(7.0)
    assert first_phase(forecast, now, 12, 5 * 24 + 12) == [20.0, 4.0]


def test_a_deviation_that_has_just_come_up_is_expected_to_fade():
    forecast, now = lived_through(7.0, extra_a=8.0)
    now += QUARTER
    forecast.see(now, load(12.0))
    soon, later, tomorrow = first_phase(forecast, now, 0, 2, 33)
    assert 10.0 < soon < 12.0
    assert 5.0 < later < soon - 2.0
    assert tomorrow == pytest.approx(20.0, abs=0.1)


def test_one_odd_day_changes_little_and_a_new_habit_comes_through():
    forecast, now = lived_through(7.0)
    for day in range(1, 6):
        for _ in range(96):
            forecast.see(now, load(30.0))
            now += QUARTER
        expected = first_phase(forecast, now, 24 * 7 - 24 * day + 3.0)[0]
        if day == 1:
            assert expected < 11.0
    assert expected > 22.0


def test_export_by_solar_power_is_as_good_as_any_load():
    forecast = LoadForecast(1, 900.0)
    forecast.see(MONDAY, load(-15.0))
    assert first_phase(forecast, MONDAY, 0.1) == [-15.0]


def noisy_weeks(forecast: LoadForecast, weeks: int, begin: datetime = MONDAY) -> tuple[datetime, np.ndarray]:
    """Live through weeks that scatter around the usual; for each quarter (below at 90 %, error, error of no change)."""
    dice = np.random.default_rng(7)
    now, loads = begin, []
    told: list[tuple[float, float]] = []
    deviation = 0.0
    for _ in range(weeks * 7 * 96):
        deviation = 0.9 * deviation + dice.normal(0.0, 0.5)
        loads.append(usual(now) + deviation + dice.normal(0.0, 1.5))
        forecast.see(now, load(loads[-1]))
        now += QUARTER
        middle = [now + QUARTER / 2]
        if forecast.ahead(now, middle) is not None:
            told.append((forecast.ahead(now, middle, 0.9)[0, 0, 0], forecast.ahead(now, middle)[0, 0, 0]))
    came = np.array(loads[1:])
    upper, expected = np.array(told[:-1]).T
    return now, np.stack([came <= upper, np.abs(came - expected), np.abs(np.diff(loads))], axis=1)


def test_what_is_learned_beats_no_change_and_nine_of_ten_loads_stay_below_the_quantile():
    _, graded = noisy_weeks(LoadForecast(1, 900.0), 3)
    below, error, unchanged = graded[8 * 96 :].mean(axis=0)
    assert 0.88 <= below <= 0.92
    assert error < 0.85 * unchanged


def test_quantiles_are_in_order_and_farther_apart_for_later_hours():
    forecast = LoadForecast(1, 900.0)
    now, _ = noisy_weeks(forecast, 1)
    moments = [now + timedelta(minutes=7.5), now + timedelta(hours=3)]
    found = [forecast.ahead(now, moments, quantile) for quantile in (0.001, 0.05, 0.5, 0.8, 0.9, 0.99, 1.0)]
    levels = np.array(found)[:, :, 0, 0]
    assert (np.diff(levels, axis=0) >= 0.0).all()
    assert levels[1, 0] < levels[3, 0]
    assert levels[4, 1] - levels[2, 1] > levels[4, 0] - levels[2, 0]


def test_a_gap_teaches_nothing():
    forecast, now = lived_through(8.0)
    before = {name: value.copy() for name, value in forecast.state().items()}
    for _ in range(40):
        now += QUARTER
        forecast.see(now, None)
        forecast.see(now, np.full((1, 3), np.nan))
    for name, value in forecast.state().items():
        np.testing.assert_array_equal(value, before[name])
    assert first_phase(forecast, now, 0.5, 24) == [20.0, 20.0], "ten hours later, on a working day"


def test_a_holiday_is_like_a_sunday():
    holiday = MONDAY + timedelta(days=15)
    forecast = LoadForecast(1, 900.0, frozenset({holiday.date()}))
    now = MONDAY
    while now < MONDAY + timedelta(days=14):
        forecast.see(now, load(usual(now)))
        now += QUARTER
    monday_noon, holiday_noon = first_phase(forecast, now, 12, 36)
    assert monday_noon == pytest.approx(20.0, abs=0.5)
    assert holiday_noon == pytest.approx(4.0, abs=0.5)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_days_of_23_and_25_hours_are_lived_by_the_clock_on_the_wall(day: str):
    changing = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=ZONE)
    forecast = LoadForecast(1, 900.0)
    at = (changing - timedelta(days=14)).astimezone(UTC)
    while at < (changing + timedelta(hours=5)).astimezone(UTC):
        forecast.see(at.astimezone(ZONE), load(20.0 if 8 <= at.astimezone(ZONE).hour < 18 else 4.0))
        at += QUARTER
    now = at.astimezone(ZONE)
    moments = [changing.replace(hour=hour, minute=7) for hour in (7, 8, 17, 18)]
    expected = forecast.ahead(now, moments)
    assert expected is not None
    assert expected[:, 0, 0].tolist() == pytest.approx([4.0, 20.0, 20.0, 4.0], abs=0.3)


def test_after_a_restart_it_goes_on_as_if_nothing_had_been():
    forecast = LoadForecast(1, 900.0)
    now, _ = noisy_weeks(forecast, 1)
    other = LoadForecast(1, 900.0)
    other.restore({name: value.copy() for name, value in forecast.state().items()})
    for one in (forecast, other):
        for _ in range(3):
            one.see(now, load(9.0))
    moments = [now + timedelta(hours=hour) for hour in (1, 5, 23)]
    np.testing.assert_allclose(other.ahead(now, moments, 0.9), forecast.ahead(now, moments, 0.9))


def test_a_state_of_another_site_is_refused():
    forecast = LoadForecast(1, 900.0)
    with pytest.raises(ValueError, match="profile"):
        forecast.restore(LoadForecast(2, 900.0).state())
    with pytest.raises(ValueError, match="profile"):
        forecast.restore({})


def test_the_rest_of_a_window_is_what_the_last_minute_says_then_what_machines_usually_do():
    """A machine of 30 A runs for two minutes and rests for four: one alone or the other would be wrong for long."""
    forecast, now, second = LoadForecast(1, 900.0), MONDAY, 0
    assert forecast.rest_of_window(now, now + QUARTER) is None
    forecast.see(now, load(31.0))
    assert forecast.rest_of_window(now, now + QUARTER)[0, 0] == 31.0
    below, asked = 0, 0
    rest: list[float] = []
    for second in range(0, 26 * 3600, 20):
        now = MONDAY + timedelta(seconds=second)
        forecast.see(now, load(31.0 if second % 360 < 120 else 1.0))
        if second > 20 * 3600 and second % 900 == 300:
            end = now + timedelta(seconds=600)
            upper = forecast.rest_of_window(now, end, 0.9)
            came = np.mean([31.0 if later % 360 < 120 else 1.0 for later in range(second, second + 600)])
            rest.append(forecast.rest_of_window(now, end)[0, 0])
            below, asked = below + (came <= upper[0, 0] + 1e-9), asked + 1
    assert np.mean(rest) == pytest.approx(11.0, abs=2.5)
    assert max(rest) < 20.0
    assert below >= 0.8 * asked
