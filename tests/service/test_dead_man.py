"""The service dies and stays dead: every charger goes to its fallback by the schedule that it was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulations.site_handle import start_site
from tests.support.service import LAB, eventually, running_service, write_site

FALLBACKS_A = {"P01": 6, "P02": 8, "P03": 0, "P04": 6}
CAR = {"max_a": 16.0, "reaction_s": 0.3}
VALID_S, RENEWED_S = 120, 40


async def test_with_the_service_down_every_charger_falls_to_its_fallback_by_its_own_schedule(tmp_path: Path):
    path = write_site(tmp_path, {name: {"fallback_a": limit_a} for name, limit_a in FALLBACKS_A.items()})
    async with running_service(path, LAB) as service:
        site = await start_site(path, "--quiet", "--newer-every", "2")
        try:

            async def points() -> dict[str, dict[str, Any]]:
                found: dict[str, dict[str, Any]] = (await site.command("status"))["points"]
                return found

            async def raised() -> bool:
                found = await points()
                return all(found[name]["limit_a"] >= 10 for name in ("P01", "P02", "P03"))

            async def ready() -> bool:
                return all(point["online"] and point["limit_a"] is not None for point in (await points()).values())

            await eventually(ready, "the default profiles")
            for name in ("P01", "P02", "P03"):
                await site.command("plug_in", point=name, car=CAR, soc=0.2)
            await eventually(raised, "limits above every fallback")
            service.kill()

            async def alone() -> bool:
                return not any(point["online"] for point in (await points()).values())

            await eventually(alone, "everything that was on its way to have arrived")
            transactions = {name: point["transaction_id"] for name, point in (await points()).items()}
            held = {name: point["limit_a"] for name, point in (await points()).items()}
            assert await raised()

            # A limit was written at most 40 s ago; what follows is the chargers' own clocks going on.
            await site.command("advance_clocks", seconds=VALID_S - RENEWED_S - 20)
            assert {name: point["limit_a"] for name, point in (await points()).items()} == held
            await site.command("plug_in", point="P04", car=CAR, soc=0.2)
            await site.command("advance_clocks", seconds=RENEWED_S + 25)
            found = await points()
            assert {name: point["limit_a"] for name, point in found.items()} == FALLBACKS_A

            async def fallen() -> bool:
                draws = {name: max(point["current_a"]) for name, point in (await points()).items()}
                return all(draws[name] <= limit_a for name, limit_a in FALLBACKS_A.items()) and draws["P04"] > 5

            await eventually(fallen, "the cars to follow, and the one that came meanwhile to charge at the fallback")
            await site.command("advance_clocks", seconds=86_400)
            assert {name: point["limit_a"] for name, point in (await points()).items()} == FALLBACKS_A, "without end"

            await service.start()

            async def back() -> bool:
                found = await points()
                steered = all(found[name]["limit_a"] > limit_a for name, limit_a in FALLBACKS_A.items())
                return steered and all(point["online"] for point in found.values())

            await eventually(back, "the limits to return with the service")
            after = await points()
            assert {name: after[name]["transaction_id"] for name in transactions if name != "P04"} == {
                name: number for name, number in transactions.items() if name != "P04"
            }
            truth = await site.finish()
        finally:
            await site.stop()
        ended = await service.sessions("ended")
    assert (truth["undelivered"], truth["overload_as"]) == (0, 0)
    assert {k: v["energy_wh"] for k, v in ended.items()} == {
        str(session["transaction_id"]): session["energy_wh"] for session in truth["sessions"]
    }
