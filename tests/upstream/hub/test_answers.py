"""What a hub answers to each message of both versions, whole; the page of the reference says the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ocpp.messages import CallResult, validate_payload
from ocpp.v16.enums import Action as Action16
from ocpp.v21.enums import Action as Action21
from ocpp.v201.enums import Action as Action201

from adapters.ocpp.upstream.back_office import BackOffice as Office
from adapters.ocpp.upstream.hub_desk import HubDesk
from adapters.ocpp.upstream.hub_desk2 import HubDesk2, HubDesk201
from adapters.ocpp.upstream.hub_desk16 import HubDesk16
from tests.support.hubbed import hubbed
from tests.support.raw_office import NOW, raw_office

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "hub.md"

SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9.0}]}
TOKEN = {"idToken": "A", "type": "Central"}
PLACE = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
PROFILE = {"stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Relative"}
PROFILE16 = PROFILE | {"chargingProfileId": 1, "chargingSchedule": SCHEDULE}
PROFILE2 = PROFILE | {"id": 1, "chargingSchedule": [SCHEDULE | {"id": 1}]}
LOG = {"remoteLocation": "ftp://x"}

ASKED16: dict[str, tuple[dict[str, Any], Any]] = {
    "CancelReservation": ({"reservationId": 1}, "Rejected"),
    "CertificateSigned": ({"certificateChain": "x"}, None),
    "ChangeAvailability": ({"connectorId": 3, "type": "Operative"}, "Rejected"),
    "ChangeConfiguration": ({"key": "Colour", "value": "red"}, "NotSupported"),
    "ClearCache": ({}, "Accepted"),
    "ClearChargingProfile": ({"id": 9}, "Unknown"),
    "DataTransfer": ({"vendorId": "x"}, "UnknownVendorId"),
    "DeleteCertificate": ({}, None),
    "ExtendedTriggerMessage": ({"requestedMessage": "Heartbeat"}, None),
    "GetCompositeSchedule": ({"connectorId": 3, "duration": 60}, "Rejected"),
    "GetConfiguration": ({}, ...),
    "GetDiagnostics": ({"location": "ftp://x"}, ...),
    "GetInstalledCertificateIds": ({"certificateType": "CentralSystemRootCertificate"}, None),
    "GetLocalListVersion": ({}, ...),
    "GetLog": ({}, None),
    "InstallCertificate": ({}, None),
    "RemoteStartTransaction": ({"idTag": "A", "connectorId": 1}, "Rejected"),
    "RemoteStopTransaction": ({"transactionId": 1}, "Rejected"),
    "ReserveNow": ({"connectorId": 1, "expiryDate": NOW, "idTag": "A", "reservationId": 1}, "Rejected"),
    "Reset": ({"type": "Soft"}, "Accepted"),
    "SendLocalList": (
        {
            "listVersion": 2,
            "updateType": "Full",
            "localAuthorizationList": [{"idTag": "A", "idTagInfo": {"status": "Accepted"}}],
        },
        "Accepted",
    ),
    "SetChargingProfile": ({"connectorId": 1, "csChargingProfiles": PROFILE16}, "Accepted"),
    "SignedUpdateFirmware": ({}, None),
    "TriggerMessage": ({"requestedMessage": "FirmwareStatusNotification"}, "Accepted"),
    "UnlockConnector": ({"connectorId": 3}, "NotSupported"),
    "UpdateFirmware": ({"location": "ftp://x", "retrieveDate": NOW}, None),
}
"""A sound payload, and the status of the answer; ``...``: an answer without one, None: NotSupported."""

ASKED2: dict[str, tuple[dict[str, Any], Any]] = {
    "CancelReservation": ({"reservationId": 1}, "Rejected"),
    "CertificateSigned": ({"certificateChain": "x"}, "Rejected"),
    "ChangeAvailability": ({"operationalStatus": "Operative", "evse": {"id": 9}}, "Rejected"),
    "ClearCache": ({}, "Accepted"),
    "ClearChargingProfile": ({"chargingProfileId": 9}, "Unknown"),
    "ClearDisplayMessage": ({"id": 1}, "Unknown"),
    "ClearVariableMonitoring": ({"id": [1, 2]}, ...),
    "CostUpdated": ({"totalCost": 1.0, "transactionId": "x"}, None),
    "CustomerInformation": ({"requestId": 1, "report": True, "clear": False}, "Rejected"),
    "DataTransfer": ({"vendorId": "x"}, "UnknownVendorId"),
    "DeleteCertificate": (
        {
            "certificateHashData": {
                "hashAlgorithm": "SHA256",
                "issuerNameHash": "a",
                "issuerKeyHash": "b",
                "serialNumber": "c",
            }
        },
        "NotFound",
    ),
    "GetBaseReport": ({"requestId": 1, "reportBase": "SummaryInventory"}, "NotSupported"),
    "GetChargingProfiles": ({"requestId": 1, "chargingProfile": {}}, "NoProfiles"),
    "GetCompositeSchedule": ({"evseId": 9, "duration": 60}, "Rejected"),
    "GetDisplayMessages": ({"requestId": 1}, "Unknown"),
    "GetInstalledCertificateIds": ({}, "NotFound"),
    "GetLocalListVersion": ({}, ...),
    "GetLog": ({"logType": "SecurityLog", "requestId": 1, "log": LOG}, "Rejected"),
    "GetMonitoringReport": ({"requestId": 1}, "NotSupported"),
    "GetReport": ({"requestId": 1}, "NotSupported"),
    "GetTransactionStatus": ({}, ...),
    "GetVariables": ({"getVariableData": [PLACE]}, ...),
    "InstallCertificate": ({"certificateType": "CSMSRootCertificate", "certificate": "x"}, "Rejected"),
    "PublishFirmware": ({"location": "x", "checksum": "x", "requestId": 1}, "Rejected"),
    "RequestStartTransaction": ({"idToken": TOKEN, "remoteStartId": 1, "evseId": 1}, "Rejected"),
    "RequestStopTransaction": ({"transactionId": "x"}, "Rejected"),
    "ReserveNow": ({"id": 1, "expiryDateTime": NOW, "idToken": TOKEN}, "Rejected"),
    "Reset": ({"type": "Immediate"}, "Accepted"),
    "SendLocalList": ({"versionNumber": 1, "updateType": "Differential"}, "Accepted"),
    "SetChargingProfile": ({"evseId": 1, "chargingProfile": PROFILE2}, "Accepted"),
    "SetDisplayMessage": ({}, None),
    "SetMonitoringBase": ({"monitoringBase": "All"}, "NotSupported"),
    "SetMonitoringLevel": ({"severity": 5}, "Rejected"),
    "SetNetworkProfile": (
        {
            "configurationSlot": 1,
            "connectionData": {
                "ocppVersion": "OCPP20",
                "ocppTransport": "JSON",
                "ocppCsmsUrl": "ws://x",
                "messageTimeout": 30,
                "securityProfile": 1,
                "ocppInterface": "Wired0",
            },
        },
        "Rejected",
    ),
    "SetVariableMonitoring": ({}, None),
    "SetVariables": ({"setVariableData": [PLACE | {"attributeValue": "60"}]}, ...),
    "TriggerMessage": ({"requestedMessage": "Heartbeat"}, "Accepted"),
    "UnlockConnector": ({"evseId": 9, "connectorId": 1}, "UnknownConnector"),
    "UnpublishFirmware": ({"checksum": "x"}, "NoFirmware"),
    "UpdateFirmware": ({"requestId": 1, "firmware": {"location": "x", "retrieveDateTime": NOW}}, "Rejected"),
}

VERSIONS: list[tuple[str, type[HubDesk], Any, dict[str, tuple[dict[str, Any], Any]]]] = [
    ("1.6", HubDesk16, Action16, ASKED16),
    ("2.0.1", HubDesk201, Action201, ASKED2),
    ("2.1", HubDesk2, Action21, ASKED2),
]


@pytest.mark.parametrize(("version", "desk", "actions", "asked"), VERSIONS)
async def test_each_message_is_answered_as_the_protocol_asks(
    tmp_path: Path, version: str, desk: type[HubDesk], actions: Any, asked: dict[str, tuple[dict[str, Any], Any]]
):
    assert set(asked) == set(desk.table)
    names = {action.value for action in actions}
    async with (
        raw_office(f"ocpp{version}") as office,
        hubbed(tmp_path, Office("office", office.url, version=version)) as site,
    ):
        await site.ready()
        for action, (payload, expected) in sorted(asked.items(), key=lambda item: item[0] == "Reset"):
            kind, answer, *_ = await office.ask(action, payload)
            if expected is None:
                assert (action, kind, answer) == (action, 4, "NotSupported")
                continue
            assert (action, kind) == (action, 3), answer
            await validate_payload(CallResult("x", answer, action), version)
            assert expected is ... or (action, answer["status"]) == (action, expected)
        await site.becomes(lambda: len(office.told("BootNotification")) == 2)  # it was reset
        await site.ready()
        for action in sorted(names - set(asked)):
            assert (await office.ask(action, {}))[:2] == [4, "NotSupported"], action
        assert (await office.ask("MakeCoffee", {}))[:2] == [4, "NotImplemented"]
        if version == "2.0.1":
            assert (await office.ask("SetDefaultTariff", {}))[:2] == [4, "NotImplemented"]


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_messages_that_break_their_schema_are_answered_with_its_error(tmp_path: Path, version: str):
    async with (
        raw_office(f"ocpp{version}") as office,
        hubbed(tmp_path, Office("office", office.url, version=version)) as site,
    ):
        await site.ready()
        for action, payload in (
            ("Reset", {}),
            ("Reset", {"type": "Gently"}),
            ("Reset", {"type": 7}),
            ("Reset", {"type": "Soft" if version == "1.6" else "Immediate", "colour": "red"}),
            ("ClearCache", {"why": 1}),
            ("UnlockConnector", {"connectorId": "one"}),
        ):
            kind, code, *_ = await office.ask(action, payload)
            assert kind == 4
            assert code in {
                "FormationViolation" if version == "1.6" else "FormatViolation",
                "TypeConstraintViolation",
                "ProtocolError",
                "OccurenceConstraintViolation" if version == "1.6" else "OccurrenceConstraintViolation",
                "PropertyConstraintViolation",
            }, (action, payload, code)
        assert (await office.ask("ClearCache", {}))[0] == 3


async def test_a_back_office_that_only_listens_changes_nothing(tmp_path: Path):
    async with (
        raw_office() as office,
        hubbed(tmp_path, Office("office", office.url, primary=False)) as site,
    ):
        await site.ready()
        assert (await office.ask("Reset", {"type": "Soft"}))[:2] == [4, "NotSupported"]


@pytest.mark.parametrize(("title", "desk"), [("OCPP 1.6", HubDesk16), ("OCPP 2.0.1 and 2.1", HubDesk201)])
def test_the_reference_lists_every_answer(title: str, desk: type[HubDesk]):
    text = REFERENCE.read_text(encoding="utf-8")
    _, _, section = text.partition(f"## What it answers in {title}\n")
    section, _, _ = section.partition("\n## ")
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    expected = [
        f"| `{action}` | {'`NotSupported`: ' if row.answer is None else ''}{row.words} |"
        for action, row in desk.table.items()
    ]
    assert rows == expected
