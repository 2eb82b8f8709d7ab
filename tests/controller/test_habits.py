"""What cars really do: the stories of those that take less than they may, or nothing, or on one phase only."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import State
from simulations.cars import Car, CarModel
from simulations.connectors import Status
from simulations.temperaments import OBEDIENT
from tests.support.closed_loop import STATES, ClosedLoop, garage, hungry_car
from tests.support.thorough import thorough


def turned_to(car: Car, **changes: Any) -> None:
    """The car is from now on built otherwise."""
    car.model = replace(car.model, **changes)


def until(loop: ClosedLoop, seconds: float, holds: Callable[[], bool]) -> float:
    """Run until something holds, and say how long it took; it must within so many seconds."""
    since_s = loop.now_s
    while not holds():
        assert loop.now_s - since_s < seconds, f"not within {seconds:.0f} s: {loop.limit}"
        loop.after(1)
    return loop.now_s - since_s


def kinds(loop: ClosedLoop, point: str) -> list[str]:
    return [event.kind for event in loop.events if event.subject == f"point:{point}" and event.kind.startswith("car")]


# -- how much it takes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_what_a_car_leaves_goes_to_others_and_comes_back_when_it_is_wanted(seed: int) -> None:
    loop = ClosedLoop(garage(2, fuse_a=45), seed=seed)
    modest = hungry_car(max_a=10)
    loop.plug_in("P00", car=modest)
    loop.plug_in("P01", car=hungry_car())
    loop.after(60)
    assert loop.limit["P00"] == pytest.approx(loop.limit["P01"], abs=1), "both get half of 34 A at first"
    until(loop, 60, lambda: loop.limit["P01"] > 20)
    assert loop.limit["P00"] <= 12.5, "10 A and a reserve"
    turned_to(modest, max_a=32.0)
    until(loop, 60, lambda: loop.limit["P00"] > 15)
    assert loop.overload_as == 0


def test_a_car_that_takes_little_keeps_its_limit_while_nobody_else_wants_it() -> None:
    loop = ClosedLoop(garage(2, fuse_a=63))
    loop.plug_in("P00", car=hungry_car(max_a=10))
    loop.after(600)
    assert loop.limit["P00"] == 32
    assert loop.changes_since(60)["P00"] == 0


def test_a_car_that_draws_less_because_it_may_is_not_taken_for_one_that_wants_less() -> None:
    loop = ClosedLoop(garage(1, fuse_a=40))
    loop.plug_in("P00", car=hungry_car(max_a=18))
    loop.after(180)
    assert loop.memory is not None
    learned = loop.memory.habits.takes_a[0, 0]
    assert 18 <= learned <= 20
    loop.load(25.0)
    loop.after(180)
    assert 6 <= loop.limit["P00"] < 15, "there is less for it now"
    assert loop.memory.habits.takes_a[0, 0] == learned


def test_who_tapers_is_followed_down_and_the_rest_gets_what_it_leaves() -> None:
    loop = ClosedLoop(garage(2, fuse_a=40), step_s=0.5)
    loop.plug_in("P00", car=Car(CarModel(capacity_wh=10_000, max_a=16, taper_from=0.8), soc=0.75))
    loop.plug_in("P01", car=hungry_car())
    loop.after(120)
    assert loop.limit["P00"] > 13
    before = loop.now_s
    loop.after(2700)
    assert loop.connectors["P00"].grid_a[0] == 0, "full"
    assert loop.limit["P01"] > 26
    assert max(loop.changes_since(before).values()) <= 16, "calmly"
    assert kinds(loop, "P00") == []


def test_a_charger_that_says_charging_while_nothing_flows_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STATES, Status.SUSPENDED_EV, State.CHARGING)
    loop = ClosedLoop(garage(2, fuse_a=40))
    loop.plug_in("P00", car=Car(CarModel(), soc=1.0))
    loop.plug_in("P01", car=hungry_car())
    until(loop, 60, lambda: loop.limit["P01"] > 20)


def test_a_charger_that_says_suspended_while_current_flows_is_not_believed() -> None:
    loop = ClosedLoop(garage(2, fuse_a=45), chargers={"P00": replace(OBEDIENT, lies_about_status=True)})
    loop.plug_in("P00", car=hungry_car(max_a=10))
    loop.plug_in("P01", car=hungry_car())
    until(loop, 150, lambda: loop.limit["P01"] > 20)
    loop.after(300)
    assert loop.connectors["P00"].grid_a[0] == pytest.approx(10)
    assert kinds(loop, "P00") == []


class Follower(Car):
    """It draws a third less than it may, whatever that is."""

    def step(self, now_s: float, dt: float, offer_a: float, phases: int, voltage_v: float) -> None:
        super().step(now_s, dt, max(6.0, 0.66 * offer_a) if offer_a else 0.0, phases, voltage_v)


def test_a_car_that_stays_below_every_limit_is_not_talked_down() -> None:
    loop = ClosedLoop(garage(2, fuse_a=45))
    loop.plug_in("P00", car=Follower(CarModel(capacity_wh=500_000, max_a=32), soc=0.1))
    loop.plug_in("P01", car=hungry_car())
    loop.after(600)
    assert loop.limit["P00"] > 14, "how much it would take cannot be told"


# -- on which phases --------------------------------------------------------------------------------------------------


def test_a_single_phase_car_on_a_three_phase_point_leaves_two_phases_to_others() -> None:
    loop = ClosedLoop(two_points(fuse_a=40.0))
    loop.load(10)
    loop.plug_in("A", car=hungry_car(phases=1))
    loop.plug_in("B", car=hungry_car())
    until(loop, 120, lambda: loop.limit["B"] > 26)
    assert loop.limit["A"] > 26, "they meet on no phase"
    assert loop.overload_as == 0


def two_points(fuse_a: float) -> Site:
    main = Circuit("main", None, (fuse_a,) * 3, margin_a=1.0, meter="grid", base_load_a=(10.0,) * 3)
    return Site(
        "two", (main,), (ChargingPoint("A", "main", "SA", 1, (0, 1, 2)), ChargingPoint("B", "main", "SB", 1, (1,)))
    )


def test_a_car_that_takes_to_three_phases_after_all_is_counted_on_all_of_them_again() -> None:
    loop = ClosedLoop(two_points(fuse_a=40.0))
    loop.load(10)
    fickle = hungry_car(phases=1)
    loop.plug_in("A", car=fickle)
    loop.plug_in("B", car=hungry_car())
    until(loop, 120, lambda: loop.limit["B"] > 26)
    turned_to(fickle, phases=3)
    loop.after(60)
    assert loop.longest_overload_s <= 13
    assert loop.limit["A"] + loop.limit["B"] <= 30
    turned_to(fickle, phases=1)
    loop.after(120)
    assert loop.limit["A"] + loop.limit["B"] <= 30, "it will do so again"


def test_after_a_restart_a_car_counts_on_all_phases_until_it_has_shown_its_own_again() -> None:
    loop = ClosedLoop(two_points(fuse_a=40.0))
    loop.load(10)
    loop.plug_in("A", car=hungry_car(phases=1))
    loop.plug_in("B", car=hungry_car())
    until(loop, 120, lambda: loop.limit["B"] > 26)
    loop.memory = None
    loop.after(1)
    assert loop.limit["A"] + loop.limit["B"] <= 30
    until(loop, 120, lambda: loop.limit["B"] > 26)


# -- from which limit on ----------------------------------------------------------------------------------------------


def test_a_car_that_needs_eight_amperes_gets_them() -> None:
    loop = ClosedLoop(garage(5, fuse_a=45))
    zoe = hungry_car(min_a=8)
    for point in ("P01", "P02", "P03", "P04"):
        loop.plug_in(point, car=hungry_car())
    loop.plug_in("P00", car=zoe)
    until(loop, 300, lambda: zoe.current_a > 7)
    loop.after(30)
    assert kinds(loop, "P00") == ["car_needs_more"]
    assert "8 A" in next(e.message for e in loop.events if e.kind == "car_needs_more")
    loop.after(600)
    assert zoe.current_a > 7, "and keeps them"
    assert loop.overload_as == 0


def test_a_car_that_stops_when_it_is_throttled_to_six_amperes_needs_more() -> None:
    loop = ClosedLoop(garage(5, fuse_a=45))
    zoe = hungry_car(min_a=8)
    loop.plug_in("P00", car=zoe)
    loop.after(60)
    assert zoe.current_a > 20
    for point in ("P01", "P02", "P03", "P04"):
        loop.plug_in(point, car=hungry_car())
    until(loop, 120, lambda: zoe.current_a == 0)
    until(loop, 420, lambda: zoe.current_a > 7)
    loop.after(600)
    assert zoe.current_a > 7


# -- asleep -----------------------------------------------------------------------------------------------------------


def test_a_car_that_has_slept_through_its_turn_is_woken() -> None:
    loop = ClosedLoop(garage(2, fuse_a=40))
    sleeper = Car(CarModel(capacity_wh=500_000, sleep_after_s=60, sleeps_through=1), soc=0.2)
    loop.plug_in("P00", car=sleeper)
    loop.after(60)
    assert sleeper.current_a > 10
    loop.load(38)
    loop.after(120)
    assert loop.limit["P00"] == 0
    loop.load(10)
    until(loop, 240, lambda: sleeper.current_a > 10)
    assert kinds(loop, "P00") == ["car_nudged"]


def test_a_car_that_never_wakes_up_is_nudged_three_times_and_then_left_alone() -> None:
    loop = ClosedLoop(garage(2, fuse_a=40), step_s=1.0)
    idler = Car(CarModel(), soc=0.2)
    idler.paused = True
    loop.plug_in("P00", car=idler)
    loop.after(2400)
    assert kinds(loop, "P00") == ["car_nudged"] * 3 + ["car_asleep"]
    since = loop.now_s
    loop.after(1800)
    assert not loop.changes_since(since)
    assert loop.limit["P00"] >= 6, "it may begin when it likes"


def test_a_car_that_has_finished_is_left_in_peace() -> None:
    loop = ClosedLoop(garage(2, fuse_a=40), step_s=1.0)
    loop.plug_in("P00", car=Car(CarModel(capacity_wh=5_000, taper_from=1.0), soc=0.9))
    loop.after(300)
    assert loop.connectors["P00"].grid_a[0] == 0
    since = loop.now_s
    loop.after(1800)
    assert kinds(loop, "P00") == []
    assert not loop.changes_since(since)


# -- calm, and forgetting ---------------------------------------------------------------------------------------------


def test_the_next_car_on_a_point_is_met_without_prejudice() -> None:
    loop = ClosedLoop(two_points(fuse_a=40.0))
    loop.load(10)
    loop.plug_in("A", car=hungry_car(phases=1, max_a=8))
    loop.plug_in("B", car=hungry_car())
    loop.after(200)
    loop.unplug("A")
    loop.after(20)
    loop.plug_in("A", car=hungry_car())
    loop.after(90)
    assert loop.limit["A"] > 13
    assert loop.limit["A"] + loop.limit["B"] <= 30
    assert loop.longest_overload_s <= 13


def test_a_restart_forgets_and_learns_anew() -> None:
    loop = ClosedLoop(garage(2, fuse_a=45))
    loop.plug_in("P00", car=hungry_car(max_a=10))
    loop.plug_in("P01", car=hungry_car())
    loop.after(180)
    assert loop.limit["P01"] > 20
    loop.memory = None
    loop.after(180)
    assert loop.limit["P01"] > 20
    assert loop.overload_as == 0


@pytest.mark.parametrize("seed", range(thorough(1, 3)))
def test_noise_moves_neither_what_is_learned_nor_the_limits(seed: int) -> None:
    loop = ClosedLoop(garage(8), seed=seed, step_s=0.5)
    for number, point in enumerate(loop.site.points):
        loop.plug_in(point.id, car=hungry_car(max_a=(6, 8, 10, 16)[number % 4], phases=(3, 1)[number % 2]))
    loop.after(300)
    since = loop.now_s
    learned = []
    for _ in range(120):
        loop.after(10)
        assert loop.memory is not None
        habits = loop.memory.habits
        learned.append((habits.takes_a[0].tolist(), habits.uses[0].sum(axis=1).tolist()))
    assert all(uses == [3, 1] * 4 for _, uses in learned), "found out within five minutes, and never doubted"
    moves = [sum(a[n] != b[n] for (a, _), (b, _) in pairwise(learned)) for n in range(8)]
    assert max(moves) <= 4
    assert sum(loop.changes_since(since).values()) <= 20 * 8, "less than one change per point and minute"
    assert loop.overload_as == 0
