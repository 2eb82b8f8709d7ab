"""Three days without a back office: twenty points, and everything that happened is told once, in order, at its pace.

``LOADSTAR_CAMPAIGN=1`` (``make campaign``) has 400 sessions with thirty measurements each.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from adapters.ocpp.upstream.back_office import BackOffice
from adapters.store.ledger import SqlLedger
from controller.hub_satellite import outbox
from controller.hub_satellite.outbox import Letter
from controller.ports.transactions import TransactionStart, TransactionStop
from tests.support.forwarded import forwarded
from tests.support.sessions import NINE
from tests.support.thorough import thorough

STATIONS = tuple(f"CP{number:02}" for number in range(20))
SESSIONS_OF_EACH = thorough(2, 20)
VALUES = thorough(3, 30)
LENGTH = timedelta(hours=72)
LARGEST_BYTES = 200e6
DRAINED_S = 30 * 60


class Office:
    """Takes everything down: per station, what it was told, in order."""

    def __init__(self) -> None:
        self.told: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        self._ids: dict[tuple[str, str], int] = {}

    async def converse(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        station = socket.request.path.rpartition("/")[2]
        with suppress(ConnectionClosed):
            async for raw in socket:
                _, message_id, action, payload = json.loads(raw)
                answer: dict[str, Any] = {}
                if action == "StartTransaction":
                    number = self._ids.setdefault((station, message_id), 1 + len(self._ids))
                    answer = {"transactionId": number, "idTagInfo": {"status": "Accepted"}}
                    payload["given"] = number
                self.told[station].append((action, payload))
                await socket.send(json.dumps([3, message_id, answer]))


@asynccontextmanager
async def office() -> AsyncIterator[tuple[Office, str]]:
    book = Office()
    async with serve(book.converse, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")], compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield book, f"ws://127.0.0.1:{port}/ocpp"


def letter(station: str, action: str, at: datetime, transaction: int | None, **payload: Any) -> Letter:
    key = f"{action}-{at.timestamp():.0f}"
    if transaction is not None:
        payload["transactionId"] = transaction
    frame = json.dumps([2, key, action, payload])
    return Letter("office", station, key, action, frame, key, at, None if transaction is None else str(transaction))


async def an_outage(ledger: SqlLedger, station: str) -> list[tuple[int, int]]:
    """What a charger has delivered meanwhile: the registers of each session."""
    sessions, register_wh, every = [], 1_000, LENGTH / SESSIONS_OF_EACH
    for number in range(SESSIONS_OF_EACH):
        begins_at, began_wh = NINE + number * every, register_wh
        told = letter(
            station, "StartTransaction", begins_at, None, connectorId=1, idTag="A", meterStart=began_wh, timestamp="t"
        )
        start = TransactionStart(station, 1, f"P-{station}", "A", begins_at, began_wh)
        ours = (await ledger.start_transaction(start, [told])).transaction_id
        for minute in range(1, VALUES + 1):
            register_wh += 100
            value = {"value": str(register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
            sample = {"timestamp": (begins_at + timedelta(minutes=minute)).isoformat(), "sampledValue": [value]}
            at = begins_at + timedelta(minutes=minute)
            await ledger.outbox.post([letter(station, "MeterValues", at, ours, connectorId=1, meterValue=[sample])])
        ends_at = begins_at + timedelta(minutes=VALUES + 1)
        told = letter(station, "StopTransaction", ends_at, ours, meterStop=register_wh, timestamp="t")
        await ledger.stop_transaction(TransactionStop(station, str(ours), ends_at, register_wh), [told])
        sessions.append((began_wh, register_wh))
    return sessions


async def test_three_days_are_told_once_in_order_and_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    messages = SESSIONS_OF_EACH * (VALUES + 2)
    assert messages / outbox.PER_S < DRAINED_S
    monkeypatch.setattr(outbox, "PER_S", 10_000.0)
    delivered: list[list[tuple[int, int]]] = []

    async def live_through(ledger: SqlLedger) -> None:
        delivered.extend(await asyncio.gather(*(an_outage(ledger, station) for station in STATIONS)))

    async with office() as (book, url):
        ledgers: list[SqlLedger] = []
        async with forwarded(
            tmp_path, BackOffice("office", "ws://127.0.0.1:1"), stations=STATIONS, prepare=ledgers.append
        ):
            await live_through(ledgers[0])
        assert size_of(tmp_path) < LARGEST_BYTES
        async with forwarded(tmp_path, BackOffice("office", url), stations=STATIONS) as site:
            await site.drained(thorough(90, 1200))
    for station, sessions in zip(STATIONS, delivered, strict=True):
        told = book.told[station]
        assert len(told) == messages
        assert told_of(told) == sessions


def size_of(folder: Path) -> int:
    """Of the ledger's files [bytes]."""
    return sum(path.stat().st_size for path in folder.glob("ledger.db*"))


def told_of(told: list[tuple[str, Any]]) -> list[tuple[int, int]]:
    """The sessions that messages in this order tell of; each must be whole before the next begins."""
    sessions: list[tuple[int, int]] = []
    running: dict[str, Any] = {}
    for action, payload in told:
        if action == "StartTransaction":
            assert not running
            running = payload
        else:
            assert payload["transactionId"] == running["given"]
            if action == "StopTransaction":
                sessions.append((running["meterStart"], payload["meterStop"]))
                running = {}
    return sessions
