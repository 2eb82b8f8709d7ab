"""The ways in which chargers connect, and how they put their frames on the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from tests.support.lab import Lab, laboratory, point_id
from tests.support.strange_charger import WITHIN_S, StrangeCharger, stamp

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    stations = dict.fromkeys(["WAY", "RDAM 123", "Ladesäule 3", "A*B|C@D+E=F", "FRAMES", "TALK"], 1)
    async with laboratory(tmp_path_factory.mktemp("lab"), stations) as running:
        yield running


@pytest.mark.parametrize(
    ("identity", "options"),
    [
        ("WAY", {"subprotocols": ["ocpp1.6", "ocpp1.5"]}),
        ("WAY", {"subprotocols": ["ocpp2.0", "ocpp1.5", "ocpp1.6"]}),
        ("WAY", {"compression": None}),
        ("WAY/", {}),
        ("/WAY", {}),
        ("WAY?vendor=x&fw=1.2", {}),
        ("WAY/?x", {}),
        ("%57AY", {}),
        ("WAY", {"additional_headers": {"Authorization": "Basic V0FZOnNlY3JldA==", "X-Vendor": "1"}}),
        ("WAY", {"additional_headers": {"Authorization": "Basic not-base64"}}),
        ("WAY", {"user_agent_header": None, "origin": "http://charger.local"}),
    ],
)
async def test_a_station_comes_in_by_any_sensible_way(lab: Lab, identity: str, options: dict[str, Any]):
    async with lab.charger(identity, **options) as charger:
        assert charger.socket.subprotocol == "ocpp1.6"
        assert (await charger.boot())["status"] == "Accepted"
        await charger.has(lambda: charger.outlets[1].allowed_a() == 6.0, "its default")
        await lab.becomes("WAY-1", online=True)


@pytest.mark.parametrize(
    ("identity", "encoded"),
    [
        ("RDAM 123", "RDAM%20123"),
        ("Ladesäule 3", "Lades%C3%A4ule%203"),
        ("A*B|C@D+E=F", "A*B%7CC@D+E=F"),
        ("A*B|C@D+E=F", "A%2AB%7CC%40D%2BE%3DF"),
    ],
)
async def test_an_identity_may_be_any_name(lab: Lab, identity: str, encoded: str):
    async with lab.charger(encoded) as charger:
        await charger.boot()
        await charger.start()
        await lab.becomes(point_id(identity), online=True, state="plugged")
        await charger.stop()
    assert (await lab.sessions(identity))[-1]["state"] == "ended"


@pytest.mark.parametrize(
    "identity", ["way", "NOBODY", "", "WAY/1", "WAY%00", "%FF%FE", "WAY%2F", "../ocpp/NOBODY", "W%20AY", "%C3%A4"]
)
async def test_a_stranger_is_told_that_nobody_is_here(lab: Lab, identity: str):
    charger = StrangeCharger(f"ws://127.0.0.1:{lab.service.ocpp_port}/ocpp", identity)
    with pytest.raises(InvalidStatus) as refused:
        await charger.connect()
    assert refused.value.response.status_code == 404


@pytest.mark.parametrize("offered", [["ocpp1.5"], ["ocpp2.0"], ["OCPP"], None])
async def test_without_a_common_subprotocol_the_handshake_is_completed_and_the_connection_closed(
    lab: Lab, offered: list[str] | None
):
    async with lab.charger("WAY", subprotocols=offered) as charger:
        assert charger.socket.subprotocol is None
        await asyncio.wait_for(charger.hung_up.wait(), WITHIN_S)
        assert charger.socket.close_code == 1002


async def test_pings_fragments_and_binary_frames_are_fine(lab: Lab):
    async with lab.charger("FRAMES") as charger:
        await (await charger.socket.ping(b"are you there"))
        await charger.socket.pong(b"unasked")
        text = json.dumps([2, "ä€", "Heartbeat", {}], ensure_ascii=False)
        for frame in (text, list(text), text.encode(), " \r\n" + text + "\n", json.dumps(json.loads(text), indent=3)):
            assert (await charger.send(frame, "ä€"))[0] == 3
        assert (await charger.send('[2,"none","Heartbeat",null]', "none"))[0] == 3
        assert (
            await charger.send(
                '[2,"36-characters-and-more-than-thirty-six","Heartbeat",{}]', "36-characters-and-more-than-thirty-six"
            )
        )[0] == 3


async def test_what_is_no_message_is_passed_over(lab: Lab):
    async with lab.charger("FRAMES") as charger:
        for frame in ("", "null", "[]", "[2]", '[9,"x",{}]', '{"a":1}', "\x00", '[3,"nobody-asked",{}]', b"\xff\xfe"):
            await charger.socket.send(frame)
        assert (await charger.told("Heartbeat", {}))["currentTime"]
        assert (await charger.say("Heartbeat", ["not an object"]))[2] == "FormationViolation"
        assert (await charger.say("heartbeat", {}))[2] == "NotImplemented"


async def test_everything_else_that_chargers_say_is_answered(lab: Lab):
    async with lab.charger("TALK") as charger:
        for action in ("GetConfiguration", "RemoteStartTransaction", "SetChargingProfile", "TriggerMessage", "Reset"):
            assert (await charger.say(action, {}))[2] == "NotSupported"
        assert (await charger.say("NotifyEVChargingNeeds", {}))[2] == "NotImplemented"
        unknown = {"status": "UnknownVendorId"}
        assert (
            await charger.told("DataTransfer", {"vendorId": "com.example", "messageId": "m", "data": "{}"}) == unknown
        )
        for action, payload in (
            ("DiagnosticsStatusNotification", {"status": "Uploaded"}),
            ("FirmwareStatusNotification", {"status": "Rebooting"}),  # in no schema
            ("LogStatusNotification", {"status": "Uploading", "requestId": 3}),
            ("SignedFirmwareStatusNotification", {"status": "SignatureVerified", "requestId": -1}),
            ("SecurityEventNotification", {"type": "FailedToAuthenticateAtCsms", "timestamp": stamp()}),
            ("SecurityEventNotification", {"type": "Vendor" * 20, "timestamp": stamp(), "techInfo": "x" * 300}),
        ):
            assert await charger.told(action, payload) == {}
        assert await charger.told("SignCertificate", {"csr": "-----BEGIN CERTIFICATE REQUEST-----"}) == {
            "status": "Rejected"
        }
        beat = await charger.told("Heartbeat", {})
        assert beat.keys() == {"currentTime"}
        assert beat["currentTime"].endswith("Z")
        boot = await charger.told(
            "BootNotification",
            {
                "chargePointVendor": "A vendor whose name is far longer than twenty characters",
                "chargePointModel": "",
                "chargePointSerialNumber": "S",
                "chargeBoxSerialNumber": None,
                "iccid": "",
                "imsi": "",
                "meterType": "",
                "meterSerialNumber": "",
                "firmwareVersion": "v" * 80,
                "localTime": "yes",
            },
        )
        assert boot.keys() == {"status", "currentTime", "interval"}
        assert boot["status"] == "Accepted"
