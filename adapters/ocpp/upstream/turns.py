"""Calls to a back office take turns: one is under way at a time (OCPP-J 1.6 §4.1.1), until it is answered or too late.

Who has asked may stop waiting at any time, and the next call is still sent only when the turn of this one is over.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from adapters.ocpp.upstream.deadlines import Deadlines

CALLS_WAITING_MOST: Final = 64
"""Calls that wait for their turn; a station sends one and waits, a hub has twenty satellites."""

SILENT_MOST: Final = 3
"""Calls in a row that were not answered: the connection is made anew, in case it is that which is broken."""


class AwayError(Exception):
    """The back office has not answered: there is no connection, or it ended, or the answer did not come in time."""


@dataclass(slots=True, eq=False)
class _Call:
    message_id: str
    text: str
    answer: asyncio.Future[str | None]

    def over(self, told: str | AwayError) -> None:
        """Tell who has asked, if he still waits."""
        if self.answer.done():
            return
        if isinstance(told, str):
            self.answer.set_result(told)
        else:
            self.answer.set_exception(told)
            self.answer.exception()  # there may be nobody who wants to know


class Turns:
    """The calls of one connection, and of those that follow it."""

    def __init__(self, send: Callable[[str], Awaitable[None]], on_silence: Callable[[], None], within_s: float) -> None:
        """Begin with no call.

        Args:
            send: sends a frame; raises ``AwayError`` where there is no connection.
            on_silence: told when several calls in a row were not answered.
            within_s: how long an answer may take.
        """
        self._send, self._on_silence, self._within_s = send, on_silence, within_s
        self._line: deque[_Call] = deque()
        self._under_way: _Call | None = None
        self._deadlines = Deadlines(self._late)
        self._silent = 0
        self._following: asyncio.Task[None] | None = None

    async def ask(self, message_id: str, text: str) -> asyncio.Future[str | None]:
        """Send a call as it is, or put it in line.

        Returns:
            What becomes the text of its answer, or an ``AwayError``. Whoever no longer waits for it may give it the
            result None; cancelled, the call is not sent any more if it has not been.

        Raises:
            AwayError: too many are in line.
        """
        if len(self._line) >= CALLS_WAITING_MOST:
            raise AwayError(f"{CALLS_WAITING_MOST} calls are waiting")
        call = _Call(message_id, text, asyncio.get_running_loop().create_future())
        if self._under_way is None:
            await self._take(call)
        else:
            self._line.append(call)
        return call.answer

    def hear(self, message_id: str, text: str) -> bool:
        """Take an answer; returns whether it is one to the call that is under way."""
        call = self._under_way
        if call is None or call.message_id != message_id:
            return False
        self._silent = 0
        self._over(call, text)
        return True

    def end(self) -> None:
        """The connection has ended: there will be no answers."""
        ended, self._under_way = [*([self._under_way] if self._under_way else []), *self._line], None
        self._line.clear()
        for call in ended:
            self._deadlines.drop(call)
            call.over(AwayError("the connection has ended"))

    async def _take(self, call: _Call) -> None:
        self._under_way = call
        self._deadlines.add(call, self._within_s)
        try:
            await self._send(call.text)
        except AwayError as away:
            self._over(call, away)

    def _late(self, call: _Call) -> None:
        self._over(call, AwayError("no answer in time"))
        self._silent += 1
        if self._silent >= SILENT_MOST:
            self._silent = 0
            self._on_silence()

    def _over(self, call: _Call, told: str | AwayError) -> None:
        self._deadlines.drop(call)
        call.over(told)
        if self._under_way is not call:
            return
        self._under_way = None
        while self._line and self._under_way is None:
            following = self._line.popleft()
            if not following.answer.cancelled():
                self._under_way = following  # already: nobody must come between
                self._following = asyncio.create_task(self._take(following))
