"""What goes on in the service, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger("loadstar")


class Works:
    """The tasks of a service, and what is to be closed after them. Belongs to the event loop."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._closings: list[tuple[str, Callable[[], Awaitable[None] | None]]] = []

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something run until the end."""
        self._tasks.append(asyncio.create_task(work))

    def at_end(self, part: str, close: Callable[[], Awaitable[None] | None]) -> None:
        """Have a part closed when nothing runs any more, and before those named earlier; what blocks may block."""
        self._closings.append((part, close))

    async def end(self) -> None:
        """End all that runs, then close everything, newest first; what fails is logged."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        while self._closings:
            part, close = self._closings.pop()
            try:
                if asyncio.iscoroutinefunction(close):
                    await close()
                else:
                    await asyncio.to_thread(close)
            except Exception:
                log.exception("stop_failed", part=part)
