"""Serves the web application from a thread and an event loop of its own, away from the control loop."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from pathlib import Path
from typing import Any, Final

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS_MAX: Final = 128
"""Beyond this, requests are answered 503: 32 streams, and browsers open up to six connections each."""
REQUEST_TIMEOUT_S: Final = 10.0
"""A request must have arrived whole within this time; uvicorn itself waits for ever (slowloris)."""
SEND_TIMEOUT_S: Final = 20.0
"""A client that takes nothing of its answer for this long is cut off."""
KEEP_ALIVE_S: Final = 15
HEAD_MAX: Final = 32 * 1024
START_TIMEOUT_S: Final = 15.0
STOP_TIMEOUT_S: Final = 5.0
"""Answers under way may take this long to end when the server stops."""
CLOSE_AGAIN_S: Final = 0.05


class ServerError(Exception):
    """The web server could not start."""


class WebServer:
    """One web server. ``start`` and ``stop`` block shortly and are called once each, from any other thread.

    Args:
        app: what ``create_app`` returned.
        host: the address to listen on.
        port: 0 for any free one.
        ssl_certfile: chain in PEM; with it, HTTPS is spoken.
        ssl_keyfile: the certificate's key in PEM.
    """

    def __init__(
        self,
        app: FastAPI,
        host: str,
        port: int,
        ssl_certfile: Path | None = None,
        ssl_keyfile: Path | None = None,
    ) -> None:
        self._app = app
        self._address = (host, port)
        self._listener: socket.socket | None = None
        self._failure: BaseException | None = None
        self._server = ClosingServer(
            uvicorn.Config(
                app,
                http=GuardedProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=CONNECTIONS_MAX,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=int(STOP_TIMEOUT_S),
                h11_max_incomplete_event_size=HEAD_MAX,
                ssl_certfile=ssl_certfile,
                ssl_keyfile=ssl_keyfile,
            )
        )
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on, once started; else the one that was asked for."""
        return self._address[1]

    def start(self) -> None:
        """Listen, and return when requests are answered.

        Raises:
            OSError: the address cannot be bound.
            ServerError: anything else went wrong; the cause says what.
        """
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=CONNECTIONS_MAX)
        self._address = (host, self._listener.getsockname()[1])
        self._thread.start()
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline_s:
                self._listener.close()
                raise ServerError("the web server did not start") from self._failure
            time.sleep(0.01)

    def stop(self) -> None:
        """End the streams, let answers under way end, and close. Does nothing when it never started."""
        self._app.state.broadcast.close()
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(2 * STOP_TIMEOUT_S)

    def _run(self) -> None:
        assert self._listener is not None, "started by start() only"
        try:
            asyncio.run(self._server.serve(sockets=[self._listener]))
        except BaseException as failure:
            self._failure = failure


class ClosingServer(uvicorn.Server):
    """uvicorn's server, but no connection outlives it."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let answers under way end as uvicorn does, and close all else."""
        closing = asyncio.create_task(self._close_idle())
        await super().shutdown(sockets)
        closing.cancel()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # transports close in the loop's next turn, which may be its last

    async def _close_idle(self) -> None:
        """Connections are told once by uvicorn that it ends, but for those that are being accepted just then."""
        while True:
            await asyncio.sleep(CLOSE_AGAIN_S)
            for connection in list(self.server_state.connections):
                connection.shutdown()


class GuardedProtocol(H11Protocol):
    """uvicorn's HTTP protocol with an end to the patience for slow requests and for slow readers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: asyncio.TimerHandle | None = None
        self._leaving: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request soon."""
        super().connection_made(transport)
        self._arriving = self.loop.call_later(REQUEST_TIMEOUT_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Expect the rest of a request soon, unless it is all here."""
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._arriving = _stopped(self._arriving)
        elif self._arriving is None:
            self._arriving = self.loop.call_later(REQUEST_TIMEOUT_S, self.transport.abort)

    def pause_writing(self) -> None:
        """Expect the client to read on soon."""
        super().pause_writing()
        self._leaving = self.loop.call_later(SEND_TIMEOUT_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads on."""
        super().resume_writing()
        self._leaving = _stopped(self._leaving)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is expected any more."""
        self._arriving = _stopped(self._arriving)
        self._leaving = _stopped(self._leaving)
        super().connection_lost(exc)


def _stopped(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    if timer is not None:
        timer.cancel()
    return None
