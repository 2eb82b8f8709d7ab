"""The loop over time, with cars that answer late, meters that are noisy, and a building that does what it likes."""

import math
from dataclasses import replace

import pytest

from controller.site import ChargingPoint, Circuit, Control, Site, Station
from simulations.building import LivelyBuilding
from tests.support.closed_loop import ClosedLoop, garage, hungry_car
from tests.support.thorough import thorough


def filled(loop: ClosedLoop) -> ClosedLoop:
    for point in loop.site.points:
        loop.plug_in(point.id, car=hungry_car())
    return loop


@pytest.mark.parametrize("seed", range(thorough(2, 6)))
def test_twenty_cars_in_steady_state_are_left_in_peace(seed: int) -> None:
    loop = ClosedLoop(garage(), seed=seed)
    loop.load(12)
    loop.plug_in()
    loop.after(180)
    served = set(loop.serving())
    since = loop.now_s
    loop.after(600)
    assert max(loop.changes_since(since).values(), default=0) <= 10, "at most one change per point and minute"
    assert served <= set(loop.serving()), "nobody loses its admission within its dwell time"
    assert all(loop.handed_out(phase) >= 0.8 for phase in range(3))
    assert math.isclose(loop.overload_as, 0.0)


def test_twenty_cars_at_once_are_served_within_half_a_minute_and_overload_nothing() -> None:
    loop = filled(ClosedLoop(garage(single_phase=True)))
    loop.load(5)
    loop.after(30)
    assert len(loop.serving()) == 20
    loop.after(60)
    assert loop.overload_as == 0
    assert min(loop.limit.values()) >= 6


@pytest.mark.parametrize("seed", range(4))
def test_a_jump_of_the_building_is_answered_in_the_next_turn_and_gone_within_thirteen_seconds(seed: int) -> None:
    loop = filled(ClosedLoop(garage(), seed=seed))
    loop.load(10)
    loop.after(120)
    jump = loop.now_s
    loop.load(35)
    loop.after(2)
    lowered = [c for c in loop.changes if c[0] > jump and c[3] < c[2]]
    assert lowered, "limits fall at once"
    loop.after(120)
    assert loop.longest_overload_s <= 13
    assert not loop.raises_between(jump, jump + 10), "nothing is raised within ten seconds of a reduction"


def test_the_effect_of_our_own_command_is_not_taken_for_the_building() -> None:
    loop = filled(ClosedLoop(garage(6), noise_a=0.0))
    loop.load(10)
    loop.after(90)
    loop.load(30)
    loop.after(60)
    swings = [c for c in loop.changes if c[0] > 92]
    assert len([c for c in swings if c[3] < c[2]]) <= 6, "one reduction each, and no hunting after it"
    assert loop.decision is not None
    assert loop.decision.background_a["main"] == pytest.approx((30, 30, 30), abs=1.0)


@pytest.mark.parametrize("seed", range(4))
def test_a_slowly_rising_building_never_outruns_the_cars(seed: int) -> None:
    loop = filled(ClosedLoop(garage(), seed=seed))
    loop.building = lambda t: (10 + 0.3 * min(t, 100),) * 3
    loop.after(200)
    assert loop.longest_overload_s <= 13


def test_room_that_appears_is_used_but_not_before_it_has_lasted() -> None:
    loop = filled(ClosedLoop(garage(4)))
    loop.load(40)
    loop.after(60)
    before = sum(loop.limit.values())
    dropped = loop.now_s
    loop.load(10)
    loop.after(8)
    assert not loop.raises_between(dropped, dropped + 8)
    loop.after(40)
    assert sum(loop.limit.values()) > before + 20


def test_a_point_is_changed_at_most_every_five_seconds_unless_it_protects() -> None:
    loop = filled(ClosedLoop(garage(8), seed=3))
    loop.building = lambda t: (20 + 8 * math.sin(t / 20),) * 3
    loop.after(300)
    raised: dict[str, float] = {}
    for at, point, before, after in loop.changes:
        if after > before:
            assert at - raised.get(point, -99) >= 5
        raised[point] = at


def test_a_charger_that_does_not_accept_its_reduction_keeps_its_room() -> None:
    loop = filled(ClosedLoop(garage(2, fuse_a=40), noise_a=0.0))
    loop.load(5)
    loop.after(60)
    held = loop.limit["P00"]
    loop.accepts["P00"] = False
    loop.load(14)
    loop.after(60)
    assert loop.limit["P00"] == held
    assert loop.limit["P01"] + held + 14 <= 40, "the other one makes room for what the deaf one may still draw"


def test_a_charger_that_ignores_its_limit_is_counted_at_what_it_draws() -> None:
    loop = filled(ClosedLoop(garage(3, fuse_a=50), noise_a=0.05))
    loop.load(5)
    loop.after(60)
    loop.deaf["P00"] = loop.limit["P00"]
    loop.load(15)
    loop.after(60)
    assert {(e.kind, e.subject) for e in loop.events if e.kind.startswith("limit")} == {("limit_ignored", "point:P00")}
    loop.overload_as = 0.0
    loop.building = lambda t: (15 + 0.1 * (t - 120),) * 3
    loop.after(90)
    assert loop.overload_as == 0, "the others make room for it"
    assert max(loop.phase_a) <= 49.5, "and the margin is kept"


def test_a_newcomer_gets_in_after_the_others_have_made_room() -> None:
    loop = ClosedLoop(garage(6), noise_a=0.1)
    loop.load(20)
    for name in ("P00", "P01", "P02"):
        loop.plug_in(name, car=hungry_car())
    loop.after(90)
    assert all(loop.limit[name] > 12 for name in ("P00", "P01", "P02"))
    loop.plug_in("P03", car=hungry_car())
    loop.after(45)
    assert loop.limit["P03"] >= 6
    assert loop.overload_as == 0


def test_a_newcomer_for_whom_there_is_barely_room_is_let_in_after_a_dwell_time() -> None:
    loop = ClosedLoop(replace(garage(2, fuse_a=40), control=Control(dwell_s=60.0)), noise_a=0.0)
    loop.load(26.5)
    loop.plug_in("P00", car=hungry_car())
    loop.after(60)
    assert loop.limit["P00"] == pytest.approx(12.3), "both minimums fit, with 0.3 A to spare"
    loop.plug_in("P01", car=hungry_car())
    loop.after(60)
    assert loop.limit["P01"] == 0, "noise would shut it out again"
    loop.after(30)
    assert min(loop.limit.values()) >= 6, "but nobody waits for ever"


def test_more_cars_than_minimum_shares_take_turns() -> None:
    loop = filled(ClosedLoop(garage(8), noise_a=0.1))
    loop.load(30)
    loop.after(120)
    first = set(loop.serving())
    assert 4 <= len(first) <= 5, "31 A minus noise feed five at 6 A"
    loop.after(600)
    assert set(loop.serving()) == first, "dwell time: nobody is thrown out"
    loop.after(400)
    assert set(loop.serving()) != first, "then the waiting ones have their turn"
    loop.after(900)
    assert all(limit >= 0 for limit in loop.limit.values())
    ever = {point for _, point, before, after in loop.changes if after > before}
    assert len(ever) == 8


def test_a_lost_meter_lowers_to_the_worst_case_and_raises_nothing_until_it_is_back() -> None:
    loop = filled(ClosedLoop(garage(10), noise_a=0.1))
    loop.load(5)
    loop.after(90)
    lost = loop.now_s
    loop.meter_works = False
    loop.after(5)
    assert sum(loop.limit.values()) <= 63 - 1 - 30 + 0.01, "the declared worst case of 30 A is assumed"
    loop.after(60)
    assert not loop.raises_between(lost, loop.now_s)
    assert [e.kind for e in loop.events if e.kind.startswith("worst")] == ["worst_case_assumed"]
    back = loop.now_s
    loop.meter_works = True
    loop.after(60)
    assert not loop.raises_between(back, back + 10), "five good readings and ten calm seconds first"
    assert loop.raises_between(back, loop.now_s), "and within a minute it goes on"
    assert [e.kind for e in loop.events if e.kind.startswith("worst")] == [
        "worst_case_assumed",
        "worst_case_ended",
    ]


def test_a_site_that_starts_does_not_wait_for_its_worst_case_to_be_forgotten() -> None:
    loop = ClosedLoop(garage(10), noise_a=0.1)
    loop.load(5)
    loop.meter_works = False
    filled(loop).after(2)
    loop.meter_works = True
    loop.after(6)
    assert sum(loop.limit.values()) > 45, "the meter says that 57 A are free"
    assert not loop.events


def test_a_station_with_a_write_budget_is_changed_rarely_and_never_beyond_what_is_safe_unattended() -> None:
    circuits = (Circuit("main", None, (63.0,) * 3, meter="grid", base_load_a=(30.0,) * 3),)
    points = tuple(ChargingPoint(f"P{n:02d}", "main", f"S{n}", 1) for n in range(3))
    site = Site("flash", circuits, points, stations=(Station("S0", writes_per_day=24),))
    loop = filled(ClosedLoop(site, seed=2))
    loop.building = lambda t: (15 + 10 * math.sin(t / 60),) * 3
    loop.after(3600)
    assert loop.changes_since(0)["P00"] <= 7
    assert loop.changes_since(0)["P01"] > loop.changes_since(0)["P00"]
    assert max(after for _, point, _, after in loop.changes if point == "P00") <= 33, "63 A - 30 A - fallbacks"


def test_chargers_that_never_report_are_controlled_all_the_same() -> None:
    loop = filled(ClosedLoop(garage(6), silent=True))
    loop.load(10)
    loop.after(120)
    assert all(loop.handed_out(phase) > 0.8 for phase in range(3))
    loop.load(35)
    loop.after(60)
    assert loop.longest_overload_s <= 13
    loop.load(10)
    loop.after(150)
    assert all(loop.handed_out(phase) > 0.8 for phase in range(3)), "room that time has proven free is used again"


def test_the_same_story_gives_the_same_decisions() -> None:
    stories = []
    for _ in range(2):
        loop = filled(ClosedLoop(garage(5), seed=7))
        loop.after(120)
        stories.append(loop.changes)
    assert stories[0] == stories[1]


@pytest.mark.parametrize("seed", range(thorough(4, 8)))
def test_a_restless_building_never_keeps_a_fuse_overloaded_beyond_relief(seed: int) -> None:
    loop = ClosedLoop(garage(20, margin_a=2.0), seed=seed, noise_a=0.1)
    loop.building = LivelyBuilding((45.0, 45.0, 45.0), seed + 100).current_a
    loop.plug_in()
    loop.after(300)
    assert loop.longest_overload_s <= 13, "3 s for us, 5 s for the charger, 5 s for the car"
