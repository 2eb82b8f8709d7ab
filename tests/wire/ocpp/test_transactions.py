"""Sessions: recorded first, answered then, always answered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ocpp.exceptions import InternalError
from ocpp.v16 import call

from controller.ports.measurements import HeldLimit
from tests.support.ledger import FakeLedger, SteppedClock
from tests.support.ocpp import PASSWORD, TOKEN, bench, charger, charging, point, rpc, site_of, socket, until

START = {"connectorId": 1, "idTag": TOKEN, "meterStart": 100, "timestamp": "2026-11-20T09:00:00Z"}


async def test_a_whole_session():
    async with bench() as b, charger(b) as client:
        boot = await client.boot()
        assert (boot.status, boot.interval, boot.current_time) == ("Accepted", 300, "2026-11-20T09:00:00Z")
        assert b.state().state == "available"
        await client.say("Preparing")
        assert b.state().state == "occupied"
        assert (await client.ask(call.Authorize(TOKEN))).id_tag_info["status"] == "Accepted"
        started = await client.begin(start_wh=1000)
        assert started.id_tag_info["status"] == "Accepted"
        assert [s.flags for s in b.ledger.starts] == [()]
        assert (b.state().state, b.state().commanded_a) == ("plugged", 6.0)
        b.plan(P01=16)
        await until(lambda: b.state().commanded_a == 16)
        await client.say("Charging")
        await client.measure(15.5, 15.6, 15.4, register_wh=1450)
        state = b.state()
        assert (state.state, state.measured_a, state.delivered_wh) == ("charging", (15.5, 15.6, 15.4), 450)
        sample = b.measurements.samples[-1]
        assert (sample.point, sample.session, sample.register_wh) == ("P01", "S1000", 1450)
        await client.say("Finishing")
        assert (await client.end(started.transaction_id, 2000)).id_tag_info is None
        assert (b.ledger.stops[0].end_wh, b.ledger.stops[0].reason) == (2000, "Local")
        state = b.state()
        assert (state.state, state.commanded_a, state.measured_a, state.delivered_wh) == ("finishing", 6.0, None, 0)


@pytest.mark.parametrize(
    ("uid", "expected"),
    [(TOKEN, "Accepted"), (TOKEN.lower(), "Accepted"), ("NOBODY", "Invalid"), ("THIEF", "Blocked"), ("OLD", "Expired")],
)
async def test_what_a_token_may_is_said_alike_on_authorize_and_on_start(uid: str, expected: Any):
    async with bench() as b, charger(b) as client:
        b.ledger.add_token("THIEF", blocked=True)
        b.ledger.add_token("OLD", valid_until=b.clock.now())
        assert (await client.ask(call.Authorize(uid))).id_tag_info["status"] == expected
        started = await client.begin(token=uid)
        assert started.id_tag_info["status"] == expected
        assert (b.ledger.starts[0].flags == ()) == (expected == "Accepted")


async def test_an_unauthorised_transaction_is_recorded_gets_no_current_and_is_stopped():
    async with bench() as b, charger(b) as client:
        await client.boot()
        started = await client.begin(token="NOBODY")
        assert b.ledger.starts[0].flags == ("unauthorised_token",)
        await until(lambda: client.stopped)
        assert client.stopped == [started.transaction_id]
        b.plan(P01=16.0)
        await until(lambda: b.state().commanded_a == 0)
        assert b.limits_of(client) == [0.0]
        assert b.state().max_a == 0
        assert "unknown_token" in b.events.kinds()


async def test_in_the_laboratory_any_token_charges():
    async with bench(lab=True) as b, charger(b) as client:
        started = await client.begin(token="ANY")
        assert started.id_tag_info["status"] == "Accepted"
        assert b.ledger.starts[0].flags == ()


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        ({"meterStart": 2147483647}, ("meter_start_implausible",)),
        ({"meterStart": -5}, ("meter_start_implausible",)),
        ({"meterStart": 100.25}, ("meter_start_not_integer",)),
        ({"meterStart": "100"}, ("meter_start_not_integer",)),
        ({"connectorId": 7}, ("unknown_connector",)),
        ({"connectorId": 0}, ("unknown_connector",)),
        ({"timestamp": "yesterday"}, ("timestamp_invalid",)),
        ({"timestamp": None}, ("timestamp_invalid",)),
        ({"timestamp": "2031-01-01T00:00:00Z"}, ("timestamp_ahead",)),
        ({"timestamp": "1970-01-01T00:00:07Z"}, ("timestamp_behind",)),
        ({"timestamp": "2026-11-20T09:00:00"}, ()),
        ({"idTag": "X" * 30}, ("id_tag_too_long", "unauthorised_token")),
        ({"somethingNew": True, "self": 1}, ()),
    ],
)
async def test_an_odd_start_is_recorded_with_flags_and_answered(change: dict[str, Any], flags: tuple[str, ...]):
    async with bench() as b, socket(b) as connection:
        kind, _, answer = await rpc(connection, "StartTransaction", START | change)
        assert kind == 3
        assert answer["transactionId"] == 1000
        assert b.ledger.starts[0].flags == flags


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("StartTransaction", {}, "ProtocolError"),
        ("StartTransaction", START | {"connectorId": "one"}, "TypeConstraintViolation"),
        ("StartTransaction", START | {"meterStart": [1]}, "TypeConstraintViolation"),
        ("StartTransaction", START | {"idTag": 5}, "TypeConstraintViolation"),
        ("StopTransaction", {"transactionId": 1000}, "ProtocolError"),
        ("StopTransaction", {"transactionId": {}, "meterStop": 5}, "TypeConstraintViolation"),
        ("MeterValues", {"connectorId": None}, "ProtocolError"),
        ("MeterValues", {"connectorId": "x", "meterValue": []}, "TypeConstraintViolation"),
        ("BootNotification", {"chargePointVendor": "V"}, "ProtocolError"),
        (
            "StatusNotification",
            {"connectorId": 1, "errorCode": "NoError", "status": "Dancing"},
            "PropertyConstraintViolation",
        ),
        ("Authorize", {}, "ProtocolError"),
        ("Authorize", {"idTag": 5}, "TypeConstraintViolation"),
        ("DataTransfer", {"vendorId": "V", "extra": 1}, "FormationViolation"),
        ("Teleport", {}, "NotImplemented"),
        ("SetChargingProfile", {}, "NotSupported"),
    ],
)
async def test_what_has_no_meaning_gets_the_right_error(action: str, payload: dict[str, Any], code: str):
    async with bench() as b, socket(b) as connection:
        kind, _, found, _, details = await rpc(connection, action, payload)
        assert (kind, found, details) == (4, code, {})
        assert (await rpc(connection, "Heartbeat", {}))[0] == 3
        assert b.ledger.starts == []


@pytest.mark.parametrize("transaction_id", [-1, 0, 999_999])
async def test_a_stop_of_a_transaction_that_nobody_knows_is_answered(transaction_id: int):
    async with bench() as b, charging(b) as (client, _):
        await client.end(transaction_id)
        assert b.ledger.stops[0].transaction_id == str(transaction_id)
        assert b.state().state == "plugged"


async def test_a_foreign_stop_has_no_effect():
    async with bench(site_of(point(), point("P02", "CP02"))) as b, charging(b) as (_, transaction_id):
        async with charger(b, "CP02") as other:
            await other.end(transaction_id)
        assert b.ledger.stops == []
        assert b.state().state == "plugged"


async def test_a_stop_says_what_its_token_may_and_keeps_its_reason():
    async with bench() as b, charging(b) as (client, transaction_id):
        answer = await client.ask(
            call.StopTransaction(1500, "2026-11-20T09:30:00Z", transaction_id, reason="EVDisconnected", id_tag=TOKEN)
        )
        assert answer.id_tag_info["status"] == "Accepted"
        assert b.ledger.stops[0].reason == "EVDisconnected"


async def test_repeated_transaction_messages_count_once():
    async with bench() as b, charger(b) as client:
        first, second = await client.begin(), await client.begin()
        assert first.transaction_id == second.transaction_id
        await client.end(first.transaction_id)
        await client.end(first.transaction_id)
        third = await client.begin()
        assert third.transaction_id == first.transaction_id
        assert b.state().state == "available", "a start that was repeated late opens nothing"
        assert len(b.ledger.starts) == len(b.ledger.stops) == 1


async def test_the_same_message_id_again_gets_the_same_answer_and_another_call_under_it_is_refused():
    async with bench() as b, socket(b) as connection:
        first = await rpc(connection, "StartTransaction", START, "7")
        assert await rpc(connection, "StartTransaction", START, "7") == first
        refused = await rpc(connection, "StartTransaction", START | {"meterStart": 5}, "7")
        assert refused[2] == "SecurityError"
        assert len(b.ledger.starts) == 1
        assert b.events.kinds("station:CP01") == ["station_online", "message_id_reused"]


async def test_what_cannot_be_recorded_is_not_acknowledged_and_succeeds_when_it_is_sent_again():
    async with bench() as b, socket(b) as connection:
        b.ledger.available = False
        refused = await rpc(connection, "StartTransaction", START, "7")
        assert refused[:3] == [4, "7", "InternalError"]
        assert "ledger_unavailable" in b.events.kinds("ledger")
        b.ledger.available = True
        assert (await rpc(connection, "StartTransaction", START, "7"))[0] == 3
        assert b.state().state == "plugged"


async def test_a_second_start_on_a_connector_supersedes_the_first():
    async with bench() as b, charging(b) as (client, first):
        second = (await client.begin(start_wh=5000)).transaction_id
        assert second != first
        assert "transaction_superseded" in b.events.kinds("point:P01")
        b.plan(P01=10)
        await until(lambda: b.limits_of(client))
        assert client.profiles[-1]["transaction_id"] == second
        await client.end(first)
        assert b.state().state == "plugged"


async def test_a_transaction_whose_end_is_never_reported_is_told_once():
    async with bench() as b, charging(b) as (client, _):
        await client.say("Available")
        for _ in range(3):
            b.clock.advance(600)
            b.plan(P01=6)
        assert b.events.kinds("point:P01").count("transaction_stale") == 1
        assert b.state().state == "plugged"


async def test_a_charger_that_says_available_while_its_car_charges_has_not_lost_its_end():
    async with bench() as b, charging(b) as (client, _):
        await client.say("Available")
        for _ in range(5):
            b.clock.advance(400)
            await client.measure(12, 12, 12)
            b.plan(P01=16)
            assert b.state().state == "charging"
        assert "transaction_stale" not in b.events.kinds("point:P01")


async def test_two_connectors_of_one_station_are_apart():
    site = site_of(point(), point("P02", connector=2))
    async with bench(site) as b, charging(b, connector=2) as (client, transaction_id):
        await client.say("Charging", 2)
        await client.measure(8, 8, 8, connector=2)
        b.plan(P01=16, P02=12)
        await until(lambda: b.limits_of(client, 2) == [12.0])
        assert b.state("P02").commanded_a == 12
        assert b.state("P01").state == "available"
        assert b.limits_of(client, 1) == []
        ids = {(p["connector_id"], p["charging_profile_purpose"]): p["charging_profile_id"] for p in client.profiles}
        assert len(set(ids.values())) == len(ids) == 3
        await client.end(transaction_id)
        assert b.state("P02").state == "charging" or b.state("P02").state == "occupied"


async def test_after_a_restart_the_same_transactions_go_on():
    ledger, clock = FakeLedger(), SteppedClock()
    ledger.add_token(TOKEN)
    ledger.add_password("CP01", PASSWORD)
    async with bench(ledger=ledger, clock=clock) as b, charging(b) as (client, transaction_id):
        b.plan(P01=20)
        await until(lambda: b.applied)
        held = dict(b.measurements.held)
    assert held == {"P01": HeldLimit("P01", 20.0, clock.now())}
    clock.advance(30)
    async with bench(ledger=ledger, clock=clock, held=held) as b:
        assert (b.state().state, b.state().commanded_a) == ("offline", 20.0)
        async with charger(b) as client:
            await client.heartbeat()
            assert b.state().state == "plugged"
            assert b.state().commanded_a == 20.0
            b.plan(P01=10)
            await until(lambda: b.limits_of(client) == [10.0])
            assert client.profiles[0]["transaction_id"] == transaction_id
            await until(lambda: len(client.triggers) == 2)
            assert client.triggers == [("BootNotification", None), ("StatusNotification", 1)]
            await client.end(transaction_id)
            assert not ledger.sessions


async def test_after_a_restart_what_was_drawn_before_is_still_known():
    ledger, clock = FakeLedger(), SteppedClock()
    ledger.add_token(TOKEN)
    ledger.add_password("CP01", PASSWORD)
    async with bench(ledger=ledger, clock=clock) as b, charging(b) as (client, transaction_id):
        b.plan(P01=13)
        await until(lambda: b.applied)
        await client.measure(11.5, 12, 12.5, at="2026-11-20T09:00:00Z")
        (sample,), held = b.measurements.samples, b.measurements.held
    clock.advance(8)
    async with bench(ledger=ledger, clock=clock, held=held, measured={"P01": sample}) as b:
        assert (b.state().state, b.state().measured_a) == ("offline", (11.5, 12, 12.5))
        async with charger(b) as client:
            await client.heartbeat()
            assert (b.state().state, b.state().measured_a) == ("charging", (11.5, 12, 12.5))
            assert b.state().measured_at == clock.began_at
        assert b.ledger.sessions.keys() == {transaction_id}
    earlier = replace(sample, at=sample.at - timedelta(seconds=1))
    async with bench(ledger=ledger, clock=clock, held=held, measured={"P01": earlier}) as b:
        assert b.state().measured_a is None, "that was before this transaction"


async def test_after_a_restart_an_unauthorised_transaction_still_gets_nothing():
    ledger = FakeLedger()
    ledger.add_password("CP01", PASSWORD)
    async with bench(ledger=ledger) as b, charger(b) as client:
        await client.begin(token="NOBODY")
    async with bench(ledger=ledger) as b, charger(b) as client:
        await client.heartbeat()
        await until(lambda: client.stopped)
        assert b.limits_of(client) == [0.0]


async def test_a_start_that_was_recorded_but_never_opened_opens_when_it_is_repeated():
    async with bench() as b, charging(b) as (client, transaction_id):
        connector = b.central._stations["CP01"].connectors[1]
        connector.transaction = None  # as if the connection had been lost between the record and the answer
        assert (await client.begin()).transaction_id == transaction_id
        assert b.state().state == "plugged"


async def test_the_other_notifications_are_answered():
    async with bench() as b, socket(b) as connection:
        for action, payload in (
            ("DiagnosticsStatusNotification", {"status": "Idle"}),
            ("FirmwareStatusNotification", {"status": "Installed"}),
            ("LogStatusNotification", {"status": "Idle"}),
            ("SignedFirmwareStatusNotification", {"status": "Idle"}),
            ("SecurityEventNotification", {"type": "InvalidMessages", "timestamp": "2026-11-20T09:00:00Z"}),
        ):
            assert (await rpc(connection, action, payload))[2] == {}
        assert (await rpc(connection, "DataTransfer", {"vendorId": "V"}))[2] == {"status": "UnknownVendorId"}
        assert (await rpc(connection, "SignCertificate", {"csr": "x"}))[2] == {"status": "Rejected"}
        assert "charger_security_event" in b.events.kinds("station:CP01")


async def test_a_long_vendor_name_does_not_keep_a_charger_out():
    async with bench() as b, socket(b) as connection:
        boot = {"chargePointVendor": "V" * 30, "chargePointModel": "M", "firmwareVersion": "1.2.3"}
        assert (await rpc(connection, "BootNotification", boot))[2]["status"] == "Accepted"
        view = b.central.stations()[0]
        assert (view.vendor, view.model, view.firmware) == ("V" * 20, "M", "1.2.3")


async def test_a_clock_that_is_wrong_is_reported_and_one_late_message_is_not():
    async with bench() as b, charger(b) as client:
        late = (b.clock.now() - timedelta(hours=3)).isoformat()
        await client.say("Available", timestamp=late)
        assert "charger_clock_skewed" not in b.events.kinds()
        for _ in range(5):
            await client.say("Available", timestamp=(b.clock.now() - timedelta(seconds=90)).isoformat())
        assert b.events.kinds().count("charger_clock_skewed") == 1
        assert b.central.stations()[0].clock_skew_s == pytest.approx(-90)
        await client.say("Available", timestamp=b.clock.now().isoformat())
        assert b.central.stations()[0].clock_skew_s == 0
        await client.say("Available", timestamp=datetime(2030, 1, 1, tzinfo=UTC).isoformat())
        assert b.events.kinds().count("charger_clock_skewed") == 2


async def test_a_server_that_stops_answers_what_was_announced_before():
    async with bench() as b, charger(b) as client:
        await client.boot()
        answering = asyncio.create_task(client.begin())
        await until(lambda: b.ledger.starts)
        await b.central.stop()
        assert (await answering).transaction_id == 1000


async def test_an_error_of_ours_is_an_error_not_a_silence(monkeypatch: pytest.MonkeyPatch):
    async with bench() as b, charger(b) as client:
        monkeypatch.setattr(b.ledger, "authorise", None)  # a fault of the program
        with pytest.raises(InternalError):
            await client.ask(call.Authorize(TOKEN))
        assert "internal_error" in b.events.kinds("station:CP01")
        await client.heartbeat()
