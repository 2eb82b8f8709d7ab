"""Versions that need not match: chargers of 1.6 behind a hub of 2.0.1, and the reverse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.ocpp.upstream.back_office import BackOffice as Office
from controller.snapshot import ExternalLimit
from tests.support.back_office import BackOffice
from tests.support.forwarded import MeteredCharger
from tests.support.hubbed import HUB, PASSWORD, TOKEN, Hubbed, hubbed, told, until_told
from tests.support.ocpp import socket
from tests.support.ocpp2 import Station, currents, register
from tests.support.processes import WITHIN_S

DONE = {"status": "Accepted"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def station(site: Hubbed, identity: str) -> AsyncIterator[Station]:
    """A station of 2.0.1."""
    async with socket(site, identity, PASSWORD, subprotocols=["ocpp2.0.1"]) as connection:  # type: ignore[arg-type]
        client = Station(identity, connection)
        listening = asyncio.create_task(client.start())
        try:
            yield client
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


def book(office: BackOffice) -> list[dict[str, Any]]:
    return list(office.book["sessions"].values())


async def test_chargers_of_16_are_evses_of_201(tmp_path: Path, office: BackOffice):
    async with (
        hubbed(tmp_path, Office("office", office.url, version="2.0.1")) as site,
        MeteredCharger(site.endpoint, "CP01") as one,
        MeteredCharger(site.endpoint, "CP02", register_wh=5_000) as two,
    ):
        await site.ready()
        for charger in (one, two):
            await charger.boot()
            await charger.status("Preparing")
        await until_told(office, "StatusNotification", evseId=2, connectorStatus="Occupied", connectorId=1)
        await one.begin()
        await one.status("Charging")
        await until_told(office, "TransactionEvent", triggerReason="ChargingStateChanged")
        await site.drained()
        await office.kill()
        await site.ready(ready=False)
        await two.begin()
        await two.end(400)
        await one.end(900)
        await office.start()
        await site.ready()
        await site.drained()
        first, second = sorted(book(office), key=lambda row: row["evse"])
        assert [(row["meterStart"], row["meterStop"]) for row in (first, second)] == [one.sessions[0], two.sessions[0]]
        for row in (first, second):
            kinds, numbers = zip(*row["events"], strict=True)
            assert list(numbers) == list(range(len(numbers)))
            assert (kinds[0], kinds[-1]) == ("Started", "Ended")
        assert (first["offline"][0], first["offline"][-1]) == (False, True)
        assert all(second["offline"])


async def test_stations_of_201_are_connectors_of_16(tmp_path: Path, office: BackOffice):
    async with hubbed(tmp_path, Office("office", office.url)) as site, station(site, "CP02") as two:
        await site.ready()
        await two.boot()
        await two.say("Occupied")
        await two.event("Started", trigger="CablePluggedIn", state="EVConnected", meter_value=register(1000))
        await until_told(office, "StatusNotification", connectorId=2, status="Preparing")
        assert await told(office, "StartTransaction") == []
        await two.event("Updated", trigger="Authorized", state="Charging", token=TOKEN)
        start = await until_told(office, "StartTransaction")
        assert (start["connectorId"], start["idTag"], start["meterStart"]) == (2, TOKEN, 1000)
        await site.drained()
        await two.event("Updated", trigger="MeterValuePeriodic", meter_value=currents(8, 8, 8, wh=1500))
        assert await office.call(HUB, "RemoteStopTransaction", {"transactionId": 5001}) == DONE
        assert two.stopped == ["TX-1"]
        await two.end(wh=2500)
        await site.drained()
        (stop,) = await told(office, "StopTransaction")
        assert stop["reason"] == "EVDisconnected"
        assert office.sessions(HUB) == [(1000, 2500)]
        unlock = await office.call(HUB, "UnlockConnector", {"connectorId": 2})
        assert unlock == {"status": "UnlockFailed"}


async def test_what_a_back_office_of_201_asks(tmp_path: Path, office: BackOffice):
    async with (
        hubbed(tmp_path, Office("office", office.url, version="2.0.1")) as site,
        MeteredCharger(site.endpoint, "CP01") as one,
    ):
        await site.ready()
        await one.boot()
        await one.status("Preparing")
        await until_told(office, "StatusNotification", evseId=1, connectorStatus="Occupied")
        token = {"idToken": "GUEST", "type": "Central"}
        schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9.0}]}
        profile = {
            "id": 4,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": [schedule],
        }
        start = {"remoteStartId": 77, "idToken": token, "chargingProfile": profile}
        assert await office.call(HUB, "RequestStartTransaction", start) == DONE
        assert ("RemoteStartTransaction", {"idTag": "GUEST", "connectorId": 1}) in one.asked
        assert (await one.begin("GUEST"))["idTagInfo"]["status"] == "Accepted"
        begun = await until_told(office, "TransactionEvent", triggerReason="RemoteStart")
        assert begun["transactionInfo"]["remoteStartId"] == 77
        assert site.allowed_a("P-CP01") == 9.0
        name = begun["transactionInfo"]["transactionId"]
        async with asyncio.timeout(WITHIN_S):
            status = await office.call(HUB, "GetTransactionStatus", {"transactionId": name})
            while status["messagesInQueue"]:  # a sample of the running transaction may be on its way
                await site.drained()
                status = await office.call(HUB, "GetTransactionStatus", {"transactionId": name})
        assert status["ongoingIndicator"] is True
        unlock = await office.call(HUB, "UnlockConnector", {"evseId": 1, "connectorId": 1})
        assert unlock == {"status": "OngoingAuthorizedTransaction"}
        composite = await office.call(HUB, "GetCompositeSchedule", {"evseId": 1, "duration": 60})
        limits = [period["limit"] for period in composite["schedule"]["chargingSchedulePeriod"]]
        assert limits
        assert max(limits) <= 9.0
        asked = {"requestId": 3, "chargingProfile": {"chargingProfilePurpose": "TxProfile"}}
        assert await office.call(HUB, "GetChargingProfiles", asked) == DONE
        reported = await until_told(office, "ReportChargingProfiles", requestId=3, evseId=1, tbc=False)
        assert reported["chargingProfile"] == [profile]
        assert await office.call(HUB, "RequestStopTransaction", {"transactionId": name}) == DONE
        assert one.asked[-1] == ("RemoteStopTransaction", {"transactionId": one.transaction})
        await one.end()
        assert site.allowed_a("P-CP01") is None
        assert await office.call(HUB, "Reset", {"type": "Immediate", "evseId": 1}) == DONE
        assert one.asked[-1] == ("Reset", {"type": "Hard"})
        assert await office.call(HUB, "Reset", {"type": "Immediate", "evseId": 9}) == {"status": "Rejected"}


async def test_its_variables_are_few_and_true(tmp_path: Path, office: BackOffice):
    async with (
        hubbed(tmp_path, Office("office", office.url, version="2.0.1")) as site,
        MeteredCharger(site.endpoint, "CP01") as one,
    ):
        await site.ready()
        await one.boot()
        sampled = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}
        count = {"component": {"name": "EVSE"}, "variable": {"name": "Count"}}
        odd = {"component": {"name": "EVSE"}, "variable": {"name": "Colour"}}
        rows = [sampled | {"attributeValue": "1"}, count | {"attributeValue": "3"}, odd | {"attributeValue": "red"}]
        answer = await office.call(HUB, "SetVariables", {"setVariableData": rows})
        statuses = [row["attributeStatus"] for row in answer["setVariableResult"]]
        assert statuses == ["Accepted", "Rejected", "UnknownVariable"]
        answer = await office.call(HUB, "GetVariables", {"getVariableData": [sampled, count]})
        assert [row["attributeValue"] for row in answer["getVariableResult"]] == ["1", "2"]
        asked = {"requestId": 5, "reportBase": "FullInventory"}
        assert await office.call(HUB, "GetBaseReport", asked) == DONE
        last = await until_told(office, "NotifyReport", tbc=False)
        pages = await told(office, "NotifyReport")
        assert [page["seqNo"] for page in pages] == list(range(len(pages)))
        assert last["requestId"] == 5
        await one.begin()
        await one.measure()
        await until_told(office, "TransactionEvent", triggerReason="MeterValuePeriodic")


async def test_it_is_told_of_limits_that_others_set(tmp_path: Path, office: BackOffice):
    async with hubbed(tmp_path, Office("office", office.url, version="2.0.1")) as site:
        limits = [ExternalLimit("main", 20_000.0, "grid_operator"), ExternalLimit("elsewhere", 5.0, "grid_operator")]
        site.hubs.attach(site.central, lambda _at: limits)
        await site.ready()
        told_of = await until_told(office, "NotifyChargingLimit")
        assert told_of["chargingLimit"] == {"chargingLimitSource": "SO", "isGridCritical": True}
        assert told_of["chargingSchedule"][0]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 20_000}]
        limits[0] = ExternalLimit("main", 19_500.0, "grid_operator")  # hardly another
        limits[1] = ExternalLimit("main", 9_000.0, "dispatch")
        await until_told(
            office, "NotifyChargingLimit", chargingLimit={"chargingLimitSource": "EMS", "isGridCritical": False}
        )
        limits.clear()
        await until_told(office, "ClearedChargingLimit", chargingLimitSource="SO")
        await until_told(office, "ClearedChargingLimit", chargingLimitSource="EMS")
        assert len(await told(office, "NotifyChargingLimit")) == 2
