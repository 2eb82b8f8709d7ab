"""What will flow that is not charging: what is learned of a building, and how soon."""

from __future__ import annotations

from datetime import datetime, timedelta
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


def test_a_deviation_of_the_last_hours_is_expected_to_fade():
    forecast, now = lived_through(7.0)
    for _ in range(12):
        forecast.see(now, load(usual(now) + 8.0))
        now += QUARTER
    forecast.see(now, load(12.0))
    soon, later, tomorrow = first_phase(forecast, now, 0, 2, 30)
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
