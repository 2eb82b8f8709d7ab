"""One event when a trouble begins and one when it is over, and a last good reading that ages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.metering.intake import GOOD_AGAIN, Intake
from adapters.metering.plausibility import Bounds, Judge
from tests.support.meters import Events, HandClock, recorded


class Bench:
    """A meter whose every second is told by hand."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.events = Events()
        self.decisions = 0
        self.intake = Intake("grid", Judge(Bounds(630.0)), self.clock, self.events, self._decide)

    def _decide(self) -> None:
        self.decisions += 1

    def good(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.elapsed_s += 1
            self.intake.take(recorded(l1_a=20.0 + self.clock.elapsed_s / 100), self.clock.monotonic_s())

    def bad(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.elapsed_s += 1
            self.intake.take(recorded(l1_v=2.3), self.clock.monotonic_s())

    def silent(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.elapsed_s += 1
            self.intake.miss("no answer")

    def age_s(self) -> float:
        reading = self.intake.reading(self.clock.now(), self.clock.monotonic_s())
        assert reading is not None
        return (self.clock.now() - reading.measured_at).total_seconds()


def test_the_last_good_reading_ages():
    bench = Bench()
    assert bench.intake.reading(bench.clock.now(), bench.clock.monotonic_s()) is None
    bench.good()
    bench.bad(2)
    bench.silent(2)
    assert bench.age_s() == 4.0


def test_the_age_of_a_reading_does_not_depend_on_the_wall_clock():
    bench = Bench()
    bench.good()
    jumped = bench.clock.now() + timedelta(hours=5)
    reading = bench.intake.reading(jumped, bench.clock.monotonic_s() + 2.0)
    assert reading is not None
    assert jumped - reading.measured_at == timedelta(seconds=2)


def test_a_lost_poll_is_no_loss_yet():
    bench = Bench()
    for _ in range(20):
        bench.good()
        bench.silent(2)
    assert bench.events == []


def test_silence_is_told_once_and_so_is_its_end():
    bench = Bench()
    bench.good(3)
    bench.silent(100)
    assert bench.events.kinds == ["meter_lost"]
    bench.good(GOOD_AGAIN - 1)
    assert bench.events.kinds == ["meter_lost"]
    bench.good()
    assert bench.events.kinds == ["meter_lost", "meter_back"]


def test_a_meter_that_comes_and_goes_is_one_trouble():
    bench = Bench()
    for _ in range(50):
        bench.good(2)
        bench.bad()
        bench.silent(4)
    assert sorted(bench.events.kinds) == ["meter_implausible", "meter_lost"]
    bench.good(GOOD_AGAIN)
    assert bench.events.kinds[-1] == "meter_back"


def test_a_meter_that_only_talks_nonsense_is_not_called_silent():
    bench = Bench()
    bench.bad(60)
    assert bench.events.kinds == ["meter_implausible"]


@pytest.mark.parametrize(("act", "expected"), [("good", 3), ("bad", 0), ("silent", 0)])
def test_only_a_good_reading_asks_for_a_decision(act: str, expected: int):
    bench = Bench()
    getattr(bench, act)(3)
    assert bench.decisions == expected
