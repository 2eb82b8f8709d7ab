"""Dimmed with sun on the roof: what the control loop is told, and what is on record of it."""

from __future__ import annotations

from adapters.limits.limiting import Admission, Limits, Way, full_power_w
from controller.peakshave.evidence import Happening
from controller.peakshave.grid_operator import Limit, Rules, Source
from controller.ports.tick import Tick
from controller.snapshot import ExternalLimit, PointState, State
from tests.support.web import BEGIN, HandClock, decided_tick, small_site
from tests.support.web_books import FakeEvidence

SITE = small_site()
DSO = Source("dso", floor_w=13_020.0, charging_only=True, surplus_on_top=True)
CAR = PointState(State.CHARGING, (16.0,) * 3, BEGIN, 16.0)


class Roof:
    """The limits of a site whose grid connection draws so much on each phase."""

    def __init__(self) -> None:
        self.book, self.clock = FakeEvidence(), HandClock()
        admission = Admission(Rules({"dso": DSO}, full_power_w(SITE)), {Way.INPUT: frozenset({"dso"})})
        self.limits = Limits(SITE, admission, self.book, self.clock, lambda _: None)
        self.tick: Tick | None = None

    def seconds(self, count: int, grid_a: float, **points: PointState) -> None:
        for _ in range(count):
            self.clock.elapsed_s += 1
            counting = self.limits.in_force(self.clock.now())
            self.tick = decided_tick(SITE, self.clock.elapsed_s, points, self.tick, grid_a, limits=counting)
            self.limits.watch(self.tick)

    def dim(self) -> None:
        self.limits.put(Limit("main", 0.0, "dso", self.clock.now()), Way.INPUT)

    def allowed_w(self) -> float:
        (limit,) = self.limits.in_force(self.clock.now())
        assert limit == ExternalLimit("main", limit.limit_w, "dso", charging_only=True)
        return limit.limit_w


def test_what_is_exported_comes_on_top_and_a_silent_past_does_not():
    roof = Roof()
    roof.dim()
    assert roof.allowed_w() == 13_020.0
    roof.seconds(65, grid_a=-10.0)
    assert roof.allowed_w() == 13_020.0 + 6_500.0, "6.9 kW are exported"
    roof.seconds(15, grid_a=5.0)
    assert roof.allowed_w() == 13_020.0


def test_on_record_is_what_charging_takes_from_the_grid():
    roof = Roof()
    roof.dim()
    roof.seconds(70, grid_a=5.0, P01=CAR, P02=CAR)
    (drawn,) = [line for line in roof.book.lines if line.happening is Happening.DRAWN]
    assert drawn.drawn_w == 3 * 5.0 * 230.0, "of the 22 kW of two cars the sun gave the rest"
    assert Happening.EXCEEDED not in [line.happening for line in roof.book.lines]


def test_without_sun_two_cars_are_too_much():
    roof = Roof()
    roof.dim()
    roof.seconds(70, grid_a=40.0, P01=CAR, P02=CAR)
    assert Happening.MET not in [line.happening for line in roof.book.lines]
