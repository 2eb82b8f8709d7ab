"""What people ask of a station, in whatever version it speaks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ocpp.routing import on
from ocpp.v16 import call_result

from controller.commands import (
    Availability,
    CommandResult,
    Diagnostics,
    News,
    ReadSettings,
    Reset,
    StartCharging,
    StopCharging,
    Trigger,
    Unlock,
    UpdateFirmware,
    WriteSetting,
)
from tests.support.ocpp import Bench, Charger, bench, charging, socket, until
from tests.support.ocpp2 import VERSIONS, station
from tests.support.ocpp2 import charging as charging2

versions = pytest.mark.parametrize("version", VERSIONS)


def yes(status: str = "Accepted", **settings: str) -> CommandResult:
    return CommandResult(accepted=True, status=status, settings=settings)


@versions
async def test_every_command_reaches_a_station_that_speaks_2_x(version: str):
    async with bench() as b, charging2(b, version) as client:

        async def does(command: Any) -> CommandResult:
            return await b.central.command("P01", command)

        assert await does(StartCharging("04A2")) == yes()
        assert await does(StopCharging()) == yes()
        assert client.stopped == ["TX-1"]
        assert await does(Reset(hard=True)) == yes("Scheduled")
        assert await does(Reset()) == yes("Scheduled")
        assert await does(Unlock()) == CommandResult(accepted=False, status="UnlockFailed")
        assert await does(Trigger(News.STATUS)) == yes()
        assert await does(Trigger(News.METER_VALUES)) == yes()
        assert await does(Trigger(News.BOOT)) == yes()
        assert client.triggers[-3:] == [
            ("StatusNotification", {"id": 1, "connector_id": 1}),
            ("MeterValues", {"id": 1}),
            ("BootNotification", None),
        ]
        assert await does(UpdateFirmware("http://files/fw.bin", b.clock.now())) == yes()
        assert await does(Diagnostics("http://files/logs")) == yes()
        assert await does(WriteSetting("AuthCtrlr.Enabled", "true")) == yes()
        assert client.variables[-1] == ("AuthCtrlr", "Enabled", "true")
        client.variable_answer = lambda _variable, _value: "Rejected"
        assert await does(WriteSetting("AuthCtrlr.Enabled", "no")) == CommandResult(accepted=False, status="Rejected")
        read = await does(ReadSettings(("AuthCtrlr.Enabled", "EVSE#1.Power")))
        assert read.settings == {"AuthCtrlr.Enabled": "7", "EVSE#1.Power": "7"}
        assert (await does(ReadSettings(("nonsense",)))).status == "NotPossible"
    started, hard, soft, unlocked, firmware, log, _ = client.commands
    assert started[1]["id_token"] == {"id_token": "04A2", "type": "Central"}
    assert started[1]["evse_id"] == 1
    assert (hard[1]["type"], soft[1]["type"]) == ("Immediate", "OnIdle")
    assert unlocked[1] == {"evse_id": 1, "connector_id": 1}
    assert firmware[1]["firmware"] == {"location": "http://files/fw.bin", "retrieve_date_time": "2026-11-20T09:00:00Z"}
    assert (log[1]["log"], log[1]["log_type"]) == ({"remote_location": "http://files/logs"}, "DiagnosticsLog")


async def test_all_settings_of_a_station_are_told_in_several_messages():
    async with bench() as b, station(b) as client:
        await client.boot()
        reading = asyncio.create_task(b.central.command("P01", ReadSettings()))
        await until(lambda: client.commands)
        for number, (name, value, tbc) in enumerate([("Enabled", "true", True), ("Interval", "10", False)]):
            data = {
                "component": {"name": "SampledDataCtrlr"},
                "variable": {"name": name},
                "variableAttribute": [{"type": "Actual", "value": value}, {"type": "Target", "value": "x"}],
            }
            await client.ask(
                "NotifyReport",
                request_id=client.commands[0][1]["request_id"],
                generated_at="2026-11-20T09:00:00Z",
                seq_no=number,
                tbc=tbc,
                report_data=[data],
            )
        result = await reading
    assert result.settings == {"SampledDataCtrlr.Enabled": "true", "SampledDataCtrlr.Interval": "10"}


async def test_a_point_that_people_took_out_of_service_stays_out():
    async with bench() as b, station(b) as client:
        await client.boot()
        assert await b.central.command("P01", Availability(in_service=False)) == yes()
        await client.say("Unavailable")
        b.plan()
        await client.ask("Heartbeat")
        await until(lambda: len(client.variables) == 4)
        assert client.service == [(1, "Inoperative")]
        assert await b.central.command("P01", Availability(in_service=True)) == yes()
        assert client.service[-1] == (1, "Operative")


async def test_a_command_without_a_connection_says_so():
    async with bench() as b:
        assert await b.central.command("P01", Reset()) == CommandResult(accepted=False, status="Offline")
        with pytest.raises(KeyError):
            await b.central.command("P99", Reset())


async def test_a_command_to_a_station_that_goes_away_is_answered():
    async with bench() as b:
        async with station(b) as client:
            client.gate.clear()
            await client.boot()
            await until(lambda: client.profiles)
            waiting = asyncio.create_task(b.central.command("P01", Unlock()))
            await asyncio.sleep(0.05)
        assert not (await waiting).accepted


async def test_nothing_runs_so_nothing_can_be_stopped():
    async with bench() as b, station(b) as client:
        await client.boot()
        assert await b.central.command("P01", StopCharging()) == CommandResult(accepted=False, status="NotPossible")


class Obliging(Charger):
    """A 1.6 charger that remembers what it was commanded."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.commands: list[tuple[str, dict[str, Any]]] = []

    def _done(self, action: str, fields: dict[str, Any], **answer: Any) -> Any:
        self.commands.append((action, fields))
        return getattr(call_result, action)(**answer)

    @on("RemoteStartTransaction")
    def _remote_start_transaction(self, **fields: Any) -> Any:
        return self._done("RemoteStartTransaction", fields, status="Accepted")

    @on("Reset")
    def _reset(self, **fields: Any) -> Any:
        return self._done("Reset", fields, status="Accepted")

    @on("UnlockConnector")
    def _unlock_connector(self, **fields: Any) -> Any:
        return self._done("UnlockConnector", fields, status="Unlocked")

    @on("UpdateFirmware")
    def _update_firmware(self, **fields: Any) -> Any:
        return self._done("UpdateFirmware", fields)

    @on("GetDiagnostics")
    def _get_diagnostics(self, **fields: Any) -> Any:
        return self._done("GetDiagnostics", fields, file_name="log.txt")

    @on("GetConfiguration")
    def _get_configuration(self, **fields: Any) -> Any:
        row = {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
        return self._done("GetConfiguration", fields, configuration_key=[row])


async def test_every_command_reaches_a_station_that_speaks_1_6():
    async with bench() as b, socket(b) as connection:
        client = Obliging("CP01", connection)
        listening = asyncio.create_task(client.start())
        await client.boot()
        transaction_id = (await client.begin()).transaction_id
        await check_1_6(b, client)
        assert client.stopped == [transaction_id]
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def check_1_6(b: Bench, client: Obliging) -> None:
    async def does(command: Any) -> CommandResult:
        return await b.central.command("P01", command)

    assert await does(StartCharging("04A2")) == yes()
    assert await does(StopCharging()) == yes()
    assert await does(Reset(hard=True)) == yes()
    assert await does(Unlock()) == yes("Unlocked")
    assert await does(Availability(in_service=False)) == yes()
    assert await does(Trigger(News.METER_VALUES)) == yes()
    assert client.triggers[-1] == ("MeterValues", 1)
    assert await does(UpdateFirmware("http://files/fw.bin", b.clock.now())) == yes()
    assert await does(Diagnostics("http://files/logs")) == yes()
    assert (await does(ReadSettings())).settings == {"HeartbeatInterval": "300"}
    assert await does(WriteSetting("HeartbeatInterval", "60")) == yes()
    assert client.settings[-1] == ("HeartbeatInterval", "60")
    assert [action for action, _ in client.commands] == [
        "RemoteStartTransaction",
        "Reset",
        "UnlockConnector",
        "UpdateFirmware",
        "GetDiagnostics",
        "GetConfiguration",
    ]


async def test_limits_come_before_what_people_ask():
    async with bench() as b, charging(b) as (client, _):
        client.gate.clear()
        b.plan(P01=16.0)
        await until(lambda: b.limits_of(client) == [16.0])
        asking = asyncio.create_task(b.central.command("P01", WriteSetting("HeartbeatInterval", "60")))
        await asyncio.sleep(0)
        b.plan(P01=8.0)
        client.gate.set()
        assert await asking == yes()
        assert client.order[-2:] == ["TxProfile", "HeartbeatInterval"]
