"""Starts that only prices ask for are put off by a random time; nothing else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from adapters.planning.delayed_starts import DelayedStarts
from controller.snapshot import Advice, PointAdvice
from tests.support.web import BEGIN, HandClock, small_site

SITE = small_site(8)
NAMES = tuple(SITE.point)
WAITS, CHARGES = (0.0, 0.0), (16.0, None)
"""Target and cap of a slot."""


def plan(*slots: tuple[float, float | None], points: tuple[str, ...] = NAMES, begins_at: datetime = BEGIN) -> Advice:
    one = PointAdvice(tuple(target for target, _ in slots), tuple(cap for _, cap in slots))
    return Advice(BEGIN, begins_at, 900.0, dict.fromkeys(points, one))


class Desk:
    """A site that asks for its plan once a second."""

    def __init__(self, most_s: int = 600) -> None:
        self.clock, self.plan = HandClock(), plan(WAITS, CHARGES)
        self.starts = DelayedStarts(SITE, self.clock, most_s, lambda: self.plan)

    def begun(self) -> set[str]:
        """Who may charge now."""
        advice = self.starts.advice()
        assert advice is not None
        slot = advice.slot(self.clock.now())
        assert slot is not None
        return {name for name, one in advice.points.items() if one.cap_a[slot] != 0.0}

    def seconds(self, until_s: int) -> dict[str, float]:
        """When each began to be let charge, looking every second until then."""
        began: dict[str, float] = {}
        while self.clock.elapsed_s < until_s:
            for name in self.begun():
                began.setdefault(name, self.clock.elapsed_s)
            self.clock.elapsed_s += 1
        return began


def test_those_who_waited_for_a_cheap_hour_begin_one_by_one_within_ten_minutes():
    began = Desk().seconds(1_799)
    assert began.keys() == set(NAMES)
    assert all(900 <= second <= 1_500 for second in began.values())
    assert len(set(began.values())) == len(NAMES), "nobody at the same second"
    assert Desk().seconds(1_799) == began, "the same dice, told from the site and the moment"


def test_a_new_plan_in_the_middle_changes_nothing_about_the_delay():
    desk, other = Desk(), Desk()
    expected = desk.seconds(1_799)
    began = other.seconds(1_000)
    other.plan = plan(CHARGES, CHARGES, begins_at=BEGIN + timedelta(seconds=900))
    assert other.seconds(1_799) | began == expected


def test_who_has_not_been_made_to_wait_begins_at_once():
    desk = Desk()
    desk.plan = plan(CHARGES, CHARGES)
    assert desk.begun() == set(NAMES)


def test_a_reduction_is_never_put_off():
    desk = Desk()
    desk.plan = plan(CHARGES, WAITS)
    desk.begun()
    desk.clock.elapsed_s = 900
    assert desk.begun() == set()


def test_who_comes_while_others_wait_is_not_held_back():
    desk = Desk()
    desk.plan = plan(WAITS, WAITS, points=NAMES[1:])
    assert desk.begun() == set()
    comes = plan(CHARGES, CHARGES, points=NAMES[:1])
    desk.plan = replace(desk.plan, points={**desk.plan.points, **comes.points})
    assert desk.begun() == {NAMES[0]}


def test_with_no_delay_all_begin_together_and_without_a_plan_nothing_is_held():
    assert set(Desk(most_s=0).seconds(1_000).values()) == {900}
    desk = Desk()
    desk.begun()
    none = DelayedStarts(SITE, desk.clock, 600, lambda: None)
    assert none.advice() is None
