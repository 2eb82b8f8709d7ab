"""Limits from outside: what is taken and refused, which one counts, how it ends, and what holds when nobody speaks."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.peakshave.grid_operator import (
    LIMITS_MOST,
    Entry,
    Limit,
    LimitBook,
    LimitRefused,
    Phase,
    Rules,
    Source,
    Standing,
)
from controller.peakshave.paragraph_14a import least_power_w
from controller.peakshave.random_delay import MOST_S, start_delay_s
from controller.snapshot import ExternalLimit

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FULL_W = 43_470.0
PMIN_W = least_power_w(4)
SOURCES = {
    "grid_operator": Source("grid_operator"),
    "manager": Source("manager"),
    "dimmer": Source("dimmer", floor_w=PMIN_W, charging_only=True),
    "box": Source("box", silent_s=120.0, fail_safe_w=8_000.0, fail_safe_circuit="main"),
}
SPOKEN = {"box": 0.0}
EMPTY = LimitBook(Rules(SOURCES, {"main": FULL_W, "garage": 20_000.0}, release_s=300.0), heard_s=SPOKEN)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def said(limit_w: float, source: str = "grid_operator", circuit: str = "main", **options: object) -> Limit:
    return Limit(circuit, limit_w, source, **({"received_at": NOON} | options))  # type: ignore[arg-type]


def book(*limits: Limit) -> LimitBook:
    made = EMPTY
    for limit in limits:
        made = made.put(limit, 0.0)
    return made


def allowed_w(made: LimitBook, seconds: float, now_s: float = 0.0) -> float | None:
    found = made.in_force(after(seconds), now_s)
    return found[0].limit_w if found else None


def refusal(limit: Limit, made: LimitBook = EMPTY) -> str:
    with pytest.raises(LimitRefused) as refused:
        made.put(limit, 0.0)
    return str(refused.value)


def test_the_strictest_limit_of_a_circuit_counts_and_the_others_are_shown_with_the_reason():
    made = book(said(20_000), said(15_000, "manager"), said(9_000, circuit="garage"))
    assert set(made.in_force(NOON, 0.0)) == {
        ExternalLimit("main", 15_000, "manager"),
        ExternalLimit("garage", 9_000, "grid_operator"),
    }
    looser = next(entry for entry in made.entries(NOON, 0.0) if entry.standing is Standing.LOOSER)
    assert looser.limit.limit_w == 20_000
    assert looser.why == "manager allows 15000 W on circuit main, which is no more"


def test_of_two_equal_limits_the_one_of_higher_priority_is_named():
    made = book(said(15_000), said(15_000, "manager", priority=5))
    assert made.in_force(NOON, 0.0) == (ExternalLimit("main", 15_000, "manager"),)


def test_a_limit_on_everything_and_one_on_charging_do_not_stand_in_for_each_other():
    made = book(said(20_000), said(14_000, "dimmer"))
    assert set(made.in_force(NOON, 0.0)) == {
        ExternalLimit("main", 20_000, "grid_operator"),
        ExternalLimit("main", 14_000, "dimmer", charging_only=True),
    }


def test_a_limit_counts_from_its_beginning_to_its_end():
    made = book(said(10_000, valid_from=after(60), valid_until=after(120)))
    assert allowed_w(made, 59.9) is None
    assert made.entries(after(0), 0.0)[0].why == "it begins at 2026-11-20T12:01:00+00:00"
    assert allowed_w(made, 60) == 10_000
    assert allowed_w(made, 119.9) == 10_000
    assert allowed_w(made, 120) > 10_000


def test_what_a_source_says_again_replaces_what_it_said_of_the_circuit_before():
    made = book(said(10_000), said(12_000))
    assert allowed_w(made, 0) == 12_000
    assert len(made.limits) == 1
    again = made.put(said(12_000, received_at=after(30)), 30.0)
    assert again.limits == made.limits, "said once more, it has still come when it came first"
    assert again.heard_s["grid_operator"] == 30.0


def test_dimming_never_goes_below_the_power_that_the_law_leaves():
    made = book(said(0.0, "dimmer"))
    assert made.in_force(NOON, 0.0) == (ExternalLimit("main", PMIN_W, "dimmer", charging_only=True),)
    assert made.entries(NOON, 0.0)[0].limit.limit_w == 0.0, "what was said is kept as it was said"


def test_the_power_comes_back_in_steps_after_the_end():
    made = book(said(10_000)).withdraw("grid_operator:main", after(60))
    powers = [allowed_w(made, 60 + second) for second in (0, 29.9, 30, 150, 299.9)]
    step_w = (FULL_W - 10_000) / 11
    assert powers == [pytest.approx(10_000 + step_w * steps) for steps in (1, 1, 2, 6, 10)]
    assert made.entries(after(61), 0.0)[0].phase is Phase.RELEASING
    assert allowed_w(made, 360) is None
    assert made.expired(after(360)).limits == {}


def test_a_sender_that_has_gone_wrong_cannot_fill_the_book():
    made = EMPTY
    for number in range(LIMITS_MOST):
        made = made.put(said(10_000, id=f"L{number}", valid_until=after(3_600)), 0.0)
    assert "1000 limits already" in refusal(said(9_000, id="one more"), made)
    assert made.put(said(9_000, id="one more", received_at=after(4_000)), 0.0).limits.keys() == {"one more"}


def test_without_a_release_the_power_is_back_at_once():
    made = LimitBook(Rules(SOURCES, {"main": FULL_W}), heard_s=SPOKEN).put(said(10_000, valid_until=after(60)), 0.0)
    assert allowed_w(made, 60) is None


def test_a_limit_that_has_not_begun_is_withdrawn_without_a_trace():
    made = book(said(10_000, valid_from=after(600)))
    assert made.withdraw("grid_operator:main", NOON).limits == {}


def test_only_what_holds_can_be_withdrawn():
    with pytest.raises(LimitRefused, match="no limit 'x' to withdraw"):
        book(said(10_000)).withdraw("x", NOON)
    ended = book(said(10_000)).withdraw("grid_operator:main", NOON)
    with pytest.raises(LimitRefused):
        ended.withdraw("grid_operator:main", after(1))


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        (said(-1.0), "limit_w: expected at least 0 W, got -1"),
        (said(math.nan), "limit_w: expected a finite number, got nan"),
        (said(math.inf), "limit_w: expected a finite number, got inf"),
        (said(1.0, "stranger"), "source: 'stranger' may not set limits"),
        (said(1.0, circuit="attic"), "circuit: the site has no circuit 'attic'"),
        (said(1.0, valid_until=after(-1)), "valid_until: it has expired (2026-11-20T11:59:59+00:00)"),
        (said(1.0, valid_from=after(9), valid_until=after(9)), "valid_until: expected a time after valid_from"),
        (said(1.0, valid_from=NOON.replace(tzinfo=None)), "valid_from: expected a time with a zone"),
    ],
)
def test_nonsense_is_refused_with_its_reason(limit: Limit, reason: str):
    assert reason in refusal(limit)


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(LimitRefused) as refused:
        EMPTY.put(said(-5.0, "stranger", "attic", valid_until=after(-1)), 0.0)
    places = [problem.partition(":")[0] for problem in refused.value.problems]
    assert places == ["source", "circuit", "limit_w", "valid_until"]


def test_a_name_cannot_mean_two_things():
    made = book(said(10_000, id="A1"))
    assert made.put(said(10_000, id="A1", received_at=after(5)), 5.0).in_force(NOON, 0.0) == made.in_force(NOON, 0.0)
    assert "id: 'A1' is taken" in refusal(said(11_000, id="A1"), made)
    assert "id: 'A1' is taken" in refusal(said(10_000, "manager", id="A1"), made)
    again = made.withdraw("A1", after(1)).put(said(11_000, id="A1", received_at=after(2)), 2.0)
    assert allowed_w(again, 2) == 11_000


def test_a_source_that_falls_silent_is_replaced_by_its_fail_safe_until_it_speaks_again():
    made = book(said(3_000, "box"))
    assert allowed_w(made, 120, now_s=120.0) == 3_000
    assert made.lost(120.0) == ()
    assert allowed_w(made, 121, now_s=120.1) == 8_000
    first, second = made.entries(after(121), 120.1)
    assert (first.phase, first.standing) == (Phase.FAIL_SAFE, Standing.COUNTS)
    assert (second.limit.limit_w, second.standing) == (3_000, Standing.SILENT)
    assert made.lost(120.1) == ("box",)
    assert allowed_w(made.heard("box", 130.0), 130, now_s=130.0) == 3_000


def test_a_limit_that_has_its_own_end_holds_until_then_though_its_source_is_silent():
    made = book(said(3_000, "box", valid_until=after(3_600)))
    assert allowed_w(made, 1_000, now_s=1_000.0) == 3_000


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["grid_operator", "manager"]),
            st.sampled_from(["main", "garage"]),
            st.floats(0, 50_000),
            st.integers(0, 400),
            st.integers(1, 800),
        ),
        max_size=6,
    ),
    st.integers(0, 1_500),
)
def test_nothing_that_is_valid_is_ever_exceeded_and_each_circuit_has_one_limit(
    rows: list[tuple[str, str, float, int, int]], moment: int
):
    made = EMPTY.heard("box", float(moment))
    for number, (source, circuit, limit_w, begins, lasts) in enumerate(rows):
        times = {"valid_from": after(begins), "valid_until": after(begins + lasts)}
        made = made.put(said(limit_w, source, circuit, id=f"L{number}", **times), float(moment))
    found = {limit.circuit: limit.limit_w for limit in made.in_force(after(moment), float(moment))}
    assert len(found) == len(made.in_force(after(moment), float(moment)))
    for _, circuit, limit_w, begins, lasts in rows:
        if begins <= moment < begins + lasts:
            assert found[circuit] <= limit_w


def test_entries_are_shown_with_those_that_count_first():
    entries: tuple[Entry, ...] = book(said(20_000), said(15_000, "manager")).entries(NOON, 0.0)
    assert [entry.limit.source for entry in entries] == ["manager", "grid_operator"]


@pytest.mark.parametrize(
    ("devices", "factor"),
    [(2, 0.80), (3, 0.75), (4, 0.70), (5, 0.65), (6, 0.60), (7, 0.55), (8, 0.50), (9, 0.45), (30, 0.45)],
)
def test_the_least_power_follows_the_table_of_the_regulator(devices: int, factor: float):
    assert least_power_w(devices) == pytest.approx(4_200 + (devices - 1) * factor * 4_200)


def test_the_larger_of_heat_pumps_and_air_conditioners_takes_the_place_of_the_first_device():
    assert least_power_w(6, heat_pumps_w=14_000) == pytest.approx(18_200)
    assert least_power_w(6, heat_pumps_w=14_000, air_conditioners_w=20_000) == pytest.approx(20_600)
    for wrong in ({"devices": 0}, {"devices": 2, "heat_pumps_w": -1.0}, {"devices": 2, "heat_pumps_w": math.nan}):
        with pytest.raises(ValueError, match="expected at least"):
            least_power_w(**wrong)


def test_random_delays_are_whole_seconds_spread_over_the_whole_time_and_the_same_every_time():
    delays = [start_delay_s("hq", f"P{n:02}", NOON) for n in range(200)]
    assert all(isinstance(delay, int) and 0 <= delay <= 600 for delay in delays)
    assert sum(delays) / len(delays) == pytest.approx(300, abs=40)
    assert delays == [start_delay_s("hq", f"P{n:02}", NOON) for n in range(200)]
    assert start_delay_s("hq", "P01", NOON) != start_delay_s("other", "P01", NOON)
    assert start_delay_s("hq", "P01", NOON) != start_delay_s("hq", "P01", after(86_400))
    assert start_delay_s("hq", "P01", NOON, 0) == 0


def test_a_delay_beyond_what_the_regulation_allows_is_refused():
    with pytest.raises(ValueError, match="0 to 1800"):
        start_delay_s("hq", "P01", NOON, MOST_S + 1)
    with pytest.raises(ValueError, match="with a zone"):
        start_delay_s("hq", "P01", NOON.replace(tzinfo=None))
