"""Stations of all versions at one fuse, through the whole service: shared, recorded, and cornered where need be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from controller.loadbalance import escalation
from tests.support.lab import Lab, laboratory
from tests.support.strange_charger import Habit, Payload, StrangeCharger, stamp
from tests.support.strange_station import StrangeStation


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Suspicions last a second here, and atonement two."""
    with patch.object(escalation, "SUSPECT_S", 1.0), patch.object(escalation, "ATONE_S", 2.0):
        yield


@asynccontextmanager
async def newer(lab: Lab, identity: str, **options: Any) -> Any:
    """A station of a newer version that is connected; what it draws shows on the site's meter."""
    station = StrangeStation(f"ws://127.0.0.1:{lab.service.ocpp_port}/ocpp", identity, **options)
    lab.grid.chargers.append(station)
    try:
        async with station:
            yield station
    finally:
        lab.grid.chargers.remove(station)


async def test_three_versions_share_a_fuse_and_their_sessions_are_on_record(tmp_path: Path):
    names = ("OLD", "NEW", "NEWEST")
    async with laboratory(tmp_path, dict.fromkeys(names, 1), fuse_a=34.0) as lab, AsyncExitStack() as on:
        chargers: dict[str, StrangeCharger] = {
            "OLD": await on.enter_async_context(lab.charger("OLD", car_a=16.0)),
            "NEW": await on.enter_async_context(newer(lab, "NEW", car_a=16.0)),
            "NEWEST": await on.enter_async_context(newer(lab, "NEWEST", version="ocpp2.1", car_a=16.0)),
        }
        for name, charger in chargers.items():
            await charger.boot()
            await charger.has(lambda charger=charger: charger.outlets[1].allowed_a() == 6.0, "its default")
            await charger.start()
            charger.keep_measuring()
            await lab.becomes(f"{name}-1", online=True, state="charging")
        for charger in chargers.values():
            await charger.has(lambda charger=charger: charger.outlets[1].allowed_a() >= 10.0, "a third of the fuse")
        for name, charger in chargers.items():
            assert await lab.honest(f"{name}-1", charger) <= 16.0
        assert sum(charger.outlets[1].allowed_a() for charger in chargers.values()) <= 34.0
        ids = {name: chargers[name].running() for name in ("NEW", "NEWEST")}
        for charger in chargers.values():
            await charger.stop(delivered_wh=700)
        for name in names:
            (session,) = await lab.sessions(name)
            assert (session["state"], session["energy_wh"], session["token"]) == ("ended", 700, "04A2B3C4")
            assert session["transaction_id"] == ids.get(name, session["transaction_id"])
            assert (session["point"], session["review_flags"]) == (f"{name}-1", [])
            assert session["cost"] is not None


async def nodding(charger: StrangeCharger, message_id: str, _payload: Payload) -> None:
    """It says yes, and does nothing."""
    await charger.answer(message_id, {"status": "Accepted"})


async def candid(charger: StrangeCharger, message_id: str, _payload: Payload) -> None:
    """It says that it holds all that its hardware gives."""
    periods = [{"startPeriod": 0, "limit": charger.outlets[1].most_a}]
    schedule = {"evseId": 1, "duration": 60, "scheduleStart": "2026-11-20T09:00:00Z", "chargingRateUnit": "A"}
    held = schedule | {"chargingSchedulePeriod": periods}
    await charger.answer(message_id, {"status": "Accepted", "schedule": held})


async def leaving(charger: StrangeCharger, message_id: str, payload: Payload) -> None:
    """It goes out of service at once, whatever runs."""
    await charger.answer(message_id, {"status": "Accepted"})
    if payload["operationalStatus"] == "Inoperative":
        await charger.stop(reason="Other")
        await charger.status("Unavailable")
    else:
        await charger.status("Available")


DEAF: dict[str, Habit] = {"SetChargingProfile": nodding, "GetCompositeSchedule": candid, "ChangeAvailability": leaving}


async def test_a_deaf_station_of_2_0_1_is_asked_told_to_stop_and_taken_out(tmp_path: Path):
    stations = {"GOOD": 1, "WILD": 1}
    async with laboratory(tmp_path, stations, fuse_a=24.0) as lab, AsyncExitStack() as on:
        good = await on.enter_async_context(newer(lab, "GOOD", most_a=16.0, car_a=16.0))
        wild = await on.enter_async_context(newer(lab, "WILD", most_a=16.0, car_a=16.0, habits=DEAF))
        for station in (good, wild):
            await station.boot()
            await station.start()
            station.keep_measuring()
        await wild.has(lambda: "RequestStopTransaction" in dict(wild.calls), "a request to stop")
        await lab.becomes("WILD-1", state="faulted")
        await good.has(lambda: good.outlets[1].allowed_a() == 16.0, "what the other has left")
        kinds = await lab.event_kinds("point:WILD-1")
        assert {"limit_ignored", "composite_differs", "connector_out_of_service"} <= kinds
        assert "limit_ignored" not in await lab.event_kinds("point:GOOD-1")
        assert await lab.event_kinds("service") == set()


async def test_what_was_kept_offline_and_comes_again_counts_once_and_two_may_use_one_name(tmp_path: Path):
    async with laboratory(tmp_path, {"ONE": 1, "TWO": 1}) as lab, AsyncExitStack() as on:
        one = await on.enter_async_context(newer(lab, "ONE"))
        two = await on.enter_async_context(newer(lab, "TWO"))
        for station in (one, two):
            await station.boot()
            await station.start(name="1")
        ended = {
            "eventType": "Ended",
            "timestamp": stamp(-3600),
            "triggerReason": "EVDeparted",
            "seqNo": 5,
            "offline": True,
            "transactionInfo": {"transactionId": "kept", "stoppedReason": "EVDisconnected"},
            "meterValue": [
                {
                    "timestamp": stamp(-3600),
                    "sampledValue": [{"value": 900, "context": "Transaction.End"}],
                }
            ],
        }
        begun = ended | {
            "eventType": "Started",
            "timestamp": stamp(-7200),
            "triggerReason": "Authorized",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "kept"},
            "evse": {"id": 1, "connectorId": 1},
            "idToken": {"idToken": "04A2B3C4", "type": "ISO14443"},
            "meterValue": [
                {
                    "timestamp": stamp(-7200),
                    "sampledValue": [{"value": 200, "context": "Transaction.Begin"}],
                }
            ],
        }
        for message in (begun, ended, begun, ended):
            await one.told("TransactionEvent", message)
        await two.stop()
        await asyncio.gather(lab.becomes("ONE-1", state="charging"), lab.becomes("TWO-1", session=None))
        await one.stop()
        kept, own = await lab.sessions("ONE")
        (other,) = await lab.sessions("TWO")
    assert (kept["transaction_id"], kept["energy_wh"], kept["point"]) == ("kept", 700, "ONE-1")
    assert (own["transaction_id"], other["transaction_id"]) == ("1", "1")
    assert (own["energy_wh"], other["energy_wh"]) == (500, 500)
