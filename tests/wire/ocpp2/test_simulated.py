"""The simulated stations speak OCPP 2.0.1 as well, and the central system with them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from controller.commands import StopCharging
from simulations.cars import Car, CarModel
from simulations.chargers import ChargingStation
from simulations.connectors import Connector, ConnectorModel
from simulations.firmware import Firmware
from simulations.ocpp_client import OcppClient
from tests.support.ocpp import PASSWORD, TIMEOUT_S, TOKEN, Bench, bench, point, site_of, until


class Simulated:
    """One station of two EVSEs on a real socket, in a world whose time is the central system's."""

    def __init__(self, b: Bench) -> None:
        connectors = [Connector(n, (0, 1, 2), ConnectorModel(), random.Random(n)) for n in (1, 2)]
        self.station = ChargingStation("CP01", connectors, voltage_v=230.0)
        self.firmware = Firmware(self.station, None, lambda: uuid4().hex)
        url = f"ws://127.0.0.1:{b.central.port}/ocpp"
        self.client = OcppClient(
            self.firmware, url, lambda: b.clock.now().timestamp(), random.Random(1), PASSWORD, version="2.0.1"
        )
        self._clock = b.clock

    async def live(self, seconds: float, b: Bench, **limits_a: float) -> None:
        """Let time pass, with these limits."""
        for _ in range(round(seconds / 0.5)):
            self._clock.advance(0.5)
            self.station.step(self._clock.now().timestamp(), 0.5)
            self.client.observe()
            if limits_a:
                b.plan(**limits_a)
            await asyncio.sleep(0.005)

    def current_a(self, number: int = 1) -> float:
        return max(self.station.connectors[number].own_a)


@asynccontextmanager
async def simulated(b: Bench) -> AsyncIterator[Simulated]:
    one = Simulated(b)
    task = asyncio.create_task(one.client.run())
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await one.client.registered.wait()
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def a_car() -> Car:
    return Car(CarModel(max_a=16.0, reaction_s=0.3), soc=0.2)


SITE = site_of(point("P01"), point("P02", connector=2))


async def test_a_car_charges_by_its_limit_and_its_energy_is_on_record():
    async with bench(SITE) as b, simulated(b) as one:
        await until(lambda: one.firmware.profiles_accepted >= 2)
        await one.client.arrive(1, a_car(), TOKEN)
        await until(lambda: b.ledger.starts)
        await one.live(30, b, P01=10.0, P02=0.0)
        await until(lambda: b.state("P01").commanded_a == 10.0)
        await one.live(30, b, P01=10.0, P02=0.0)
        assert 9.0 < one.current_a() <= 10.1
        await until(lambda: b.state("P01").measured_a is not None)
        assert b.state("P01").state == "charging"
        await one.live(30, b, P01=0.0, P02=0.0)
        await until(lambda: b.state("P01").state == "withheld")
        one.client.leave(1)
        await until(lambda: b.ledger.stops)
        await until(lambda: b.state("P01").state == "available")
    (ended,) = one.firmware.ended
    (start,), (stop,) = b.ledger.starts, b.ledger.stops
    assert start.transaction_id == stop.transaction_id == ended.transaction.id
    assert (start.start_wh, stop.end_wh, start.flags, stop.flags) == (ended.transaction.start_wh, ended.end_wh, (), ())
    assert ended.end_wh > start.start_wh
    assert b.said("profile_rejected") == []
    assert b.said("setting_rejected") == []


async def test_what_happens_while_it_is_off_the_network_is_told_afterwards():
    async with bench(SITE) as b, simulated(b) as one:
        await one.client.arrive(1, a_car(), TOKEN)
        await until(lambda: b.ledger.starts)
        await one.live(15, b, P01=10.0)
        one.client.later(one.client.disconnect(0.3))
        await until(lambda: not one.client.registered.is_set())
        await one.live(40, b)
        one.client.leave(1)
        await one.client.arrive(2, a_car(), TOKEN)
        await one.live(15, b)
        async with asyncio.timeout(TIMEOUT_S):
            await one.client.registered.wait()
        await until(lambda: len(one.firmware.outbox) == 0)
    assert [start.point for start in b.ledger.starts] == ["P01", "P02"]
    (stop,) = b.ledger.stops
    assert (stop.end_wh, stop.flags) == (one.firmware.ended[0].end_wh, ())
    assert len(b.ledger.sessions) == 1


async def test_an_unknown_token_starts_nothing_and_a_stop_is_obeyed():
    async with bench(SITE) as b, simulated(b) as one:
        await one.client.arrive(1, a_car(), "FFFF")
        assert one.client.refused_tokens == 1
        one.client.leave(1)
        await one.client.arrive(1, a_car(), TOKEN)
        await until(lambda: b.ledger.starts)
        await until(lambda: b.state("P01").state == "withheld")  # no time has passed: nothing is offered yet
        assert (await b.central.command("P01", StopCharging())).accepted
        one.client.observe()
        await until(lambda: b.ledger.stops)
        assert b.ledger.stops[0].reason == "Remote"
