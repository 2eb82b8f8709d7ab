"""Things to ask a station that somebody waits for, or that can wait: after the limits, before what nobody asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

MAX_WAITING: Final = 32
"""Errands that wait for one station; it takes one call at a time, and people do not give commands by the dozen."""

Step = Callable[[], Awaitable[None]]


class CallFailedError(Exception):
    """A charger has not done what it was asked: it answered with an error, with nonsense, or not at all."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused
        """Whether it certainly changed nothing, by the charger's own word."""


class Errands:
    """A queue of work for one connection, one after the other."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[[], Awaitable[Any]], asyncio.Future[Any]]] = deque()
        self._closed = False

    def add(self, work: Callable[[], Awaitable[Any]]) -> asyncio.Future[Any]:
        """Queue work; the future has what it returns.

        Raises:
            CallFailedError: too much waits, or the connection is closed.
        """
        if self._closed or len(self._waiting) >= MAX_WAITING:
            raise CallFailedError("no connection" if self._closed else "too much is waiting")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        return future

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def next(self) -> Step | None:
        """Return what to do now, or None."""
        return partial(self._do, *self._waiting.popleft()) if self._waiting else None

    def close(self) -> None:
        """The connection has ended: nobody will do what waits."""
        self._closed = True
        for _, future in self._waiting:
            _fail(future, CallFailedError("no connection"))
        self._waiting.clear()

    async def _do(self, work: Callable[[], Awaitable[Any]], future: asyncio.Future[Any]) -> None:
        try:
            result = await work()
        except CallFailedError as failure:
            _fail(future, failure)
        except BaseException:  # the connection or the program ends, and whoever waits must not wait for ever
            _fail(future, CallFailedError("no connection"))
            raise
        else:
            if not future.done():
                future.set_result(result)


def _fail(future: asyncio.Future[Any], failure: CallFailedError) -> None:
    if not future.done():
        future.set_exception(failure)
        future.exception()  # whoever has stopped waiting is not to be told by the log
