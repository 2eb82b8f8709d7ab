"""Transactions of chargers that do not read the standard as we do: answered, recorded, and controlled."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.lab import Lab, laboratory
from tests.support.strange_charger import stamp

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATIONS = {"TWIN": 2, "PLAIN": 1, "RETRY": 1, "STOPS": 1, "OTHER": 1, "ODD": 1, "CARD": 1, "EARLY": 1, "REBOOT": 1}
STATIONS |= {"CLOCK": 1, "NOTIME": 1, "BURST": 1, "NIGHT": 1}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    async with laboratory(tmp_path_factory.mktemp("lab"), STATIONS) as running:
        yield running


async def test_the_two_connectors_of_a_station_are_two_points(lab: Lab):
    async with lab.charger("TWIN", outlets=2) as charger:
        await charger.status("Charging", 2)  # in an odd order, and before it has booted
        await charger.status("Available", 0)
        await charger.boot()
        await charger.status("Preparing", 2)
        await charger.status("Available", 1, vendorErrorCode="", info="", timestamp=stamp())
        second = await charger.start(2)
        await lab.becomes("TWIN-2", state="plugged", commanded_a=16.0)
        assert await lab.honest("TWIN-2", charger, 2) == 16.0
        assert charger.outlets[1].allowed_a() == 6.0, "the permanent default"
        first = await charger.start(1)
        assert first != second
        await lab.becomes("TWIN-1", commanded_a=16.0)
        await charger.measure(2)
        await charger.stop(2)
        await charger.status("Available", 2)
        await lab.becomes("TWIN-2", state="available", commanded_a=6.0)
        assert charger.outlets[2].allowed_a() == 6.0
        assert charger.outlets[1].allowed_a() == 16.0, "the neighbour goes on"
        await charger.stop(1)
    ended = await lab.sessions("TWIN")
    assert [(s["point"], s["transaction_id"], s["energy_wh"]) for s in ended] == [
        ("TWIN-2", str(second), 500),
        ("TWIN-1", str(first), 500),
    ]


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        ({"vendorField": {"a": [1]}, "reservationId": 0}, {"vendorField": "x", "reason": "SuddenlyTired"}),
        ({"idTag": ""}, {"idTag": "", "reason": ""}),
        ({"idTag": "04a2B3c4"}, {"idTag": None, "reason": "DeAuthorized"}),
        ({"idTag": "DE-ABC-C12345678-X-and-rather-longer-than-20"}, {"reason": "Other"}),
        ({"timestamp": "2026-11-20T09:00:00"}, {"timestamp": "2026-11-20T11:00:00+01:00"}),
        ({"timestamp": "2026-11-20T09:00:00.1234567Z"}, {"timestamp": "2026-11-20T11:00:00.5+0100"}),
        ({"timestamp": "1970-01-01T00:00:12Z"}, {"timestamp": "1970-01-01T01:00:12Z"}),
        ({"connectorId": "1"}, {"transactionData": [{"timestamp": stamp(), "sampledValue": [{"value": "1"}]}] * 500}),
    ],
)
async def test_a_transaction_with_odd_fields_is_one_session(lab: Lab, start: dict[str, Any], stop: dict[str, Any]):
    async with lab.charger("PLAIN") as charger:
        await charger.boot()
        transaction = await charger.start(**start)
        profile = (await charger.has(lambda: charger.profiles("TxProfile"), "a limit"))[0]
        assert profile["transactionId"] == transaction
        await charger.stop(**stop)
        await lab.becomes("PLAIN-1", session=None, commanded_a=6.0)
    (session,) = [s for s in await lab.sessions("PLAIN") if s["transaction_id"] == str(transaction)]
    assert (session["state"], session["energy_wh"]) == ("ended", 500)


@pytest.mark.parametrize(
    ("register", "energy_wh"), [(2_147_483_647, None), (-20, None), (1000.4, 500), ("1001", 499), (1002.0, 498)]
)
async def test_an_odd_register_costs_no_session(lab: Lab, register: Any, energy_wh: int | None):
    async with lab.charger("ODD") as charger:
        await charger.boot()
        transaction = await charger.start(meterStart=register)
        await charger.has(lambda: charger.profiles("TxProfile"), "a limit")
        await charger.stop(meterStop=1500)
    (session,) = [s for s in await lab.sessions("ODD") if s["transaction_id"] == str(transaction)]
    assert (session["energy_wh"], session["state"]) == (energy_wh, "ended")
    assert session["review_flags"]


async def test_a_start_is_answered_alike_however_it_comes_again(lab: Lab):
    async with lab.charger("RETRY") as charger:
        await charger.boot()
        payload = charger.start_payload()
        first = await charger.told("StartTransaction", payload, "1")
        again = await charger.told("StartTransaction", payload, "1")
        renamed = await charger.told("StartTransaction", payload, "2")
    async with lab.charger("RETRY") as charger:
        reconnected = await charger.told("StartTransaction", payload, "1")
        assert first == again == renamed == reconnected
        charger.open(1, first["transactionId"])
        stop = {"transactionId": first["transactionId"], "meterStop": payload["meterStart"] + 700, "timestamp": stamp()}
        for message_id in ("3", "3", "4"):
            assert await charger.told("StopTransaction", stop, message_id) == {}
    async with lab.charger("RETRY") as charger:
        await charger.told("StopTransaction", stop)
        await charger.told("StartTransaction", payload)  # left over in its queue
        await lab.becomes("RETRY-1", session=None)
    assert [(s["state"], s["energy_wh"]) for s in await lab.sessions("RETRY")] == [("ended", 700)]


@pytest.mark.parametrize("timestamp", [None, "", "yesterday", "20.11.2026 09:00", 1_790_000_000])
async def test_a_start_without_a_readable_time_is_recognised_when_it_comes_again(lab: Lab, timestamp: Any):
    before = len(await lab.sessions("NOTIME"))
    async with lab.charger("NOTIME") as charger:
        await charger.boot()
        first = await charger.start(timestamp=timestamp)
        assert await charger.start(timestamp=timestamp) == first
        await charger.socket.close()
        await charger.connect()
        assert await charger.start(timestamp=timestamp) == first
        await charger.stop(timestamp=timestamp, transactionId=first)
        await charger.stop(timestamp=timestamp, transactionId=first, delivered_wh=0)
    sessions = (await lab.sessions("NOTIME"))[before:]
    assert [(s["energy_wh"], s["review_flags"]) for s in sessions] == [(500, ["timestamp_invalid"])]


async def test_a_stop_of_something_else_ends_nothing_here(lab: Lab):
    async with lab.charger("STOPS") as charger, lab.charger("OTHER") as other:
        await charger.boot()
        own = await charger.start()
        theirs = await other.start()
        for wrong in (0, -1, 999_999_999, theirs, str(theirs)):
            stop = {"transactionId": wrong, "meterStop": 1234, "timestamp": stamp()}
            assert await charger.told("StopTransaction", stop) == {}
        await lab.becomes("STOPS-1", commanded_a=16.0, state="plugged")
        await lab.becomes("OTHER-1", commanded_a=16.0, state="plugged")
        await charger.stop()
        await other.stop()
    sessions = {s["transaction_id"]: s for s in await lab.sessions("STOPS")}
    assert set(sessions) == {str(own), "0", "-1", "999999999"}
    assert sessions[str(own)]["energy_wh"] == 500
    assert "stop_without_start" in sessions["-1"]["review_flags"]  # its record adds why there is nothing to rate
    assert [(s["transaction_id"], s["energy_wh"]) for s in await lab.sessions("OTHER")] == [(str(theirs), 500)]


async def test_cards_are_shown_before_after_and_never(lab: Lab):
    async with lab.charger("CARD") as charger:
        accepted = {"idTagInfo": {"status": "Accepted"}}
        assert await charger.told("Authorize", {"idTag": "04A2B3C4"}) == accepted
        await charger.start()
        assert await charger.told("Authorize", {"idTag": "04A2B3C4", "vendorHint": "tap"}) == accepted
        assert await charger.told("Authorize", {"idTag": "an-identifier-of-a-car-with-plug-and-charge"}) == accepted
        assert await charger.told("Authorize", {"idTag": ""}) == accepted
        assert await charger.stop(idTag="04a2b3c4") == accepted


async def test_a_car_that_charges_before_its_start_is_answered_is_counted_and_bounded(lab: Lab):
    async with lab.charger("EARLY") as charger:
        await charger.boot()
        await charger.has(lambda: charger.profiles("TxDefaultProfile"), "the default")
        await charger.status("Charging")
        await charger.measure(transactionId=0)
        point = await lab.becomes("EARLY-1", state="occupied")
        assert point["measured_a"] == [6.0, 6.0, 6.0]
        assert await lab.honest("EARLY-1", charger) == 6.0
        await charger.start()
        await lab.becomes("EARLY-1", state="charging", commanded_a=16.0)
        assert await lab.honest("EARLY-1", charger) == 16.0
        await charger.stop()


async def test_a_charger_that_boots_in_the_middle_of_a_transaction_keeps_it(lab: Lab):
    async with lab.charger("REBOOT") as charger:
        await charger.boot()
        await charger.start()
        await lab.becomes("REBOOT-1", commanded_a=16.0)
        charger.outlets[1].profiles.clear()
        await charger.boot()
        await charger.has(lambda: charger.outlets[1].allowed_a() == 16.0, "its limit again")
        assert {p["chargingProfilePurpose"] for p in charger.outlets[1].profiles.values()} == {
            "TxDefaultProfile",
            "TxProfile",
        }
        await charger.stop(reason="PowerLoss")
    assert [s["energy_wh"] for s in await lab.sessions("REBOOT")] == [500]


async def test_a_night_of_transaction_data_costs_no_session(lab: Lab):
    data = [
        {"timestamp": stamp(10 * n), "sampledValue": [{"value": f"{n}.5", "unit": "Wh", "context": "Sample.Periodic"}]}
        for n in range(8 * 360)
    ]
    async with lab.charger("NIGHT") as charger:
        await charger.start()
        assert len(json.dumps(data)) > 256 * 1024
        await charger.stop(transactionData=data)
    assert [s["energy_wh"] for s in await lab.sessions("NIGHT")] == [500]


async def test_many_calls_without_waiting_are_all_answered_in_their_order(lab: Lab):
    async with lab.charger("BURST") as charger:
        payload = charger.start_payload()
        posted = [charger.post("StartTransaction", payload, "start")]
        posted += [charger.post("Heartbeat", {}) for _ in range(100)]
        posted += [charger.post("MeterValues", {"connectorId": 1, "meterValue": []}) for _ in range(100)]
        answers = [await task for task in posted]
        assert {answer[0] for answer in answers} == {3}
        transaction = answers[0][2]["transactionId"]
        stop = {"transactionId": transaction, "meterStop": payload["meterStart"] + 500, "timestamp": stamp()}
        text = json.dumps([2, "stop", "StopTransaction", stop], indent=2)
        assert (await charger.send([text[:9], text[9:40], "", text[40:]], "stop"))[0] == 3
    assert [s["energy_wh"] for s in await lab.sessions("BURST")] == [500]
