"""A minimal OCPP 1.6J central system: answers everything, remembers everything, can be told to be rude."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from tests.support.processes import WITHIN_S


class CentralSystem:
    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[str | None] = []
        self.fail: dict[str, int] = defaultdict(int)  # action -> how many times to answer with an error
        self.blocked_tokens: set[str] = set()
        self.next_transaction = 1
        self.url = ""
        self.port = 0
        self._sockets: set[ServerConnection] = set()
        self._answers: dict[str, asyncio.Future[Any]] = {}
        self._server: Any = None

    async def start(self, port: int = 0) -> None:
        self._server = await serve(self._serve, "127.0.0.1", port, subprotocols=["ocpp1.6"])
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/ocpp"

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def request(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        (socket,) = self._sockets
        unique_id = str(uuid.uuid4())
        self._answers[unique_id] = asyncio.get_running_loop().create_future()
        await socket.send(json.dumps([2, unique_id, action, payload]))
        async with asyncio.timeout(WITHIN_S):
            return await self._answers[unique_id]

    async def request_when_connected(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        await self.has("BootNotification")
        return await self.request(action, payload)

    def payloads(self, action: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.received if name == action]

    async def has(self, action: str, count: int = 1, **fields: Any) -> dict[str, Any]:
        """Wait until so many messages of that kind, with those fields, have come; returns the last of them."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                rows = [p for p in self.payloads(action) if all(p.get(key) == value for key, value in fields.items())]
                if len(rows) >= count:
                    return rows[count - 1]
                await asyncio.sleep(0.01)

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.headers.append(socket.request.headers.get("Authorization"))
        self._sockets.add(socket)
        try:
            async for frame in socket:
                kind, unique_id, *rest = json.loads(frame)
                if kind == 2:
                    await socket.send(json.dumps(self._reply(unique_id, rest[0], rest[1])))
                else:
                    self._answers.pop(unique_id).set_result(rest[0])
        finally:
            self._sockets.discard(socket)

    def _reply(self, unique_id: str, action: str, payload: dict[str, Any]) -> list[Any]:
        if self.fail[action] > 0:
            self.fail[action] -= 1
            return [4, unique_id, "InternalError", "told to fail", {}]
        self.received.append((action, payload))
        status = "Blocked" if payload.get("idTag") in self.blocked_tokens else "Accepted"
        now = datetime.now(UTC).isoformat()
        answer: dict[str, Any] = {}
        if action == "BootNotification":
            answer = {"status": "Accepted", "currentTime": now, "interval": 300}
        elif action == "Heartbeat":
            answer = {"currentTime": now}
        elif action == "Authorize":
            answer = {"idTagInfo": {"status": status}}
        elif action == "StartTransaction":
            answer = {"idTagInfo": {"status": status}, "transactionId": self.next_transaction}
            self.next_transaction += 1
        return [3, unique_id, answer]
