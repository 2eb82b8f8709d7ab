"""Chargers that their back office sees as themselves, in OCPP 1.6, while it is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.ocpp.upstream.back_office import BackOffice as Office
from tests.support.back_office import BackOffice, back_office
from tests.support.forwarded import TOKEN, MeteredCharger, forwarded

pytestmark = pytest.mark.asyncio(loop_scope="module")


def payloads(frames: list[str]) -> list[tuple[str, Any]]:
    """Action or kind, and payload, of frames."""
    messages = [json.loads(frame) for frame in frames]
    return [(message[2], message[3]) if message[0] == 2 else (str(message[0]), message[2]) for message in messages]


async def test_a_session_passes_to_the_byte_and_the_back_offices_book_is_that_of_the_meter(
    tmp_path: Path, office: BackOffice
):
    async with (
        forwarded(tmp_path, Office("office", office.url, password="key")) as site,
        MeteredCharger(site.url) as charger,
    ):
        assert (await charger.boot())["interval"] == 300
        await site.ready()
        await charger.status()
        assert await charger.call("Authorize", {"idTag": TOKEN}) == {
            "idTagInfo": {"status": "Accepted", "parentIdTag": "FLEET"}
        }
        started = await charger.begin()
        assert started["transactionId"] == 5001
        await charger.measure()
        await charger.end()
        vendor = {"vendorId": "Métré", "messageId": "x", "data": '{"Δ": 1}'}
        assert await charger.call("DataTransfer", vendor) == {"status": "Accepted", "data": '{"Δ": 1}'}
        assert await office.call("CP01", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
        came, went = await office.seen("CP01")
        own = [text for text in charger.said if json.loads(text)[0] == 2]
        assert [text for text in came if json.loads(text)[0] == 2] == own
        answers = [text for text in went if json.loads(text)[0] == 3]
        assert [text for text in charger.heard if json.loads(text)[0] == 3] == answers
        asked = [text for text in went if json.loads(text)[0] == 2]
        assert [text for text in charger.heard if "Reset" in text] == asked
        assert [text for text in came if json.loads(text)[0] == 3] == [t for t in charger.said if asked_id(asked) in t]
        assert office.sessions("CP01") == charger.sessions
        assert await office.stations() == {"CP01": "key"}
        (session,), _ = site.ledger.sessions()
        assert (session.transaction_id, session.energy_wh, session.running) == ("5001", 1_100, False)
        await site.drained()


def asked_id(asked: list[str]) -> str:
    return str(json.loads(asked[0])[1])


async def test_a_measurement_passes_as_often_as_the_back_office_has_asked(tmp_path: Path, office: BackOffice):
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        await charger.begin()
        for _ in range(3):
            await charger.measure()
        await charger.measure(context="Trigger")
        came, _ = await office.seen("CP01")
        assert [action for action, _ in payloads(came)].count("MeterValues") == 2
        setting = {"key": "MeterValueSampleInterval", "value": "0"}
        assert await office.call("CP01", "ChangeConfiguration", setting) == {"status": "Accepted"}
        assert ("ChangeConfiguration", setting) not in charger.asked
        await charger.measure()
        await charger.end()
        charger.answers["GetConfiguration"] = {
            "configurationKey": [
                {"key": "MeterValueSampleInterval", "readonly": False, "value": "10"},
                {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
            ]
        }
        told = await office.call("CP01", "GetConfiguration", {})
        assert [row["value"] for row in told["configurationKey"]] == ["0", "300"]
    assert office.book["sessions"]["5001"]["values"] == 2


async def test_the_chargers_way_to_us_is_not_for_the_back_office_to_change(tmp_path: Path, office: BackOffice):
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        for key in ("AuthorizationKey", "SecurityProfile"):
            setting = {"key": key, "value": "1"}
            assert await office.call("CP01", "ChangeConfiguration", setting) == {"status": "Rejected"}
        setting = {"key": "ConnectionTimeOut", "value": "60"}
        assert await office.call("CP01", "ChangeConfiguration", setting) == {"status": "Accepted"}
        asked = [payload for action, payload in charger.asked if action == "ChangeConfiguration"]
        assert setting in asked
        assert not [payload for payload in asked if payload["key"] in {"AuthorizationKey", "SecurityProfile"}]


async def test_the_smaller_of_both_limits_reaches_the_charger(tmp_path: Path, office: BackOffice):
    profile: dict[str, Any] = {
        "chargingProfileId": 7,
        "stackLevel": 3,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}, {"startPeriod": 3600, "limit": 32.0}],
        },
    }
    whole = {**profile, "chargingProfileId": 8, "chargingProfilePurpose": "ChargePointMaxProfile"}
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        set_it = {"connectorId": 1, "csChargingProfiles": profile}
        assert await office.call("CP01", "SetChargingProfile", set_it) == {"status": "Rejected"}  # nothing runs
        await charger.begin()
        assert await office.call("CP01", "SetChargingProfile", set_it) == {"status": "Accepted"}
        assert site.allowed_a("P-CP01") == 10.0
        schedule = {"connectorId": 1, "duration": 7200, "chargingRateUnit": "A"}
        told = await office.call("CP01", "GetCompositeSchedule", schedule)
        assert told["status"] == "Accepted"
        assert told["chargingSchedule"]["chargingSchedulePeriod"][0] == {"startPeriod": 0, "limit": 6.0}  # ours
        whole["chargingProfileKind"] = "Absolute"
        whole["chargingSchedule"] = {**profile["chargingSchedule"], "startSchedule": "2026-01-01T00:00:00Z"}
        whole["chargingSchedule"]["chargingSchedulePeriod"] = [{"startPeriod": 0, "limit": 8.0}]
        set_it = {"connectorId": 0, "csChargingProfiles": whole}
        assert await office.call("CP01", "SetChargingProfile", set_it) == {"status": "Accepted"}
        assert site.allowed_a("P-CP01") == 8.0
        assert await office.call("CP01", "ClearChargingProfile", {"id": 8}) == {"status": "Accepted"}
        assert await office.call("CP01", "ClearChargingProfile", {"id": 8}) == {"status": "Unknown"}
        await charger.end()
        assert site.allowed_a("P-CP01") is None
        ours = [p for action, p in charger.asked if action == "SetChargingProfile"]
        assert not [p for p in ours if p["csChargingProfiles"]["chargingProfileId"] in {7, 8}]


async def test_a_profile_for_a_transaction_that_is_to_begin_waits_here(tmp_path: Path, office: BackOffice):
    profile = {
        "chargingProfileId": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9.0}]},
    }
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        asked = {"connectorId": 1, "idTag": TOKEN, "chargingProfile": profile}
        assert await office.call("CP01", "RemoteStartTransaction", asked) == {"status": "Accepted"}
        assert ("RemoteStartTransaction", {"connectorId": 1, "idTag": TOKEN}) in charger.asked
        await charger.begin()
        assert site.allowed_a("P-CP01") == 9.0


async def test_a_token_is_the_back_offices_to_judge(tmp_path: Path, office: BackOffice):
    await office.habits(blocked=["STRANGER"])
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        assert (await charger.call("Authorize", {"idTag": "STRANGER"}))["idTagInfo"]["status"] == "Blocked"
        assert (await charger.call("Authorize", {"idTag": "GUEST"}))["idTagInfo"]["status"] == "Accepted"
        assert (await charger.begin("GUEST"))["idTagInfo"]["status"] == "Accepted"
        assert site.allowed_a("P-CP01") is None
        await charger.end()
        assert (await charger.begin("STRANGER"))["idTagInfo"]["status"] == "Blocked"
        assert site.state("P-CP01").max_a == 0.0  # it gets no current, whatever the charger makes of it
        await charger.end()
    assert office.sessions("CP01") == charger.sessions


async def test_who_only_listens_is_told_and_not_heard(tmp_path: Path, office: BackOffice):
    second = tmp_path / "second"
    second.mkdir()
    async with (
        back_office(second) as audit,
        forwarded(
            tmp_path, Office("office", office.url), Office("audit", audit.url, primary=False), stations=("CP01",)
        ) as site,
        MeteredCharger(site.url) as charger,
    ):
        audit.book_path.write_text('{"next": 900, "answers": {}, "sessions": {}, "order": []}')
        await audit.kill()
        await audit.start()
        await charger.boot()
        await site.ready()
        await charger.status()
        assert (await charger.begin())["transactionId"] == 5001
        await charger.measure()
        await charger.end()
        await site.drained()
        assert audit.sessions("CP01") == office.sessions("CP01") == charger.sessions
        assert "NotSupported" in await audit.call("CP01", "Reset", {"type": "Hard"})
        assert not [action for action, _ in charger.asked if action == "Reset"]
        assert audit.failures == []


async def test_what_the_charger_says_no_to_is_told_as_it_says_it(tmp_path: Path, office: BackOffice):
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        charger.answers["UnlockConnector"] = {"status": "NotSupported"}
        assert await office.call("CP01", "UnlockConnector", {"connectorId": 1}) == {"status": "NotSupported"}
        await charger.disconnect()
        assert "GenericError" in await office.call("CP01", "ClearCache", {})
