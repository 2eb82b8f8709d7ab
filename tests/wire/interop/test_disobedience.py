"""Chargers that say yes to everything and go on as they like: what the whole service makes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from unittest.mock import patch

import pytest

from controller.loadbalance import escalation
from tests.support.lab import Lab, laboratory
from tests.support.strange_charger import Habit, Payload, StrangeCharger, deaf


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Suspicions last a second here, and atonement two."""
    with patch.object(escalation, "SUSPECT_S", 1.0), patch.object(escalation, "ATONE_S", 2.0):
        yield


async def nodding(charger: StrangeCharger, message_id: str, _payload: Payload) -> None:
    """It says yes, and does nothing."""
    await charger.answer(message_id, {"status": "Accepted"})


async def leaving(charger: StrangeCharger, message_id: str, payload: Payload) -> None:
    """It goes into service and out of it at once, whatever runs."""
    await charger.answer(message_id, {"status": "Accepted"})
    if payload["type"] == "Inoperative":
        await charger.stop(reason="Other")
        await charger.status("Unavailable")
    else:
        await charger.status("Available")


async def candid(charger: StrangeCharger, message_id: str, _payload: Payload) -> None:
    """It says that it holds all that its hardware gives."""
    periods = [{"startPeriod": 0, "limit": charger.outlets[1].most_a}]
    schedule = {"duration": 60, "chargingRateUnit": "A", "chargingSchedulePeriod": periods}
    await charger.answer(message_id, {"status": "Accepted", "connectorId": 1, "chargingSchedule": schedule})


DEAF: dict[str, Habit] = {"SetChargingProfile": nodding}
NAMES = ("STOPPED", "DISABLED", "SILENT")
HABITS: dict[str, dict[str, Habit]] = {
    "STOPPED": DEAF | {"GetCompositeSchedule": candid},
    "DISABLED": DEAF | {"GetCompositeSchedule": candid, "ChangeAvailability": leaving},
    "SILENT": DEAF | {"GetCompositeSchedule": deaf, "ChangeAvailability": leaving},
}


async def said(lab: Lab, name: str, kind: str) -> list[str]:
    events = (await lab.get("/events"))["items"]
    return [event["message"] for event in events if event["subject"] == f"point:{name}-1" and event["kind"] == kind]


async def test_each_is_taken_as_far_as_it_must_be_while_its_neighbour_is_served(tmp_path: Path):
    async with laboratory(tmp_path, dict.fromkeys([*NAMES, "GOOD"], 1), fuse_a=60.0) as lab, AsyncExitStack() as on:
        cars = {"most_a": 16.0, "car_a": 16.0}
        good = await on.enter_async_context(lab.charger("GOOD", **cars))
        wild = {name: await on.enter_async_context(lab.charger(name, habits=HABITS[name], **cars)) for name in NAMES}
        for charger in (good, *wild.values()):
            await charger.boot()
            await charger.start()
            charger.keep_measuring()
        stopping = asyncio.create_task(stop_when_asked(wild["STOPPED"]))
        for charger in wild.values():
            await charger.has(lambda charger=charger: called(charger, "RemoteStopTransaction"), "a request to stop")
        await stopping
        assert called(wild["SILENT"], "GetCompositeSchedule") == 1, "a question without an answer held nothing up"
        for name in ("DISABLED", "SILENT"):
            await wild[name].has(lambda name=name: called(wild[name], "ChangeAvailability"), "being taken out")
            await lab.becomes(f"{name}-1", state="faulted")
        await good.has(lambda: good.outlets[1].allowed_a() == 16.0, "what the others have left")
        kinds = await lab.event_kinds("point:STOPPED-1")
        assert {"limit_ignored", "composite_differs"} <= kinds
        assert not {"connector_out_of_service", "remote_stop_rejected"} & kinds
        assert {"limit_ignored", "connector_out_of_service", "composite_unknown"} <= await lab.event_kinds(
            "point:SILENT-1"
        )
        assert any("its transaction is ended" in text for text in await said(lab, "STOPPED", "limit_ignored"))
        assert any("taken out of service" in text for text in await said(lab, "DISABLED", "limit_ignored"))
        assert "limit_ignored" not in await lab.event_kinds("point:GOOD-1")
        assert await lab.event_kinds("service") == set()


async def stop_when_asked(charger: StrangeCharger) -> None:
    await charger.has(lambda: called(charger, "RemoteStopTransaction"), "a request to stop")
    await charger.stop(reason="Remote")
    await charger.status("Finishing")


def called(charger: StrangeCharger, action: str) -> int:
    return sum(name == action for name, _ in charger.calls)
