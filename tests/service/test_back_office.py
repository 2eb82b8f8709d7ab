"""The whole service between a charger and its back office, each of which is killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.back_office import back_office
from tests.support.forwarded import MeteredCharger, untold
from tests.support.processes import until
from tests.support.service import LAB, eventually, running_service, write_site

PROFILE = {
    "chargingProfileId": 7,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9.0}]},
}


async def test_a_charger_its_back_office_and_the_service_between_them_are_killed_in_turn(tmp_path: Path):
    async with back_office(tmp_path) as office:
        table = f'[[upstreams]]\nid = "office"\nurl = "{office.url}"'
        path = write_site(tmp_path, {"P01": {}}, more=table)
        async with (
            running_service(path, LAB) as service,
            MeteredCharger(f"ws://127.0.0.1:{service.ocpp_port}/ocpp") as car,
        ):

            async def seen() -> dict[str, Any]:
                (upstream,) = (await service.get("/site"))["upstreams"]
                return dict(upstream)

            async def passes() -> bool:
                return bool((await seen())["ready"])

            await car.boot()
            await eventually(passes, "messages to pass")
            await car.begin()
            set_it = {"connectorId": 1, "csChargingProfiles": PROFILE}
            assert await office.call("CP01", "SetChargingProfile", set_it) == {"status": "Accepted"}

            async def limited() -> bool:
                point = await service.get("/points/P01")
                return point["max_a"] == 9.0 and point["limit_a"] is not None and point["limit_a"] <= 9.0

            await eventually(limited, "the back office's limit to bound ours")
            await office.kill()
            await car.end()
            for _ in range(2):
                await car.session()

            async def waits() -> bool:
                upstream = await seen()
                return not upstream["ready"] and upstream["waiting"] == 7 and upstream["oldest_s"] > 0

            await eventually(waits, "seven messages to wait")
            metrics = (await service.http.get("/metrics")).text
            assert 'loadstar_upstream_waiting{station="CP01",upstream="office"} 7.0' in metrics
            service.kill()
            await service.start()
            await car.begin()
            await office.start()

            async def told() -> bool:
                upstream = await seen()
                return bool(upstream["ready"]) and upstream["waiting"] == 0

            await eventually(told, "everything to be told")
            await car.end()
            await until(lambda: not untold(tmp_path / "loadstar.db"), "the last end to be told")
        assert office.sessions("CP01") == car.sessions
        assert office.failures == []
