"""The whole service in this process, on a site made for strange chargers, with a simulated meter in front of it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

import adapters.service
from adapters.configuration import load_configuration
from adapters.ocpp import CentralSystem, default
from adapters.service import Service
from controller.loadbalance import pulse, trend
from controller.site import Control
from controller.units import Phases
from simulations.modbus_meter import SimulatedSdm630
from tests.support.strange_charger import StrangeCharger

WITHIN_S = 60.0
NOT_SO_CALM = Control(change_s=0.5, calm_s=0.5, settle_s=1.5, fresh_readings=1)
"""The real loop, with less patience: these tests ask what chargers are told, not how calmly."""

IMPATIENT = ((default, "ANSWER_S", 1.0), (pulse, "CONFIRM_S", 1.0), (trend, "PEAK_BUCKET_S", 1.0))
"""The same for what no site needs to set."""


@dataclass
class Grid:
    """What flows through the grid connection."""

    base_a: float = 2.0
    """What the building draws on each phase."""
    chargers: list[StrangeCharger] = field(default_factory=list)

    def metered(self) -> tuple[Phases, float]:
        """What the grid meter sees: every car that is in a transaction, and the building."""
        places = [place for charger in self.chargers for place in charger.outlets.values()]
        total_a = self.base_a + sum(place.drawn_a() for place in places if place.transaction is not None)
        return (total_a, total_a, total_a), 0.0


@dataclass
class Lab:
    """The running service, and everything that is plugged into its site."""

    service: Service
    http: httpx.AsyncClient
    grid: Grid

    @asynccontextmanager
    async def charger(self, identity: str, **options: Any) -> AsyncIterator[StrangeCharger]:
        """A strange charger that is connected; what it draws shows on the site's meter."""
        charger = StrangeCharger(f"ws://127.0.0.1:{self.service.ocpp_port}/ocpp", identity, **options)
        self.grid.chargers.append(charger)
        try:
            async with charger:
                yield charger
        finally:
            self.grid.chargers.remove(charger)

    async def get(self, path: str, **query: str | int) -> Any:
        answer = await self.http.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def point(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.get(f"/points/{name}")
        return found

    async def becomes(self, name: str, within_s: float = WITHIN_S, **values: Any) -> dict[str, Any]:
        """Wait until a point shows these values, and return it."""
        deadline = time.monotonic() + within_s
        while not values.items() <= (point := await self.point(name)).items():
            assert time.monotonic() < deadline, f"waited in vain for {values} of {point}"
            await asyncio.sleep(0.05)
        return point

    async def sessions(self, station: str) -> list[dict[str, Any]]:
        """Every session of a station, the oldest first."""
        listed = (await self.get("/sessions", limit=500))["items"]
        return [session for session in reversed(listed) if session["station"] == station]

    async def event_kinds(self, subject: str) -> set[str]:
        return {event["kind"] for event in (await self.get("/events"))["items"] if event["subject"] == subject}

    async def turned(self, name: str) -> dict[str, Any]:
        """A point as the loop saw it in a turn that has begun since (a turn shows what was before it)."""
        site, turns = await self.get("/site"), 2
        deadline = time.monotonic() + WITHIN_S
        while turns:
            assert time.monotonic() < deadline, "the loop stands still"
            await asyncio.sleep(0.02)
            before, site = site, await self.get("/site")
            turns -= site["at"] != before["at"]
        return next(point for point in site["points"] if point["id"] == name)

    async def honest(self, name: str, charger: StrangeCharger, outlet: int = 1) -> float:
        """Check that no more may flow than the loop reckons with when it next looks; returns what may flow."""
        allowed_a = charger.outlets[outlet].allowed_a()
        point = await self.turned(name)
        assert point["commanded_a"] >= min(allowed_a, charger.outlets[outlet].allowed_a()) - 1e-6, (point, allowed_a)
        return allowed_a


@asynccontextmanager
async def laboratory(
    directory: Path,
    stations: Mapping[str, int],
    *,
    fuse_a: float = 1000.0,
    fallback_a: float = 6.0,
    max_a: float = 16.0,
    more: str = "",
    control: Control = NOT_SO_CALM,
    **ocpp: Any,
) -> AsyncIterator[Lab]:
    """A site of one circuit whose stations have so many connectors: point ``X-2`` is connector 2 of station ``X``.

    Args:
        directory: for the site file and the ledger.
        stations: connectors by identity.
        fuse_a: of the circuit [A].
        fallback_a: of every point [A].
        max_a: of every point [A].
        more: further tables of the site file.
        control: times and steps of the loop.
        ocpp: of the central system, where the defaults are too slow for a test.
    """
    grid = Grid()
    meter = SimulatedSdm630(grid.metered, random.Random(0))
    tables = [
        '[site]\nid = "lab"',
        f'[[circuits]]\nid = "main"\nfuse_a = {fuse_a}\nmeter = "grid"\nbase_load_a = 4',
        f'[[meters]]\nid = "grid"\nkind = "modbus_tcp"\nhost = "127.0.0.1"\nport = {await meter.start()}',
        'model = "eastron_sdm630"\npoll_s = 0.3',
        *(
            f'[[points]]\nid = "{point_id(identity, number)}"\ncircuit = "main"\nstation = "{identity}"\n'
            f"connector = {number}\nmax_a = {max_a}\nfallback_a = {fallback_a}"
            for identity, count in stations.items()
            for number in range(1, count + 1)
        ),
        '[ocpp]\nport = 0\n[web]\nport = 0\n[tariffs]\nprice_per_kwh = "0.40"',
        more,
    ]
    path = directory / "site.toml"
    path.write_text("\n".join(tables) + "\n", encoding="utf-8")
    configuration = load_configuration(path, {})
    configuration = replace(configuration, site=replace(configuration.site, control=control))
    central = partial(CentralSystem, **({"call_timeout_s": 1.5, "boot_wait_s": 0.3} | ocpp))
    with ExitStack() as patches:
        for module, name, value in (*IMPATIENT, (adapters.service, "CentralSystem", central)):
            patches.enter_context(patch.object(module, name, value))
        service = Service(configuration, lab=True)
        async with httpx.AsyncClient(trust_env=False, timeout=WITHIN_S) as http:
            lab = Lab(service, http, grid)
            await service.start()
            http.base_url = httpx.URL(f"http://127.0.0.1:{service.web_port}")
            try:
                yield lab
            finally:
                await service.stop()
                await meter.stop()


def point_id(identity: str, number: int = 1) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in identity) + f"-{number}"
