"""What is asked for a session, by whom, and what becomes of it at the point."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from controller.snapshot import PointState, State
from controller.wishes import Asked, Needs, asked_by_needs, first_said, with_wishes

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
FRIDAY_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CHARGING = PointState(State.CHARGING, delivered_wh=4_000)


def in_hours(hours: float) -> datetime:
    return FRIDAY_NOON + timedelta(hours=hours)


def departure(needs: Needs, began_at: datetime = FRIDAY_NOON) -> datetime | None:
    return asked_by_needs(needs, began_at, AMSTERDAM).departs_at


def test_a_time_of_day_is_the_next_one_on_the_sites_clock():
    assert departure(Needs(departs=time(17))) == datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert departure(Needs(departs=time(13))) == datetime(2026, 11, 21, 12, tzinfo=UTC), "13:00 is just now"
    assert departure(Needs()) is None


def test_a_time_of_day_on_working_days_is_that_of_monday_for_who_comes_on_friday_night():
    needs = Needs(departs=time(7), weekdays=(0, 1, 2, 3, 4))
    assert departure(needs, datetime(2026, 11, 20, 18, tzinfo=UTC)) == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert departure(Needs(departs=time(12), weekdays=(4,))) == datetime(2026, 11, 27, 11, tzinfo=UTC)


def test_a_time_of_day_keeps_to_the_clock_when_daylight_saving_ends():
    saturday = datetime(2026, 10, 24, 18, tzinfo=UTC)
    assert departure(Needs(departs=time(8)), saturday) == datetime(2026, 10, 25, 7, tzinfo=UTC)


def test_the_more_particular_word_counts_field_by_field():
    manager, driver = Asked(priority=9), Asked(energy_wh=30_000, priority=1)
    token, group = Asked(energy_wh=10_000, weight=2.0), Asked(weight=3.0, least_wh=5_000)
    found = first_said([manager, driver, token, group])
    assert found == Asked(energy_wh=30_000, least_wh=5_000, priority=9, weight=2.0)
    assert first_said([]) == Asked()


def test_what_was_delivered_is_no_longer_needed():
    state = with_wishes(CHARGING, Asked(in_hours(3), energy_wh=10_000, least_wh=5_000))
    assert (state.energy_needed_wh, state.least_needed_wh, state.departs_at) == (6_000, 1_000, in_hours(3))
    full = with_wishes(CHARGING, Asked(energy_wh=3_000, least_wh=1_000))
    assert (full.energy_needed_wh, full.least_needed_wh) == (0, 0)


def test_who_says_nothing_changes_nothing():
    assert with_wishes(CHARGING, Asked()) == CHARGING


def test_a_free_point_is_asked_nothing():
    free = PointState(State.AVAILABLE)
    assert with_wishes(free, Asked(energy_wh=9_000, max_a=10.0)) == free


def test_the_lower_maximum_counts():
    assert with_wishes(CHARGING, Asked(max_a=10.0)).max_a == pytest.approx(10.0)
    bound = PointState(State.CHARGING, max_a=8.0)
    assert with_wishes(bound, Asked(max_a=10.0)).max_a == pytest.approx(8.0)


def test_contradicting_wishes_are_taken_as_they_are():
    more_at_least = with_wishes(CHARGING, Asked(energy_wh=6_000, least_wh=9_000))
    assert (more_at_least.energy_needed_wh, more_at_least.least_needed_wh) == (5_000, 5_000)
    late = with_wishes(CHARGING, Asked(in_hours(-0.1), energy_wh=60_000))
    assert (late.departs_at, late.energy_needed_wh) == (in_hours(-0.1), 56_000)
