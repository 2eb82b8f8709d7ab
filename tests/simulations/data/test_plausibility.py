"""Impossible sessions: what becomes of each, how it is counted, and that the reference tells every rule."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.data import plausibility
from simulations.data.plausibility import RULES, Rule, plausible
from simulations.data.recorded import RecordedSession

EIGHT = datetime(2031, 6, 2, 8, 0, tzinfo=UTC)
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "data-formats.md"


def at(hours: float) -> datetime:
    return EIGHT + timedelta(hours=hours)


def stay(name: str, begins_h: float = 0.0, ends_h: float = 4.0, energy_wh: float = 8000.0, **more: object):
    return RecordedSession(name, at(begins_h), at(ends_h), energy_wh, **more)  # type: ignore[arg-type]


def counts(sessions: list[RecordedSession], **options: float) -> dict[str, int]:
    """How often each rule was applied, by its problem."""
    _, notes = plausible(sessions, "here", **options)
    assert all(note.source == "here" for note in notes)
    return {note.problem.partition(" (first")[0]: note.count for note in notes}


def one(session: RecordedSession, rule: Rule, **options: float) -> RecordedSession:
    """What a rule, and no other, makes of a session."""
    (changed,), (note,) = plausible([session], "here", **options)
    assert (note.problem, note.count, note.rule) == (f"{rule.problem} (first: session {session.id})", 1, rule.rule)
    return changed


def test_possible_sessions_pass_as_they_are_by_arrival():
    sessions = [stay("b", 5, 9, point="P1"), stay("a", 1, 5, point="P1"), stay("c", 1, 9, point="P2"), stay("d", 2, 3)]
    assert plausible(sessions, "here") == ((sessions[1], sessions[2], sessions[3], sessions[0]), ())


def test_what_is_no_session_is_left_out():
    sessions = [
        stay("ok"),
        stay("backwards", 4, 3),
        stay("instant", 4, 4),
        stay("nothing", energy_wh=0.0),
        stay("negative", energy_wh=-3.0),
        stay("unknown", energy_wh=math.nan),
        stay("ok", 20, 24),
    ]
    kept, _ = plausible(sessions, "here")
    assert kept == (sessions[0],)
    assert counts(sessions) == {
        "id that is there before": 1,
        "departure not after arrival": 2,
        "energy missing, zero or negative": 3,
    }


def test_a_car_has_left_when_the_next_one_comes_to_its_point():
    sessions = [stay("first", 0, 9, point="P1"), stay("second", 2, 3, point="P1"), stay("third", 2.5, 4, point="P1")]
    kept, _ = plausible(sessions, "here")
    assert [(session.id, session.arrives, session.leaves) for session in kept] == [
        ("first", at(0), at(2)),
        ("second", at(2), at(2.5)),
        ("third", at(2.5), at(4)),
    ]
    assert counts(sessions) == {"two cars at one point at once": 2}


def test_of_two_that_come_at_the_same_moment_the_one_that_stays_counts():
    sessions = [stay("long", 1, 6, point="P1"), stay("short", 1, 2, point="P1"), stay("before", 0, 2, point="P1")]
    kept, _ = plausible(sessions, "here")
    assert [(session.id, session.leaves) for session in kept] == [("before", at(1)), ("long", at(6))]
    assert counts(sessions) == {
        "two cars at one point at once": 1,
        "two cars at one point from the same moment": 1,
    }


def test_energy_is_cut_to_what_the_charger_can_give_in_the_stay():
    session = stay("much", 0, 2, energy_wh=30_000.0)
    assert one(session, plausibility.TOO_MUCH, charger_w=11_000.0).energy_wh == pytest.approx(22_000.0)
    assert counts([session]) == {}, "as long as nobody says what the charger can give"
    measured = stay("measured", 0, 2, energy_wh=9000.0, max_power_w=3700.0)
    assert one(measured, plausibility.TOO_MUCH).energy_wh == pytest.approx(7400.0)
    assert counts([stay("near", 0, 2, energy_wh=23_000.0)], charger_w=11_000.0) == {}, "meters are not exact"


def test_a_stay_that_was_cut_short_cannot_take_what_was_recorded_for_the_whole():
    sessions = [stay("cut", 0, 8, energy_wh=60_000.0, point="P1"), stay("next", 1, 2, point="P1")]
    (cut, _), _ = plausible(sessions, "here", charger_w=11_000.0)
    assert (cut.leaves, cut.energy_wh) == (at(1), pytest.approx(11_000.0))
    assert len(counts(sessions, charger_w=11_000.0)) == 2


def test_impossible_statements_count_as_none():
    assert one(stay("a", stated_leaves=at(-1)), plausibility.STATED_LEAVES).stated_leaves is None
    assert one(stay("b", requested_wh=0.0), plausibility.STATED_ENERGY).requested_wh is None
    assert one(stay("c", requested_wh=math.nan), plausibility.STATED_ENERGY).requested_wh is None
    assert one(stay("d", max_power_w=0.0), plausibility.NO_POWER).max_power_w is None
    assert one(stay("e", done_at=at(5)), plausibility.DONE).done_at == at(4)
    assert one(stay("f", done_at=at(-5)), plausibility.DONE).done_at == at(0)


HOURS = st.integers(-2, 12).map(float)
UNKNOWN_OR = st.none() | HOURS


@st.composite
def anything(draw: st.DrawFn) -> RecordedSession:
    """A session that may be impossible in every way at once."""
    stated_h, done_h = draw(UNKNOWN_OR), draw(UNKNOWN_OR)
    return stay(
        draw(st.sampled_from("abcdefgh")),
        draw(HOURS),
        draw(HOURS),
        draw(st.sampled_from([math.nan, -1.0, 0.0, 1.0, 9000.0, 1e9])),
        point=draw(st.sampled_from([None, "P1", "P2"])),
        stated_leaves=None if stated_h is None else at(stated_h),
        done_at=None if done_h is None else at(done_h),
        requested_wh=draw(st.sampled_from([None, math.nan, -5.0, 7000.0])),
        max_power_w=draw(st.sampled_from([None, 0.0, 3700.0])),
    )


@settings(max_examples=40, deadline=None)
@given(sessions=st.lists(anything(), max_size=8))
def test_whatever_comes_in_what_goes_out_is_possible(sessions: list[RecordedSession]):
    kept, notes = plausible(sessions, "here")
    assert plausible(kept, "here") == (kept, ()), "a second look finds nothing"
    assert len(kept) <= len(sessions)
    assert bool(notes) == (kept != tuple(sorted(sessions, key=lambda one: (one.arrives, one.leaves, one.id))))
    until: dict[str, datetime] = {}
    for session in kept:
        assert session.leaves > session.arrives
        assert 0.0 < session.energy_wh < math.inf
        if session.point is not None:
            assert until.get(session.point, session.arrives) <= session.arrives
            until[session.point] = session.leaves


def test_the_reference_tells_every_rule():
    text = REFERENCE.read_text(encoding="utf-8")
    for rule in RULES:
        assert f"| {rule.problem} | {rule.rule} |" in text
