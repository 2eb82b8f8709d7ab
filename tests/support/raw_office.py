"""A back office that says what a test has it say, sound or not, on a socket of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.support.processes import WITHIN_S

NOW = "2026-11-20T09:00:00Z"
Answers = dict[str, Callable[[dict[str, Any]], Any]]
"""By action; what is returned is the answer's payload, or where it is a text the whole frame, or None: no answer."""


@dataclass
class RawOffice:
    """What it was told, and what it answers."""

    answers: Answers
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    sockets: list[ServerConnection] = field(default_factory=list)
    url: str = ""
    _waiting: dict[str, asyncio.Future[list[Any]]] = field(default_factory=dict)

    async def ask(self, action: str, payload: Any) -> list[Any]:
        """Call the station; the whole frame of its answer."""
        message_id = str(uuid4())
        answer = self._waiting[message_id] = asyncio.get_running_loop().create_future()
        await self.sockets[-1].send(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(WITHIN_S):
            return await answer

    def told(self, action: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.calls if name == action]

    async def converse(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        with suppress(ConnectionClosed):
            async for raw in socket:
                self.frames.append(str(raw))
                kind, message_id, *rest = json.loads(raw)
                if kind in {5, 6}:
                    continue
                if kind != 2:
                    self._waiting.pop(message_id).set_result([kind, *rest])
                    continue
                action, payload = rest
                self.calls.append((action, payload))
                answer = self.answers.get(action, lambda _payload: {})(payload)
                if isinstance(answer, str):
                    await socket.send(answer.replace("ID", message_id))
                elif answer is not None:
                    await socket.send(json.dumps([3, message_id, answer]))


@asynccontextmanager
async def raw_office(version: str = "ocpp1.6", answers: Answers | None = None) -> AsyncIterator[RawOffice]:
    """A back office that accepts every station, unless told otherwise."""
    boot = {"status": "Accepted", "currentTime": NOW, "interval": 300}
    office = RawOffice({"BootNotification": lambda _payload: boot, "Heartbeat": lambda _payload: {"currentTime": NOW}})
    office.answers |= answers or {}
    async with serve(office.converse, "127.0.0.1", 0, subprotocols=[Subprotocol(version)]) as server:
        office.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/ocpp"
        yield office
