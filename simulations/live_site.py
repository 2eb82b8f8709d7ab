"""A simulated site in real time: the world, its meter on Modbus TCP and its stations on OCPP."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, Final

from adapters.configuration import Configuration, ModbusTcpMeter
from controller.site import Site
from simulations.building import AdjustableBuilding, Building, LivelyBuilding, ScriptedBuilding
from simulations.cars import Car
from simulations.chargers import ChargingStation, Connector, random_model
from simulations.drivers import busy_visits
from simulations.firmware import Firmware
from simulations.modbus_meter import SimulatedSdm630
from simulations.ocpp_client import OcppClient
from simulations.reactions import ReactionLog, percentile
from simulations.world import World

STEP_S: Final = 0.2
MODEL: Final = "eastron_sdm630"
FINISH_S: Final = 40.0
"""Stop messages that have not been answered after this time are reported as undelivered."""
OPENING_S: Final = 20.0
"""The drivers wait this long for the stations to be registered; then they come anyway."""
COMMISSIONING_S: Final = 2.0
"""Between the registration of the last station and the first car: time for the default profiles to arrive."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the site behaves."""

    seed: int = 1
    busy: bool = True
    """Whether drivers come and the building is lively; otherwise nothing happens unless told."""
    ocpp_url: str | None = None
    """The central system; None: where the site file says that it listens."""
    ca_file: str | None = None
    """Certificates to trust, for ``wss``."""
    meter_noise_a: float = 0.1


class LiveSite:
    """The site that a configuration describes, played by simulated equipment.

    Args:
        configuration: its circuits, points, passwords, tokens and addresses; its meter must be a Modbus SDM630.
        options: how it behaves.

    Raises:
        ValueError: the configuration has no meter that can be simulated.
    """

    def __init__(self, configuration: Configuration, options: Options) -> None:
        self.site: Site = configuration.site
        self._meter_at = _simulated_meter(configuration)
        self._options = options
        self._tags = [token.uid for token in configuration.tokens if not token.blocked] or ["LAB-DRIVER"]
        self._begin = (time.time(), time.monotonic())
        self.building = AdjustableBuilding(self._building())
        stations = [_station(self.site, identity, options.seed) for identity in _identities(self.site)]
        self.world = World(self.site, self.building, stations)
        self.reactions = ReactionLog()
        self.clients = {one.identity: self._client(configuration, one) for one in stations}
        noise = random.Random(f"meter-{options.seed}")
        self.meter = SimulatedSdm630(
            lambda: (self.world.grid_a, self.world.imported_wh),
            noise,
            options.meter_noise_a,
            self.site.nominal_voltage_v,
            self._meter_at.unit,
        )
        self._drivers: list[asyncio.Task[None]] = []

    def now_s(self) -> float:
        """The world's time [Unix s]; it never jumps."""
        wall_s, monotonic_s = self._begin
        return wall_s + time.monotonic() - monotonic_s

    async def start_meter(self) -> None:
        """Open the meter's port.

        Raises:
            OSError: it is taken.
        """
        await self.meter.start(self._meter_at.host, self._meter_at.port)

    async def run(self) -> None:
        """Let the world live until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._live())
                for client in self.clients.values():
                    group.create_task(client.run())
                if self._options.busy:
                    self._drivers = [group.create_task(self._visits(point.id)) for point in self.site.points]
        finally:
            await self.meter.stop()

    async def _live(self) -> None:
        last_s = self.now_s()
        for tick in count(1):
            # Sleeping until a fixed rhythm keeps the steps even on a busy machine.
            await asyncio.sleep(max(0.0, self._begin[1] + tick * STEP_S - time.monotonic()))
            now_s = self.now_s()
            self.world.step(now_s, now_s - last_s)
            last_s = now_s
            self.reactions.load(now_s, self.world.building_a, self.world.headroom_a)
            for client in self.clients.values():
                client.observe()

    async def _visits(self, point_id: str) -> None:
        point = self.site.point[point_id]
        client = self.clients[point.station]
        dice = random.Random(f"driver-{self._options.seed}-{point_id}")
        with suppress(TimeoutError):
            async with asyncio.timeout(OPENING_S):
                await asyncio.gather(*(one.registered.wait() for one in self.clients.values()))
        opened_s = self.now_s() + COMMISSIONING_S
        for visit in busy_visits(dice):
            await asyncio.sleep(max(0.0, opened_s + visit.arrives_s - self.now_s()))
            await client.arrive(point.connector, visit.car, dice.choice(self._tags))
            await asyncio.sleep(max(0.0, opened_s + visit.leaves_s - self.now_s()))
            client.leave(point.connector)

    async def plug_in(self, point_id: str, car: Car, tag: str | None = None) -> None:
        """A car arrives at a free point."""
        point = self.site.point[point_id]
        await self.clients[point.station].arrive(point.connector, car, tag or self._tags[0])

    def unplug(self, point_id: str) -> None:
        """The car at a point leaves."""
        point = self.site.point[point_id]
        self.clients[point.station].leave(point.connector)

    def client_of(self, point_id: str) -> OcppClient:
        """The station behind a point."""
        return self.clients[self.site.point[point_id].station]

    async def finish(self) -> dict[str, Any]:
        """Send everybody home, see every transaction message answered, and say what was true."""
        for driver in self._drivers:
            driver.cancel()
        await asyncio.gather(*self._drivers, return_exceptions=True)
        connected = sum(self.client_of(point.id).registered.is_set() for point in self.site.points)
        for client in self.clients.values():
            client.reachable.set()
            for number in client.firmware.station.connectors:
                client.leave(number)
        deadline_s = time.monotonic() + FINISH_S
        while self._undelivered() and time.monotonic() < deadline_s:  # noqa: ASYNC110  (many outboxes, one wait)
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
            "limit_a": client.firmware.station.limit_a(point.connector, self.now_s()),
            "pilot_a": connector.pilot_a,
            "current_a": connector.own_a,
            "register_wh": int(connector.register_wh),
            "transaction_id": connector.transaction.id if connector.transaction else None,
            "soc": connector.car.soc if connector.car else None,
        }

    def _undelivered(self) -> int:
        return sum(len(client.firmware.outbox) for client in self.clients.values())

    def _building(self) -> Building:
        root = next(circuit for circuit in self.site.circuits if circuit.parent is None)
        if not self._options.busy:
            return ScriptedBuilding([])
        return LivelyBuilding(self.site.worst_base_a[root.id], self._options.seed)

    def _client(self, configuration: Configuration, station: ChargingStation) -> OcppClient:
        def accepted(lowered: bool) -> None:
            if lowered:
                self.reactions.lowered(self.now_s())

        secure = configuration.ocpp.tls_certificate is not None
        scheme = "wss" if secure else "ws"
        url = self._options.ocpp_url or f"{scheme}://{configuration.ocpp.host}:{configuration.ocpp.port}/ocpp"
        return OcppClient(
            Firmware(station, accepted),
            url,
            self.now_s,
            random.Random(f"redial-{self._options.seed}-{station.identity}"),
            configuration.passwords.get(station.identity),
            ssl.create_default_context(cafile=self._options.ca_file) if url.startswith("wss") else None,
        )


def _simulated_meter(configuration: Configuration) -> ModbusTcpMeter:
    for meter in configuration.meters:
        if isinstance(meter, ModbusTcpMeter) and meter.model == MODEL:
            return meter
    raise ValueError(f"{configuration.path}: no meter of kind modbus_tcp and model {MODEL} to simulate")


def _identities(site: Site) -> list[str]:
    return list(dict.fromkeys(point.station for point in site.points))


def _station(site: Site, identity: str, seed: int) -> ChargingStation:
    dice = random.Random(f"station-{seed}-{identity}")
    connectors = [
        Connector(point.connector, point.phases, random_model(dice, point.max_a), random.Random(dice.getrandbits(64)))
        for point in site.points
        if point.station == identity
    ]
    return ChargingStation(identity, connectors, site.nominal_voltage_v)


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)
