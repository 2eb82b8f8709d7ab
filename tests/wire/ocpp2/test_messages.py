"""Every message that a station may send in OCPP 2.0.1 and 2.1 is answered, and by its schema; nothing else is taken."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ocpp
import pytest
from jsonschema import Draft4Validator

from tests.support.ocpp import bench, socket, until
from tests.support.ocpp2 import VERSIONS, station

SCHEMAS = {
    "ocpp2.0.1": Path(ocpp.__file__).parent / "v201" / "schemas",
    "ocpp2.1": Path(ocpp.__file__).parent / "v21" / "schemas",
}
OF_BOTH = """
    Authorize BootNotification ClearedChargingLimit DataTransfer FirmwareStatusNotification Get15118EVCertificate
    GetCertificateStatus Heartbeat LogStatusNotification MeterValues NotifyChargingLimit NotifyCustomerInformation
    NotifyDisplayMessages NotifyEVChargingNeeds NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport NotifyReport
    PublishFirmwareStatusNotification ReportChargingProfiles ReservationStatusUpdate SecurityEventNotification
    SignCertificate StatusNotification TransactionEvent
"""
OF_21 = """
    BatterySwap ClosePeriodicEventStream GetCertificateChainStatus NotifyDERAlarm NotifyDERStartStop
    NotifyPriorityCharging NotifySettlement OpenPeriodicEventStream PullDynamicScheduleUpdate ReportDERControl
    VatNumberValidation
"""
OF_STATIONS = {"ocpp2.0.1": OF_BOTH.split(), "ocpp2.1": (OF_BOTH + OF_21).split()}


def schema(version: str, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS[version] / f"{name}.json").read_text(encoding="utf-8-sig"))
    return loaded


def example(part: dict[str, Any], whole: dict[str, Any], *, full: bool, depth: int = 0) -> Any:
    """A value that a schema allows: with all its fields, or with those that it must have."""
    if "$ref" in part:
        return example(whole["definitions"][part["$ref"].split("/")[-1]], whole, full=full, depth=depth)
    if "enum" in part:
        return part["enum"][0]
    kind = part.get("type", "string")
    if kind == "object":
        wanted = part["properties"] if full and depth < 6 else part.get("required", [])
        return {
            name: example(part["properties"][name], whole, full=full, depth=depth + 1)
            for name in wanted
            if name != "customData"
        }
    if kind == "array":
        return [example(part["items"], whole, full=full, depth=depth + 1)] * max(1, part.get("minItems", 1))
    if kind == "string":
        return "2026-11-20T09:00:00Z" if part.get("format") == "date-time" else "x"[: part.get("maxLength", 1)]
    return kind == "boolean" or min(max(1, part.get("minimum", 1)), part.get("maximum", 1))


async def rpc(connection: Any, action: str, payload: Any, message_id: str) -> list[Any]:
    await connection.send(json.dumps([2, message_id, action, payload]))
    return await answer_to(connection, message_id)


async def answer_to(connection: Any, message_id: str) -> list[Any]:
    """The answer to one of our calls; calls to us are answered NotImplemented meanwhile."""
    while True:
        frame: list[Any] = json.loads(await connection.recv())
        if frame[0] == 2:
            await connection.send(json.dumps([4, frame[1], "NotImplemented", "", {}]))
        elif frame[1] == message_id:
            return frame


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_message_of_a_station_is_answered_by_its_schema(version: str):
    async with bench() as b, socket(b, subprotocols=[version]) as connection:
        for action in OF_STATIONS[version]:
            asked = schema(version, f"{action}Request")
            answered = Draft4Validator(schema(version, f"{action}Response"))
            for full in (False, True):
                payload = example(asked, asked, full=full)
                assert not list(Draft4Validator(asked).iter_errors(payload)), f"{action}: the test's own mistake"
                kind, _, answer, *_ = await rpc(connection, action, payload, f"{action}-{full}")
                assert kind == 3, f"{action}: {answer}"
                assert not list(answered.iter_errors(answer)), action
    assert "internal_error" not in b.events.kinds()


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_is_no_message_of_a_station_is_refused_with_the_right_code(version: str):
    async with bench() as b, socket(b, subprotocols=[version]) as connection:
        assert (await rpc(connection, "SetChargingProfile", {}, "1"))[2] == "NotSupported"
        assert (await rpc(connection, "BoilTea", {}, "2"))[2] == "NotImplemented"
        assert (await rpc(connection, "Heartbeat", [], "3"))[2] == "FormatViolation"
        assert (await rpc(connection, "StartTransaction", {}, "4"))[2] == "NotImplemented"
        status = {"timestamp": "2026-11-20T09:00:00Z", "connectorStatus": "Charging", "evseId": 1, "connectorId": 1}
        assert (await rpc(connection, "StatusNotification", status, "5"))[2] == "PropertyConstraintViolation"
        assert (await rpc(connection, "StatusNotification", {}, "6"))[2] == "ProtocolError"
        assert (await rpc(connection, "Heartbeat", {}, "7"))[0] == 3


async def test_one_way_messages_belong_to_2_1():
    async with bench() as b:
        for version, taken in (("ocpp2.1", True), ("ocpp2.0.1", False)):
            async with socket(b, subprotocols=[version]) as connection:
                stream = {"id": 1, "pending": 0, "basetime": "2026-11-20T09:00:00Z", "data": [{"t": 0, "v": "1"}]}
                for number in range(15):
                    await connection.send(json.dumps([6, str(number), "NotifyPeriodicEventStream", stream]))
                await connection.send(json.dumps([2, "last", "Heartbeat", {}]))
                assert (await answer_to(connection, "last"))[0] == 3
                assert ("malformed_frame" in b.events.kinds("station:CP01")) is not taken
        async with socket(b, subprotocols=["ocpp2.1"]) as connection:
            await connection.send(json.dumps([5, "9", "FormatViolation", "", {}]))
            await until(lambda: "answer_refused" in b.events.kinds("station:CP01"))


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_a_station_reports_is_told(version: str):
    async with bench() as b, station(b, version) as client:
        at = {"timestamp": "2026-11-20T09:00:00Z"}
        await client.ask("SecurityEventNotification", type="TamperDetectionActivated", **at)
        await client.ask("NotifyChargingLimit", charging_limit={"chargingLimitSource": "SO"})
        await client.ask("ClearedChargingLimit", charging_limit_source="SO")
        event = {
            "eventId": 1,
            "timestamp": at["timestamp"],
            "trigger": "Alerting",
            "actualValue": "true",
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": "ControlMetering"},
            "variable": {"name": "Problem"},
        }
        await client.ask("NotifyEvent", generated_at=at["timestamp"], seq_no=0, event_data=[event])
        assert b.said("charger_security_event") == ["it reports TamperDetectionActivated"]
        assert b.said("charging_limit_set") == ["somebody else limits it: SO"]
        assert b.said("charging_limit_cleared") == ["somebody else limits it no longer: SO"]
        assert b.said("charger_event") == ["it reports ControlMetering Problem: true"]


async def test_a_plugs_status_may_come_as_an_event():
    """2.1 G01: as a change of the connector's AvailabilityState."""
    async with bench() as b, station(b, "ocpp2.1") as client:
        for told, state in (("Occupied", "occupied"), ("Faulted", "faulted"), ("Available", "available")):
            event = {
                "eventId": 1,
                "timestamp": "2026-11-20T09:00:00Z",
                "trigger": "Delta",
                "actualValue": told,
                "eventNotificationType": "HardWiredNotification",
                "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
                "variable": {"name": "AvailabilityState"},
            }
            await client.ask("NotifyEvent", generated_at=event["timestamp"], seq_no=0, event_data=[event])
            assert b.state().state == state
        assert b.said("connector_faulted") == ["connector 1 is faulted: plug 1"]


ODD: list[Any] = [None, 5, -1.5, True, "", "x" * 300, [], {}, [[]], [None], {"a": [1]}, [{"sampledValue": 7}]]


def spoilt(payload: Any) -> Iterator[Any]:
    """The payload with one of its values after the other replaced by something odd, or left out."""
    for name in payload if isinstance(payload, dict) else range(len(payload)):
        for odd in ODD:
            changed = copy.copy(payload)
            changed[name] = odd
            yield changed
        if isinstance(payload, dict):
            yield {other: value for other, value in payload.items() if other != name}
        if isinstance(payload[name], dict | list):
            for inner in spoilt(payload[name]):
                changed = copy.copy(payload)
                changed[name] = inner
                yield changed


DEEP = ["TransactionEvent", "BootNotification", "StatusNotification", "NotifyEvent", "MeterValues", "Authorize"]
"""The messages that something is made of; of the others only the outermost values are spoilt."""


@pytest.mark.parametrize("action", [*DEEP, "others"])
async def test_whatever_a_message_holds_it_is_answered_and_nothing_breaks(action: str):
    version = "ocpp2.1" if action == "others" else "ocpp2.0.1"
    actions = [one for one in OF_STATIONS[version] if one not in DEEP] if action == "others" else [action]
    async with bench(lab=True) as b, socket(b, subprotocols=[version]) as connection:
        number = 0
        for name in actions:
            asked = schema(version, f"{name}Request")
            whole = example(asked, asked, full=name in DEEP)
            for payload in spoilt(whole):
                number += 1
                frame = await rpc(connection, name, payload, f"{number}")
                assert frame[0] == 3 or frame[2] != "InternalError", (name, payload, frame)
        assert b.events.kinds().count("internal_error") == 0
