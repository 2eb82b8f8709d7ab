"""Why a limit is what it is: the sentences, and numbers that add up."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.engine import decide
from controller.explain import Explanation, Reason, Turn, changes, explain, sentence
from controller.site import Site, Station
from controller.snapshot import ExternalLimit, PointState, Reading, State
from tests.support.closed_loop import START
from tests.support.random_sites import random_site, random_snapshot
from tests.support.recordings import Story
from tests.support.turns import charging, point, site_of, turn


def told(explanation: Explanation, topic: str) -> Reason:
    (reason,) = [reason for reason in explanation.reasons if reason.topic == topic]
    return reason


def topics(explanation: Explanation) -> list[str]:
    return [reason.topic for reason in explanation.reasons]


TWO = site_of(point("P1"), point("P2"))


def test_a_full_phase_is_told_with_everything_that_is_on_it():
    made = turn(TWO, {"P1": charging(), "P2": charging()}, meter_a=38.0)
    explanation = explain(TWO, made, "P1")
    assert explanation.because.startswith("circuit:main:L")
    assert told(explanation, "limit").text == (
        f"P1 was limited to {explanation.limit_a:.1f} A, because phase L1 of circuit main was used up."
    )
    room = told(explanation, "room").numbers
    taken = sum(room[name] for name in ("margin_a", "background_a", "rise_a", "caution_a", "reserved_a"))
    assert room["fuse_a"] - taken == pytest.approx(room["free_a"])
    assert room["background_a"] == pytest.approx(38.0 - 16.0)
    assert "less 22.0 A for what is not charging" in told(explanation, "room").text
    sharers = told(explanation, "sharers")
    assert sharers.text.startswith("2 points shared it: P1 8.")
    assert set(sharers.numbers["sharers"]) == {"P1", "P2"}
    assert "a car was charging; it was measured to draw 8.0, 8.0, 8.0 A on L1, L2, L3 at that moment" in (
        told(explanation, "measured").text
    )
    assert told(explanation, "meter").text == "Meter grid of circuit main read 38.0, 38.0, 38.0 A at that moment."


def test_who_comes_first_is_named_and_who_waits_is_told_since_when():
    site = site_of(point("P1"), point("P2", priority=3))
    first = turn(site, {"P1": PointState(State.PLUGGED), "P2": charging()}, meter_a=36.0)
    later = turn(site, {"P1": PointState(State.PLUGGED), "P2": charging()}, meter_a=36.0, after=first, passed_s=75.0)
    explanation = explain(site, later, "P1")
    assert explanation.limit_a == pytest.approx(0.0)
    assert "had no room for its minimum" in told(explanation, "limit").text
    assert told(explanation, "priority").text == "Higher priority than its 0 had, and came first: P2."
    assert "It had been waiting for 1 min 15 s." in told(explanation, "waiting").text
    assert "priority" not in topics(explain(site, later, "P2"))


def test_unequal_weights_are_told():
    site = site_of(point("P1"), point("P2", weight=2.0))
    explanation = explain(site, turn(site, {"P1": charging(), "P2": charging()}, meter_a=38.0), "P1")
    assert told(explanation, "weight").text == "What is above the minimums was shared by weight: P1 1, P2 2."


def test_a_charger_that_is_away_is_told_with_what_is_kept_for_it_and_so_is_what_others_miss():
    site = site_of(point("P1"), point("P2", fallback_a=6.0))
    away = PointState(State.OFFLINE, commanded_a=14.0)
    made = turn(site, {"P1": charging(), "P2": away}, meter_a=30.0)
    explanation = explain(site, made, "P2")
    assert explanation.limit_a is None
    assert told(explanation, "limit").text == (
        "P2 had no limit: its charger was not connected, so nobody could steer it."
    )
    assert told(explanation, "reserve").numbers["reserved_a"] == pytest.approx(14.0)
    assert "14.0 A kept for P2" in told(explain(site, made, "P1"), "room").text
    deaf = turn(site, {"P1": charging(), "P2": charging(obeys=False)}, meter_a=30.0)
    assert "its charger did not obey" in told(explain(site, deaf, "P2"), "limit").text


def test_a_lost_meter_is_told_with_what_is_assumed_and_how_long_nothing_rises():
    made = turn(TWO, {"P1": charging(), "P2": charging()})
    for _ in range(5):
        lost = made = turn(TWO, {"P1": charging(), "P2": charging()}, meter_a=None, after=made)
    explanation = explain(TWO, lost, "P1")
    assert "30.0 A for what is not charging (assumed: its meter had no reading that counted)" in (
        told(explanation, "room").text
    )
    assert told(explanation, "meter").text == "Meter grid of circuit main had given no reading."
    back = turn(TWO, {"P1": charging(), "P2": charging()}, after=lost)
    explanation = explain(TWO, back, "P1")
    assert explanation.because == "pace:meter"
    assert "nothing rises before a meter above it is good again: grid (1 of 5 good readings)" in (
        told(explanation, "pace").text
    )


def test_an_old_reading_is_told_as_such():
    made = turn(TWO, {"P1": charging()})
    old = replace(made.snapshot, meters={"grid": Reading((20.0,) * 3, START - timedelta(seconds=4))})
    explanation = explain(TWO, Turn(None, old, decide(TWO, None, old)), "P1")
    assert told(explanation, "meter").text.endswith(" A 4 s before, too long ago to count (from 3 s).")


def test_a_limit_in_watts_is_told_in_watts():
    limits = (ExternalLimit("main", 12_000.0, "grid_operator"),)
    explanation = explain(TWO, turn(TWO, {"P1": charging(), "P2": charging()}, limits=limits), "P1")
    assert explanation.because == "limit:grid_operator"
    assert "because the power limit set by grid_operator was used up" in told(explanation, "limit").text
    room = told(explanation, "room")
    assert room.text.startswith("The power limit set by grid_operator was 12000 W for the three phases together.")
    assert room.numbers["taken_w"] + room.numbers["free_w"] == pytest.approx(12_000.0)
    contracted = site_of(point("P1"), point("P2"), contract_w=11_000.0)
    explanation = explain(contracted, turn(contracted, {"P1": charging(), "P2": charging()}), "P1")
    assert told(explanation, "room").text.startswith("The power contracted for circuit main was 11000 W")


def test_a_limit_on_charging_alone_leaves_the_building_out():
    limits = (ExternalLimit("main", 9_000.0, "dso", charging_only=True),)
    explanation = explain(TWO, turn(TWO, {"P1": charging(), "P2": charging()}, limits=limits, meter_a=38.0), "P1")
    assert explanation.because == "limit:dso"
    room = told(explanation, "room")
    assert room.text == "The power limit set by dso was 9000 W for everything that charges: 9000 W to share."
    assert explanation.limit_a == pytest.approx(6.5), "9 kW are 39.1 A, six of whose phases are in use"


def test_a_limit_on_each_point_is_told_as_such():
    limits = (ExternalLimit("main", 4_200.0, "dso", charging_only=True, per_point=True),)
    explanation = explain(TWO, turn(TWO, {"P1": charging(), "P2": charging()}, limits=limits), "P1")
    assert (explanation.limit_a, explanation.because) == (6.0, "limit:dso")
    assert told(explanation, "room").text == "The power limit set by dso was 4200 W for each charging point."
    assert told(explanation, "sharers").text == "One point had it: P1 6.0 A; together 6.0 A."


@pytest.mark.parametrize(
    ("site", "state", "text"),
    [
        (site_of(point("P1", max_a=10.0)), charging(), "It could take 10.0 A: this is the point's own maximum."),
        (
            site_of(point("P1", max_a=16.0)),
            charging(max_a=7.0),
            "It could take 7.0 A: this car or session takes 7.0 A, the point 16.0 A.",
        ),
        (
            site_of(point("P1", max_a=16.0), stations=(Station("CP1", writes_per_day=25),)),
            charging(6.0),
            "but its station may be written only a few times a day",
        ),
        (site_of(point("P1")), charging(max_a=3.0), "it might take less than the least that a car can charge with"),
    ],
)
def test_a_point_that_takes_no_more_is_told_why(site: Site, state: PointState, text: str):
    explanation = explain(site, turn(site, {"P1": state}, meter_a=8.0), "P1")
    assert text in " ".join(reason.text for reason in explanation.reasons)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (State.AVAILABLE, "no car was there"),
        (State.OCCUPIED, "a car was there, but no transaction had been started"),
        (State.FINISHING, "its session was ending"),
        (State.FAULTED, "its charger reported a fault"),
    ],
)
def test_a_point_without_a_hungry_car_is_told_as_such(state: State, text: str):
    explanation = explain(TWO, turn(TWO, {"P1": PointState(state)}), "P1")
    assert told(explanation, "limit").text == f"P1 was limited to 0.0 A, because {text}."
    assert "room" not in topics(explanation)


def test_an_idle_car_keeps_its_minimum_and_is_told_why():
    made = turn(TWO, {"P1": charging(0.0, state=State.EV_IDLE, commanded_a=6.0)})
    explanation = explain(TWO, made, "P1")
    assert "the car asked for nothing; it kept its minimum, so that it could wake up" in told(explanation, "limit").text


def test_every_pace_is_told_with_its_clock():
    story = Story(6, fuse_a=40.0)
    story.loop.plug_in()
    story.loop.load(15.0)
    story.after(60)
    story.loop.load(28.0)
    story.after(40)
    story.loop.load(10.0)
    story.after(60)
    paces: dict[str, str] = {}
    for made in story.made:
        for name, setpoint in made.decision.plan.setpoints.items():
            explanation = explain(story.site, Turn(made.memory, made.snapshot, made.decision), name)
            for reason in explanation.reasons:
                if reason.topic == "pace":
                    paces.setdefault(setpoint.because if setpoint.because.startswith("pace:") else "moved", reason.text)
                    assert reason.text.endswith(".")
    assert "had been lowered" in paces["pace:calm"]
    assert "a charger is given 5 s for a change" in paces["pace:interval"]
    assert "more had yet to be seen to be free" in paces["pace:headroom"]
    assert "moved" in paces


def test_what_changed_is_told_from_one_decision_to_another():
    before = turn(TWO, {"P1": charging(), "P2": PointState(State.OFFLINE)}, meter_a=20.0)
    limits = (ExternalLimit("main", 9000.0, "grid_operator"),)
    after = turn(TWO, {"P1": charging(), "P2": PointState(State.PLUGGED)}, meter_a=30.0, limits=limits, after=before)
    texts = [reason.text for reason in changes(TWO, before, after, "P1")]
    assert texts[0].startswith("P1 had ")
    assert ", and 1 s later " in texts[0]
    assert "What is not charging went from 12.0 A to 22.0 A on phase L2 of circuit main." in texts
    assert "The limit of grid_operator on circuit main went from none to 9000 W." in texts
    assert "P2 went from offline to plugged." in texts
    restarted = replace(after, memory=None)
    assert changes(TWO, before, restarted, "P1")[-1].topic == "restart"


def test_an_unknown_point_is_refused():
    with pytest.raises(KeyError):
        explain(TWO, turn(TWO, {}), "P9")


@pytest.mark.parametrize("seed", range(30))
def test_any_decision_on_any_site_can_be_explained_and_its_room_adds_up(seed: int):
    rng = random.Random(seed)
    site = random_site(rng)
    made: Turn | None = None
    for second in range(3):
        snapshot = replace(random_snapshot(rng, site), monotonic_s=float(second))
        memory = made.decision.memory if made else None
        before, made = made, Turn(memory, snapshot, decide(site, memory, snapshot))
        for name in site.point:
            said, explanation = sentence(site, made, name), explain(site, made, name)
            assert said.startswith(f"{name} ")
            assert said.endswith(".")
            assert explanation.limit_a == (
                made.decision.plan.setpoints[name].limit_a if name in made.decision.plan.setpoints else None
            )
            assert all(reason.text[0].isalnum() and reason.text.endswith(".") for reason in explanation.reasons)
            for reason in explanation.reasons:
                if reason.topic == "room" and "fuse_a" in reason.numbers:
                    parts = ("margin_a", "background_a", "rise_a", "caution_a", "reserved_a")
                    left = reason.numbers["fuse_a"] - sum(reason.numbers[part] for part in parts)
                    assert left == pytest.approx(reason.numbers["free_a"], abs=1e-6)
            if before is not None:
                assert changes(site, before, made, name)[0].topic == "limit"


def test_who_should_have_left_is_owed_the_rest_which_comes_before_comfort():
    late = charging(energy_needed_wh=6_000, departs_at=START - timedelta(minutes=30))
    made = turn(TWO, {"P1": late, "P2": charging()}, meter_a=38.0)
    assert sentence(TWO, made, "P1").endswith(", and is owed the 6.0 kWh that it needed by 08:30.")
    need = told(explain(TWO, made, "P1"), "need")
    assert need.text == (
        "Its driver still needed 6.0 kWh by 08:30, and should have left: 32.0 A, which came before everybody's comfort."
    )
    assert need.numbers["shortfall_wh"] == 0.0
    given = made.decision.basis.division.target_a[0]
    assert given[0] > given[1]
