"""Chargers whose back office sees them as themselves: a central system on a real ledger, and chargers with meters."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from adapters import passwords
from adapters.clock import SystemClock
from adapters.ocpp import CentralSystem
from adapters.ocpp.surroundings import Premises
from adapters.ocpp.upstream.back_office import BackOffice, Desk
from adapters.ocpp.upstream.forwarding import Forwarding
from adapters.store.ledger import SqlLedger, open_ledger
from controller.ports.devices import FrameSink
from controller.ports.tokens import Token
from controller.site import Site
from controller.snapshot import PointState
from tests.support.ledger import EventLog, FakeMeasurements
from tests.support.ocpp import basic, point, site_of

TOKEN = "04A2B3C4"
PATIENCE_S = 60.0
STARTED_S = 90.0
"""How long a process of a site may take to start on a busy machine."""


def untold(ledger: Path) -> int:
    """How many messages wait for back offices in the ledger of a site that is another process."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
        count = "SELECT count(*) FROM upstream_outbox WHERE standing = 'waiting'"
        return int(connection.execute(count).fetchone()[0])


@dataclass
class Forwarded:
    """A central system that forwards, with everything around it."""

    central: CentralSystem
    forwarding: Forwarding
    ledger: SqlLedger
    events: EventLog

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.central.port}/ocpp"

    def state(self, name: str) -> PointState:
        clock = SystemClock()
        return self.central.states(clock.now(), clock.monotonic_s())[name]

    def allowed_a(self, name: str) -> float | None:
        """What the controller is to keep to at a point."""
        return self.forwarding.overlaid({name: self.state(name)})[name].max_a

    async def ready(self, station: str = "CP01", *, ready: bool = True) -> None:
        """Wait until a station's messages pass, or no longer do."""

        async def passes() -> None:
            while any(view.ready is not ready for view in self.forwarding.relays[station].views()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

        async with asyncio.timeout(PATIENCE_S):
            await passes()

    async def drained(self, within_s: float = PATIENCE_S) -> None:
        """Wait until nothing waits for a back office."""
        async with asyncio.timeout(within_s):
            while any(queue.waiting for queue in await self.ledger.outbox.queues()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def queue(self, station: str = "CP01") -> int:
        return sum(one.waiting for one in await self.ledger.outbox.queues() if one.station == station)


@asynccontextmanager
async def forwarded(
    folder: Path,
    *offices: BackOffice,
    stations: tuple[str, ...] = ("CP01",),
    connectors: int = 1,
    port: int = 0,
    lab: bool = False,
    on_frame: FrameSink | None = None,
    prepare: Callable[[SqlLedger], None] = lambda _ledger: None,
) -> AsyncIterator[Forwarded]:
    """A central system whose stations are forwarded to these back offices."""
    site = _site(stations, connectors)
    events, clock = EventLog(), SystemClock()
    ledger = _opened(folder / "ledger.db", events)
    prepare(ledger)
    desk = Desk(Premises(site, clock, events), ledger.outbox, ledger.upstream_memory, on_frame)
    forwarding = Forwarding(dict.fromkeys(stations, offices), desk)
    central = CentralSystem(
        site=site,
        ledger=_LetIn(ledger),  # type: ignore[arg-type]  # it lets everybody in, and is a ledger otherwise
        measurements=FakeMeasurements(),
        clock=clock,
        on_event=events,
        port=port,
        lab=lab,
        call_timeout_s=10.0,
        on_frame=on_frame,
        forwards=forwarding.relays,
    )
    running = asyncio.create_task(forwarding.run())
    await central.start()
    try:
        yield Forwarded(central, forwarding, ledger, events)
    finally:
        await central.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        ledger.close()


_fresh: bytes | None = None
"""A ledger that was just opened: to migrate one for each test takes longer than most tests."""


def _opened(path: Path, events: EventLog) -> SqlLedger:
    global _fresh  # noqa: PLW0603
    if _fresh is not None and not path.exists():
        path.write_bytes(_fresh)
    known = path.exists()
    ledger = open_ledger(f"sqlite:///{path}", currency="EUR", price_per_kwh=Decimal("0.35"), on_event=events)
    ledger.seed([Token(TOKEN)], {})
    if not known:
        ledger.close()
        _fresh = path.read_bytes()
        return _opened(path, events)
    return ledger


def _site(stations: tuple[str, ...], connectors: int) -> Site:
    """Points are called after their stations, all but the first connectors' with their numbers."""
    return site_of(
        *(
            point(f"P-{station}" if number == 1 else f"P-{station}-{number}", station, number)
            for station in stations
            for number in range(1, connectors + 1)
        )
    )


PASSWORD = "secret for all"


class _LetIn:
    """A ledger with one password for all stations: hashing them takes longer than the tests."""

    _hash: str | None = None

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def password_hash(self, _station: str) -> str | None:
        if _LetIn._hash is None:
            _LetIn._hash = passwords.hashed(PASSWORD)
        return _LetIn._hash


class MeteredCharger:
    """A charger with a meter, which writes its frames in its own way and repeats what was not answered.

    What it delivers is in ``sessions``: the registers at the start and the end of each.
    """

    def __init__(
        self, endpoint: str, identity: str = "CP01", *, register_wh: int = 10_000, subprotocol: str = "ocpp1.6"
    ) -> None:
        self.identity, self.endpoint, self.subprotocol = identity, endpoint, subprotocol
        self.register_wh = register_wh
        self.sessions: list[tuple[int, int | None]] = []
        self.said: list[str] = []
        self.heard: list[str] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, dict[str, Any]] = {}
        """What it answers when it is asked, by action; ``{"status": "Accepted"}`` otherwise."""
        self.transaction: Any = None
        self.connector = 1
        self._socket: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._numbers = 0
        self._moment = datetime.now(UTC) - timedelta(minutes=5)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.disconnect()

    async def connect(self) -> None:
        async with asyncio.timeout(STARTED_S):
            while True:
                try:
                    self._socket = await connect(
                        f"{self.endpoint}/{self.identity}",
                        subprotocols=[Subprotocol(self.subprotocol)],
                        additional_headers=basic(self.identity, PASSWORD),
                        compression=None,
                    )
                    break
                except (OSError, InvalidHandshake, EOFError):
                    await asyncio.sleep(0.05)
        self._reading = asyncio.create_task(self._read(self._socket))

    async def disconnect(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._reading is not None:
            await self._reading

    def now(self) -> str:
        """Its clock: a second later each time."""
        self._moment += timedelta(seconds=1)
        return self._moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    async def call(self, action: str, payload: dict[str, Any], message_id: str | None = None) -> Any:
        """Call once; the payload of the answer, or the error's code.

        Raises:
            ConnectionClosed: the connection has ended before the answer.
        """
        self._numbers += 1
        message_id = message_id or f"{self.identity}-{self._numbers}"
        text = json.dumps([2, message_id, action, payload], separators=(" , ", " : "), ensure_ascii=False)
        assert self._socket is not None
        answer = self._waiting[message_id] = asyncio.get_running_loop().create_future()
        self.said.append(text)
        await self._socket.send(text)
        async with asyncio.timeout(PATIENCE_S):
            kind, _, told, *_ = await answer
        return told if kind in {3, 4} else None

    async def deliver(self, action: str, payload: dict[str, Any]) -> Any:
        """Call until it is answered, with one message id, on as many connections as that takes."""
        self._numbers += 1
        message_id = f"{self.identity}-t{self._numbers}"
        while True:
            with suppress(ConnectionClosed, ConnectionError):
                return await self.call(action, payload, message_id)
            await self.disconnect()
            await self.connect()

    async def boot(self) -> Any:
        return await self.call("BootNotification", {"chargePointVendor": "Métré", "chargePointModel": "M1"})

    async def status(self, status: str = "Available", connector: int = 1) -> Any:
        payload = {"connectorId": connector, "errorCode": "NoError", "status": status, "timestamp": self.now()}
        return await self.call("StatusNotification", payload)

    async def begin(self, token: str = TOKEN) -> Any:
        start = {"connectorId": self.connector, "idTag": token, "meterStart": self.register_wh, "timestamp": self.now()}
        self.sessions.append((self.register_wh, None))
        told = await self.deliver("StartTransaction", start)
        self.transaction = told["transactionId"]
        return told

    async def measure(self, wh: int = 100, *, context: str | None = None) -> Any:
        self.register_wh += wh
        value = {"value": str(self.register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        if context is not None:
            value["context"] = context
        sample = {"timestamp": self.now(), "sampledValue": [value]}
        return await self.deliver(
            "MeterValues", {"connectorId": self.connector, "transactionId": self.transaction, "meterValue": [sample]}
        )

    async def end(self, wh: int = 1_000) -> Any:
        self.register_wh += wh
        self.sessions[-1] = (self.sessions[-1][0], self.register_wh)
        stop = {"transactionId": self.transaction, "meterStop": self.register_wh, "timestamp": self.now()}
        return await self.deliver("StopTransaction", stop)

    async def session(self, token: str = TOKEN, wh: int = 1_000) -> None:
        await self.begin(token)
        await self.measure()
        await self.end(wh)

    async def _read(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for raw in socket:
                text = raw if isinstance(raw, str) else raw.decode()
                self.heard.append(text)
                message = json.loads(text)
                if message[0] == 2:
                    await self._answer(socket, message)
                elif (waiter := self._waiting.pop(message[1], None)) is not None and not waiter.done():
                    waiter.set_result(message)
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_exception(ConnectionClosed(None, None))
        self._waiting.clear()

    async def _answer(self, socket: ClientConnection, message: list[Any]) -> None:
        _, message_id, action, payload = message
        self.asked.append((action, payload))
        answer = self.answers.get(action, {"status": "Accepted"})
        text = json.dumps([3, message_id, answer], separators=(",  ", ": "))
        self.said.append(text)
        await socket.send(text)
