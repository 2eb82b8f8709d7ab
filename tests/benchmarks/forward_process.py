"""The processes of the benchmark of forwarding: a back office that answers at once, and what stands before it.

``python -m tests.benchmarks.forward_process office|relay|loadstar OFFICE_PORT STATIONS`` prints its port, and runs
until its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from adapters.ocpp.upstream.back_office import BackOffice
from tests.support.forwarded import forwarded

OCPP16 = [Subprotocol("ocpp1.6")]
_ACCEPTED = {"status": "Accepted", "currentTime": "2026-11-20T09:00:00Z", "interval": 300}
_ANSWERS: dict[str, Any] = {
    "BootNotification": _ACCEPTED,
    "Heartbeat": {"currentTime": "2026-11-20T09:00:00Z"},
    "Authorize": {"idTagInfo": {"status": "Accepted"}},
    "StartTransaction": {"idTagInfo": {"status": "Accepted"}, "transactionId": 7},
    "DataTransfer": {"status": "Accepted"},
}


@asynccontextmanager
async def office(_office_port: int, _stations: int) -> AsyncIterator[int]:
    """A back office that answers at once."""
    numbers = iter(range(1, 1 << 31))

    async def answer(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for raw in socket:
                kind, message_id, *rest = json.loads(raw)
                if kind == 2:
                    told = _ANSWERS.get(rest[0], {})
                    if rest[0] == "StartTransaction":
                        told = {**told, "transactionId": next(numbers)}
                    await socket.send(json.dumps([3, message_id, told]))

    async with serve(answer, "127.0.0.1", 0, subprotocols=OCPP16, compression=None) as server:
        yield _port(server)


@asynccontextmanager
async def relay(office_port: int, _stations: int) -> AsyncIterator[int]:
    """What any relay must do at least: one connection for another, and every frame from one to the other."""

    async def passed(one: Any, other: Any) -> None:
        with suppress(ConnectionClosed):
            async for frame in one:
                await other.send(frame)

    async def converse(charger: ServerConnection) -> None:
        assert charger.request is not None
        url = f"ws://127.0.0.1:{office_port}{charger.request.path}"
        async with connect(url, subprotocols=OCPP16) as upstream:
            up, down = (asyncio.create_task(passed(*pair)) for pair in ((charger, upstream), (upstream, charger)))
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)

    async with serve(converse, "127.0.0.1", 0, subprotocols=OCPP16) as server:
        yield _port(server)


@asynccontextmanager
async def loadstar(office_port: int, stations: int) -> AsyncIterator[int]:
    """The central system on a ledger of its own."""
    names = tuple(f"CP{number:02}" for number in range(stations))
    with tempfile.TemporaryDirectory() as folder:
        async with forwarded(
            Path(folder),
            BackOffice("office", f"ws://127.0.0.1:{office_port}/ocpp"),
            stations=names,
            lab=True,
        ) as site:
            yield site.central.port


def _port(server: Any) -> int:
    return int(next(iter(server.sockets)).getsockname()[1])


async def main(what: str, office_port: int, stations: int) -> None:
    """Run one of them."""
    async with {"office": office, "relay": relay, "loadstar": loadstar}[what](office_port, stations) as port:
        os.write(sys.stdout.fileno(), f"{port}\n".encode())
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
