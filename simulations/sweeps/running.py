"""The loop that hands out units of work and takes back what came of them."""

from __future__ import annotations

import math
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from contextlib import contextmanager
from types import FrameType
from typing import Final

from simulations.sweeps.cases import Run
from simulations.sweeps.pools import Pool
from simulations.sweeps.units import Failure, Outcome, Unit, do

UNIT_S: Final = 4.0
"""Aim for the length of a unit: long against the way to a worker and back, short against what a crash may lose."""
GROWTH: Final = 4
"""Most by which units grow from one to the next."""
AHEAD: Final = 2
"""Units under way for each slot, so that no worker waits for its next one."""
LOOK_S: Final = 0.5
"""How often the wish to stop is looked for."""


class ClusterLostError(Exception):
    """The scheduler has gone away."""


class Drive:
    """Takes runs through a pool until all are done, or until it is to stop.

    Units grow or shrink to some seconds each, as measured, but hold a batch at least. When a worker process dies, the
    runs that may have been the cause are tried once more, one at a time; one that takes a worker with it again has
    failed.

    Args:
        pool: the workers.
        batch_runs: so many runs are computed at once.
        make: a unit of some runs.
        take: gets the outcome of every unit, in the order in which they end.
        look: called every now and then with the number of units under way.
    """

    def __init__(
        self,
        pool: Pool,
        batch_runs: int,
        make: Callable[[Sequence[Run]], Unit],
        take: Callable[[Outcome], None],
        look: Callable[[int], None],
    ) -> None:
        self._pool = pool
        self._make = make
        self._take = take
        self._look = look
        self._waiting: deque[Run] = deque()
        self._suspects: deque[Run] = deque()
        self._on_trial = False
        """Whether what is under way is one suspect, alone."""
        self._under_way: dict[Future[Outcome], Unit] = {}
        self._least_runs = self._runs_per_unit = batch_runs
        self._last_size: int | None = None

    def through(self, runs: Sequence[Run], stop: threading.Event) -> None:
        """Do these runs. When ``stop`` is set, what is under way is finished and nothing begun.

        Raises:
            ClusterLostError: what was taken until then is sound; the rest is not done.
        """
        self._waiting.extend(runs)
        while self._under_way or (self.left and not stop.is_set()):
            if not stop.is_set():
                self._hand_out()
            self._look(len(self._under_way))
            ended, _ = wait(self._under_way, LOOK_S, FIRST_COMPLETED)
            for future in ended:
                if future in self._under_way:  # a broken pool has emptied it meanwhile
                    self._took_back(future)

    @property
    def left(self) -> int:
        """Runs that are not done."""
        return len(self._waiting) + len(self._suspects)

    def _hand_out(self) -> None:
        self._on_trial = self._on_trial and bool(self._under_way)
        if self._suspects or self._on_trial:
            if not self._under_way:
                self._on_trial = True
                self._submit([self._suspects.popleft()])
            return
        slots = max(1, self._pool.slots())
        while self._waiting and len(self._under_way) < AHEAD * slots:
            size = min(self._size(slots), len(self._waiting))
            self._submit([self._waiting.popleft() for _ in range(size)])

    def _size(self, slots: int) -> int:
        """How many runs the next unit gets: so many that it takes ``UNIT_S``, the last ones in equal parts."""
        if self._last_size is None and len(self._waiting) <= self._runs_per_unit * slots:
            self._last_size = math.ceil(len(self._waiting) / slots)
        return self._last_size or self._runs_per_unit

    def _submit(self, runs: Sequence[Run]) -> None:
        unit = self._make(runs)
        try:
            self._under_way[self._pool.executor.submit(do, unit)] = unit
        except BrokenExecutor:
            self._suspects.extend(runs)
            self._broken()

    def _took_back(self, future: Future[Outcome]) -> None:
        unit = self._under_way.pop(future)
        try:
            outcome = future.result()
        except CancelledError:
            raise ClusterLostError("the scheduler has gone away") from None
        except Exception as error:  # whatever a worker may die of
            self._lost(unit, error)
            return
        if outcome.cpu_s > 0:
            fitting = int(UNIT_S * len(unit.runs) / outcome.cpu_s)
            self._runs_per_unit = max(self._least_runs, min(fitting, GROWTH * len(unit.runs)))
        self._take(outcome)

    def _lost(self, unit: Unit, error: Exception) -> None:
        if self._on_trial:
            self._take(Outcome(failures=[Failure(unit.runs[0], f"{type(error).__name__}: {error}", bad_input=False)]))
        else:
            self._suspects.extend(unit.runs)
        if isinstance(error, BrokenExecutor):
            self._broken()

    def _broken(self) -> None:
        for unit in self._under_way.values():
            self._suspects.extend(unit.runs)
        self._under_way.clear()
        self._pool.renew()


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets. The second one is a ``KeyboardInterrupt`` as ever."""
    stop = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, asked)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
