import asyncio
import math
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, TypeVar

import pytest

from adapters.store.writer import waited_for
from simulations.pace import Pace, PacedLoop

T = TypeVar("T")

BUSY_S = 0.05
ROUNDING_S = 1e-5


def lived(pace: Pace, story: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=lambda: PacedLoop(pace)) as runner:
        return runner.run(story)


async def passes(pace: Pace, story: Coroutine[Any, Any, Any]) -> tuple[float, float]:
    """How long a story takes, in simulated time and, from just before to just after that, on the machine [s]."""
    machine_s, simulated_s = time.monotonic(), pace.monotonic_s()
    await story
    return pace.monotonic_s() - simulated_s, time.monotonic() - machine_s


async def work() -> None:
    time.sleep(BUSY_S)  # noqa: ASYNC251 - what keeps the loop busy


def test_waiting_is_shortened_to_the_part_that_was_asked_for():
    pace = Pace(50)
    simulated_s, machine_s = lived(pace, passes(pace, asyncio.sleep(20)))
    assert 20 - ROUNDING_S <= simulated_s <= 20 + machine_s
    assert 0.39 < machine_s < 10


async def work_of_a_writer() -> None:
    with ThreadPoolExecutor(1) as elsewhere:
        await waited_for(elsewhere.submit(time.sleep, BUSY_S))


def test_work_takes_as_long_as_it_takes_on_the_loop_and_in_a_thread():
    for story in (work(), asyncio.to_thread(time.sleep, BUSY_S), work_of_a_writer()):
        pace = Pace(100)
        simulated_s, machine_s = lived(pace, passes(pace, story))
        assert BUSY_S - ROUNDING_S <= simulated_s <= machine_s


def test_a_busy_loop_makes_its_timers_no_later_than_its_work_lasts():
    pace = Pace(100)

    async def story() -> None:
        begun_s = asyncio.get_running_loop().time()
        for beat in range(1, 6):
            machine_s = time.monotonic()
            await asyncio.sleep(begun_s + beat - pace.monotonic_s())
            late_s = pace.monotonic_s() - begun_s - beat
            assert late_s <= time.monotonic() - machine_s, "by no more than the machine has taken for it"
            await work()  # on the clock on the wall this would be the time of five beats

    lived(pace, story())


def test_timeouts_run_by_the_same_time():
    pace = Pace(100)

    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()

    simulated_s, machine_s = lived(pace, passes(pace, story()))
    assert 30 - ROUNDING_S <= simulated_s <= 30 + machine_s
    assert machine_s < 15


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
    begins, machine_s = datetime(2019, 3, 1, 8, tzinfo=UTC), time.monotonic()
    pace = Pace(100, begins.timestamp())
    lived(pace, asyncio.sleep(60))
    passed_s, before_s = (pace.now() - begins).total_seconds(), pace.now_s()
    assert 60 - ROUNDING_S <= passed_s <= 60 + time.monotonic() - machine_s
    told_s = (pace.now() - begins).total_seconds()
    assert passed_s - ROUNDING_S <= before_s - begins.timestamp() <= told_s + ROUNDING_S


@pytest.mark.parametrize("factor", [0.0, -1.0, 0.5, 1001.0, math.inf, math.nan])
def test_a_pace_that_no_machine_can_keep_is_refused(factor: float):
    with pytest.raises(ValueError, match="from 1 to 1000"):
        Pace(factor)
