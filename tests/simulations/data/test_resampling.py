"""Recorded sessions at another time: replayed, or their days drawn anew."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simulations.data.recorded import RecordedSession
from simulations.data.resampling import replay, resample

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MONDAY = date(2031, 6, 2)


def wall(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=AMSTERDAM).astimezone(UTC)


def three_weeks() -> list[RecordedSession]:
    """On workdays as many sessions as the day of the week has a number, from one; on weekends none, but one Sunday."""
    sessions = []
    for number in range(21):
        day = MONDAY + timedelta(days=number)
        for place in range(day.weekday() + 1 if day.weekday() < 5 else 0):
            arrives = wall(day, 8 + place, 30)
            sessions.append(
                RecordedSession(
                    id=f"{number}-{place}",
                    arrives=arrives,
                    leaves=arrives + timedelta(hours=20),
                    energy_wh=1000.0 + number,
                    stated_leaves=arrives + timedelta(hours=5),
                    done_at=arrives + timedelta(hours=2),
                    point=f"P{place}",
                    token="T",
                )
            )
    return [
        *sessions,
        replace(sessions[0], id="sunday", arrives=wall(date(2031, 6, 22), 3), leaves=wall(date(2031, 6, 22), 9)),
    ]


def days_and_counts(sessions: list[RecordedSession]) -> Counter[date]:
    return Counter(session.arrives.astimezone(AMSTERDAM).date() for session in sessions)


def test_the_recorded_time_replays_as_it_was():
    sessions = three_weeks()
    week = replay(sessions, date(2031, 6, 9), 7, AMSTERDAM)
    assert week == [session for session in sessions if date(2031, 6, 9) <= session.arrives.date() < date(2031, 6, 16)]


def test_another_time_gets_the_same_days_of_the_week_at_the_same_hours():
    moved = replay(three_weeks(), date(2033, 12, 12), 5, AMSTERDAM)  # a Monday, in winter
    assert days_and_counts(moved) == {date(2033, 12, 12 + number): number + 1 for number in range(5)}
    first = moved[0]
    assert first.arrives == wall(date(2033, 12, 12), 8, 30)
    assert first.leaves - first.arrives == timedelta(hours=20)
    assert first.stated_leaves == first.arrives + timedelta(hours=5)
    assert first.done_at == first.arrives + timedelta(hours=2)
    assert (first.point, first.token) == ("P0", "T")


def test_a_longer_time_begins_anew_with_names_of_its_own():
    moved = replay(three_weeks(), date(2033, 12, 12), 42, AMSTERDAM)
    assert len({session.id for session in moved}) == len(moved) == 2 * len(three_weeks())
    assert any("@" in session.id for session in moved)


def test_resampled_days_are_recorded_days_of_the_same_day_of_the_week():
    sessions = three_weeks()
    drawn = resample(sessions, np.random.default_rng(3), date(2033, 1, 3), 70, AMSTERDAM)
    energy_of = {session.id: session.energy_wh for session in sessions}
    days = days_and_counts(drawn)
    for number in range(70):
        day = date(2033, 1, 3) + timedelta(days=number)
        if day.weekday() < 5:
            assert days[day] == day.weekday() + 1
        else:
            assert days[day] <= 1, "of three Sundays one had a session"
    assert 1 <= sum(count for day, count in days.items() if day.weekday() == 6) < 10
    of_monday = {energy_of[session.id.partition("@")[0]] for session in drawn if session.arrives.weekday() == 0}
    assert of_monday == {1000.0, 1007.0, 1014.0}, "all three Mondays come"
    assert len({session.id for session in drawn}) == len(drawn)


def test_the_same_dice_draw_the_same_and_more_days_change_none():
    sessions = three_weeks()
    week, fortnight = (resample(sessions, np.random.default_rng(3), MONDAY, days, AMSTERDAM) for days in (7, 14))
    assert fortnight[: len(week)] == week
    assert len(fortnight) > len(week)


def test_a_day_of_the_week_that_was_never_recorded_draws_from_all():
    tuesday = [session for session in three_weeks() if session.arrives.date() == date(2031, 6, 3)]
    assert len(resample(tuesday, np.random.default_rng(3), date(2031, 6, 8), 1, AMSTERDAM)) == 2


def test_no_sessions_stand_in_for_nothing():
    with pytest.raises(ValueError, match="no sessions"):
        replay([], MONDAY, 1, AMSTERDAM)
    with pytest.raises(ValueError, match="no sessions"):
        resample([], np.random.default_rng(1), MONDAY, 1, AMSTERDAM)
