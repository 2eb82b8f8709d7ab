from datetime import UTC, datetime

from simulations.clock import VirtualClock


def test_what_is_due_is_done_in_order_and_at_its_time():
    clock, done = VirtualClock(1_795_000_000.0), []
    for time_s in (3.0, 1.0, 2.0):
        clock.at(time_s, lambda: done.append(clock.monotonic_s()))
    clock.run_until(2.5)
    assert done == [1.0, 2.0]
    assert clock.monotonic_s() == 2.5
    assert clock.now() == datetime.fromtimestamp(1_795_000_002.5, UTC)


def test_what_is_due_at_the_end_is_left_for_the_next_time():
    clock, done = VirtualClock(0.0), []
    clock.at(5.0, lambda: done.append("at five"))
    clock.run_until(5.0)
    assert done == []
    clock.run_until(5.1)
    assert done == ["at five"]


def test_what_is_asked_first_is_done_first_and_the_past_is_now():
    clock, done = VirtualClock(0.0), []
    clock.run_until(10.0)
    clock.at(3.0, lambda: done.append(("late", clock.monotonic_s())))
    clock.at(10.0, lambda: done.append(("due", clock.monotonic_s())))
    clock.run_until(11.0)
    assert done == [("late", 10.0), ("due", 10.0)]


def test_something_may_call_for_the_next_thing():
    clock, beats = VirtualClock(0.0), []

    def beat() -> None:
        beats.append(clock.monotonic_s())
        clock.at(clock.monotonic_s() + 2.0, beat)

    clock.at(1.0, beat)
    clock.run_until(8.0)
    assert beats == [1.0, 3.0, 5.0, 7.0]
