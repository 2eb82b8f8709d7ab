"""A back office of OCPP 1.6 that sees one station with a connector for each charger."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from adapters.ocpp.upstream.back_office import BackOffice as Office
from controller.away import AuthoriseAway
from tests.support.back_office import BackOffice
from tests.support.forwarded import MeteredCharger
from tests.support.hubbed import HUB, TOKEN, hubbed, told, until_told
from tests.support.processes import WITHIN_S

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_two_chargers_are_two_connectors_of_one_station(tmp_path: Path, office: BackOffice):
    async with (
        hubbed(tmp_path, Office("office", office.url, password="key")) as site,
        MeteredCharger(site.endpoint, "CP01") as one,
        MeteredCharger(site.endpoint, "CP02", register_wh=5_000) as two,
    ):
        await site.ready()
        assert await office.stations() == {HUB: "key"}
        (boot,) = await told(office, "BootNotification")
        assert (boot["chargePointVendor"], boot["chargePointModel"]) == ("Loadstar", "Hub")
        for charger in (one, two):
            await charger.boot()
            await charger.status("Preparing")
        await until_told(office, "StatusNotification", connectorId=2, status="Preparing")
        await one.begin()
        await two.begin()
        await one.status("Charging")
        await until_told(office, "StatusNotification", connectorId=1, status="Charging")
        await one.end(1_500)
        await two.end(700)
        await site.drained()
        assert sorted(office.sessions(HUB)) == sorted(one.sessions + two.sessions)
        connectors = {row["meterStart"]: row["connectorId"] for row in office.book["sessions"].values()}
        assert connectors == {10_000: 1, 5_000: 2}
        await two.disconnect()
        await until_told(office, "StatusNotification", connectorId=2, status="Unavailable")
        await one.disconnect()
        await until_told(office, "StatusNotification", connectorId=0, status="Unavailable")


async def test_sessions_while_it_is_away_are_told_once_and_in_order(tmp_path: Path, office: BackOffice):
    async with (
        hubbed(tmp_path, Office("office", office.url)) as site,
        MeteredCharger(site.endpoint, "CP01") as one,
        MeteredCharger(site.endpoint, "CP02", register_wh=5_000) as two,
    ):
        await site.ready()
        for charger in (one, two):
            await charger.boot()
            await charger.status("Preparing")
        await one.begin()
        await site.drained()
        await office.kill()
        await site.ready(ready=False)
        await one.end()
        for _ in range(2):
            await two.session()
            await one.session()
        await two.begin()
        await office.start()
        await site.ready()
        await site.drained()
        await two.end()
        await site.drained()
        assert sorted(office.sessions(HUB)) == sorted(one.sessions + two.sessions)
        assert not [row for row in office.book["order"] if row[1] == "unknown transaction"]
        assert all(row["stops"] == 1 for row in office.book["sessions"].values())


async def test_a_hub_that_starts_anew_goes_on_with_what_it_told(tmp_path: Path, office: BackOffice):
    async with hubbed(tmp_path, Office("office", office.url)) as site:
        port = site.central.port
        await site.ready()
        async with MeteredCharger(site.endpoint, "CP01") as one:
            await one.boot()
            await one.begin()
            await site.drained()
            await office.kill()
            await site.ready(ready=False)
    async with hubbed(tmp_path, Office("office", office.url), port=port) as site, one:
        await one.end()
        await office.start()
        await site.ready()
        await site.drained()
        assert office.sessions(HUB) == one.sessions


async def test_a_token_unknown_here_is_asked_for_and_remembered(tmp_path: Path, office: BackOffice):
    await office.habits(blocked=["BAD"])
    async with (
        hubbed(tmp_path, Office("office", office.url)) as site,
        MeteredCharger(site.endpoint, "CP01") as one,
    ):
        await site.ready()
        await one.boot()
        assert (await one.call("Authorize", {"idTag": "ROAMER"}))["idTagInfo"]["status"] == "Accepted"
        assert (await one.call("Authorize", {"idTag": "BAD"}))["idTagInfo"]["status"] == "Blocked"
        assert (await one.call("Authorize", {"idTag": TOKEN}))["idTagInfo"]["status"] == "Accepted"
        assert [asked["idTag"] for asked in await told(office, "Authorize")] == ["ROAMER", "BAD"]
        heard = await site.ledger.upstream_memory.heard("office", "roamer")
        assert heard is not None
        assert heard.group == "FLEET"
        await office.kill()
        await site.ready(ready=False)
        assert (await one.call("Authorize", {"idTag": "ROAMER"}))["idTagInfo"]["status"] == "Accepted"
        assert (await one.call("Authorize", {"idTag": "BAD"}))["idTagInfo"]["status"] == "Blocked"
        assert (await one.call("Authorize", {"idTag": "NOBODY"}))["idTagInfo"]["status"] == "Invalid"


async def test_who_started_while_it_was_away_and_is_no_good_is_stopped(tmp_path: Path, office: BackOffice):
    await office.habits(blocked=["BAD"])
    everybody = Office("office", office.url, authorise_away=AuthoriseAway.ALL)
    async with (
        hubbed(tmp_path, everybody) as site,
        MeteredCharger(site.endpoint, "CP01") as one,
    ):
        await site.ready()
        await one.boot()
        await office.kill()
        await site.ready(ready=False)
        assert (await one.begin("BAD"))["idTagInfo"]["status"] == "Accepted"
        await office.start(blocked=["BAD"])
        await site.becomes(lambda: [asked for asked in one.asked if asked[0] == "RemoteStopTransaction"])
        assert "token_refused_upstream" in site.events.kinds("point:P-CP01")


async def test_what_it_asks_reaches_the_right_charger(tmp_path: Path, office: BackOffice):
    async with (
        hubbed(tmp_path, Office("office", office.url)) as site,
        MeteredCharger(site.endpoint, "CP01") as one,
        MeteredCharger(site.endpoint, "CP02") as two,
    ):
        await site.ready()
        two.answers["UnlockConnector"] = {"status": "Unlocked"}
        for charger in (one, two):
            await charger.boot()
            await charger.status("Available")
        await two.status("Preparing")
        await until_told(office, "StatusNotification", connectorId=2, status="Preparing")
        done = {"status": "Accepted"}
        assert await office.call(HUB, "RemoteStartTransaction", {"idTag": "GUEST"}) == done
        assert ("RemoteStartTransaction", {"idTag": "GUEST", "connectorId": 1}) in two.asked
        assert (await two.begin("GUEST"))["idTagInfo"]["status"] == "Accepted"
        await site.drained()
        again = {"connectorId": 2, "idTag": "GUEST"}
        assert await office.call(HUB, "RemoteStartTransaction", again) == {"status": "Rejected"}
        assert await office.call(HUB, "RemoteStopTransaction", {"transactionId": 5001}) == done
        assert ("RemoteStopTransaction", {"transactionId": two.transaction}) in two.asked
        assert await office.call(HUB, "RemoteStopTransaction", {"transactionId": 9}) == {"status": "Rejected"}
        assert await office.call(HUB, "UnlockConnector", {"connectorId": 2}) == {"status": "Unlocked"}
        assert await office.call(HUB, "UnlockConnector", {"connectorId": 3}) == {"status": "NotSupported"}
        assert await office.call(HUB, "ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}) == done
        for charger in (one, two):
            assert ("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}) in charger.asked
        assert await office.call(HUB, "Reset", {"type": "Soft"}) == done
        await site.becomes(lambda: all(("Reset", {"type": "Soft"}) in charger.asked for charger in (one, two)))
        await until_told(office, "BootNotification")
        await site.ready()


async def test_the_smaller_of_both_limits_counts(tmp_path: Path, office: BackOffice):
    async with (
        hubbed(tmp_path, Office("office", office.url)) as site,
        MeteredCharger(site.endpoint, "CP01") as one,
        MeteredCharger(site.endpoint, "CP02") as two,
    ):
        await site.ready()
        for charger in (one, two):
            await charger.boot()
        await one.begin()
        await site.drained()
        done = {"status": "Accepted"}
        own = profile("TxProfile", 10.0, transactionId=5001)
        assert await office.call(HUB, "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": own}) == done
        assert await office.call(HUB, "SetChargingProfile", {"connectorId": 2, "csChargingProfiles": own}) == {
            "status": "Rejected"
        }
        assert site.allowed_a("P-CP01") == 10.0
        assert site.allowed_a("P-CP02") is None
        whole = profile("ChargePointMaxProfile", 16.0, chargingProfileId=2)
        assert await office.call(HUB, "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": whole}) == done
        await two.begin()
        assert (site.allowed_a("P-CP01"), site.allowed_a("P-CP02")) == (10.0, 16.0)
        (both,) = site.hubs.station_limits()
        assert (both.points, both.limit_a) == (("P-CP01", "P-CP02"), 16.0)
        asked = {"connectorId": 0, "duration": 60, "chargingRateUnit": "A"}
        composite = await office.call(HUB, "GetCompositeSchedule", asked)
        assert composite["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 12.0}]
        huge = profile("TxDefaultProfile", 500.0, chargingProfileId=3)
        assert await office.call(HUB, "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": huge}) == done
        assert site.allowed_a("P-CP02") == 16.0
        assert site.hubs.station_limits() == [both]
        await one.end()
        assert await office.call(HUB, "ClearChargingProfile", {}) == done
        assert await office.call(HUB, "ClearChargingProfile", {"id": 1}) == {"status": "Unknown"}
        assert site.allowed_a("P-CP02") is None


def profile(purpose: str, limit_a: float, **more: Any) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_a}]}
    return {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
    } | more


async def test_measurements_are_relayed_as_often_as_it_wants_them(tmp_path: Path, office: BackOffice):
    async with (
        hubbed(tmp_path, Office("office", office.url)) as site,
        MeteredCharger(site.endpoint, "CP01") as one,
    ):
        await site.ready()
        await one.boot()
        key = {"key": "MeterValueSampleInterval", "value": "1"}
        assert await office.call(HUB, "ChangeConfiguration", key) == {"status": "Accepted"}
        locked = {"key": "NumberOfConnectors", "value": "3"}
        assert await office.call(HUB, "ChangeConfiguration", locked) == {"status": "Rejected"}
        read = await office.call(HUB, "GetConfiguration", {"key": ["metervaluesampleinterval", "Nonsense"]})
        assert read["configurationKey"] == [{"key": "MeterValueSampleInterval", "readonly": False, "value": "1"}]
        assert read["unknownKey"] == ["Nonsense"]
        await one.begin()
        await one.measure()
        await until_told(office, "MeterValues", connectorId=1, transactionId=5001)
        assert await office.call(HUB, "TriggerMessage", {"requestedMessage": "MeterValues"}) == {"status": "Accepted"}
        async with asyncio.timeout(WITHIN_S):
            while len(await told(office, "MeterValues")) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await one.end()
        await site.drained()
        assert office.sessions(HUB) == one.sessions


async def test_what_it_keeps_refusing_blocks_nothing(tmp_path: Path, office: BackOffice):
    async with (
        hubbed(tmp_path, Office("office", office.url)) as site,
        MeteredCharger(site.endpoint, "CP01") as one,
    ):
        await site.ready()
        await one.boot()
        await office.habits(refuse=["StartTransaction"])
        await one.begin()
        await site.becomes(lambda: "upstream_message_set_aside" in site.events.kinds())
        await office.habits(refuse=[])
        await one.end()
        await one.session()
        await site.drained()
        assert office.sessions(HUB) == one.sessions[1:]
