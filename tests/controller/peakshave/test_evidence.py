"""The log that stands as evidence: one dimming from its arrival to the end of its release, second by second."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from controller.peakshave.evidence import Evidence, Happening, Power, Watched, watch
from controller.peakshave.grid_operator import Limit, LimitBook, Rules, Source

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
RULES = Rules(
    {"dso": Source("dso"), "box": Source("box", silent_s=60.0, fail_safe_w=5_000.0, fail_safe_circuit="main")},
    {"main": 43_000.0},
    release_s=60.0,
)
MAIN = ("main", False, False)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def lived(book: LimitBook, seconds: int, power: Callable[[int], Power]) -> list[tuple[int, Happening, float | None]]:
    """Everything on record, with the second it is dated to and the power it names."""
    watched: dict[str, Watched] = {}
    log: list[Evidence] = []
    for second in range(seconds):
        entries = book.entries(after(second), float(second))
        watched, lines = watch(watched, entries, {MAIN: power(second)}, after(second), float(second))
        log += lines
    return [((line.at - NOON).seconds, line.happening, line.drawn_w) for line in log]


def book(limit: Limit) -> LimitBook:
    return LimitBook(RULES, heard_s={"box": 1e9}).put(limit, 1e9)


def test_a_dimming_is_on_record_from_its_beginning_to_the_end_of_its_release():
    def power(second: int) -> Power:
        return Power(accepted=second >= 2, drawn_w=20_000.0 if second < 6 else 9_900.0)

    limit = Limit("main", 10_000.0, "dso", NOON, valid_until=after(90))
    log = lived(book(limit), 200, power)
    assert [line[:2] for line in log] == [
        (0, Happening.BEGAN),
        (2, Happening.IN_CHARGERS),
        (6, Happening.MET),
        (60, Happening.DRAWN),
        (90, Happening.ENDED),
        (150, Happening.RELEASED),
    ]
    assert log[2][2] == 9_900.0
    assert log[3][2] == pytest.approx((6 * 20_000 + 55 * 9_900) / 61), "what was drawn before it was met is part of it"
    assert log[4][2] == 9_900.0


def test_a_step_of_the_building_is_no_breach_and_a_lasting_one_is():
    def power(second: int) -> Power:
        over = 10 <= second < 20 or 30 <= second < 50
        return Power(accepted=True, drawn_w=12_000.0 if over else 10_100.0)

    log = lived(book(Limit("main", 10_000.0, "dso", NOON)), 59, power)
    assert [line[:2] for line in log[2:]] == [(0, Happening.MET), (45, Happening.EXCEEDED), (50, Happening.MET)]


def test_a_limit_that_nobody_can_measure_is_never_said_to_be_met():
    log = lived(book(Limit("main", 10_000.0, "dso", NOON)), 70, lambda _: Power(accepted=True, drawn_w=None))
    assert log == [(0, Happening.BEGAN, None), (0, Happening.IN_CHARGERS, None), (60, Happening.DRAWN, None)]


def test_a_limit_that_lasts_is_put_on_record_by_the_quarter_of_an_hour():
    made = book(Limit("main", 10_000.0, "dso", NOON))
    watched: dict[str, Watched] = {}
    drawn = []
    for minute in range(8 * 60):
        at, now_s = after(60.0 * minute), 60.0 * minute
        power = {MAIN: Power(accepted=True, drawn_w=9_000.0)}
        watched, lines = watch(watched, made.entries(at, now_s), power, at, now_s)
        drawn += [minute for line in lines if line.happening is Happening.DRAWN]
    assert drawn[:240] == list(range(1, 241))
    assert drawn[240:] == list(range(255, 480, 15))


def test_a_stricter_word_begins_a_new_story():
    first = book(Limit("main", 10_000.0, "dso", NOON))
    second = first.put(Limit("main", 8_000.0, "dso", after(5)), 1e9)
    ok = {MAIN: Power(accepted=True, drawn_w=7_000.0)}
    watched, _ = watch({}, first.entries(NOON, 0.0), ok, NOON, 0.0)
    _, log = watch(watched, second.entries(after(5), 5.0), ok, after(5), 5.0)
    assert [(line.happening, line.allowed_w) for line in log] == [
        (Happening.BEGAN, 8_000.0),
        (Happening.IN_CHARGERS, 8_000.0),
        (Happening.MET, 8_000.0),
    ]


def test_a_silent_source_is_on_record_with_what_holds_instead():
    silent = LimitBook(RULES, heard_s={"box": 0.0})
    log = lived(silent, 70, lambda _: Power(accepted=True, drawn_w=4_000.0))
    assert log[0][:2] == (61, Happening.FAIL_SAFE)
    assert (61, Happening.MET, 4_000.0) in log
