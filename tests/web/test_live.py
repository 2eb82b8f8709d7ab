"""The meeting point of the control loop and its readers."""

import threading
from datetime import timedelta

import numpy as np
import pytest

from adapters.live import EVENTS_KEPT, HISTORY_SAMPLES, REPEAT_S, Live, Tally
from controller.plan import Event
from controller.ports.devices import Applied
from tests.support.web import BEGIN, HandClock, Seen, made_tick, small_site


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def live(clock: HandClock):
    return Live(small_site(), clock)


def publish(live: Live, second: float, draw_a: float = 6.0) -> None:
    live.publish(made_tick(small_site(), second, {"P01": Seen(draw_a=draw_a)}))


def test_the_age_of_the_newest_tick_is_monotonic_time(live: Live, clock: HandClock):
    assert live.latest() is None
    assert live.age_s() is None
    publish(live, 1000)
    clock.elapsed_s += 2.5
    assert live.age_s() == 2.5


def test_history_keeps_the_newest_hour(live: Live):
    for second in range(HISTORY_SAMPLES + 100):
        publish(live, second, draw_a=float(second))
    history = live.history("garage", HISTORY_SAMPLES)
    assert len(history.at) == HISTORY_SAMPLES
    assert np.all(np.diff(history.at) == 1)
    assert history.current_a[0, 0] == 100
    assert history.current_a[-1, 0] == HISTORY_SAMPLES + 99
    assert len(live.history("main", 10).at) == 10


def test_two_ticks_within_a_second_are_one_sample(live: Live):
    publish(live, 1.1, draw_a=6)
    publish(live, 1.9, draw_a=7)
    history = live.history("garage", 60)
    assert history.current_a.tolist() == [[7, 7, 7]]


def test_history_starts_over_when_the_clock_is_set_back(live: Live):
    publish(live, 100)
    publish(live, 40)
    assert live.history("main", 3600).at.tolist() == [BEGIN.timestamp() + 40]


def test_an_event_that_goes_on_stays_one_entry(live: Live):
    def report(second: float, subject: str = "meter:grid") -> None:
        live.report(Event("meter_lost", subject, f"at {second}", at=BEGIN + timedelta(seconds=second)))

    report(0)
    report(REPEAT_S)
    report(30, subject="meter:roof")
    report(3 * REPEAT_S)
    newest, other, first = live.events()
    assert (newest.event.message, newest.count) == (f"at {3 * REPEAT_S}", 1)
    assert other.event.subject == "meter:roof"
    assert (first.count, first.first_at, first.event.message) == (2, BEGIN, f"at {REPEAT_S}")
    assert live.counters().events == {"meter_lost": 4}
    assert live.last_event_number() == newest.number


def test_an_event_without_a_time_gets_the_present_one(live: Live, clock: HandClock):
    clock.elapsed_s = 7
    live.report(Event("start", "service", "up"))
    assert live.events()[0].last_at == BEGIN + timedelta(seconds=7)


def test_events_are_bounded(live: Live):
    for number in range(EVENTS_KEPT + 10):
        live.report(Event("odd", f"point:{number}", ""))
    assert len(live.events()) == EVENTS_KEPT


def test_applied_plans_are_counted_and_only_changes_have_a_reaction(live: Live):
    live.applied(Applied(changed=3, accepted=2, seconds=0.07))
    live.applied(Applied(changed=0, accepted=0, seconds=0.0))
    counted = live.counters()
    assert (counted.changed_limits, counted.accepted_limits) == (3, 2)
    assert sum(counted.reaction.counts) == 1
    assert counted.reaction.total_s == pytest.approx(0.07)


def test_a_duration_on_a_bound_counts_as_below_it():
    tally = Tally.over((1.0, 2.0)).plus(1.0).plus(1.5).plus(9.0)
    assert list(tally.cumulative()) == [(1.0, 1), (2.0, 2), (float("inf"), 3)]


def test_readers_never_see_half_a_sample(live: Live):
    broken: list[object] = []

    def read() -> None:
        for _ in range(300):
            history = live.history("garage", 3600)
            broken.extend(row for row in history.current_a.tolist() if len(set(row)) != 1)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for second in range(300):
        publish(live, second, draw_a=float(second))
    for reader in readers:
        reader.join(60)
    assert broken == []
