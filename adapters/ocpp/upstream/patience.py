"""How long a station is kept waiting for a back office: not too long, and not at all when it has gone."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from adapters.ocpp.upstream.deadlines import Deadlines
from adapters.ocpp.upstream.turns import AwayError


class Patience:
    """What one station waits for."""

    def __init__(self) -> None:
        self._gone = False
        self._awaited = Deadlines[asyncio.Future[Any]](_release)

    def came(self) -> None:
        """It is connected; nobody is left who waits on an older connection."""
        self.went()
        self._gone = False

    def went(self) -> None:
        """It has gone: nobody waits any more."""
        self._gone = True
        for one in self._awaited:
            _release(one)

    async def answer(self, coming: asyncio.Future[str | None], most_s: float) -> str | None:
        """Wait for an answer; None where there is none, or none in time. Nobody else may wait for it."""
        if self._gone:
            _release(coming)
        self._awaited.add(coming, most_s)
        try:
            return await coming
        except AwayError:
            return None
        finally:
            self._awaited.drop(coming)

    async def wait(self, what: asyncio.Future[Any], most_s: float) -> None:
        """Wait until something is done, for which others may wait as well, or it is too late."""
        done: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        release = partial(_release, done)
        what.add_done_callback(release)
        try:
            await self.answer(done, most_s)
        finally:
            what.remove_done_callback(release)


def _release(waiting: asyncio.Future[Any], _why: object = None) -> None:
    if not waiting.done():
        waiting.set_result(None)
