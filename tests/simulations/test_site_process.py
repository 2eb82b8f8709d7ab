import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient

from adapters.configuration import load_configuration
from simulations.site_handle import SiteHandle, SiteProcessError, start_site
from tests.support.central import CentralSystem
from tests.support.processes import WITHIN_S
from tests.support.site_files import write_site


class Played:
    def __init__(self, site: SiteHandle, central: CentralSystem, path: Path) -> None:
        self.site, self.central, self.path = site, central, path

    async def point(self, name: str) -> dict[str, Any]:
        return (await self.site.command("status"))["points"][name]

    async def meter_a(self) -> list[float]:
        (meter,) = load_configuration(self.path, {}).meters
        client = AsyncModbusTcpClient("127.0.0.1", port=meter.port, timeout=WITHIN_S, retries=0)
        try:
            await client.connect()
            answer = await client.read_input_registers(6, count=6, device_id=1)
            values = client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)
            return [float(value) for value in values]
        finally:
            client.close()


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Played]:
    central = CentralSystem()
    await central.start()
    path = write_site(tmp_path, central.port)
    site = await start_site(path, "--quiet", "--meter-noise-a", "0")
    await central.has("BootNotification", count=2)
    yield Played(site, central, path)
    await site.stop()
    await central.stop()


async def test_a_car_charges_its_draw_shows_on_the_meter_and_its_session_in_the_summary(played: Played):
    await played.site.command("step_building", a=[5.0, 6.0, 7.0])
    await played.site.command("plug_in", point="P01", car={"max_a": 10.0, "reaction_s": 0.2}, soc=0.2)
    async with asyncio.timeout(WITHIN_S):
        while max(await played.meter_a()) < 16.9:  # noqa: ASYNC110 - a foreign process has no event for us
            await asyncio.sleep(0.1)
    assert (await played.point("P01"))["status"] == "Charging"
    assert await played.meter_a() == pytest.approx([15.0, 16.0, 17.0], abs=0.01)
    summary = await played.site.finish()
    stop = await played.central.has("StopTransaction")
    start = await played.central.has("StartTransaction")
    assert summary["undelivered"] == 0
    assert summary["points_connected"] == 2
    assert summary["metered_wh"] == stop["meterStop"] - start["meterStart"]
    (session,) = summary["sessions"]
    assert session["energy_wh"] == pytest.approx(session["car_wh"], abs=1.0)
    assert summary["peak_phase_a"] == pytest.approx(17.0)


async def test_wrong_commands_are_answered_and_change_nothing(played: Played):
    for command, reason in [
        ({"cmd": "dance"}, "known: status"),
        ({"cmd": "plug_in", "point": "P99"}, "P99"),
        ({"cmd": "plug_in", "point": "P01", "car": {"wings": 2}}, "wings"),
        ({"cmd": "step_building", "a": [1.0]}, "ValueError"),
        ({"cmd": "meter", "fault": "haunted"}, "haunted"),
    ]:
        with pytest.raises(SiteProcessError, match=reason):
            await played.site.command(**command)
    await played.site.command("plug_in", point="P01")
    with pytest.raises(SiteProcessError, match="there is a car already"):
        await played.site.command("plug_in", point="P01")


async def test_a_charger_that_leaves_the_network_comes_back(played: Played):
    await played.site.command("offline", point="P01", seconds=0.3)
    await played.central.has("BootNotification", count=3)
    async with asyncio.timeout(WITHIN_S):
        while not (await played.point("P01"))["online"]:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.05)


async def test_a_site_file_without_a_meter_to_play_ends_the_process(tmp_path: Path):
    path = write_site(tmp_path)
    path.write_text(path.read_text().replace('meter = "grid"\n', "").split("[[meters]]")[0])
    with pytest.raises(SiteProcessError, match="has ended"):
        await start_site(path)


async def test_the_process_does_not_outlive_whoever_controls_it(played: Played):
    process = played.site._process
    assert process.stdin is not None
    process.stdin.close()
    async with asyncio.timeout(WITHIN_S):
        assert await process.wait() == 0
