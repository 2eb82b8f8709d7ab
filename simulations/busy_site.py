"""The life of a demonstration: a lively building, and cars in quick succession at every point."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from controller.site import Site
from simulations.asking import Asked
from simulations.building import LivelyBuilding, ScriptedBuilding
from simulations.chargers import ChargingStation
from simulations.connectors import Connector, random_model
from simulations.drivers import Visit, busy_visits, highest_w
from simulations.live_site import LiveSite
from simulations.world import World

OPENING_S: Final = 20.0
"""The drivers wait this long for the stations to be registered; then they come anyway."""
COMMISSIONING_S: Final = 2.0
"""Between the registration of the last station and the first car: time for the default profiles to arrive."""


def chance_world(site: Site, seed: int, *, busy: bool) -> World:
    """A site with chargers as the market has them; without ``busy`` nothing happens in it unless told."""
    root = next(circuit for circuit in site.circuits if circuit.parent is None)
    building = LivelyBuilding(site.worst_base_a[root.id], seed) if busy else ScriptedBuilding([])
    identities = dict.fromkeys(point.station for point in site.points)
    return World(site, building, [_station(site, identity, seed) for identity in identities])


def _station(site: Site, identity: str, seed: int) -> ChargingStation:
    dice = random.Random(f"station-{seed}-{identity}")
    connectors = [
        Connector(point.connector, point.phases, random_model(dice, point.max_a), random.Random(dice.getrandbits(64)))
        for point in site.points
        if point.station == identity
    ]
    return ChargingStation(identity, connectors, site.nominal_voltage_v)


async def come_and_go(site: LiveSite) -> None:
    """Drivers at every point, until cancelled."""
    await site.everybody_registered(OPENING_S)
    opened_s = site.pace.now_s() + COMMISSIONING_S
    async with asyncio.TaskGroup() as group:
        for point in site.site.points:
            group.create_task(_visits(site, point.id, opened_s))


async def _visits(site: LiveSite, point_id: str, opened_s: float) -> None:
    dice = random.Random(f"driver-{site.options.seed}-{point_id}")
    for visit in busy_visits(dice):
        await asyncio.sleep(max(0.0, opened_s + visit.arrives_s - site.pace.now_s()))
        site.asking.comes(point_id, _asked(site, point_id, visit, opened_s + visit.leaves_s))
        await site.plug_in(point_id, visit.car, dice.choice(site.tokens))
        await asyncio.sleep(max(0.0, opened_s + visit.leaves_s - site.pace.now_s()))
        site.asking.leaves(point_id, visit.car.drawn_wh)
        site.unplug(point_id)


def _asked(site: LiveSite, point_id: str, visit: Visit, leaves_s: float) -> Asked | None:
    full_w = highest_w(visit.car.model, site.site.point[point_id], site.site.nominal_voltage_v)
    energy_wh = visit.asked_wh(full_w)
    return None if energy_wh is None else Asked(energy_wh, leaves_s)
