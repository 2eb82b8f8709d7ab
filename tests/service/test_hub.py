"""The whole service as one station of its back office: killed with sessions that run, and with others untold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.back_office import back_office
from tests.support.forwarded import MeteredCharger, untold
from tests.support.processes import until
from tests.support.service import LAB, eventually, running_service, write_site


async def test_two_chargers_their_back_office_and_the_service_are_killed_in_turn(tmp_path: Path):
    async with back_office(tmp_path) as office:
        table = f'[[upstreams]]\nid = "office"\nurl = "{office.url}"\nmode = "hub"\nidentity = "HUB1"'
        path = write_site(tmp_path, {"P01": {}, "P02": {}}, more=table)
        async with running_service(path, LAB) as service:
            endpoint = f"ws://127.0.0.1:{service.ocpp_port}/ocpp"
            async with (
                MeteredCharger(endpoint, "CP01") as one,
                MeteredCharger(endpoint, "CP02", register_wh=70_000) as two,
            ):

                async def seen() -> dict[str, Any]:
                    upstreams = (await service.get("/site"))["upstreams"]
                    return dict(upstreams[0])

                async def told() -> bool:
                    upstream = await seen()
                    return bool(upstream["ready"]) and upstream["waiting"] == 0

                for charger in (one, two):
                    await charger.boot()
                await eventually(told, "the hub to be connected")
                await one.begin()
                await until(lambda: not untold(tmp_path / "loadstar.db"), "a start to be told")
                whole = {
                    "chargingProfileId": 7,
                    "stackLevel": 0,
                    "chargingProfilePurpose": "ChargePointMaxProfile",
                    "chargingProfileKind": "Relative",
                    "chargingSchedule": {
                        "chargingRateUnit": "A",
                        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9.0}],
                    },
                }
                set_it = {"connectorId": 0, "csChargingProfiles": whole}
                assert await office.call("HUB1", "SetChargingProfile", set_it) == {"status": "Accepted"}

                async def limited() -> bool:
                    point = await service.get("/points/P01")
                    return point["max_a"] == 9.0 and point["limit_a"] is not None and point["limit_a"] <= 9.0

                await eventually(limited, "the back office's limit to bound ours")
                await office.kill()
                await one.end()
                await two.begin()

                async def waits() -> bool:
                    upstream = await seen()
                    return not upstream["ready"] and upstream["waiting"] == 2

                await eventually(waits, "two messages to wait")
                service.kill()
                await service.start()
                await two.end()
                await one.session()
                await office.start()
                await eventually(told, "everything to be told")
        stations = {row["connectorId"]: row["station"] for row in office.book["sessions"].values()}
        assert stations == {1: "HUB1", 2: "HUB1"}
        assert sorted(office.sessions("HUB1")) == sorted(one.sessions + two.sessions)
        assert all(row["stops"] == 1 for row in office.book["sessions"].values())
        assert office.failures == []
