import asyncio
import base64
import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from simulations.cars import Car, CarModel
from simulations.chargers import ChargingStation
from simulations.connectors import Connector, ConnectorModel
from simulations.firmware import Firmware
from simulations.ocpp_client import OcppClient
from simulations.temperaments import TEMPERAMENTS
from tests.support.central import CentralSystem
from tests.support.ocpp import until
from tests.support.processes import WITHIN_S


class OnWire:
    """One station on a real socket, in a world whose time moves when the test says so."""

    def __init__(self, url: str, password: str | None = None) -> None:
        self.now_s = time.time()
        connectors = [Connector(n, (0, 1, 2), ConnectorModel(), random.Random(n)) for n in (1, 2)]
        self.station = ChargingStation("CP01", connectors, voltage_v=230.0)
        self.lowered: list[bool] = []
        self.firmware = Firmware(self.station, on_profile=self.lowered.append)
        self.client = OcppClient(self.firmware, url, lambda: self.now_s, random.Random(1), password)
        self.task = asyncio.create_task(self.client.run())

    async def advance(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.25)):
            self.now_s += 0.25
            self.station.step(self.now_s, 0.25)
            self.client.observe()
            await asyncio.sleep(0)

    async def charging(self, number: int = 1, tag: str = "TAG") -> Car:
        async with asyncio.timeout(WITHIN_S):
            await self.client.registered.wait()
        car = Car(CarModel(), soc=0.2)
        await self.client.arrive(number, car, tag)
        await self.advance(20)
        return car

    async def settled(self) -> None:
        await until(lambda: len(self.firmware.outbox) == 0)

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def central() -> AsyncIterator[CentralSystem]:
    system = CentralSystem()
    await system.start()
    yield system
    await system.stop()


@pytest.fixture
async def wire(central: CentralSystem) -> AsyncIterator[OnWire]:
    station = OnWire(central.url)
    yield station
    await station.close()


def profile(purpose: str, *periods: tuple[int, float], **fields: Any) -> dict[str, Any]:
    start = datetime.now(UTC).isoformat()
    return {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 4,
            "stackLevel": 0,
            "chargingProfilePurpose": purpose,
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "startSchedule": start,
                "chargingSchedulePeriod": [{"startPeriod": begin, "limit": limit} for begin, limit in periods],
            },
            **fields,
        },
    }


async def test_a_whole_session_is_told_in_order(central: CentralSystem, wire: OnWire):
    assert await central.request_when_connected(
        "ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "5"}
    )
    car = await wire.charging()
    values = await central.has("MeterValues")
    wire.client.leave(1)
    stop = await central.has("StopTransaction")
    start = central.payloads("StartTransaction")[0]
    assert [a for a, _ in central.received if a in ("BootNotification", "Authorize", "StartTransaction")] == [
        "BootNotification",
        "Authorize",
        "StartTransaction",
    ]
    assert stop["transactionId"] == values["transactionId"] == 1
    assert stop["reason"] == "EVDisconnected"
    assert stop["meterStop"] - start["meterStart"] == pytest.approx(car.drawn_wh, abs=1.0)
    assert wire.firmware.ended[0].to_json()["energy_wh"] == stop["meterStop"] - start["meterStart"]
    sampled = {(row["measurand"], row.get("phase")) for row in values["meterValue"][0]["sampledValue"]}
    assert {("Current.Import", "L1"), ("Current.Import", "L3"), ("Power.Active.Import", None)} <= sampled
    statuses = await central.has("StatusNotification", connectorId=1, status="Available", count=2)
    assert statuses["errorCode"] == "NoError"


async def test_the_sample_interval_set_by_the_central_system_counts(central: CentralSystem, wire: OnWire):
    await wire.charging()
    await wire.settled()
    assert central.payloads("MeterValues") == []  # 60 s unless told otherwise
    await central.request("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "10"})
    await wire.advance(95)
    await wire.settled()
    assert 3 <= len(central.payloads("MeterValues")) <= 6


async def test_a_blocked_token_starts_nothing_and_one_blocked_at_start_is_stopped(central: CentralSystem, wire: OnWire):
    central.blocked_tokens.add("STRANGER")
    await wire.charging(tag="STRANGER")
    assert wire.client.refused_tokens == 1
    assert central.payloads("StartTransaction") == []
    await central.has("StatusNotification", connectorId=1, status="Preparing")
    await wire.client.begin(1, "STRANGER")  # as a remote start would
    assert (await central.has("StopTransaction"))["reason"] == "DeAuthorized"


async def test_profiles_act_and_their_lowering_is_noticed(central: CentralSystem, wire: OnWire):
    await wire.charging()
    transaction = (await central.has("StartTransaction")) and 1
    answer = await central.request("SetChargingProfile", profile("TxDefaultProfile", (0, 32.0)))
    assert answer == {"status": "Accepted"}
    answer = await central.request(
        "SetChargingProfile", profile("TxProfile", (0, 8.0), (120, 6.0), transactionId=transaction, chargingProfileId=5)
    )
    assert answer == {"status": "Accepted"}
    assert wire.lowered == [False, True]
    await wire.advance(15)
    assert wire.station.connectors[1].own_a == pytest.approx((8.0, 8.0, 8.0))
    composite = await central.request("GetCompositeSchedule", {"connectorId": 1, "duration": 300})
    periods = composite["chargingSchedule"]["chargingSchedulePeriod"]
    assert [row["limit"] for row in periods] == [8.0, 6.0]
    assert await central.request("ClearChargingProfile", {"id": 5}) == {"status": "Accepted"}
    assert await central.request("ClearChargingProfile", {"id": 5}) == {"status": "Unknown"}


async def test_a_profile_that_cannot_be_is_rejected(central: CentralSystem, wire: OnWire):
    await wire.charging()
    await wire.settled()
    wrong = profile("TxProfile", (0, 8.0), transactionId=999)
    assert await central.request("SetChargingProfile", wrong) == {"status": "Rejected"}
    assert await central.request("SetChargingProfile", profile("TxProfile", (0, 8.0)) | {"connectorId": 9}) == {
        "status": "Rejected"
    }
    assert wire.firmware.profiles_refused == 2


async def test_a_session_that_ran_while_the_central_system_was_away_is_delivered_later(
    wire: OnWire, central: CentralSystem
):
    await wire.charging(number=1)
    await wire.settled()
    port = central.port
    await central.stop()
    await until(lambda: not wire.client.registered.is_set())
    await wire.client.arrive(2, Car(CarModel(), soc=0.5), "OTHER")
    await wire.advance(30)
    wire.client.leave(1)
    wire.client.leave(2)
    assert [message.kind for message in wire.firmware.outbox][-2:] == ["StopTransaction", "StopTransaction"]
    await central.start(port)
    await central.has("StopTransaction", count=2)
    told = [(name, p.get("transactionId")) for name, p in central.received if "Transaction" in name]
    assert told == [
        ("StartTransaction", None),
        ("StartTransaction", None),
        ("StopTransaction", 1),
        ("StopTransaction", 2),
    ]


async def test_a_failed_transaction_message_is_sent_again_before_any_other(central: CentralSystem, wire: OnWire):
    await central.request_when_connected(
        "ChangeConfiguration", {"key": "TransactionMessageRetryInterval", "value": "0"}
    )
    central.fail["StartTransaction"] = 2
    await wire.charging()
    wire.client.leave(1)
    await central.has("StopTransaction", transactionId=1)
    assert len(central.payloads("StartTransaction")) == 1


async def test_the_central_system_can_configure_trigger_and_command(central: CentralSystem, wire: OnWire):
    await wire.charging()
    await wire.settled()
    change = "ChangeConfiguration"
    assert await central.request(change, {"key": "NumberOfConnectors", "value": "9"}) == {"status": "Rejected"}
    assert await central.request(change, {"key": "Nonsense", "value": "9"}) == {"status": "NotSupported"}
    assert await central.request(change, {"key": "HeartbeatInterval", "value": "soon"}) == {"status": "Rejected"}
    listed = await central.request("GetConfiguration", {"key": ["NumberOfConnectors", "Nonsense"]})
    assert listed == {
        "configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}],
        "unknownKey": ["Nonsense"],
    }
    assert await central.request("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}) == {
        "status": "Accepted"
    }
    assert (await central.has("MeterValues"))["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"
    inoperative = {"connectorId": 1, "type": "Inoperative"}
    assert await central.request("ChangeAvailability", inoperative) == {"status": "Scheduled"}
    assert await central.request("RemoteStopTransaction", {"transactionId": 77}) == {"status": "Rejected"}
    assert await central.request("RemoteStopTransaction", {"transactionId": 1}) == {"status": "Accepted"}
    await wire.advance(1)
    assert (await central.has("StopTransaction"))["reason"] == "Remote"
    assert await central.request("RemoteStartTransaction", {"idTag": "X", "connectorId": 1}) == {"status": "Rejected"}
    await central.request("ChangeAvailability", {"connectorId": 0, "type": "Operative"})
    assert await central.request("RemoteStartTransaction", {"idTag": "X"}) == {"status": "Accepted"}
    await central.has("StartTransaction", idTag="X")


async def test_a_headstrong_station_says_yes_and_does_nothing_of_it_and_says_so_when_asked(
    central: CentralSystem, wire: OnWire
):
    wire.station.temperament = TEMPERAMENTS["headstrong"]
    await wire.charging()
    await wire.settled()
    told = profile("TxProfile", (0, 8.0), transactionId=1)
    assert await central.request("SetChargingProfile", told) == {"status": "Accepted"}
    assert await central.request("RemoteStopTransaction", {"transactionId": 1}) == {"status": "Accepted"}
    inoperative = {"connectorId": 1, "type": "Inoperative"}
    assert await central.request("ChangeAvailability", inoperative) == {"status": "Scheduled"}
    await wire.advance(15)
    assert wire.station.connectors[1].own_a == pytest.approx((16.0, 16.0, 16.0)), "all that its car takes"
    assert not central.payloads("StopTransaction")
    composite = await central.request("GetCompositeSchedule", {"connectorId": 1, "duration": 60})
    assert composite["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 32.0
    wire.client.leave(1)
    await wire.advance(1)
    await central.has("StatusNotification", connectorId=1, status="Unavailable")


async def test_a_reset_ends_transactions_and_boots_again(central: CentralSystem, wire: OnWire):
    await wire.charging()
    await wire.settled()
    assert await central.request("Reset", {"type": "Soft"}) == {"status": "Accepted"}
    await central.has("BootNotification", count=2)
    assert (await central.has("StopTransaction"))["reason"] == "SoftReset"


async def test_the_password_is_sent_with_the_identity_and_a_new_key_counts_from_the_next_connection(
    central: CentralSystem,
):
    wire = OnWire(central.url, password="a long password")
    try:
        await central.has("BootNotification")
        assert central.headers == ["Basic " + base64.b64encode(b"CP01:a long password").decode()]
        await central.request("ChangeConfiguration", {"key": "AuthorizationKey", "value": b"another one".hex()})
        await wire.client.disconnect(0.0)
        await central.has("BootNotification", count=2)
        assert central.headers[1] == "Basic " + base64.b64encode(b"CP01:another one").decode()
    finally:
        await wire.close()
