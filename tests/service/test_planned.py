"""The whole service plans: a car with time waits for cheap hours, and goes on at once when its driver is in a hurry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from simulations.site_handle import start_site
from tests.support.service import LAB, RunningService, eventually, running_service, write_site

MORE = '[plan]\nprice_file = "prices.csv"\n\n[loadbalance]\nturn_min = 0.05'


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")


async def point(service: RunningService) -> Any:
    return await service.get("/points/P01")


async def ask(service: RunningService, **wishes: object) -> Any:
    answer = await service.http.patch("/api/v1/points/P01", json=wishes)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_wish_changes_the_plan_and_the_plan_the_limit_also_after_a_restart(tmp_path: Path):
    (tmp_path / "prices.csv").write_text(
        f"at,price_per_kwh\n{in_hours(-1)},0.40\n{in_hours(3)},0.05\n{in_hours(9)},0.40"
    )
    path = write_site(tmp_path, {"P01": {}}, more=MORE)
    async with running_service(path, LAB) as service:
        site = await start_site(path, "--quiet")
        try:

            async def charging() -> bool:
                seen = await point(service)
                return seen["session"] is not None and seen["state"] == "charging" and seen["limit_a"] == 16

            async def waiting() -> bool:
                seen = await point(service)
                return bool(seen["limit_a"] == 0 and seen["because"] == "plan:price")

            await eventually(lambda: _online(service), "the station")
            await site.command("plug_in", point="P01", car={"max_a": 16.0, "reaction_s": 0.3}, soc=0.2)
            await eventually(charging, "the car to charge: nobody has said that it has time")

            await ask(service, departs_at=in_hours(8), energy_kwh=10)
            await eventually(waiting, "the car to wait for the cheap hours")
            assert (await point(service))["need"]["shortfall_wh"] == 0

            dimming = {"circuit": "main", "limit_w": 0, "source": "grid_operator", "id": "repairs"}
            times = {"valid_from": in_hours(2), "valid_until": in_hours(8.5)}
            await service.http.put("/api/v1/limits", json=dimming | times)
            await eventually(charging, "the car to charge before the dimming that falls into the cheap hours")
            await service.http.delete("/api/v1/limits", params={"id": "repairs"})
            await eventually(waiting, "the car to wait again")

            service.kill()
            await service.start()
            await eventually(waiting, "the wish to be remembered and planned for anew")

            hurried = await ask(service, departs_at=in_hours(1 / 6), energy_kwh=60)
            assert hurried["need"]["shortfall_wh"] > 50_000, "told in the same breath"
            await eventually(charging, "the car to charge as fast as it can")
        finally:
            await site.stop()
        assert not {"plan_late", "plan_dropped", "planner_gone"} & await service.event_kinds()


async def _online(service: RunningService) -> bool:
    return bool((await point(service))["online"])
