from datetime import UTC, datetime, timedelta

import pytest

from controller.hub_satellite.deadman import CLOCK_SKEW_S, Cadence, Write, WriteCount, cadence, schedule
from controller.site import Control

NOON = datetime(2026, 11, 20, 12, 0, 0, 700_000, tzinfo=UTC)


def limit_at(moment: datetime, written: datetime, limit_a: float, fallback_a: float, validity_s: float) -> float:
    """What a charger with a right clock does with the schedule."""
    profile = schedule(limit_a, fallback_a, validity_s, written)
    elapsed_s = (moment - profile.starts_at).total_seconds()
    assert elapsed_s >= 0, "the schedule must have started already"
    return [limit for start_s, limit in profile.periods if start_s <= elapsed_s][-1]


def test_the_limit_holds_its_validity_from_now_and_then_the_fallback_for_good():
    for after_s, expected_a in ((0, 16.0), (60, 16.0), (119, 16.0), (120, 6.0), (10**7, 6.0)):
        assert limit_at(NOON + timedelta(seconds=after_s), NOON, 16.0, 6.0, 120.0) == expected_a


def test_the_schedule_starts_in_the_past_for_chargers_whose_clocks_are_behind():
    assert limit_at(NOON - timedelta(seconds=CLOCK_SKEW_S), NOON, 16.0, 6.0, 120.0) == 16.0


def test_limits_are_floored_to_one_decimal():
    assert schedule(10.4999, 6.05, 120, NOON).periods == ((0, 10.4), (180, 6.0))


@pytest.mark.parametrize(("age_s", "expected_a"), [(0, 16), (89, 16), (91, 16), (149, 16), (150, 6), (10_000, 6)])
def test_an_offline_charger_may_use_its_limit_until_its_schedule_has_run_out_on_its_own_clock(
    age_s: int, expected_a: int
):
    write = Write(limit_a=16, fallback_a=6, validity_s=120, written_s=1000)
    assert write.highest_a(1000 + age_s) == expected_a
    assert write.run_out(1000 + age_s) == (age_s >= 150)


@pytest.mark.parametrize(("age_s", "expected_a"), [(0, 0), (89, 0), (90, 6), (120, 6), (150, 6)])
def test_a_limit_below_the_fallback_counts_as_the_fallback_as_soon_as_a_fast_clock_may_have_ended_it(
    age_s: int, expected_a: int
):
    assert Write(limit_a=0, fallback_a=6, validity_s=120, written_s=1000).highest_a(1000 + age_s) == expected_a


def test_a_clock_known_to_be_slow_is_given_more_time():
    write = Write(limit_a=16, fallback_a=6, validity_s=120, written_s=0)
    assert write.highest_a(200, skew_s=90) == 16
    assert write.highest_a(210, skew_s=90) == 6


def test_only_a_limit_that_differs_from_the_fallback_is_renewed():
    differs, same = Write(16, 6, 120, 0), Write(6, 6, 120, 0)
    assert not differs.renewal_due(39.9, 40)
    assert differs.renewal_due(40, 40)
    assert not same.renewal_due(10_000, 40)


def test_a_write_budget_stretches_validity_and_renewal_and_is_shared_by_the_connectors():
    assert cadence(Control(validity_s=120, renew_s=40)) == Cadence(120, 40)
    assert cadence(Control(), 25) == Cadence(12 * 86_400 / 25, 4 * 86_400 / 25)
    assert cadence(Control(), 25, connectors=2).validity_s == 2 * 12 * 86_400 / 25
    assert cadence(Control(), 10**9) == Cadence(120, 40)


def test_renewals_alone_stay_far_below_the_budget():
    assert 86_400 / cadence(Control(), 25).renew_s <= 25 / 3


def test_the_write_that_passes_the_budget_is_told_once_a_day():
    count = WriteCount(budget=2)
    assert [count.add(NOON) for _ in range(4)] == [False, False, True, False]
    assert count.today == 4
    assert [count.add(NOON + timedelta(days=1)) for _ in range(3)] == [False, False, True]


def test_without_a_budget_nothing_is_ever_too_much():
    count = WriteCount()
    assert not any(count.add(NOON) for _ in range(1000))
