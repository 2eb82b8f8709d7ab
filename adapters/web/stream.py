"""Server-sent events: every turn of the control loop, serialised once and sent to all who watch.

The format is the WHATWG HTML standard's, section "Server-sent events".
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

CLIENTS_MAX: Final = 32
"""More pages than a site has people who watch at once; the rest is told to come back later."""
LOOK_EVERY_S: Final = 0.2
"""How soon a new tick is noticed; cheaper and simpler than waking this thread from the control loop."""
HEARTBEAT_S: Final = 10.0
"""A silent stream looks dead to proxies and browsers; a comment line now and then keeps it open."""
RETRY_MS: Final = 2000
HEARTBEAT: Final = b": still here\n\n"


class TooManyClientsError(Exception):
    """All places are taken."""


class Broadcast:
    """One stream for many clients. Everything but ``close`` belongs to the web server's event loop.

    Args:
        version: something that changes with every tick; None before the first.
        document: the newest tick as JSON text without a line break.
    """

    def __init__(self, version: Callable[[], object], document: Callable[[], str]) -> None:
        self._version = version
        self._document = document
        self._clients = 0
        self._closed = False
        self._frame = b""
        self._frame_version: object = None
        self._next: asyncio.Future[bytes]
        self._pump: asyncio.Task[None] | None = None

    def response(self) -> StreamingResponse:
        """The answer to one more client.

        Raises:
            TooManyClientsError: all places are taken.
        """
        if self._clients >= CLIENTS_MAX:
            raise TooManyClientsError
        return _EventStream(self)

    def close(self) -> None:
        """End all streams soon, so that the server can stop. Callable from any thread."""
        self._closed = True

    @contextlib.contextmanager
    def watching(self) -> Iterator[AsyncIterator[bytes]]:
        """The frames for one client; its place is free again when the context ends."""
        self._clients += 1
        loop = asyncio.get_running_loop()
        if self._pump is None or self._pump.done():
            self._next = loop.create_future()
            self._pump = loop.create_task(self._run(self._version()))
        try:
            yield self._frames()
        finally:
            self._clients -= 1

    async def _frames(self) -> AsyncIterator[bytes]:
        yield f"retry: {RETRY_MS}\n\n".encode()
        if self._version() is not None:
            yield self._newest()
        while not self._closed:
            yield await asyncio.shield(self._next)

    async def _run(self, sent: object) -> None:
        """Look for new ticks for as long as anybody watches."""
        quiet_s = 0.0
        while self._clients and not self._closed:
            await asyncio.sleep(LOOK_EVERY_S)
            quiet_s += LOOK_EVERY_S
            version = self._version()
            if version is not sent:
                sent, quiet_s = version, 0.0
                try:
                    self._hand_out(self._newest())
                except Exception as error:
                    self._next.set_exception(error)
                    return
            elif quiet_s >= HEARTBEAT_S:
                quiet_s = 0.0
                self._hand_out(HEARTBEAT)
        self._hand_out(HEARTBEAT)  # wakes whoever still waits, to see that it is over

    def _newest(self) -> bytes:
        version = self._version()
        if version is not self._frame_version:
            self._frame = f"event: tick\ndata: {self._document()}\n\n".encode()
            self._frame_version = version
        return self._frame

    def _hand_out(self, frame: bytes) -> None:
        waiting, self._next = self._next, asyncio.get_running_loop().create_future()
        waiting.set_result(frame)


class _EventStream(StreamingResponse):
    """Holds a place in the broadcast for as long as its client stays."""

    def __init__(self, broadcast: Broadcast) -> None:
        super().__init__((), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._broadcast = broadcast

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._broadcast.watching() as frames:
            self.body_iterator = frames
            await super().__call__(scope, receive, send)
