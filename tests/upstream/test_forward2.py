"""Chargers that their back office sees as themselves, in OCPP 2.0.1: while it is there, and while it is away."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from adapters.ocpp.upstream import channel
from adapters.ocpp.upstream.back_office import BackOffice as Office
from tests.support.back_office import BackOffice
from tests.support.forwarded import TOKEN, Forwarded, MeteredCharger, forwarded
from tests.support.processes import WITHIN_S

pytestmark = pytest.mark.asyncio(loop_scope="module")

ID_TOKEN = {"idToken": TOKEN, "type": "ISO14443"}


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "ANSWER_S", WITHIN_S)
    monkeypatch.setattr(channel, "FIRST_CONNECTION_S", WITHIN_S)
    monkeypatch.setattr("controller.hub_satellite.outbox.PER_S", 200.0)
    monkeypatch.setattr("adapters.ocpp.upstream.link.PAUSE_FIRST_S", 0.1)


class Station(MeteredCharger):
    """A station whose transactions are called T1, T2, ..."""

    def __init__(self, site: Forwarded) -> None:
        super().__init__(site.url, subprotocol="ocpp2.0.1")
        self.number = self.seq_no = 0

    async def start_up(self) -> Any:
        about = {"chargingStation": {"model": "M2", "vendorName": "Métré"}, "reason": "PowerUp"}
        return await self.call("BootNotification", about)

    async def event(self, kind: str, trigger: str, **more: Any) -> Any:
        self.register_wh += 100
        value = {"value": self.register_wh, "measurand": "Energy.Active.Import.Register"}
        payload = {
            "eventType": kind,
            "timestamp": self.now(),
            "triggerReason": trigger,
            "seqNo": self.seq_no,
            "transactionInfo": {"transactionId": f"T{self.number}", "chargingState": "Charging"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": self.now(), "sampledValue": [value]}],
            **more,
        }
        self.seq_no += 1
        return await self.deliver("TransactionEvent", payload)

    async def session(self, token: str = TOKEN, wh: int = 0) -> None:  # noqa: ARG002 - as its base
        self.number, self.seq_no = self.number + 1, 0
        await self.event("Started", "Authorized", idToken={**ID_TOKEN, "idToken": token})
        for _ in range(3):
            await self.event("Updated", "MeterValuePeriodic")
        await self.event("Ended", "EVDeparted")


EVENTS = [["Started", 0], ["Updated", 1], ["Updated", 2], ["Updated", 3], ["Ended", 4]]


async def test_a_session_passes_to_the_byte(tmp_path: Path, office: BackOffice):
    async with forwarded(tmp_path, Office("office", office.url)) as site, Station(site) as charger:
        assert (await charger.start_up())["interval"] == 300
        await site.ready()
        status = {"timestamp": charger.now(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
        await charger.call("StatusNotification", status)
        assert (await charger.call("Authorize", {"idToken": ID_TOKEN}))["idTokenInfo"]["status"] == "Accepted"
        await charger.session()
        came, went = await office.seen("CP01")
        own = [text for text in charger.said if json.loads(text)[0] == 2]
        assert [text for text in came if json.loads(text)[0] == 2] == own
        answers = [text for text in went if json.loads(text)[0] == 3]
        assert [text for text in charger.heard if json.loads(text)[0] == 3] == answers
        (session,), _ = site.ledger.sessions()
        assert (session.transaction_id, session.running) == ("T1", False)
    assert office.book["sessions"]["T1"]["events"] == EVENTS
    assert not any(office.book["sessions"]["T1"]["offline"])


async def test_what_happens_while_it_is_away_is_told_as_such_and_keeps_its_numbers(tmp_path: Path, office: BackOffice):
    async with forwarded(tmp_path, Office("office", office.url)) as site, Station(site) as charger:
        await charger.start_up()
        await site.ready()
        await charger.session()
        await site.drained()
        await office.kill()
        await site.ready(ready=False)
        await charger.session()
        await charger.session()
        assert await site.queue() == 10
        await office.start()
        await site.ready()
        await site.drained()
        await charger.session()
    sessions = office.book["sessions"]
    assert [sessions[name]["events"] for name in ("T1", "T2", "T3", "T4")] == [EVENTS] * 4
    assert [set(sessions[name]["offline"]) for name in ("T1", "T2", "T3", "T4")] == [{False}, {True}, {True}, {False}]
    stamps = [stamp for _, _, stamp in office.book["order"]]
    assert stamps == sorted(stamps)


async def test_events_come_as_often_as_it_has_asked_and_no_number_is_missing(tmp_path: Path, office: BackOffice):
    row = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}
    async with forwarded(tmp_path, Office("office", office.url)) as site, Station(site) as charger:
        await charger.start_up()
        await site.ready()
        for value, status in (("often", "Rejected"), ("900", "Accepted")):
            told = await office.call("CP01", "SetVariables", {"setVariableData": [{**row, "attributeValue": value}]})
            assert told == {"setVariableResult": [{"attributeStatus": status, **row}]}
        ours = {"attributeStatus": "Accepted", "attributeValue": "10", **row}
        charger.answers["GetVariables"] = {"getVariableResult": [ours]}
        told = await office.call("CP01", "GetVariables", {"getVariableData": [row]})
        assert told == {"getVariableResult": [{**ours, "attributeValue": "900"}]}
        charger.number, charger.seq_no = 1, 7
        await charger.event("Started", "Authorized", idToken=ID_TOKEN)
        for _ in range(5):
            assert await charger.event("Updated", "MeterValuePeriodic") == {}
        at_rest = {"transactionId": "T1", "chargingState": "SuspendedEV"}
        await charger.event("Updated", "ChargingStateChanged", transactionInfo=at_rest)
        await charger.event("Updated", "MeterValuePeriodic", transactionInfo=at_rest)
    async with forwarded(tmp_path, Office("office", office.url)) as site:
        charger.endpoint = site.url
        await charger.connect()
        await charger.start_up()
        await site.ready()
        charger.seq_no -= 1
        await charger.event("Updated", "MeterValuePeriodic", transactionInfo=at_rest)  # it has not heard the answer
        charger.seq_no += 1  # and has lost one itself
        await charger.event("Updated", "ChargingStateChanged")
        await charger.event("Ended", "EVDeparted")
        await site.drained()
        await charger.disconnect()
    numbers = [["Started", 7], ["Updated", 8], ["Updated", 9], ["Updated", 11], ["Ended", 12]]
    assert office.book["sessions"]["T1"]["events"] == numbers


async def test_it_is_told_what_the_site_allows(tmp_path: Path, office: BackOffice, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("adapters.ocpp.upstream.relay.LIMITS_EVERY_S", 0.1)
    async with forwarded(tmp_path, Office("office", office.url)) as site, Station(site) as charger:
        await charger.start_up()
        await site.ready()
        await charger.session()
        charger.number, charger.seq_no = 9, 0
        await charger.event("Started", "Authorized", idToken=ID_TOKEN)
        told: list[Any] = []
        async with asyncio.timeout(WITHIN_S):
            while not told:
                frames = [json.loads(text) for text in (await office.seen("CP01"))[0]]
                told = [frame[3] for frame in frames if frame[2] == "NotifyChargingLimit"]
        assert told[-1]["evseId"] == 1
        assert told[-1]["chargingSchedule"][0]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6.0}]


async def test_profiles_stay_here_and_the_way_to_us_stays_as_it_is(tmp_path: Path, office: BackOffice):
    period = {"startPeriod": 0, "limit": 11.0}
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    profile = {
        "id": 5,
        "stackLevel": 1,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": [schedule],
    }

    def variable(component: str, name: str, value: str) -> dict[str, Any]:
        return {"attributeValue": value, "component": {"name": component}, "variable": {"name": name}}

    async with forwarded(tmp_path, Office("office", office.url)) as site, Station(site) as charger:
        await charger.start_up()
        await site.ready()
        set_it = {"evseId": 1, "chargingProfile": profile}
        assert await office.call("CP01", "SetChargingProfile", set_it) == {"status": "Accepted"}
        assert (await office.call("CP01", "SetChargingProfile", {**set_it, "evseId": 9}))["status"] == "Rejected"
        charger.number, charger.seq_no = 1, 0
        await charger.event("Started", "Authorized", idToken=ID_TOKEN)
        assert site.allowed_a("P-CP01") == 11.0
        asked = {"duration": 600, "evseId": 1, "chargingRateUnit": "W"}
        told = await office.call("CP01", "GetCompositeSchedule", asked)
        assert told["schedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6.0 * 690}]  # ours, so far
        wanted = {"requestId": 4, "chargingProfile": {"stackLevel": 1}}
        assert await office.call("CP01", "GetChargingProfiles", wanted) == {"status": "Accepted"}
        assert await office.call("CP01", "GetChargingProfiles", {**wanted, "evseId": 9}) == {"status": "NoProfiles"}
        async with asyncio.timeout(WITHIN_S):
            reported: list[str] = []
            while not reported:
                reported = [text for text in (await office.seen("CP01"))[0] if "ReportCharging" in text]
        assert json.loads(reported[0])[3]["chargingProfile"] == [profile]
        cleared = {"chargingProfileCriteria": {"evseId": 1, "stackLevel": 1}}
        assert await office.call("CP01", "ClearChargingProfile", cleared) == {"status": "Accepted"}
        assert site.allowed_a("P-CP01") is None
        rows = [
            variable("SecurityCtrlr", "BasicAuthPassword", "0123456789abcdef"),
            variable("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true"),
            variable("SampledDataCtrlr", "TxUpdatedInterval", "900"),
        ]
        result = {"attributeStatus": "Accepted", "component": rows[1]["component"], "variable": rows[1]["variable"]}
        charger.answers["SetVariables"] = {"setVariableResult": [result]}
        told = await office.call("CP01", "SetVariables", {"setVariableData": rows})
        statuses = [row["attributeStatus"] for row in told["setVariableResult"]]
        assert statuses == ["Rejected", "Accepted", "Accepted"]
        assert ("SetVariables", {"setVariableData": rows[1:2]}) in charger.asked
        only = {"setVariableData": rows[:1]}
        told = await office.call("CP01", "SetVariables", only)
        assert [row["attributeStatus"] for row in told["setVariableResult"]] == ["Rejected"]
        assert ("SetVariables", only) not in charger.asked
