import asyncio
import math
import threading
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, TypeVar

import pytest

from simulations.pace import Pace, PacedLoop

T = TypeVar("T")

BUSY_S = 0.05


def lived(pace: Pace, story: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=lambda: PacedLoop(pace)) as runner:
        return runner.run(story)


async def passes(pace: Pace, story: Coroutine[Any, Any, Any]) -> tuple[float, float]:
    """How long a story takes, in simulated time and on the machine [s]."""
    simulated_s, machine_s = pace.monotonic_s(), time.monotonic()
    await story
    return pace.monotonic_s() - simulated_s, time.monotonic() - machine_s


async def work() -> None:
    time.sleep(BUSY_S)  # noqa: ASYNC251 - what keeps the loop busy


def test_waiting_is_shortened_to_the_part_that_was_asked_for():
    pace = Pace(50)
    simulated_s, machine_s = lived(pace, passes(pace, asyncio.sleep(20)))
    assert simulated_s == pytest.approx(20, abs=0.1)
    assert 0.39 < machine_s < 2


def test_work_takes_as_long_as_it_takes_on_the_loop_and_in_a_thread():
    for story in (work(), asyncio.to_thread(time.sleep, BUSY_S)):
        pace = Pace(100)
        simulated_s, machine_s = lived(pace, passes(pace, story))
        assert simulated_s == pytest.approx(machine_s, abs=0.02)


def test_a_busy_loop_makes_its_timers_no_later_than_its_work_lasts():
    pace = Pace(100)

    async def story() -> list[float]:
        begun_s, late_s = asyncio.get_running_loop().time(), []
        for beat in range(1, 6):
            await asyncio.sleep(begun_s + beat - pace.monotonic_s())
            late_s.append(pace.monotonic_s() - begun_s - beat)
            await work()  # on the clock on the wall this would be the time of five beats
        return late_s

    assert max(lived(pace, story())) < 0.1


def test_timeouts_run_by_the_same_time():
    pace = Pace(100)

    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()

    simulated_s, machine_s = lived(pace, passes(pace, story()))
    assert simulated_s == pytest.approx(30, abs=0.1)
    assert machine_s < 5


def test_for_other_threads_it_never_runs_backwards():
    pace, seen, ended = Pace(200), [], threading.Event()

    def watch() -> None:
        while not ended.is_set():
            seen.append(pace.monotonic_s())

    async def story() -> None:
        for _ in range(50):
            await asyncio.sleep(0.3)

    watcher = threading.Thread(target=watch)
    watcher.start()
    lived(pace, story())
    ended.set()
    watcher.join()
    assert all(earlier <= later for earlier, later in pairwise(seen))
    assert seen[-1] - seen[0] > 10


def test_its_day_begins_when_it_is_told_and_passes_as_its_seconds_do():
    begins = datetime(2019, 3, 1, 8, tzinfo=UTC)
    pace = Pace(100, begins.timestamp())
    assert (pace.now() - begins).total_seconds() == pytest.approx(0, abs=0.1)
    lived(pace, asyncio.sleep(60))
    assert (pace.now() - begins).total_seconds() == pytest.approx(60, abs=1)
    assert pace.now().timestamp() == pytest.approx(pace.now_s(), abs=0.1)


@pytest.mark.parametrize("factor", [0.0, -1.0, 0.5, 1001.0, math.inf, math.nan])
def test_a_pace_that_no_machine_can_keep_is_refused(factor: float):
    with pytest.raises(ValueError, match="from 1 to 1000"):
        Pace(factor)
