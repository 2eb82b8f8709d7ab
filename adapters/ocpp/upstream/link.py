"""One connection to a back office, as a charging station makes it: opened, kept, and opened again.

It knows frames and nothing of what they say, and serves a station that is forwarded as itself as well as the one
station that a hub is. Whoever uses it

- starts ``run()`` as a task and cancels it when the connection is no longer wanted;
- is told by ``on_open`` that a connection is there (to announce what a station announces after BootNotification) and
  by ``on_call`` of what the back office asks, one call after the other;
- asks with ``call()``: one call at a time is under way (OCPP-J 1.6 §4.1.1), others wait their turn.

A call's text goes out as it is given and its answer comes back as it came, to the byte. What the back office does
wrong ends here: it is answered, dropped, or the connection is made anew; never an exception for whoever asks but
``AwayError``.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.frames import CloseCode

from adapters.cancellation import end_if_cancelled
from adapters.ocpp.sending import send_text
from adapters.ocpp.upstream.turns import AwayError, Turns
from adapters.ocpp.upstream.way import Way, trouble_of
from adapters.ocpp.wire import Frame, Kind, Refused, call_error, read_frame
from controller.ports.devices import Direction

PAUSE_FIRST_S: Final = 1.0
PAUSE_LAST_S: Final = 300.0
"""Between two attempts to connect. Each is as long again as the one before, and a random part longer: a back office
that comes back must not be met by all its stations at once."""

ASKED_MOST: Final = 32
"""Calls of the back office that wait here; a sound one sends one and waits for its answer."""

NONSENSE_MOST: Final = 20
"""Frames that are no OCPP; then the connection is made anew."""

_LOG: Final = logging.getLogger("loadstar.ocpp")

_ANNOUNCED: Final = frozenset({Kind.CALL, Kind.SEND, Kind.RESULT_ERROR})
"""What the back office says of its own accord."""

_CODES: Final = {"FormationViolation": "FormatViolation"}
"""Our own refusals have the spelling of 1.6; later versions have another (OCPP 2.0.1 part 4 §4.3)."""


OnCall = Callable[[Frame, str], Awaitable[str]]
"""Answers a call of the back office: the call, its text as it came; returns the whole frame of the answer."""

OnOneWay = Callable[[Frame], Awaitable[None]]
"""Takes what the back office says and nobody answers (2.1)."""


async def nobody_hears(_frame: Frame) -> None:
    """Let what nobody answers go."""


OnFrame = Callable[[Direction, str | bytes], None]
"""Takes every frame. ``IN`` is from the back office."""


class UpstreamLink:
    """One connection to a back office, for as long as ``run`` runs."""

    def __init__(
        self,
        way: Way,
        *,
        on_call: OnCall,
        on_open: Callable[[], Awaitable[None]],
        on_change: Callable[[], None] = lambda: None,
        on_frame: OnFrame | None = None,
        on_one_way: OnOneWay = nobody_hears,
        call_timeout_s: float = 30.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Prepare; nothing is opened before ``run``.

        Args:
            way: where to, and as whom.
            on_call: answers what the back office asks; what it raises is answered with an error.
            on_open: called when a connection is there, and cancelled when it ends. It may call; when it raises
                ``AwayError``, the connection is made anew.
            on_change: told whenever ``connected`` changes, or a first attempt has failed.
            on_frame: told of every frame.
            on_one_way: takes what nobody answers.
            call_timeout_s: how long an answer may take.
            chance: from 0 to 1; stretches the pauses.
        """
        self.way = way
        self.trouble: str | None = None
        """Why the last attempt failed or the last connection ended; None while there is nothing to say."""
        self._on_call, self._on_open, self._on_change, self._on_frame = on_call, on_open, on_change, on_frame
        self._on_one_way, self._chance = on_one_way, chance
        self._socket: ClientConnection | None = None
        self._turns = Turns(self.tell, self._unheard, call_timeout_s)
        self._leaving: asyncio.Task[None] | None = None
        self._failures = self._nonsense = 0
        self._tried = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether a connection is open now."""
        return self._socket is not None

    async def tried(self) -> None:
        """Wait until the first attempt to connect has succeeded or failed."""
        await self._tried.wait()

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        while True:
            try:
                await self._connection()
                self.trouble = "the back office has closed the connection"
            except (OSError, WebSocketException, TimeoutError) as error:
                self.trouble = trouble_of(error)
            end_if_cancelled()
            self._tried.set()
            self._on_change()
            pause_s = min(PAUSE_LAST_S, PAUSE_FIRST_S * 2.0 ** min(self._failures, 10))
            self._failures += 1
            await asyncio.sleep(min(PAUSE_LAST_S, pause_s * (1.0 + 0.5 * self._chance())))

    async def call(self, message_id: str, text: str) -> str:
        """Send a call as it is; returns the text of its answer, a CALLRESULT or a CALLERROR, as it came.

        Args:
            message_id: the call's id.
            text: the whole frame.

        Raises:
            AwayError: there is no answer.
        """
        told = await (await self.ask(message_id, text))
        assert told is not None  # nobody else has the future
        return told

    def ask(self, message_id: str, text: str) -> Awaitable[asyncio.Future[str | None]]:
        """Send a call likewise, and return what becomes its answer as soon as it is sent or in line (``Turns.ask``)."""
        return self._turns.ask(message_id, text)

    async def tell(self, text: str) -> None:
        """Send a frame as it is; for what is no call.

        Raises:
            AwayError: there is no connection.
        """
        if self._socket is None:
            raise AwayError("there is no connection")
        if self._on_frame is not None:
            self._on_frame(Direction.OUT, text)
        try:
            await send_text(self._socket, text)
        except ConnectionClosed as closed:
            raise AwayError("the connection has ended") from closed

    async def close(self, reason: str) -> None:
        """End this connection; ``run`` makes another."""
        if self._socket is not None:
            await self._socket.close(CloseCode.NORMAL_CLOSURE, reason)

    def _unheard(self) -> None:
        self._leaving = asyncio.create_task(self.close("calls are not answered"))

    async def _connection(self) -> None:
        """Live through one connection, from its opening to its end."""
        async with self.way.connection() as socket:
            if socket.subprotocol is None:
                raise OSError(f"the back office does not speak {self.way.subprotocol}")
            await self._live(socket)

    async def _live(self, socket: ClientConnection) -> None:
        asked: asyncio.Queue[tuple[Frame, str]] = asyncio.Queue(ASKED_MOST)
        self._socket, self.trouble, self._nonsense = socket, None, 0
        self._tried.set()
        self._on_change()
        beside = [asyncio.create_task(self._answer(asked)), asyncio.create_task(self._opened())]
        try:
            with suppress(ConnectionClosed, AwayError):
                while True:
                    await self._hear(socket, await socket.recv(), asked)
        finally:
            self._socket = None
            self._turns.end()
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _opened(self) -> None:
        try:
            await self._on_open()
        except AwayError:
            await self.close("what must be told first was not answered")
        except Exception:  # whatever went wrong here, the next connection begins anew
            _LOG.exception("the station could not be announced to its back office")
            await self.close("")

    async def _hear(self, socket: ClientConnection, raw: str | bytes, asked: asyncio.Queue[tuple[Frame, str]]) -> None:
        if self._on_frame is not None:
            self._on_frame(Direction.IN, raw)
        frame = read_frame(raw)
        if isinstance(frame, Refused):
            self._nonsense += 1
            if frame.answer is not None:
                await self.tell(self._spelt(frame.answer))
            elif self._nonsense >= NONSENSE_MOST:
                await socket.close(CloseCode.POLICY_VIOLATION, "this is not OCPP-J")
            return
        text = raw if isinstance(raw, str) else raw.decode()
        if frame.kind in _ANNOUNCED:
            try:
                asked.put_nowait((frame, text))
            except asyncio.QueueFull:
                if frame.kind is Kind.CALL:
                    error = call_error(frame.message_id, "InternalError", "too many calls are waiting")
                    await self.tell(error)
        elif self._turns.hear(frame.message_id, text):
            self._failures = 0

    async def _answer(self, asked: asyncio.Queue[tuple[Frame, str]]) -> None:
        """Have what the back office asks answered, one after the other."""
        with suppress(AwayError):
            while True:
                frame, text = await asked.get()
                try:
                    if frame.kind is not Kind.CALL:
                        await self._on_one_way(frame)
                        continue
                    answer = await self._on_call(frame, text)
                except Exception:  # the back office must not wait, and the connection must live
                    _LOG.exception("a call of the back office could not be answered")
                    answer = call_error(frame.message_id, "InternalError")
                end_if_cancelled()
                await self.tell(answer)

    def _spelt(self, answer: str) -> str:
        if self.way.subprotocol == "ocpp1.6":
            return answer
        for ours, theirs in _CODES.items():
            answer = answer.replace(f'"{ours}"', f'"{theirs}"', 1)
        return answer
