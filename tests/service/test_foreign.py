"""The whole service among strangers: somebody else's meter, charger, broker and database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.metering.registers import register_map
from tests.support.foreign import ForeignCharger, foreign_charger
from tests.support.influx import victoria_metrics
from tests.support.meters import ForeignServer
from tests.support.mosquitto import Listener, Mosquitto, mosquitto
from tests.support.processes import until
from tests.support.service import LAB, RunningService, eventually, free_ports, running_service, write_site

TOKEN = "04A2B3C4"
FUSE_A, MARGIN_A = 63, 1
STARTED_S = 40.0
SDM630 = register_map("eastron_sdm630")


class Connection:
    """What the meter of the grid connection would measure: the building and the car."""

    def __init__(self) -> None:
        self.building_a = 20.0
        self.charger: ForeignCharger | None = None

    @property
    def current_a(self) -> float:
        return self.building_a + (self.charger.drawn_a if self.charger is not None else 0.0)


@asynccontextmanager
async def repeated(action: Callable[[], object], every_s: float = 0.1) -> AsyncIterator[None]:
    async def again_and_again() -> None:
        while True:
            done = action()
            if asyncio.iscoroutine(done):
                await done
            await asyncio.sleep(every_s)

    task = asyncio.create_task(again_and_again())
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def the_limit_follows(service: RunningService, charger: ForeignCharger, connection: Connection) -> None:
    """The load of the building rises, and what the charger may draw falls."""
    await until(lambda: charger.drawn_a == 32, "all that the point may have", STARTED_S)

    reports: set[str] = set()

    async def settled() -> bool:
        site = await service.get("/site")
        (circuit,), (point,) = site["circuits"], site["points"]
        if circuit["current_a"] == [52] * 3 and circuit["charging_a"] == [32] * 3:
            reports.add(point["measured_at"][:19])
        return len(reports) >= 4

    await eventually(settled, "meter and charger to agree, in several reports")
    connection.building_a = 40.0
    await until(lambda: charger.drawn_a <= FUSE_A - MARGIN_A - 40, "the room that is left")
    assert charger.drawn_a >= 16, "no more is kept free than noise and a rising load ask for"


async def session_is_priced(service: RunningService, charger: ForeignCharger) -> None:
    name = str(charger.transaction)
    assert name in await service.sessions("running")
    assert await charger.unplug() == 0, charger.failures
    assert charger.failures == []

    async def ended() -> object:
        return (await service.sessions("ended")).get(name)

    await eventually(ended, "the end of the session")
    session = (await service.sessions("ended"))[name]
    assert (session["token"], session["start_wh"], session["end_wh"]) == (TOKEN, 12_000, 17_500)
    assert (session["energy_wh"], session["currency"], Decimal(session["cost"])) == (5_500, "EUR", Decimal("1.925"))
    assert session["review_flags"] == []


async def test_pymodbustcp_is_the_meter_and_ocpp_rpc_the_charger(tmp_path: Path):
    connection, meter = Connection(), ForeignServer()
    ports = free_ports()
    meter.port = ports.meter
    path = write_site(tmp_path, {"P01": {"max_a": 32}}, ports=ports, fuse_a=FUSE_A)

    def measure() -> None:
        meter.serve(SDM630, **of_each_phase("a", connection.current_a), **watts(connection.current_a))

    measure()
    meter.start()
    try:
        async with running_service(path, LAB) as service, repeated(measure):
            car = {"most_a": 32, "start_wh": 12_000, "stop_wh": 17_500}
            async with foreign_charger(service.ocpp_port, "CP01", TOKEN, **car) as charger:
                connection.charger = charger
                await the_limit_follows(service, charger, connection)
                connection.building_a = 58.0
                await until(lambda: charger.drawn_a <= FUSE_A - MARGIN_A - 58, "the room that is left")
                assert charger.drawn_a == 0, "less than the minimum is nothing"
                connection.building_a = 45.0
                await until(lambda: charger.drawn_a >= 12, "the room to be given back", STARTED_S)
                assert charger.drawn_a <= FUSE_A - MARGIN_A - 45
                (circuit,) = (await service.get("/site"))["circuits"]
                assert circuit["fresh"]
                await session_is_priced(service, charger)
            assert await service.terminate() == 0
    finally:
        meter.stop()


def of_each_phase(unit: str, value: float) -> dict[str, float]:
    return {f"l{n}_{unit}": value for n in (1, 2, 3)}


def watts(current_a: float) -> dict[str, float]:
    return {**of_each_phase("w", 225 * current_a), "total_w": 3 * 225 * current_a}


def mqtt_meter(broker: Mosquitto) -> str:
    rows = [f'l{n}_a = {{ topic = "meters/grid", path = "l{n}.a" }}' for n in (1, 2, 3)]
    head = f'kind = "mqtt"\nurl = "{broker.url}"\ntimestamp_path = "time"\n[meters.quantities]'
    return "\n".join([head, *rows])


async def test_mosquitto_brings_the_meter_and_takes_the_state_and_victoria_metrics_keeps_it(tmp_path: Path):
    connection = Connection()
    with mosquitto(tmp_path) as broker, victoria_metrics(tmp_path) as database:
        more = f'[mqtt]\nurl = "{broker.url}"\n\n[influx]\nurl = "{database.url}"'
        path = write_site(tmp_path, {"P01": {"max_a": 32}}, fuse_a=FUSE_A, meter=mqtt_meter(broker), more=more)
        async with broker.client() as device, Listener(broker, "loadstar/#") as listener:

            async def measure() -> None:
                phases = {f"l{n}": {"a": connection.current_a} for n in (1, 2, 3)}
                payload = json.dumps({"time": datetime.now(UTC).isoformat(), **phases})
                await device.publish("meters/grid", payload)

            async with repeated(measure), running_service(path, LAB) as service:
                car = {"most_a": 32, "start_wh": 12_000, "stop_wh": 17_500}
                async with foreign_charger(service.ocpp_port, "CP01", TOKEN, **car) as charger:
                    connection.charger = charger
                    await the_limit_follows(service, charger, connection)
                    limit_a = charger.drawn_a
                    point = "loadstar/test/point/P01"
                    await listener.sees(lambda t: float(t[f"{point}/limit_a"]) == charger.drawn_a, "the limit")
                    await listener.sees(lambda t: t[f"{point}/state"] == "charging", "the state")
                    await listener.sees(lambda t: f"{point}/session/id" in t, "the session")
                    session = (await service.sessions("running"))[str(charger.transaction)]
                    assert listener.latest[f"{point}/session/id"] == session["id"]
                    await listener.sees(
                        lambda t: float(t["loadstar/test/meter/grid/l2_a"]) == connection.current_a, "the load"
                    )
                    assert json.loads(listener.latest["loadstar/test/state"])
                    await session_is_priced(service, charger)
                assert listener.latest["loadstar/test/status"] == "online"
                assert await service.terminate() == 0
            await listener.sees(lambda topics: topics["loadstar/test/status"] == "offline", "the goodbye")
        (limits,) = (series for series in database.series("point_limit_a") if series["metric"]["point"] == "P01")
        assert {32, limit_a} <= set(limits["values"])
        (load,) = (series for series in database.series("meter_current_a") if series["metric"]["phase"] == "L1")
        assert pytest.approx(72, abs=0.1) == max(load["values"])
