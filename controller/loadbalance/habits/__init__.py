"""What each car has shown of itself: how much it takes, on which phases, and from which limit on it draws.

Status words of chargers are not believed; currents are, and only from reports that came after a limit has had time to
show. Learning is by car: it begins anew when the point has been free or a new session has begun.

Shapes: a batch of one site; P points.
"""

from __future__ import annotations

import math
from dataclasses import fields
from operator import attrgetter
from typing import Final

import numpy as np

from controller.loadbalance.capacity import largest_phase
from controller.loadbalance.facts import STATES, Facts
from controller.loadbalance.habits.appetite import weigh
from controller.loadbalance.habits.case import DRAWS_FROM_A, LEAST_OFFER_A, Case, Seen
from controller.loadbalance.habits.phases import BARE_REPORTS, count_phases
from controller.loadbalance.habits.waking import START_PATIENCE_S, attend, offer
from controller.loadbalance.layout import Bools, Floats, Ints, Layout, anything
from controller.loadbalance.observer import Estimate
from controller.plan import Event
from controller.record import record
from controller.snapshot import COMPETING, State
from controller.units import TOLERANCE_A

REPORTS_APART_S: Final = 5.0
"""Reports closer together than this count as one: the second says nothing new of a car that answers within 5 s."""

BEGUN_WH: Final = 100
"""A session that has received more than this has a car that is able to draw."""

_IDLE, _PLUGGED = STATES.index(State.EV_IDLE), STATES.index(State.PLUGGED)
_HAS_CAR: Final = np.array([s in COMPETING or s is State.EV_IDLE for s in STATES])
_COLUMN: Final = {field.name: number for number, field in enumerate(fields(Case))}
_REPORTED, _TAKES, _NEEDS, _OFFERED, _HUNGRY, _RESTS_UNTIL, _NUDGED_UNTIL = (
    _COLUMN[name]
    for name in ("reported_s", "takes_a", "needs_a", "offered_s", "hungry", "rests_until_s", "nudged_until_s")
)
_values: Final = attrgetter(*_COLUMN)
_BARE: Final = slice(_COLUMN["bare_l1"], _COLUMN["bare_l3"] + 1)


@record
class Habits:
    """What is remembered of each car, until its point is free again."""

    cases: Floats
    """(P, fields of ``Case``)"""
    uses: Bools
    """(1, P, 3): the grid phases that it draws on; all that the point has while that is not known."""
    present: Bools
    """(1, P): a car is there and may be given current; a point that is offline is as it was."""
    delivered_wh: Ints
    """(1, P): what its session has received."""

    @property
    def offered(self) -> Bools:
        """(1, P): it was last given a limit of at least what it needs."""
        offered: Bools = ~np.isnan(self.cases[None, :, _OFFERED])
        return offered

    @property
    def reported_s(self) -> Floats:
        """(1, P): when the report was made that was looked at last (monotonic) [s]."""
        return self.cases[None, :, _REPORTED]

    @property
    def takes_a(self) -> Floats:
        """(1, P): the most that it is reckoned to take, infinite while that is not known [A]."""
        return self.cases[None, :, _TAKES]

    @property
    def needs_a(self) -> Floats:
        """(1, P): the least limit at which it draws; the point's minimum while that is not known [A]."""
        return self.cases[None, :, _NEEDS]


@record
class Learned:
    """What the division is to reckon with, in place of the point's own ratings."""

    min_a: Floats
    """(1, P) [A]"""
    max_a: Floats
    """(1, P): infinite where the car sets no bound [A]."""
    uses: Bools
    """(1, P, 3)"""
    state: Ints
    """(1, P): who has stopped by itself asks for nothing, and who ought to draw competes, whatever is said of them."""
    nudged: Bools
    """(1, P): held at 0 A for a moment, so that a car that has fallen asleep wakes up."""


def learn(
    layout: Layout, facts: Facts, estimate: Estimate, habits: Habits | None, held_a: Floats, now_s: float
) -> tuple[Learned, Habits, tuple[Event, ...]]:
    """Look at every car once more.

    Args:
        layout: the site.
        facts: the snapshot.
        estimate: what flows now.
        habits: what the last look left; None at first.
        held_a: (1, P) what each point is limited to now [A].
        now_s: monotonic seconds.
    """
    habits = _blank(layout) if habits is None else habits
    offline, present = facts.offline, _HAS_CAR[facts.state]
    if anything(offline):
        present = present | (offline & habits.present)
    limit = np.minimum(held_a, np.fmax(facts.commanded_a, 0.0))
    offered = present & (limit >= np.maximum(habits.needs_a, LEAST_OFFER_A) - TOLERANCE_A)
    new = (present != habits.present) | (facts.delivered_wh < habits.delivered_wh)
    reported = now_s - facts.measured_age_s >= habits.reported_s + REPORTS_APART_S
    news = reported & estimate.told & present & ~offline
    unused = layout.wired & ~habits.uses
    if anything(unused):  # who draws on a phase that was thought unused is looked at, too
        news |= present & (largest_phase(facts.measured_a * unused) > DRAWS_FROM_A)
    turned = offered != habits.offered
    cases, uses, events = habits.cases, habits.uses, []
    places = (news | new | turned)[0].nonzero()[0].tolist()
    if places:
        cases = cases.copy()
        for place in places:
            case = _newcomer(layout, facts, place, now_s) if new[0, place] else Case(*cases[place].tolist())
            if new[0, place] or turned[0, place]:
                offer(case, bool(offered[0, place]), now_s)
            elif news[0, place] and (event := _look(layout, facts, estimate, limit, case, place, now_s)):
                events.append(event)
            cases[place] = _values(case)
        uses = layout.wired[None] & (cases[None, :, _BARE] < BARE_REPORTS)
    habits = Habits(cases, uses, present, facts.delivered_wh)
    return _learned(layout, facts, habits, now_s), habits, tuple(events)


def _blank(layout: Layout) -> Habits:
    """Nobody is known."""
    nobody = np.zeros((1, layout.size), dtype=bool)
    cases = [_values(Case(needs_a=needs_a)) for needs_a in layout.min_a[0].tolist()]
    nothing = np.zeros((1, layout.size), dtype=np.int64)
    return Habits(np.array(cases).reshape(-1, len(_COLUMN)), layout.wired[None], nobody, nothing)


def _newcomer(layout: Layout, facts: Facts, place: int, now_s: float) -> Case:
    """A case that begins now, perhaps in the middle of a session; reports from before it say nothing.

    Who is said to ask for nothing is left in peace if it has drawn before, and else for as long as a start may take.
    """
    case = Case(reported_s=now_s, needs_a=float(layout.min_a[0, place]))
    if facts.idle[0, place]:
        case.hungry = float(facts.delivered_wh[0, place] <= BEGUN_WH)
        case.rests_until_s = now_s + START_PATIENCE_S if case.hungry else math.inf
    return case


def _look(
    layout: Layout, facts: Facts, estimate: Estimate, limit: Floats, case: Case, place: int, now_s: float
) -> Event | None:
    """Learn from a report."""
    l1, l2, l3 = facts.measured_a[0, place].tolist()
    count_phases(case, (l1, l2, l3))
    if not estimate.told[0, place]:
        return None
    case.reported_s = now_s - float(facts.measured_age_s[0, place])
    seen = Seen(
        now_s=now_s,
        draw_a=max(estimate.draw_a[0, place].tolist()),
        limit_a=float(limit[0, place]),
        most_a=float(facts.max_a[0, place]),
        least_a=float(layout.min_a[0, place]),
        pausable=bool(facts.pausable[0, place]),
    )
    event = attend(case, seen, layout.point_ids[place])
    if not math.isnan(case.offered_s):
        weigh(case, seen)
    case.takes_a = max(case.takes_a, case.needs_a)
    return event


def _learned(layout: Layout, facts: Facts, habits: Habits, now_s: float) -> Learned:
    """What is known; a trial with more than a maximum that has been lowered meanwhile is none."""
    cases = habits.cases.T[:, None]
    needs = np.minimum(cases[_NEEDS], np.maximum(facts.max_a, layout.min_a))
    rests = habits.present & (cases[_RESTS_UNTIL] > now_s)
    if anything(rests):
        rests &= largest_phase(facts.measured_a) < DRAWS_FROM_A
    wants = facts.idle & ~rests & (cases[_HUNGRY] > 0)
    state, takes = facts.state, cases[_TAKES]
    if anything(rests | wants):
        state = np.where(rests & facts.competing, _IDLE, np.where(wants, _PLUGGED, state))
        takes = np.where(wants, needs, takes)
    return Learned(needs, takes, habits.uses, state, cases[_NUDGED_UNTIL] > now_s)
