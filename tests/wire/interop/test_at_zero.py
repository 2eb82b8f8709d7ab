"""What chargers and cars do when there is nothing left for them, and what the stubborn ones do to the others."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from tests.support.lab import Lab, laboratory
from tests.support.strange_charger import StrangeCharger, deaf, refusing

HELD_BACK = {
    "EVSE": ("SuspendedEVSE", "withheld"),
    "EV": ("SuspendedEV", "withheld"),
    "LIES": ("Available", "plugged"),
    "STAYS": ("Charging", "withheld"),
    "MUTE": (None, "plugged"),
}
"""What a charger says of a car that gets nothing, and what is made of it: one that goes on asking for current."""


async def charging(lab: Lab, charger: StrangeCharger, name: str) -> None:
    """Begin a session, and wait until it charges."""
    await charger.boot()
    await charger.status("Preparing")
    await charger.start()
    charger.keep_measuring()
    await allowed(charger, 6.0, 16.0)
    await lab.becomes(f"{name}-1", state="charging")


async def allowed(charger: StrangeCharger, least_a: float, most_a: float) -> None:
    """Wait until the charger is under a limit in this range."""
    await charger.has(lambda: least_a <= charger.outlets[1].allowed_a() <= most_a, f"{least_a} to {most_a} A")


def loaded_a(lab: Lab) -> float:
    return lab.grid.metered()[0][0]


async def test_cars_that_are_held_back_charge_again_whatever_their_chargers_do_meanwhile(tmp_path: Path):
    names = [*HELD_BACK, "ENDS", "DEFAULTS"]
    habits = {"DEFAULTS": {"SetChargingProfile": refusing("TxProfile")}}
    async with (
        laboratory(tmp_path, dict.fromkeys(names, 1), fuse_a=130.0, fallback_a=0.0) as lab,
        AsyncExitStack() as on,
    ):
        chargers = {
            name: await on.enter_async_context(lab.charger(name, car_a=16.0, habits=habits.get(name))) for name in names
        }
        await asyncio.gather(*(charging(lab, charger, name) for name, charger in chargers.items()))
        lab.grid.base_a = 126.0
        await asyncio.gather(*(allowed(charger, 0.0, 0.0) for charger in chargers.values()))
        for name, (status, state) in HELD_BACK.items():
            if status is not None:
                await chargers[name].status(status)
            await lab.becomes(f"{name}-1", commanded_a=0.0, state=state)
        await chargers["ENDS"].status("Finishing")
        await chargers["ENDS"].stop(reason="Other")
        await lab.becomes("ENDS-1", state="finishing")
        assert chargers["ENDS"].outlets[1].allowed_a() == 0.0, "whatever it starts by itself finds no current"

        lab.grid.base_a = 2.0
        await chargers["ENDS"].status("Preparing")
        await chargers["ENDS"].start()
        await asyncio.gather(*(allowed(charger, 6.0, 16.0) for charger in chargers.values()))
        for name, charger in chargers.items():
            await lab.becomes(f"{name}-1", state="charging")
            await charger.stop()
        for name in (*HELD_BACK, "DEFAULTS"):
            assert [s["energy_wh"] for s in await lab.sessions(name)] == [500], "one session, interrupted or not"
        assert {s["stop_reason"] for s in await lab.sessions("ENDS")} == {"Other", "Local"}


async def test_the_others_make_room_for_chargers_that_nobody_can_steer(tmp_path: Path):
    stations = {"OTHER": 1, "REFUSES": 1, "SILENT": 1}
    habits = {"REFUSES": refusing("TxProfile", "TxDefaultProfile", status="NotSupported"), "SILENT": deaf}
    async with laboratory(tmp_path, stations, fuse_a=48.0, fallback_a=0.0) as lab, AsyncExitStack() as on:
        other = await on.enter_async_context(lab.charger("OTHER", car_a=16.0))
        await charging(lab, other, "OTHER")
        for name, habit in habits.items():
            options: dict[str, Any] = {"habits": {"SetChargingProfile": habit}, "most_a": 16.0, "car_a": 10.0}
            wild = await on.enter_async_context(lab.charger(name, **options))
            await wild.boot()
            await wild.start()
            wild.keep_measuring()
            await lab.becomes(f"{name}-1", commanded_a=16.0, state="charging")
        await allowed(other, 6.0, 14.0)
        assert loaded_a(lab) <= 48.0
        lab.grid.base_a = 12.0
        await allowed(other, 0.0, 0.0)
        assert loaded_a(lab) == 32.0, "what the two may draw beyond their ten amperes each is kept free"
        for name in ("REFUSES-1", "SILENT-1", "OTHER-1"):
            assert "guard_intervened" not in await lab.event_kinds(f"point:{name}")
