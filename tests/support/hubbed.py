"""Chargers behind a hub: a central system on a real ledger, and the one station that the back office sees."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from adapters.clock import SystemClock
from adapters.ocpp import CentralSystem
from adapters.ocpp.surroundings import Premises
from adapters.ocpp.upstream.back_office import BackOffice, Desk
from adapters.ocpp.upstream.hub import Hub
from adapters.ocpp.upstream.hubs import Hubs
from adapters.store.ledger import SqlLedger, open_ledger
from controller.ports.devices import FrameSink
from controller.ports.tokens import Token
from tests.support.back_office import BackOffice as Office
from tests.support.forwarded import PASSWORD, PATIENCE_S, TOKEN, _LetIn
from tests.support.ledger import EventLog, FakeMeasurements
from tests.support.ocpp import point, site_of

HUB = "HUB1"


@dataclass
class Hubbed:
    """A central system behind a hub, with everything around it."""

    central: CentralSystem
    hub: Hub
    hubs: Hubs
    ledger: SqlLedger
    events: EventLog

    @property
    def endpoint(self) -> str:
        return f"ws://127.0.0.1:{self.central.port}/ocpp"

    def url(self, identity: str) -> str:
        return f"{self.endpoint}/{identity}"

    async def ready(self, *, ready: bool = True) -> None:
        """Wait until the hub's messages pass, or no longer do."""
        await self.becomes(lambda: self.hub.view().ready is ready)

    async def drained(self) -> None:
        """Wait until nothing waits for the back office."""
        async with asyncio.timeout(PATIENCE_S):
            while any(queue.waiting for queue in await self.ledger.outbox.queues()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def becomes(self, condition: Any) -> Any:
        """Wait until a condition holds, and return what it returned."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := condition()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return found

    def allowed_a(self, name: str) -> float | None:
        """What the controller is to keep to at a point."""
        clock = SystemClock()
        states = self.central.states(clock.now(), clock.monotonic_s())
        return self.hubs.overlaid(states)[name].max_a


def _opened(path: Path, events: EventLog) -> SqlLedger:
    return open_ledger(f"sqlite:///{path}", currency="EUR", price_per_kwh=Decimal("0.35"), on_event=events)


@cache
def _new_ledger() -> bytes:
    """The file of a ledger with nothing in it: setting up its tables takes longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        _opened(path, EventLog()).close()
        return path.read_bytes()


@asynccontextmanager
async def hubbed(
    folder: Path,
    office: BackOffice,
    *,
    stations: tuple[str, ...] = ("CP01", "CP02"),
    port: int = 0,
    tokens: tuple[str, ...] = (TOKEN,),
    answer_s: float = 30.0,
    on_frame: FrameSink | None = None,
    prepare: Callable[[SqlLedger], None] = lambda _ledger: None,
) -> AsyncIterator[Hubbed]:
    """A central system whose stations, each with one point ``P-<identity>``, are the satellites of one hub."""
    site = site_of(*(point(f"P-{identity}", identity) for identity in stations))
    events, clock = EventLog(), SystemClock()
    path = folder / "ledger.db"
    if not path.exists():
        path.write_bytes(_new_ledger())
    ledger = _opened(path, events)
    ledger.seed([Token(uid) for uid in tokens], {})
    prepare(ledger)
    desk = Desk(Premises(site, clock, events), ledger.outbox, ledger.upstream_memory, on_frame, answer_s)
    hub = Hub(office, HUB, site.points, desk)
    hubs = Hubs([hub], desk)
    central = CentralSystem(
        site=site,
        ledger=await hubs.open(_LetIn(ledger)),  # type: ignore[arg-type]  # it lets everybody in, and is a ledger otherwise
        measurements=hubs.measured(FakeMeasurements()),
        clock=clock,
        on_event=events,
        port=port,
        call_timeout_s=10.0,
        refusing=hubs.refusing,
        on_frame=on_frame,
    )
    hubs.attach(central)
    await central.start()
    running = asyncio.create_task(hubs.run())
    try:
        yield Hubbed(central, hub, hubs, ledger, events)
    finally:
        await central.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        ledger.close()


async def told(office: Office, action: str) -> list[dict[str, Any]]:
    """What the hub has told the back office, of one kind."""
    came, _ = await office.seen(HUB)
    messages = [json.loads(text) for text in came]
    return [message[3] for message in messages if message[0] == 2 and message[2] == action]


async def until_told(office: Office, action: str, **fields: Any) -> dict[str, Any]:
    """Wait until it has told something with these fields, and return it."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for payload in await told(office, action):
                if fields.items() <= payload.items():
                    return payload
            await asyncio.sleep(0.02)


__all__ = ["HUB", "PASSWORD", "TOKEN", "Hubbed", "hubbed", "told", "until_told"]
