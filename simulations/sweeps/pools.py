"""Where the work is done: processes of this machine, or a Dask cluster. Both are executors, and are used alike."""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from simulations.sweeps.cases import SweepError
from simulations.sweeps.identity import code_identity

ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Workers are as many as cores; libraries that spread over all cores would only stand in one another's way."""
CONNECT_S: Final = 10.0
WORKERS_S: Final = 30.0
"""How long a cluster may take to have its first worker."""


@dataclass(slots=True)
class Pool:
    """Workers."""

    executor: Executor
    slots: Callable[[], int]
    """How many units can be worked on at once; a cluster may grow and shrink."""
    renew: Callable[[], None]
    """Replace an executor that is broken since a worker process died."""
    words: str
    """For people: what this is."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@contextmanager
def local_pool(workers: int) -> Iterator[Pool]:
    """Worker processes on this machine. They end when this process does, however it ends."""
    others = set(multiprocessing.active_children())
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)  # read when numpy is loaded, so it has to be there when a process begins

    def executor() -> Executor:
        # Forked from a process that has everything loaded, and not from this one: its threads may hold locks.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["simulations.sweeps.work"])
        return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker)

    def renew() -> None:
        pool.executor.shutdown(wait=True)
        pool.executor = executor()

    pool = Pool(executor(), lambda: workers, renew, f"{workers} processes of this machine")
    try:
        yield pool
        pool.executor.shutdown(wait=True)
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        pool.executor.shutdown(wait=True, cancel_futures=True)
        raise
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _begin_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


@contextmanager
def cluster_pool(address: str) -> Iterator[Pool]:
    """The workers of a Dask cluster.

    Raises:
        SweepError: nothing answers at the address, it has no workers, or they run other code.
    """
    import distributed  # noqa: PLC0415 - takes a second, and only clusters need it

    connect: Any = distributed.Client
    log = logging.getLogger("distributed")
    level = log.level
    log.setLevel(logging.CRITICAL)  # what goes wrong is told here, once
    try:
        with _connected(connect, address) as client:

            def slots() -> int:
                return sum(client.ncores().values())

            words = f"{slots()} threads of the cluster at {address}"
            yield Pool(client.get_executor(pure=False), slots, lambda: None, words)
    finally:
        log.setLevel(level)


@contextmanager
def _connected(connect: Any, address: str) -> Iterator[Any]:
    """A client of a cluster whose workers can do our work."""
    try:
        client = connect(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise SweepError([f"--scheduler {address}: cannot be reached: {error}"]) from None
    try:
        try:
            client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError:
            problem = f"--scheduler {address}: has no workers; start one with: dask worker {address}"
            raise SweepError([problem]) from None
        _expect_same_code(client.run(code_identity, on_error="return"))
        yield client
    finally:
        client.close()


def _expect_same_code(identities: dict[str, object]) -> None:
    ours = code_identity()
    others = {worker: found for worker, found in identities.items() if found != ours}
    if others:
        raise SweepError(
            f"worker {worker}: expected this machine's code, {ours}, found {found!r}; install the same version there"
            for worker, found in sorted(others.items())
        )
