"""A simulated site on the wire: the world, its meters on Modbus TCP and its stations on OCPP, at a given pace."""

from __future__ import annotations

import asyncio
import math
import random
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import uuid4

from adapters.configuration import Configuration, ModbusTcpMeter
from controller.site import Site
from controller.units import Phases
from simulations.asking import Asking
from simulations.building import AdjustableBuilding
from simulations.cars import Car
from simulations.chargers import ChargingStation
from simulations.equipment import meter_error_a
from simulations.firmware import Firmware
from simulations.meter_taps import Tap, simulated_meters
from simulations.modbus_meter import MeterFault, SimulatedSdm630
from simulations.ocpp_client import OcppClient
from simulations.pace import Pace
from simulations.reactions import ReactionLog, percentile
from simulations.world import World

STEP_S: Final = 0.2
FINISH_S: Final = 40.0
"""Stop messages that have not been answered after this time are reported as undelivered."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the equipment behaves."""

    seed: int = 1
    ocpp_url: str | None = None
    """The central system; None: where the site file says that it listens."""
    ca_file: str | None = None
    """Certificates to trust, for ``wss``."""
    meter_noise_a: float = 0.1
    meter_latency_s: float = 0.0
    """From the truth to what a meter answers [s]."""
    newer_every: int = 0
    """Every so many stations, one speaks OCPP 2.0.1; 0: none does."""


class LiveSite:
    """The site that a configuration describes, played by simulated equipment.

    Args:
        configuration: its circuits, points, passwords, tokens and addresses; its meters must be Modbus SDM630s.
        world: its building, stations and cars.
        pace: the world's time; the event loop must run by it.
        options: how the equipment behaves.

    Raises:
        ValueError: the configuration has no meter that can be simulated, or one that cannot.
    """

    def __init__(self, configuration: Configuration, world: World, pace: Pace, options: Options) -> None:
        self.site: Site = configuration.site
        self.world = world
        self.pace = pace
        self.options = options
        self.opens_s = math.inf
        """When time begins to pass in the world [Unix s]; before that the equipment works, and nothing changes."""
        self._opening = asyncio.Event()
        self.tokens = [token.uid for token in configuration.tokens if not token.blocked] or ["LAB-DRIVER"]
        self.building = AdjustableBuilding(world.building)
        world.building = self.building
        self.reactions = ReactionLog()
        self.asking = Asking()
        newer = set(list(world.stations)[options.newer_every - 1 :: options.newer_every] if options.newer_every else ())
        self.clients = {
            identity: self._client(configuration, one, "2.0.1" if identity in newer else "1.6")
            for identity, one in world.stations.items()
        }
        self._places = simulated_meters(configuration)
        self._taps = {id_: Tap(world, circuit, options.meter_latency_s) for id_, (_, circuit) in self._places.items()}
        self.meters = {id_: self._meter(place, self._taps[id_]) for id_, (place, _) in self._places.items()}
        self.watchers: list[Callable[[float, float], None]] = []
        """Called after each step of the world with its end [Unix s] and its length [s]."""
        self._story: asyncio.Task[None] | None = None

    async def start_meters(self) -> None:
        """Open the meters' ports.

        Raises:
            OSError: one is taken.
        """
        for id_, (place, _) in self._places.items():
            await self.meters[id_].start(place.host, place.port)

    def open(self, opens_s: float) -> None:
        """Let time pass in the world from this moment on [Unix s]."""
        self.opens_s = opens_s
        self._opening.set()

    async def opened(self) -> None:
        """Wait until ``open`` has been called."""
        await self._opening.wait()

    @property
    def last_read_s(self) -> float | None:
        """When the meter of the grid connection, or else the first one, was read last [Unix s]; None: never."""
        return next(iter(self._taps.values())).last_read_s

    async def run(self, story: Coroutine[Any, Any, None] | None = None) -> None:
        """Let the world live until cancelled, and the story happen in it until ``finish``."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._live())
                for client in self.clients.values():
                    group.create_task(client.run())
                if story is not None:
                    self._story = group.create_task(story)
        finally:
            for meter in self.meters.values():
                await meter.stop()

    async def _live(self) -> None:
        await self.opened()
        last_s, beat = self.opens_s, 0
        while True:
            # A fixed rhythm keeps the steps even on a busy machine; beats that were missed are left out.
            beat = max(beat + 1, math.ceil((self.pace.now_s() - self.opens_s) / STEP_S))
            await asyncio.sleep(self.opens_s + beat * STEP_S - self.pace.now_s())
            now_s = self.pace.now_s()
            self._step(now_s, now_s - last_s)
            last_s = now_s

    def _step(self, now_s: float, dt: float) -> None:
        self.world.step(now_s, dt)
        for tap in self._taps.values():
            tap.step(now_s, dt)
        self.reactions.load(now_s, self.world.building_a, self.world.headroom_a)
        for watch in self.watchers:
            watch(now_s, dt)
        for client in self.clients.values():
            client.observe()

    async def everybody_registered(self, within_s: float) -> bool:
        """Wait until the central system has accepted every station; whether it has."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await asyncio.gather(*(one.registered.wait() for one in self.clients.values()))
        return all(one.registered.is_set() for one in self.clients.values())

    async def plug_in(self, point_id: str, car: Car, tag: str | None = None) -> None:
        """A car arrives at a free point."""
        point = self.site.point[point_id]
        await self.clients[point.station].arrive(point.connector, car, tag or self.tokens[0])

    def unplug(self, point_id: str) -> None:
        """The car at a point leaves."""
        point = self.site.point[point_id]
        self.clients[point.station].leave(point.connector)

    def fail_meters(self, fault: MeterFault | None) -> None:
        """Let every meter fail, or repair it."""
        for meter in self.meters.values():
            meter.fault = fault

    def client_of(self, point_id: str) -> OcppClient:
        """The station behind a point."""
        return self.clients[self.site.point[point_id].station]

    async def finish(self) -> dict[str, Any]:
        """Send everybody home, see every transaction message answered, and say what was true."""
        if self._story is not None:
            self._story.cancel()
            await asyncio.gather(self._story, return_exceptions=True)
        connected = sum(self.client_of(point.id).registered.is_set() for point in self.site.points)
        for client in self.clients.values():
            client.reachable.set()
            for number in client.firmware.station.connectors:
                client.leave(number)
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + FINISH_S
        while self._undelivered() and loop.time() < deadline_s:  # noqa: ASYNC110  (many outboxes, one wait)
            await asyncio.sleep(0.05)
        return {"points_connected": connected} | self.truth()

    def truth(self) -> dict[str, Any]:
        """What the world knows and no controller can: currents, overloads, and every car's energy."""
        firmwares = [client.firmware for client in self.clients.values()]
        sessions = [session.to_json() for firmware in firmwares for session in firmware.ended]
        reactions_s = self.reactions.seconds()
        return {
            **asdict(self.world.truth()),
            "profiles_accepted": sum(firmware.profiles_accepted for firmware in firmwares),
            "profiles_refused": sum(firmware.profiles_refused for firmware in firmwares),
            "sessions": sessions,
            "metered_wh": sum(session["energy_wh"] for session in sessions),
            **self.asking.to_json(),
            "undelivered": self._undelivered(),
            "tokens_refused": sum(client.refused_tokens for client in self.clients.values()),
            "reaction_ms": {name: _ms(percentile(reactions_s, share)) for name, share in (("p50", 0.5), ("p99", 0.99))}
            | {"n": len(reactions_s)},
        }

    def status(self) -> dict[str, Any]:
        """The moment, for people and tests."""
        return {
            "grid_a": self.world.grid_a,
            "building_a": self.world.building_a,
            "circuits": self.world.circuit_a,
            "points": {point.id: self._point_status(point.id) for point in self.site.points},
        }

    def _point_status(self, point_id: str) -> dict[str, Any]:
        point, client, connector = self.site.point[point_id], self.client_of(point_id), self.world.connector(point_id)
        return {
            "online": client.registered.is_set(),
            "status": connector.status.value,
            "limit_a": client.firmware.station.limit_a(point.connector, self.pace.now_s()),
            "pilot_a": connector.pilot_a,
            "current_a": connector.own_a,
            "register_wh": int(connector.register_wh),
            "transaction_id": connector.transaction.id if connector.transaction else None,
            "soc": connector.car.soc if connector.car else None,
            "asks": self.asking.of(point_id),
        }

    def _undelivered(self) -> int:
        return sum(len(client.firmware.outbox) for client in self.clients.values())

    def _meter(self, place: ModbusTcpMeter, tap: Tap) -> SimulatedSdm630:
        def shown() -> tuple[Phases, float]:
            now_s, options = self.pace.now_s(), self.options
            passed_s = now_s - options.meter_latency_s - (self.opens_s if self._opening.is_set() else 0.0)
            error_a = meter_error_a(options.seed, place.id, round(passed_s / place.poll_s), options.meter_noise_a)
            (one, two, three), imported_wh = tap.read(now_s)
            return (one + error_a[0], two + error_a[1], three + error_a[2]), imported_wh

        return SimulatedSdm630(shown, random.Random(0), 0.0, self.site.nominal_voltage_v, place.unit)

    def _client(self, configuration: Configuration, station: ChargingStation, version: str) -> OcppClient:
        def accepted(lowered: bool) -> None:
            if lowered:
                self.reactions.lowered(self.pace.now_s())

        secure = configuration.ocpp.tls_certificate is not None
        scheme = "wss" if secure else "ws"
        url = self.options.ocpp_url or f"{scheme}://{configuration.ocpp.host}:{configuration.ocpp.port}/ocpp"
        return OcppClient(
            Firmware(station, accepted, None if version == "1.6" else lambda: uuid4().hex),
            url,
            self.pace.now_s,
            random.Random(f"redial-{self.options.seed}-{station.identity}"),
            configuration.passwords.get(station.identity),
            ssl.create_default_context(cafile=self.options.ca_file) if url.startswith("wss") else None,
            version,
        )


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)
