"""A scenario on a live site: its people come and go, and what is to go wrong goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final, Protocol

import numpy as np

from controller.peakshave.grid_operator import Limit
from controller.site import ChargingPoint
from controller.units import Phases
from simulations.drivers import PRICE_LOOK_S, car_of, highest_w, waits
from simulations.fast.fine_recorder import Stay
from simulations.live_site import LiveSite
from simulations.modbus_meter import MeterFault
from simulations.results import SessionResult
from simulations.scenario.model import Scenario, TimedFault, TimedLimit
from simulations.visits import Visit

LONGEST_TOKEN: Final = 20
"""OCPP 1.6 §7.28: an idToken has at most so many characters."""

METER_FAULTS: Final = {
    "meter_lost": MeterFault.SILENT,
    "meter_frozen": MeterFault.FROZEN,
    "meter_nan": MeterFault.NAN,
}
PLAYABLE: Final = frozenset({*METER_FAULTS, "charger_offline", "charger_deaf", "building_step", "controller_down"})


TRY_AGAIN_S: Final = 1.0

Say = Callable[[Limit], bool]


class Serve(Protocol):
    """Has the service started, or stopped."""

    async def __call__(self, *, there: bool) -> None:
        """Return when it is so."""
        ...


class Play:
    """The story of a scenario.

    Args:
        scenario: its visits and faults, the latter of ``PLAYABLE`` kinds.
        site: where it happens.
        serve: stops and starts the service.
        say: sets a limit; false while nobody is there to take it.
    """

    def __init__(self, scenario: Scenario, site: LiveSite, serve: Serve, say: Say) -> None:
        self._scenario, self._site, self._serve, self._say = scenario, site, serve, say
        self._stays: dict[str, Stay] = {}
        self._here: dict[str, Stay] = {}

    async def run(self) -> None:
        """Let it happen, from the opening of the site on."""
        await self._site.opened()
        async with asyncio.TaskGroup() as group:
            for point in self._scenario.site.points:
                visits = [visit for visit in self._scenario.visits if visit.point == point.id]
                group.create_task(self._people(point, visits))
            for fault in self._scenario.faults:
                group.create_task(self._trouble(fault))
            for number, limit in enumerate(self._scenario.limits):
                group.create_task(self._limited(limit, f"limit {number}"))

    def step(self, time_s: float, dt: float) -> None:
        """Look at those who are here after ``dt`` seconds of the world that ended at ``time_s`` from the beginning."""
        for stay in self._here.values():
            stay.step(time_s, dt)

    def results(self) -> tuple[SessionResult, ...]:
        """What has become of every visit so far."""
        return tuple(
            stay.result() if (stay := self._stays.get(visit.id)) else SessionResult(visit, 0.0, None, 0.0)
            for visit in self._scenario.visits
        )

    async def _until(self, time_s: float) -> None:
        await asyncio.sleep(max(0.0, self._site.opens_s + time_s - self._site.pace.now_s()))

    # -- people -------------------------------------------------------------------------------------------------

    async def _people(self, point: ChargingPoint, visits: Iterable[Visit]) -> None:
        for visit in visits:
            await self._until(visit.arrives_s)
            car = car_of(visit, self._site.opens_s)
            stay = Stay(visit, car, self._site.world.connector(point.id))
            self._stays[visit.id] = self._here[point.id] = stay
            client = self._site.client_of(point.id)
            client.later(client.arrive(point.connector, car, visit.token[:LONGEST_TOKEN] or self._site.tokens[0]))
            if visit.price_limit is not None:
                await self._look_at_prices(stay, point)
            await self._until(visit.leaves_s)
            client.leave(point.connector)
            del self._here[point.id]

    async def _look_at_prices(self, stay: Stay, point: ChargingPoint) -> None:
        visit, car = stay.visit, stay.car
        full_w = highest_w(car.model, point, self._scenario.site.nominal_voltage_v)
        for look_s in np.arange(visit.arrives_s, visit.leaves_s, PRICE_LOOK_S).tolist():
            await self._until(look_s)
            price = float(self._scenario.price.at(np.array([look_s]))[0])
            car.paused = waits(visit, car.drawn_wh, full_w, price, look_s)

    # -- limits -------------------------------------------------------------------------------------------------

    async def _limited(self, limit: TimedLimit, name: str) -> None:
        """Whoever sets it tries again while the service is away."""
        await self._until(limit.begins_s)
        ends_at = datetime.fromtimestamp(self._site.opens_s + limit.ends_s, UTC)
        while (now_s := self._site.pace.now_s()) < self._site.opens_s + limit.ends_s:
            now = datetime.fromtimestamp(now_s, UTC)
            if self._say(Limit(limit.circuit, limit.limit_w, limit.source, now, valid_until=ends_at, id=name)):
                return
            await asyncio.sleep(TRY_AGAIN_S)

    # -- faults -------------------------------------------------------------------------------------------------

    async def _trouble(self, fault: TimedFault) -> None:
        await self._until(fault.begins_s)
        if fault.kind == "controller_down":
            await self._serve(there=False)
        else:
            self._strike(fault, begins=True)
        await self._until(fault.ends_s)
        if fault.kind == "controller_down":
            await self._serve(there=True)
        else:
            self._strike(fault, begins=False)

    def _strike(self, fault: TimedFault, *, begins: bool) -> None:
        """Let what fails at once fail, or be well again."""
        if fault.kind in METER_FAULTS:
            self._site.fail_meters(METER_FAULTS[fault.kind] if begins else None)
        elif fault.kind == "building_step":
            self._add(fault.current_a, 1.0 if begins else -1.0)
        elif fault.kind == "charger_deaf":
            station = self._site.client_of(fault.point or "").firmware.station
            station.deaf = station.temperament.deaf or begins
        elif begins:
            client = self._site.client_of(fault.point or "")
            client.later(client.disconnect(fault.ends_s - fault.begins_s))

    def _add(self, current_a: Phases, sign: float) -> None:
        one, two, three = (was + sign * more for was, more in zip(self._site.building.extra_a, current_a, strict=True))
        self._site.building.extra_a = (one, two, three)
