"""The loop that hands out work, with workers that do as they are told here."""

import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from simulations.sweeps.bundle import Bundle
from simulations.sweeps.cases import Cases, Run, parameters_of
from simulations.sweeps.pools import Pool
from simulations.sweeps.running import ClusterLostError, Drive, stop_on_interrupt
from simulations.sweeps.units import Outcome, Unit

BUNDLE = Bundle(Path("park.toml"), b"", ())


class Workers(Executor):
    """Does every unit at once, in the caller's thread."""

    def __init__(self, do: Callable[[Unit], Outcome]) -> None:
        self.do = do
        self.units: list[list[int]] = []

    def submit(self, _work: object, unit: Unit) -> Future[Outcome]:  # type: ignore[override]
        self.units.append([run.seed for run in unit.runs])
        future: Future[Outcome] = Future()
        try:
            future.set_result(self.do(unit))
        except BaseException as error:
            future.set_exception(error)
        return future


def done(unit: Unit, cpu_s: float = 1.0) -> Outcome:
    return Outcome(rows=[{"key": run.key, "seed": run.seed} for run in unit.runs], cpu_s=cpu_s)


def sweep(
    workers: Workers, runs: Sequence[Run], stop: threading.Event | None = None, batch_runs: int = 1
) -> list[Outcome]:
    taken: list[Outcome] = []
    renewed = []

    def unit(runs: Sequence[Run]) -> Unit:
        return Unit(BUNDLE, "code", tuple(runs), ({},) * len(runs))

    pool = Pool(workers, lambda: 2, lambda: renewed.append(1), "workers of a test")
    Drive(pool, batch_runs, unit, taken.append, lambda _: None).through(runs, stop or threading.Event())
    return taken


def runs(seeds: int, *settings: str) -> tuple[Run, ...]:
    return Cases(parameters_of(settings), tuple(range(seeds))).runs(lambda _: "scenario")


def seeds_of(taken: list[Outcome]) -> list[int]:
    return sorted(row["seed"] for outcome in taken for row in outcome.rows)


def test_every_run_is_done_once():
    taken = sweep(Workers(done), runs(5, "a.b=1,2,3"))
    assert seeds_of(taken) == sorted([*range(5)] * 3)


def test_quick_runs_are_put_together_and_the_last_ones_shared_evenly():
    workers = Workers(lambda unit: done(unit, cpu_s=0.01 * len(unit.runs)))
    sweep(workers, runs(1000))
    sizes = [len(unit) for unit in workers.units]
    assert sizes[:4] == [1, 1, 1, 1]
    assert max(sizes) > 100
    assert sizes[-1] == pytest.approx(sizes[-2], abs=1)


def test_slow_runs_are_done_one_by_one():
    workers = Workers(lambda unit: done(unit, cpu_s=60.0 * len(unit.runs)))
    sweep(workers, runs(30))
    assert {len(unit) for unit in workers.units} == {1}


def test_what_is_computed_at_once_stays_together():
    workers = Workers(lambda unit: done(unit, cpu_s=60.0))
    sweep(workers, runs(100), batch_runs=32)
    assert [len(unit) for unit in workers.units] == [32, 32, 18, 18]


def test_a_run_that_kills_its_worker_fails_alone():
    def do(unit: Unit) -> Outcome:
        if any(run.seed == 3 for run in unit.runs):
            raise BrokenProcessPool("a process in the process pool was terminated abruptly")
        return done(unit)

    taken = sweep(Workers(do), runs(20))
    (failure,) = [failure for outcome in taken for failure in outcome.failures]
    assert failure.run.seed == 3
    assert not failure.bad_input
    assert "terminated abruptly" in failure.message
    assert seeds_of(taken) == [seed for seed in range(20) if seed != 3]


@pytest.mark.parametrize("again", range(12))
def test_a_worker_that_dies_by_chance_costs_no_run(again: int):
    del again  # units that end in the same moment are looked at in any order
    died = []

    def do(unit: Unit) -> Outcome:
        if not died:
            died.append(unit)
            raise BrokenProcessPool
        return done(unit)

    assert seeds_of(sweep(Workers(do), runs(20))) == [*range(20)]


def test_when_told_to_stop_it_begins_nothing_more():
    stop = threading.Event()

    def do(unit: Unit) -> Outcome:
        if len(workers.units) == 3:
            stop.set()
        return done(unit)

    workers = Workers(do)
    taken = sweep(workers, runs(500), stop)
    assert len(taken) == len(workers.units) <= 4


def test_a_scheduler_that_goes_away_is_told_apart_from_a_run_that_fails():
    def do(_unit: Unit) -> Outcome:
        raise CancelledError

    with pytest.raises(ClusterLostError):
        sweep(Workers(do), runs(3))


def test_the_first_interrupt_is_a_wish_and_the_second_an_order():
    found = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # ignored where a shell started us in the background
    try:
        with stop_on_interrupt() as stop:
            signal.raise_signal(signal.SIGINT)
            assert stop.is_set()
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, found)
