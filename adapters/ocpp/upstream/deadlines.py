"""Deadlines of what seldom misses one: a single timer of the event loop, however many come and go in a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Deadlines(Generic[T]):
    """What waits, and how long it may."""

    def __init__(self, on_late: Callable[[T], None]) -> None:
        """Begin with nothing; ``on_late`` is told of what was not dropped in time."""
        self._on_late = on_late
        self._due_s: dict[T, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, what: T, within_s: float) -> None:
        """Let something wait so long from now."""
        due_s = asyncio.get_running_loop().time() + within_s
        self._due_s[what] = due_s
        if self._timer is None or due_s < self._timer.when():
            self._ring_at(due_s)

    def drop(self, what: T) -> None:
        """It need not wait any more."""
        self._due_s.pop(what, None)

    def _ring_at(self, due_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due_s, self._ring)

    def _ring(self) -> None:
        self._timer, now_s = None, asyncio.get_running_loop().time()
        for what in [what for what, due_s in self._due_s.items() if due_s <= now_s]:
            if self._due_s.pop(what, None) is not None:
                self._on_late(what)
        if self._due_s and self._timer is None:
            self._ring_at(min(self._due_s.values()))
