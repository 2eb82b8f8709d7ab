"""Deadlines of what seldom misses one: a single timer of the event loop, however many come and go in a second."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Deadlines(Generic[T]):
    """What waits, and how long it may."""

    def __init__(self, on_late: Callable[[T], None]) -> None:
        """Begin with nothing; ``on_late`` is told of what was not dropped in time."""
        self._on_late = on_late
        self._due_s: dict[T, float] = {}
        self._rings_s = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def __iter__(self) -> Iterator[T]:
        """What waits now."""
        return iter(list(self._due_s))

    def add(self, what: T, within_s: float) -> None:
        """Let something wait so long from now."""
        loop = asyncio.get_running_loop()
        self._due_s[what] = due_s = loop.time() + within_s
        if due_s < self._rings_s:
            self._ring_at(loop, due_s)

    def drop(self, what: T) -> None:
        """It need not wait any more."""
        self._due_s.pop(what, None)

    def _ring_at(self, loop: asyncio.AbstractEventLoop, due_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_s, self._timer = due_s, loop.call_at(due_s, self._ring)

    def _ring(self) -> None:
        loop = asyncio.get_running_loop()
        now_s, self._rings_s, self._timer = loop.time(), math.inf, None
        for what in [what for what, due_s in self._due_s.items() if due_s <= now_s]:
            if self._due_s.pop(what, None) is not None:
                self._on_late(what)
        next_s = min(self._due_s.values(), default=math.inf)
        if next_s < self._rings_s:
            self._ring_at(loop, next_s)
