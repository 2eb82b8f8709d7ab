"""The way from any thread to the control loop's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class OnLoop:
    """The event loop of the control loop, as other threads reach it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> None:
        """It is the loop that runs here."""
        self._loop = asyncio.get_running_loop()

    @property
    def runs(self) -> bool:
        """Whether it has begun, and not ended."""
        return self._loop is not None and not self._loop.is_closed()

    def call(self, action: Callable[..., object], *arguments: object) -> None:
        """Have something done there soon; nothing is, where it does not run."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(action, *arguments)

    def result(self, work: Coroutine[Any, Any, T], within_s: float) -> T:
        """Have something done there while it runs, and wait for what comes of it.

        Raises:
            TimeoutError: it takes longer.
        """
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within_s)
