"""How fairly a day was shared out, from the turns of a control loop."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.fairness import DayOfFairness
from controller.explain import Turn
from controller.snapshot import Advice, PointAdvice, PointState, State
from tests.support.turns import START, charging, point, site_of, turn

SITE = site_of(point("P1"), point("P2"), point("P3"))
RUNS, WAITS = charging(), PointState(State.PLUGGED)


class Day:
    """Turns that look alike, as often and as late as a test wants them."""

    def __init__(self) -> None:
        self.kept = DayOfFairness(SITE)
        self.at_s = 0.0

    def passes(self, made: Turn, seconds: int, step_s: float = 1.0) -> None:
        for _ in range(seconds):
            self.at_s += step_s
            self.kept.add(moved(made, self.at_s))


def moved(made: Turn, at_s: float) -> Turn:
    """The same turn at another time; who waits began to wait at 0 s."""
    return replace(made, snapshot=replace(made.snapshot, at=START + timedelta(seconds=at_s), monotonic_s=at_s))


def both() -> Turn:
    return turn(SITE, {"P1": RUNS, "P2": RUNS})


def one_waits() -> Turn:
    """P1 and P2 have all there is; P3 waits."""
    return turn(SITE, {"P1": RUNS, "P2": RUNS, "P3": WAITS}, meter_a=39.0)


def test_before_anything_was_decided_nothing_is_claimed():
    figures = DayOfFairness(SITE).figures()
    assert (figures.jain_index, figures.longest_wait_s, figures.longest_wait_point) == (None, 0.0, None)


def test_whoever_is_served_whenever_it_wants_is_served_alike_for_however_long_it_wants():
    day = Day()
    day.passes(turn(SITE, {"P1": RUNS}), 200)
    day.passes(both(), 100)
    assert day.kept.figures().jain_index == pytest.approx(1.0)
    assert day.kept.figures().longest_wait_s == 0.0


def test_one_that_only_waits_lowers_the_index_and_holds_the_longest_wait():
    day = Day()
    day.passes(one_waits(), 300)
    figures = day.kept.figures()
    assert figures.jain_index == pytest.approx(2 / 3)
    assert (figures.longest_wait_s, figures.longest_wait_point) == (300.0, "P3")


def test_a_turn_for_the_one_that_waited_makes_up_for_it():
    day = Day()
    day.passes(one_waits(), 300)
    day.passes(turn(SITE, {"P3": RUNS}), 300)
    figures = day.kept.figures()
    assert figures.jain_index == pytest.approx((1 + 1 + 0.5) ** 2 / (3 * (1 + 1 + 0.25)), abs=0.01)
    assert figures.longest_wait_s == 300.0, "it is remembered for a day"


def test_what_is_older_than_a_day_is_forgotten():
    day = Day()
    day.passes(one_waits(), 300)
    for _ in range(25):
        day.at_s += 3600.0
        day.passes(both(), 61)
    figures = day.kept.figures()
    assert (figures.jain_index, figures.longest_wait_s) == (pytest.approx(1.0), 0.0)


def test_a_service_that_stood_still_made_nobody_wait_nor_did_a_clock_that_was_set_back():
    day = Day()
    day.passes(both(), 120)
    day.passes(one_waits(), 100, step_s=60.0)
    assert day.kept.figures().jain_index == pytest.approx(1.0), "P3 has not been seen to want for a minute"
    day.at_s -= 1_000.0
    day.passes(both(), 10)
    assert day.kept.figures().jain_index == pytest.approx(1.0)


def test_who_waits_for_a_cheaper_hour_is_not_kept_waiting_by_others():
    later = Advice(START, START, 900.0, {"P3": PointAdvice((0.0,), (0.0,))})
    held = turn(SITE, {"P1": RUNS, "P3": WAITS}, advice=later)
    day = Day()
    day.passes(held, 300)
    assert day.kept.figures().jain_index == pytest.approx(1.0)
    assert day.kept.figures().longest_wait_s == 0.0
