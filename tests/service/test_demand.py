"""The whole service holds a demand window: in the chargers, on the page, on record, and through a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulations.site_handle import start_site
from tests.support.service import LAB, RunningService, eventually, running_service, write_site

MORE = """[peak]
tariff = "month_peak"
prices = {per_kw_month = "9.50"}
target_kw = 5
[peak.price_lever]
surcharge_per_kwh = "0.15"
"""


async def demand(service: RunningService) -> Any:
    return (await service.get("/site"))["peak"]


async def test_charging_is_held_to_what_the_window_leaves_also_after_a_restart(tmp_path: Path):
    path = write_site(tmp_path, {"P01": {}, "P02": {}}, more=MORE)
    async with running_service(path, LAB) as service:
        site = await start_site(path, "--quiet")
        try:
            await site.command("step_building", a=[20.0] * 3)  # more than the target, whenever in a window that is
            for point in ("P01", "P02"):
                await site.command("plug_in", point=point, car={"max_a": 16.0, "reaction_s": 0.3}, soc=0.2)

            async def held() -> bool:
                points = (await service.get("/points"))["items"]
                told = (await site.command("status"))["points"]
                return all(
                    one["session"] and "limit:peak" in (one["because"] or "") and told[one["id"]]["limit_a"] == 0
                    for one in points
                )

            await eventually(held, "both cars to be held back for the peak")
            seen = await demand(service)
            assert seen["target_w"] == 5_000.0
            assert seen["allowed_w"] == 0.0
            price = (await service.get("/prices"))["now"]
            assert (price["level"], price["per_kwh"]) in (("normal", "0.35"), ("high", "0.50"))

            service.kill()
            await service.start()
            again = await eventually(lambda: demand(service), "the window to go on")
            if again["window"]["begins_at"] == seen["window"]["begins_at"]:
                assert again["window"]["energy_wh"] >= 0.9 * seen["window"]["energy_wh"]
                assert "restart" in again["window"]["marks"]
            await eventually(held, "both cars to be held back for the peak again")
        finally:
            await site.stop()
