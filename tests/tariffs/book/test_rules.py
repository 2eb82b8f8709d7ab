"""Rules in time: what counts at a moment, and what a new rule does to older ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.tariffs.book import Approval, BillingRule, Leg, Scope
from controller.tariffs.rules import (
    RuleRefused,
    Standing,
    approved_from,
    checked_validity,
    ends_from,
    in_force,
    standing,
    standings,
    timeline,
)

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    return BEGIN + hours * HOUR


def a_rule(
    name: str, begins: float, ends: float | None = None, approved: float | None = -100, ended: float | None = None
) -> BillingRule:
    """A rule in hours from the beginning of the year; approved long before, unless said otherwise."""
    return BillingRule(
        name,
        Scope.SITE,
        "",
        Leg.RETAIL,
        name,
        at(begins),
        None if ends is None else at(ends),
        Approval("ada", at(-200)),
        None if approved is None else Approval("cleo", at(approved)),
        None if ended is None else at(ended),
    )


def spans(*rules: BillingRule) -> list[tuple[float, float | None, str]]:
    return [
        (
            (span.begins_at - BEGIN) / HOUR,
            None if span.ends_at is None else (span.ends_at - BEGIN) / HOUR,
            span.rule.id,
        )
        for span in timeline(rules)
    ]


def test_a_new_rule_splits_an_older_one_which_goes_on_behind_it():
    assert spans(a_rule("old", 0), a_rule("new", 10, 20)) == [(0, 10, "old"), (10, 20, "new"), (20, None, "old")]


def test_a_new_rule_without_end_takes_over_for_good():
    assert spans(a_rule("old", 0), a_rule("new", 10)) == [(0, 10, "old"), (10, None, "new")]


def test_a_new_rule_without_end_leaves_alone_what_is_scheduled_to_begin_later():
    scheduled = a_rule("january", 30, approved=-3)
    assert spans(a_rule("old", 0), scheduled, a_rule("new", 10, approved=-1)) == [
        (0, 10, "old"),
        (10, 30, "new"),
        (30, None, "january"),
    ]


def test_a_new_rule_with_an_end_covers_all_that_lies_within():
    within = a_rule("within", 12, 15, approved=-3)
    assert spans(a_rule("old", 0), within, a_rule("new", 10, 20, approved=-1)) == [
        (0, 10, "old"),
        (10, 20, "new"),
        (20, None, "old"),
    ]


def test_a_rule_that_was_ended_makes_room_for_the_older_one():
    assert spans(a_rule("old", 0), a_rule("new", 10, ended=15)) == [(0, 10, "old"), (10, 15, "new"), (15, None, "old")]


def test_the_end_of_a_rule_does_not_let_it_cover_what_it_had_left_alone():
    scheduled, new = a_rule("scheduled", 30, 40, approved=-3), a_rule("new", 10, approved=-1)
    before = spans(scheduled, new)
    assert before == [(10, 30, "new"), (30, 40, "scheduled"), (40, None, "new")]
    assert spans(scheduled, replace(new, ended_at=at(50))) == [*before[:2], (40, 50, "new")]


def test_what_has_become_of_a_rule_is_told():
    rules = [
        a_rule("old", 0),
        a_rule("covering", 5, 15),
        a_rule("later", 30),
        a_rule("over", 1, 2),
        a_rule("waiting", 0, approved=None),
        a_rule("withdrawn", 0, approved=None, ended=3),
    ]
    assert standings(rules, at(10)) == [standing(rule, rules, at(10)) for rule in rules]
    assert standings(rules, at(10)) == [
        Standing.COVERED,
        Standing.ACTIVE,
        Standing.SCHEDULED,
        Standing.ENDED,
        Standing.PROPOSED,
        Standing.ENDED,
    ]


def test_an_approval_takes_effect_no_earlier_than_the_lead_time_allows():
    waiting = a_rule("waiting", 10, approved=None)
    assert approved_from(waiting, at(0), 5 * HOUR) == at(10)
    assert approved_from(waiting, at(8), 5 * HOUR) == at(13)
    assert approved_from(waiting, at(0), 5 * HOUR, at(7)) == at(7)
    with pytest.raises(RuleRefused, match="valid_from: expected 2026-01-01T05:00:00"):
        approved_from(waiting, at(0), 5 * HOUR, at(4))
    with pytest.raises(RuleRefused, match="cleo approved it already"):
        approved_from(a_rule("approved", 10), at(0), HOUR)
    with pytest.raises(RuleRefused, match="before it could begin"):
        approved_from(a_rule("short", 10, 11, approved=None), at(12), 0 * HOUR)


def test_nothing_ends_in_the_past_nor_twice():
    assert ends_from(a_rule("one", 0), at(5)) == at(5)
    assert ends_from(a_rule("one", 0, 20), at(5), at(10)) == at(10)
    with pytest.raises(RuleRefused, match="until: expected now or later"):
        ends_from(a_rule("one", 0), at(5), at(4))
    with pytest.raises(RuleRefused, match="ends already"):
        ends_from(a_rule("one", 0, ended=7), at(5), at(8))


def test_a_validity_has_zones_and_ends_after_it_begins():
    checked_validity(at(0), None)
    for begins, ends in [(at(1), at(1)), (at(1), at(0)), (datetime(2026, 1, 1), None)]:  # noqa: DTZ001
        with pytest.raises(RuleRefused):
            checked_validity(begins, ends)


# What is done to rules, hour by hour: approve one that begins then or later, or end one.
acts = st.lists(
    st.tuples(
        st.integers(0, 8),  # begins so many hours after its approval
        st.one_of(st.none(), st.integers(1, 12)),  # and lasts so many
        st.integers(0, 30),  # ends one of the rules so far, where there is one of that number
    ),
    min_size=1,
    max_size=10,
)


@given(acts)
def test_what_is_decided_never_changes_what_held_before_it(done: list[tuple[int, int | None, int]]):
    rules: list[BillingRule] = [a_rule("waiting", 0, approved=None)]
    held: list[str | None] = []
    for hour, (later, lasts, victim) in enumerate(done):
        begins = hour + later
        rules.append(a_rule(f"{hour}", begins, None if lasts is None else begins + lasts, approved=hour))
        if victim < len(rules) and rules[victim].ended_at is None:
            rules[victim] = replace(rules[victim], ended_at=at(hour))
        seen = [in_force(rules, at(moment)) for moment in range(hour + 1)]
        names = [None if rule is None else rule.id for rule in seen]
        assert names[:-1] == held
        held = names
        assert "waiting" not in names


@given(acts)
def test_at_any_moment_at_most_one_rule_holds_and_it_is_the_one_that_the_timeline_shows(
    done: list[tuple[int, int | None, int]],
):
    rules = [
        a_rule(f"{hour}", hour + later, None if lasts is None else hour + later + lasts, approved=hour)
        for hour, (later, lasts, _) in enumerate(done)
    ]
    shown = timeline(rules)
    assert all(one.ends_at is not None and one.ends_at <= other.begins_at for one, other in pairwise(shown))
    for half in range(2 * 40):
        moment = at(half / 2)
        covering = [
            span.rule for span in shown if span.begins_at <= moment and (span.ends_at is None or moment < span.ends_at)
        ]
        assert covering == [rule for rule in [in_force(rules, moment)] if rule is not None]
