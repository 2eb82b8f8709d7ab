"""Three days of the whole service without a back office: chargers of two versions, forwarded ones and a hub's.

``LOADSTAR_CAMPAIGN=1`` (``make campaign``) has 400 sessions, the pace and the patience of real life, and leaves what
it has measured in ``build/campaign/three_days.json``.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
from ocpp.messages import Call, validate_payload
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from controller.ports.tick import Tick
from tests.support.forwarded import MeteredCharger
from tests.support.lab import Lab, laboratory
from tests.support.metered2 import MeteredStation
from tests.support.processes import free_port
from tests.support.thorough import LONG, thorough

FORWARDED = tuple(f"CP{number:02}" for number in range(thorough(3, 10)))
BEHIND = tuple(f"CP{number:02}" for number in range(len(FORWARDED), 2 * len(FORWARDED)))
HUB = "HUB1"
SESSIONS_OF_EACH, VALUES = thorough(3, 20), thorough(2, 60)
LENGTH = timedelta(hours=72)
LARGEST_BYTES, DRAINED_S, WATCHED_S = 200e6, 30 * 60, thorough(0, 20)
RESULTS = Path(__file__).parents[2] / "build" / "campaign" / "three_days.json"
TRANSACTIONS = ("StartTransaction", "MeterValues", "StopTransaction", "TransactionEvent")


class StrictOffice:
    """Checks everything by the schemas, and takes down what it is told about transactions, in order, each once."""

    def __init__(self) -> None:
        self.port = free_port()
        self.booted: set[str] = set()
        self.told: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        self.repeated: Counter[str] = Counter()
        self._answers: dict[tuple[str, str], dict[str, Any]] = {}
        self._ids = 5000
        self._server: Server | None = None

    async def start(self) -> None:
        versions = [Subprotocol("ocpp1.6"), Subprotocol("ocpp2.0.1")]
        self._server = await serve(self._converse, "127.0.0.1", self.port, subprotocols=versions, compression=None)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _converse(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        station, version = socket.request.path.rpartition("/")[2], str(socket.subprotocol).removeprefix("ocpp")
        with suppress(ConnectionClosed):
            async for raw in socket:
                kind, message_id, action, payload = json.loads(raw)
                assert kind == 2
                await validate_payload(Call(message_id, action, payload), version)
                await socket.send(json.dumps([3, message_id, self._answer(station, message_id, action, payload)]))

    def _answer(self, station: str, message_id: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if action == "BootNotification":
            self.booted.add(station)
            return {"status": "Accepted", "currentTime": datetime.now(UTC).isoformat(), "interval": 300}
        if action not in TRANSACTIONS:
            return {"currentTime": datetime.now(UTC).isoformat()} if action == "Heartbeat" else {}
        if (station, message_id) in self._answers:
            self.repeated[action] += 1
            return self._answers[station, message_id]
        answer: dict[str, Any] = {}
        if action == "StartTransaction":
            self._ids += 1
            payload["transactionId"] = self._ids
            answer = {"transactionId": self._ids, "idTagInfo": {"status": "Accepted"}}
        self.told[station].append((action, payload))
        self._answers[station, message_id] = answer
        return answer


class InTime(MeteredCharger):
    """A charger in simulated time."""

    moment: datetime

    def now(self) -> str:
        return self.moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class InTime2(InTime, MeteredStation):
    """The same of 2.0.1."""


class Turns:
    """How long decisions took and how far apart the control loop's turns were, in each part of the story."""

    def __init__(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        self.part = "before"
        self.measured: dict[str, list[tuple[float, float]]] = defaultdict(list)
        publish = lab.service.live.publish

        def seen(tick: Tick) -> None:
            self.measured[self.part].append((monotonic(), tick.decide_s))
            publish(tick)

        monkeypatch.setattr(lab.service.live, "publish", seen)

    def summary(self) -> dict[str, dict[str, float]]:
        return {part: self._of(rows) for part, rows in self.measured.items() if len(rows) > 2}

    @staticmethod
    def _of(rows: list[tuple[float, float]]) -> dict[str, float]:
        at_s, decided_s = np.array(rows).T
        apart_s = np.diff(at_s)
        return {
            "turns": len(rows),
            "decide_p50_ms": 1000 * float(np.median(decided_s)),
            "decide_p99_ms": 1000 * float(np.percentile(decided_s, 99)),
            "apart_p50_s": float(np.median(apart_s)),
            "apart_max_s": float(apart_s.max()),
        }


def upstreams(port: int) -> str:
    points = [[f"{station}-1" for station in stations] for stations in (FORWARDED, BEHIND)]
    address = f'url = "ws://127.0.0.1:{port}/ocpp"\nrole = "primary"'
    return (
        f'[[upstreams]]\nid = "office"\n{address}\nmode = "forward"\npoints = {json.dumps(points[0])}\n'
        f'[[upstreams]]\nid = "hub"\n{address}\nmode = "hub"\nidentity = "{HUB}"\nversion = "1.6"\n'
        f"points = {json.dumps(points[1])}\n"
    )


@asynccontextmanager
async def site(tmp_path: Path, office: StrictOffice) -> AsyncIterator[tuple[Lab, list[InTime]]]:
    """The service with its chargers; every other one is of 2.0.1."""
    stations = dict.fromkeys((*FORWARDED, *BEHIND), 1)
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(laboratory(tmp_path, stations, more=upstreams(office.port)))
        url, chargers = f"ws://127.0.0.1:{lab.service.ocpp_port}/ocpp", []
        for number, station in enumerate(stations):
            kind = InTime2 if number % 2 else InTime
            chargers.append(await stack.enter_async_context(kind(url, station, register_wh=1_000_000 * (1 + number))))
        yield lab, chargers


async def three_days(charger: InTime) -> None:
    """It was charging when they began, and is charging when they are over."""
    begins_at = charger.moment
    for number in range(SESSIONS_OF_EACH):
        charger.moment = begins_at + number * LENGTH / SESSIONS_OF_EACH + timedelta(minutes=1)
        if number:
            await charger.begin()
        if number == SESSIONS_OF_EACH - 1:
            return
        for _ in range(VALUES):
            charger.moment += timedelta(minutes=1)
            await charger.measure(context="Sample.Clock")
        charger.moment += timedelta(minutes=1)
        await charger.end()


def size_of(folder: Path) -> int:
    """Of the ledger's files, but for the room that is kept for a full disk [bytes]."""
    return sum(path.stat().st_size for path in folder.glob("loadstar.db*") if path.suffix != ".ballast")


async def drained(folder: Path) -> None:
    count = "SELECT count(*) FROM upstream_outbox WHERE standing <> 'delivered'"
    with closing(sqlite3.connect(f"file:{folder / 'loadstar.db'}?mode=ro", uri=True)) as connection:
        while connection.execute(count).fetchone()[0]:  # noqa: ASYNC110 - the service shows it only now and then
            await asyncio.sleep(0.1)


async def test_both_books_are_those_of_the_meters_and_the_loop_turns_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if not LONG:
        monkeypatch.setattr("controller.hub_satellite.outbox.PER_S", 1_000.0)
        monkeypatch.setattr("adapters.ocpp.upstream.link.PAUSE_FIRST_S", 0.1)
        monkeypatch.setattr("adapters.ocpp.upstream.channel.LIVE_BOOT_S", 0.2)
        monkeypatch.setattr("adapters.ocpp.upstream.hub.WATCH_S", 0.1)
    office, facts = StrictOffice(), dict[str, Any]()
    await office.start()
    async with site(tmp_path, office) as (lab, chargers):
        turns = Turns(lab, monkeypatch)
        for charger in chargers:
            charger.moment = datetime.now(UTC) - LENGTH - timedelta(minutes=5)
            await charger.boot()
        async with asyncio.timeout(60):
            while not {*FORWARDED, HUB} <= office.booted:  # noqa: ASYNC110 - it is told so by frames alone
                await asyncio.sleep(0.05)
        await asyncio.gather(*(charger.begin() for charger in chargers))
        await asyncio.sleep(WATCHED_S)
        await office.stop()
        turns.part, began_s = "away", monotonic()
        await asyncio.gather(*(three_days(charger) for charger in chargers))
        facts["told_in_s"] = monotonic() - began_s
        facts["ledger_bytes"] = size_of(tmp_path)
        await asyncio.sleep(WATCHED_S)
        turns.part, began_s = "drains", monotonic()
        await office.start()
        await asyncio.gather(*(charger.end() for charger in chargers))
        async with asyncio.timeout(DRAINED_S if LONG else 90):
            await drained(tmp_path)
        facts["drained_in_s"] = monotonic() - began_s
        turns.part = "after"
        await asyncio.sleep(WATCHED_S)
    await office.stop()
    facts |= {"turns": turns.summary(), "told": {name: len(told) for name, told in office.told.items()}}
    facts |= {"sessions": sum(len(one.sessions) for one in chargers), "repeated": dict(office.repeated)}
    if LONG:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    assert facts["ledger_bytes"] < LARGEST_BYTES
    for charger in chargers[: len(FORWARDED)]:
        assert as_said(office.told[charger.identity]) == as_said(said_by(charger))
        assert sessions_of(office.told[charger.identity]) == {1: charger.sessions}
        late = [said.get("offline", False) for said in told_of(office, charger.identity)[:-1]]
        assert late == sorted(late), "once it is noticed that the back office is away, all that happens is told as late"
    behind = {number: one.sessions for number, one in enumerate(chargers[len(FORWARDED) :], start=1)}
    assert sessions_of(office.told[HUB]) == behind


def told_of(office: StrictOffice, station: str) -> list[dict[str, Any]]:
    """The events of 2.0.1 that a station has told of."""
    return [said for name, said in office.told[station] if name == "TransactionEvent"]


def said_by(charger: InTime) -> list[tuple[str, dict[str, Any]]]:
    """What a charger has said of transactions; what it had to repeat, once."""
    once: dict[str, tuple[str, dict[str, Any]]] = {}
    for text in charger.said:
        kind, message_id, *rest = json.loads(text)
        if kind == 2 and rest[0] in TRANSACTIONS:
            once.setdefault(message_id, (rest[0], rest[1]))
    return list(once.values())


def as_said(told: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """Messages without what may differ on either side."""
    return [(name, {k: v for k, v in said.items() if k not in {"transactionId", "offline"}}) for name, said in told]


def sessions_of(told: list[tuple[str, dict[str, Any]]]) -> dict[int, list[tuple[int, int | None]]]:
    """By connector, the registers of the sessions that are told of, each whole before the next one begins."""
    running: dict[Any, tuple[int, dict[str, Any]]] = {}
    sessions: dict[int, list[tuple[int, int | None]]] = defaultdict(list)
    for action, payload in told:
        transaction = payload.get("transactionId") or payload["transactionInfo"]["transactionId"]
        begins = action == "StartTransaction" or payload.get("eventType") == "Started"
        connector = payload["connectorId"] if action == "StartTransaction" else 1
        if begins:
            assert connector not in {place for place, _ in running.values()}
            running[transaction] = (connector, payload)
        connector, start = running[transaction]
        if action == "StopTransaction" or payload.get("eventType") == "Ended":
            sessions[connector].append((register(start, "meterStart"), register(payload, "meterStop")))
            del running[transaction]
    assert not running
    return dict(sessions)


def register(payload: dict[str, Any], name: str) -> int:
    """The energy register that a beginning or an end names [Wh]."""
    if name in payload:
        return int(payload[name])
    return int(payload["meterValue"][0]["sampledValue"][0]["value"])
