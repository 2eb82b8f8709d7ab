"""Calls of a station between who reads them and who answers them. A queue of asyncio does this, and much besides."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """What one task puts in and another takes out, of a bounded number."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._items: deque[T] = deque()
        self._waiter: asyncio.Future[None] | None = None
        """Whoever cannot go on: it is empty for one of the two, or full for the other."""

    async def put(self, item: T) -> None:
        """Put something in, as soon as there is room."""
        while len(self._items) >= self._most:
            await self._wait()
        self._items.append(item)
        self._go_on()

    async def get(self) -> T:
        """Take out what was put in first, as soon as there is anything."""
        while not self._items:
            await self._wait()
        self._go_on()
        return self._items.popleft()

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _go_on(self) -> None:
        if self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            if not waiter.done():
                waiter.set_result(None)
