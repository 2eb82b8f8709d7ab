"""The one thread that writes the ledger: commit, then answer; and many answers for one commit.

An fsync takes 4 ms on a good disk and far more on an SD card. Whatever is announced while one commit is under
way goes into the next one together, so twenty chargers that talk at once wait for two commits, not for twenty.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing, suppress
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from adapters.store.ballast import Ballast
from controller.plan import Event, Severity
from controller.ports.common import EventSink
from controller.ports.ledger import LedgerUnavailable

QUEUE_LIMIT: Final = 1_000
"""Operations that may wait. A charger waits for its answer before it sends more, so only a writer that has been
stuck for long lets so many gather; refusing is then better than growing."""

GROUP_LIMIT: Final = 200
"""Operations in one commit, so that the first of a long queue is not kept waiting for the last."""

ATTEMPTS: Final = 2
"""A commit that found the disk full is tried once more, after making room for it."""

T = TypeVar("T")
Action = Callable[[Connection], T]
_Job = tuple[Action[Any], "Future[Any]"]
_STATEMENT_ERRORS: Final = (DataError, IntegrityError, ProgrammingError)
"""What is wrong with one statement; any other error of a driver is the database's state."""

_FULL: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})


class Writer:
    """Runs actions in transactions, in the order of their submission.

    ``on_event`` is called from the writer's thread.
    """

    def __init__(self, engine: Engine, ballast: Ballast | None, on_event: EventSink) -> None:
        self._engine = engine
        self._ballast = ballast
        self._on_event = on_event
        self._queue: queue.Queue[_Job | None] = queue.Queue(QUEUE_LIMIT)
        self._failing = False
        self._closed = False
        self._door = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, action: Action[T]) -> Future[T]:
        """Run the action in a transaction; the future has its result once that is on disk.

        It may run twice (the first run rolled back), and cannot be cancelled: what was announced is recorded,
        whether or not the announcer still listens.

        Raises:
            LedgerUnavailable: too much is waiting already, or the writer is closed.
        """
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        with self._door:
            if self._closed:
                raise LedgerUnavailable("the ledger is closed")
            try:
                self._queue.put_nowait((action, future))
            except queue.Full:
                raise LedgerUnavailable(f"{QUEUE_LIMIT} records are waiting to be written") from None
        return future

    def close(self) -> None:
        """Write what is waiting, then stop."""
        with self._door:
            if self._closed:
                return
            self._closed = True
        self._queue.put(None)
        self._thread.join()
        self._engine.dispose()

    def _work(self) -> None:
        while group := self._next_group():
            self._settle(group)

    def _next_group(self) -> list[_Job]:
        """Everything that waits, at least one job; nothing once the writer is closed and the queue empty."""
        group: list[_Job] = []
        job = self._queue.get()
        while job is not None:
            group.append(job)
            if len(group) == GROUP_LIMIT:
                return group
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return group
        if group:
            self._queue.put(None)  # the end was among them: it is seen again after this group
        return group

    def _settle(self, group: Sequence[_Job]) -> None:
        try:
            results = self._commit(group)
        except Exception as error:  # every caller must hear, and the thread must live
            self._report_failure(error)
            for _, future in group:
                refusal = LedgerUnavailable(f"cannot write the ledger: {_cause(error)}")
                refusal.__cause__ = error
                future.set_exception(refusal)
            return
        self._report_success()
        for (_, future), (result, failure) in zip(group, results, strict=True):
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

    def _commit(self, group: Sequence[_Job]) -> list[tuple[Any, Exception | None]]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._engine.begin() as connection:
                    return [_attempt(connection, action) for action, _ in group]
            except DBAPIError as error:
                if attempt == ATTEMPTS or not self._made_room(error):
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _made_room(self, error: BaseException) -> bool:
        if self._ballast is None or _sqlite_code(error) not in _FULL:
            return False
        if self._ballast.drop():
            message = "the disk is full; the ledger lives on its reserve: free some space"
            self._tell(Event("ledger_disk_full", "ledger", message, Severity.ALARM))
        # SQLite's log is larger than what it changes: folded into the database, it gives its space back.
        with suppress(sqlite3.Error, DBAPIError), closing(self._engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return True

    def _tell(self, event: Event) -> None:
        with suppress(Exception):  # a listener's failure is no reason to stop writing the book
            self._on_event(event)

    def _report_failure(self, error: BaseException) -> None:
        if not self._failing:
            self._failing = True
            message = f"transactions are not acknowledged: {_cause(error)}"
            self._tell(Event("ledger_unavailable", "ledger", message, Severity.ALARM))

    def _report_success(self) -> None:
        if self._failing:
            self._failing = False
            self._tell(Event("ledger_unavailable", "ledger", "the ledger can be written again"))
        if self._ballast is not None:
            self._ballast.keep()


def waited_for(work: Future[T]) -> asyncio.Future[T]:
    """What the running event loop can wait for of work that was submitted.

    The loop takes it for a call of its own in a thread, so that one with a time of its own knows what it waits for.
    """
    return asyncio.get_running_loop().run_in_executor(_Submitted(work), work.result)


class _Submitted(Executor):
    """Has been given its only work already."""

    def __init__(self, work: Future[Any]) -> None:
        self._work = work

    def submit(self, _fn: Callable[..., Any], /, *_arguments: Any, **_named: Any) -> Future[Any]:
        return self._work


def _attempt(connection: Connection, action: Action[Any]) -> tuple[Any, Exception | None]:
    """Run one action behind a savepoint, so that its failure leaves the others of its group alone."""
    try:
        with connection.begin_nested():
            return action(connection), None
    except Exception as error:  # handed to its own caller
        if isinstance(error, DBAPIError) and not isinstance(error, _STATEMENT_ERRORS):
            raise
        return None, error


def _sqlite_code(error: BaseException | None) -> int | None:
    """SQLite's primary result code behind an error; the rollback of a failed savepoint may hide the first one."""
    code = None
    while error is not None:
        original = getattr(error, "orig", error)
        code = getattr(original, "sqlite_errorcode", code)
        error = error.__context__
    return None if code is None else code & 0xFF


def _cause(error: BaseException) -> BaseException:
    while error.__context__ is not None:
        error = error.__context__
    return error
