"""A short overload that a fuse bears throws nobody off, and a longer one is cut as ever."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.engine import Decision, Memory, decide
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import ExternalLimit, PointState, Reading, Snapshot, State
from simulations.temperaments import TEMPERAMENTS
from tests.support.closed_loop import START, WIRINGS_3, ClosedLoop, hungry_car
from tests.support.witness import Witness


def small_site(fuse_a: float = 25.0, points: int = 3, curve: str = "gG", margin_a: float = 0.0) -> Site:
    """A connection with room for its cars' minimums beside a building of 7 A, and no more."""
    main = Circuit("main", None, (fuse_a,) * 3, curve, margin_a=margin_a, meter="grid", base_load_a=(7.0,) * 3)
    return Site(
        "small",
        (main,),
        tuple(ChargingPoint(f"P{n}", "main", f"S{n}", 1, WIRINGS_3[n], 16.0, fallback_a=6.0) for n in range(points)),
    )


class Story:
    """Decisions of a site whose cars draw their limits at once, second by second."""

    def __init__(self, site: Site) -> None:
        self.site, self.at_s = site, 0
        self.memory: Memory | None = None
        self.limit = {point.id: 6.0 for point in site.points}
        self.drawing: Iterable[str] = list(self.limit)
        self.limits: tuple[ExternalLimit, ...] = ()

    def second(self, building_a: float) -> Decision:
        at = START + timedelta(seconds=self.at_s)
        drawn = {name: self.limit[name] for name in self.drawing}
        total = building_a + sum(drawn.values())
        points = {name: PointState(State.CHARGING, (a,) * 3, at, commanded_a=a) for name, a in drawn.items()}
        reading = Reading((total,) * 3, at)
        decision = decide(
            self.site, self.memory, Snapshot(at, float(self.at_s), {"grid": reading}, self.limits, points)
        )
        self.memory, self.at_s = decision.memory, self.at_s + 1
        self.limit |= {name: setpoint.limit_a for name, setpoint in decision.plan.setpoints.items()}
        return decision

    def seconds(self, count: int, building_a: float) -> None:
        for _ in range(count):
            self.second(building_a)

    def at_their_minimum(self) -> Story:
        """Cars that have been raised, and then lowered by a building that rises slowly."""
        self.seconds(20, 2.0)
        assert min(self.limit.values()) > 6.5
        for tenths in range(20, 69):
            self.seconds(2, tenths / 10)
        self.seconds(20, 6.8)
        assert set(self.limit.values()) == {6.0}
        return self


def test_an_ampere_too_much_for_one_reading_stops_nobody() -> None:
    story = Story(small_site()).at_their_minimum()
    for _ in range(3):
        decision = story.second(8.0)
        assert set(story.limit.values()) == {6.0}
        assert all(setpoint.because.startswith("circuit:main") for setpoint in decision.plan.setpoints.values())
        story.seconds(40, 6.8)
    assert set(story.limit.values()) == {6.0}


def test_what_lasts_is_cut_with_the_next_reading() -> None:
    story = Story(small_site()).at_their_minimum()
    story.second(8.0)
    story.second(8.0)
    assert sorted(story.limit.values()) == [0.0, 6.0, 6.0]


def test_what_comes_and_goes_is_not_short() -> None:
    story = Story(small_site()).at_their_minimum()
    story.second(8.0)
    story.seconds(3, 6.8)
    story.second(8.0)
    assert set(story.limit.values()) == {6.0}, "most of a reading's time is left, and that is enough to ride"
    story.second(8.0)
    assert 0.0 in story.limit.values()


def test_who_is_above_the_minimum_is_lowered_at_once() -> None:
    story = Story(small_site()).at_their_minimum()
    story.seconds(60, 3.5)
    assert max(story.limit.values()) > 6.5
    story.second(8.0)
    assert set(story.limit.values()) == {6.0}


@pytest.mark.parametrize(("curve", "bears_a"), [("gG", 31.25), ("B", 28.25), ("C", 28.25), ("D", 28.25)])
def test_more_than_the_device_bears_for_ever_is_cut_at_once(curve: str, bears_a: float) -> None:
    story = Story(small_site(curve=curve)).at_their_minimum()
    beyond = Story(small_site(curve=curve)).at_their_minimum()
    story.second(bears_a - 18.0 - 2.1)
    beyond.second(bears_a - 18.0 + 0.1)
    assert set(story.limit.values()) == {6.0}, "as long as a rise of 2 A, if it goes on, is borne as well"
    assert 0.0 in beyond.limit.values()


def test_a_warm_fuse_is_spared() -> None:
    story = Story(small_site()).at_their_minimum()
    assert story.memory is not None
    state = story.memory.warmth.state
    story.memory = replace(story.memory, warmth=replace(story.memory.warmth, state=state + 0.3))
    story.second(8.0)
    assert 0.0 in story.limit.values()


def test_a_power_that_was_contracted_or_limited_is_not_softened() -> None:
    story = Story(small_site()).at_their_minimum()
    story.limits = (ExternalLimit("main", 3 * 25.0 * 230.0, "grid_operator"),)
    story.second(8.0)
    assert 0.0 in story.limit.values()
    site = small_site()
    contracted = replace(site, circuits=(replace(site.circuits[0], contract_w=3 * 25.0 * 230.0),))
    story = Story(contracted).at_their_minimum()
    story.second(8.0)
    assert 0.0 in story.limit.values()


def test_nobody_enters_on_the_strength_of_it() -> None:
    story = Story(small_site())
    story.drawing = ["P0", "P1"]
    story.seconds(60, 12.8)
    assert story.limit["P0"] == story.limit["P1"] == 6.0
    story.drawing = ["P0", "P1", "P2"]  # draws what it may unattended, and is yet to be let in
    story.second(12.8)
    assert (story.limit["P0"], story.limit["P1"], story.limit["P2"]) == (6.0, 6.0, 0.0)


def test_a_lost_meter_gives_no_time() -> None:
    story = Story(small_site()).at_their_minimum()
    at = START + timedelta(seconds=story.at_s + 2)
    points = {name: PointState(State.CHARGING, (6.0,) * 3, at, commanded_a=6.0) for name in story.limit}
    old = Reading((27.0,) * 3, at - timedelta(seconds=3))
    decision = decide(story.site, story.memory, Snapshot(at, story.at_s + 2.0, {"grid": old}, (), points))
    assert sorted(s.limit_a for s in decision.plan.setpoints.values()) == [6.0, 6.0, 6.0], "7 A are assumed: 25 A"
    dearer = replace(story.site, circuits=(replace(story.site.circuits[0], base_load_a=(8.0,) * 3),))
    decision = decide(dearer, story.memory, Snapshot(at, story.at_s + 2.0, {"grid": old}, (), points))
    assert 0.0 in [s.limit_a for s in decision.plan.setpoints.values()]


@pytest.mark.parametrize("building_a", [5.5, 6.3])
@pytest.mark.parametrize("seed", [0, 1, 3])
def test_cars_that_are_plugged_in_one_after_another_stop_nobody(seed: int, building_a: float) -> None:
    loop = ClosedLoop(small_site(), seed=seed, step_s=0.5)
    loop.watch = (witness := Witness(loop.site)).see
    loop.load(building_a)
    loop.after(10)
    for point in loop.site.points:
        loop.plug_in(point.id, car=hungry_car(max_a=16.0, reaction_s=loop.rng.uniform(1.0, 3.5)))
        loop.after(20)
    loop.after(30)
    assert [change for change in loop.changes if change[3] == 0.0] == []
    assert loop.longest_overload_s <= 4.0
    assert max(book.thermal_peak for book in loop.books["main"]) < 0.01
    assert witness.complaints == []


def test_chargers_that_answer_late_leave_no_time_to_wait() -> None:
    slow = {f"P{n}": TEMPERAMENTS["slow"] for n in range(3)}
    loop = ClosedLoop(small_site(), chargers=slow, noise_a=0.0)
    loop.load(3.0)
    loop.plug_in("P0", "P1", "P2", car=None)
    for connector in loop.connectors.values():
        connector.car = hungry_car(max_a=16.0)
    loop.after(60)
    loop.load(6.8)
    loop.after(60)
    loop.load(8.0)
    loop.after(1)
    assert [change for change in loop.changes if change[3] == 0.0] != []


@pytest.mark.parametrize("seed", range(4))
def test_no_device_is_warmed_by_what_is_ridden_out(seed: int) -> None:
    rng = random.Random(seed)
    site = small_site(curve=rng.choice(["gG", "B", "C"]), margin_a=rng.choice([0.0, 1.0]))
    loop = ClosedLoop(site, seed=seed, step_s=0.5)
    ridden = 0

    def see(snapshot: Snapshot, decision: Decision) -> None:
        nonlocal ridden
        state, total = decision.memory.warmth.state.max(), max(c or 0.0 for c in snapshot.meters["grid"].current_a)
        given = sum(setpoint.limit_a for setpoint in decision.plan.setpoints.values())
        bears = 25.0 * (1.25 if site.circuits[0].fuse_curve == "gG" else 1.13)
        over = given > 0 and max(decision.background_a["main"]) + given > 25.0 + 0.5
        ridden += over
        assert not over or (total <= bears + 0.01 and state < 0.25)
        assert not [event for event in decision.plan.events if event.kind == "guard_intervened"]

    loop.watch = see
    loop.plug_in(*loop.connectors)
    times = [60.0 + 20.0 * n + rng.uniform(0.0, 8.0) for n in range(6)]
    steps = [(at, rng.uniform(1.0, 2.5), rng.uniform(0.6, 3.0)) for at in times]
    loop.building = lambda now: (6.2 + sum(a for at, a, s in steps if at <= now < at + s),) * 3
    loop.after(200)
    assert loop.longest_overload_s <= 13.0
    assert loop.violation_as == 0.0
    assert max(book.thermal_peak for book in loop.books["main"]) <= 0.5
