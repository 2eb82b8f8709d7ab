"""How limits reach a station that speaks OCPP 2.0.1 or 2.1 (functional block K)."""

from __future__ import annotations

from typing import Any

import pytest

from controller.plan import Remedy
from tests.support.ocpp import bench, point, site_of, until
from tests.support.ocpp2 import VERSIONS, Station, charging, currents, station

versions = pytest.mark.parametrize("version", VERSIONS)


@versions
async def test_a_station_that_boots_gets_its_default_and_its_settings(version: str):
    async with bench() as b, station(b, version) as client:
        answer = await client.boot()
        assert (answer.status, answer.current_time) == ("Accepted", "2026-11-20T09:00:00Z")
        await until(lambda: len(client.variables) == 4)
        assert client.periods("TxDefaultProfile") == [[(0, 6.0)]]
        (default,) = client.profiles
        assert default["id"] == 11
        assert default["stack_level"] == 0
        assert default["charging_profile_kind"] == "Absolute"
        assert "transaction_id" not in default
        assert [(name, value) for _, name, value in client.variables] == [
            ("TxUpdatedInterval", "10"),
            ("TxUpdatedMeasurands", "Current.Import,Power.Active.Import,Energy.Active.Import.Register"),
            ("TxStartedMeasurands", "Energy.Active.Import.Register"),
            ("TxEndedMeasurands", "Energy.Active.Import.Register"),
        ]
        assert {component for component, _, _ in client.variables} == {"SampledDataCtrlr"}
        (view,) = b.central.stations()
        assert (view.online, view.vendor, view.model, view.protocol) == (True, "V", "M", version)


@versions
async def test_a_transaction_is_limited_by_a_schedule_that_ends_at_the_fallback(version: str):
    async with bench() as b, charging(b, version) as client:
        b.plan(P01=13.5)
        await until(client.limits)
        assert client.periods("TxProfile") == [[(0, 13.5), (180, 6.0)]]
        limit = client.profiles[-1]
        assert (limit["id"], limit["transaction_id"], limit["evse_id"]) == (12, "TX-1", 1)
        (schedule,) = limit["charging_schedule"]
        assert (schedule["start_schedule"], schedule["charging_rate_unit"]) == ("2026-11-20T08:59:00Z", "A")
        assert "duration" not in schedule
        await until(lambda: b.applied)
        assert (b.applied[0].changed, b.applied[0].accepted) == (1, 1)
        assert b.state().commanded_a == 13.5
        b.clock.advance(41)
        b.plan(P01=13.5)
        await until(lambda: len(client.limits()) == 2)
        assert {profile["id"] for profile in client.profiles} == {11, 12}, "the same two are written over and over"


@versions
async def test_every_evse_is_a_point_with_profiles_of_its_own(version: str):
    site = site_of(point("P01"), point("P02", connector=2))
    async with bench(site) as b, station(b, version) as client:
        await client.boot()
        await client.begin("A", evse=1)
        await client.begin("B", evse=2)
        b.plan(P01=10.0, P02=12.0)
        await until(lambda: client.limits(1) and client.limits(2))
        assert (client.limits(1), client.limits(2)) == ([10.0], [12.0])
        assert sorted({profile["id"] for profile in client.profiles}) == [11, 12, 21, 22]


async def test_lower_limits_go_first():
    site = site_of(point("P01"), point("P02", connector=2))
    async with bench(site) as b, station(b) as client:
        await client.boot()
        await client.begin("A", evse=1)
        await client.begin("B", evse=2)
        b.plan(P01=10.0, P02=16.0)
        await until(lambda: client.limits(1) and client.limits(2))
        b.plan(P01=16.0, P02=8.0)
        await until(lambda: client.limits(1) == [10.0, 16.0])
        assert client.limits(2) == [16.0, 8.0]
        assert [profile["evse_id"] for profile in client.profiles[-2:]] == [2, 1]


async def test_a_station_that_takes_no_txprofile_is_steered_by_its_default():
    async with bench() as b, charging(b) as client:
        client.profile_answer = lambda p: "Rejected" if p["charging_profile_purpose"] == "TxProfile" else "Accepted"
        b.plan(P01=13.5)
        await until(lambda: len(client.periods("TxDefaultProfile")) == 2)
        assert client.periods("TxDefaultProfile")[1] == [(0, 13.5), (180, 6.0)]
        assert b.state().commanded_a == 13.5


async def test_a_foreign_profile_in_the_place_of_ours_is_cleared():
    """K01.FR.53: a default of the whole station keeps out ours for an EVSE."""
    foreign = [True]

    def answer(_profile: dict[str, Any]) -> Any:
        if foreign:
            return {"status": "Rejected", "status_info": {"reasonCode": "DuplicateProfile"}}
        return "Accepted"

    async with bench() as b, station(b) as client:
        client.profile_answer = answer
        await client.boot()
        await until(lambda: client.cleared)
        assert client.cleared == [{"evse_id": 0, "charging_profile_purpose": "TxDefaultProfile", "stack_level": 0}]
        assert b.state().commanded_a == 32.0, "all that it may draw meanwhile"
        foreign.clear()
        b.clock.advance(6)
        b.plan()
        await until(lambda: len(client.periods("TxDefaultProfile")) == 2)
        await until(lambda: b.state().commanded_a == 6.0)


async def test_a_station_that_answers_nothing_counts_with_all_that_it_may_draw():
    async with bench() as b, station(b) as client:
        client.gate.clear()
        await client.boot()
        await until(lambda: client.profiles)
        b.clock.advance(6)
        assert b.state().commanded_a == 32.0
        client.gate.set()


async def test_a_station_that_reconnects_is_told_everything_again():
    async with bench() as b:
        async with charging(b) as client:
            b.plan(P01=13.5)
            await until(client.limits)
        await until(lambda: b.state().state == "offline")
        assert b.state().commanded_a == 13.5
        async with station(b) as client:
            await client.ask("Heartbeat")
            await until(lambda: client.periods("TxDefaultProfile"))
            b.plan(P01=13.5)
            await until(client.limits)


async def test_settings_that_a_station_does_not_know_are_reported_once_each():
    async with bench() as b, station(b) as client:
        client.variable_answer = lambda variable, value: (
            "Rejected" if variable == "TxUpdatedMeasurands" and "Power" in value else "UnknownVariable"
        )
        await client.boot()
        await until(lambda: len(b.said("setting_rejected")) == 4)
        assert [value for _, name, value in client.variables if name == "TxUpdatedMeasurands"] == [
            "Current.Import,Power.Active.Import,Energy.Active.Import.Register",
            "Current.Import,Energy.Active.Import.Register",
            "Power.Active.Import,Energy.Active.Import.Register",
        ]


async def test_what_is_not_known_after_a_reconnect_is_asked_for():
    async with bench() as b, station(b) as client:
        await client.ask("Heartbeat")
        await until(lambda: len(client.triggers) == 2)
        assert client.triggers == [
            ("BootNotification", None),
            ("StatusNotification", {"id": 1, "connector_id": 1}),
        ]


async def draws(client: Station, *amperes: float, wh: int | None = None) -> None:
    await client.event("Updated", trigger="MeterValuePeriodic", meter_value=currents(*amperes, wh=wh))


@versions
async def test_what_flows_is_what_the_newest_event_says(version: str):
    async with bench() as b, charging(b, version) as client:
        await draws(client, 15.8, 15.9, 0.0, wh=1500)
        state = b.state()
        assert (state.state, state.measured_a, state.delivered_wh) == ("charging", (15.8, 15.9, 0.0), 500)
        assert (b.measurements.samples[-1].session, b.measurements.samples[-1].register_wh) == ("S1000", 1500)
        meter_value = [
            {
                "timestamp": "2026-11-20T09:00:00Z",
                "sampledValue": [
                    {"value": 69, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W", "multiplier": 2}}
                ],
            }
        ]
        await client.ask("MeterValues", evse_id=1, meter_value=meter_value)
        assert b.state().measured_a == (10.0, 10.0, 10.0)


async def test_a_station_in_trouble_is_asked_what_it_holds_and_told_to_stop():
    async with bench() as b, charging(b) as client:
        b.plan(P01=13.5)
        await until(client.limits)
        client.composite = {
            "status": "Accepted",
            "schedule": {
                "evseId": 1,
                "duration": 60,
                "scheduleStart": "2026-11-20T09:00:00Z",
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32.0}],
            },
        }
        b.plan({"P01": Remedy.COMPARE}, P01=13.5)
        await until(lambda: b.said("composite_differs"))
        assert b.said("composite_differs") == ["holds 32.0 A, was told 13.5 A"]
        b.plan({"P01": Remedy.STOP}, P01=13.5)
        await until(lambda: client.stopped)
        assert client.stopped == ["TX-1"]
        b.plan({"P01": Remedy.DISABLE}, P01=13.5)
        await until(lambda: client.service)
        b.plan({}, P01=13.5)
        await until(lambda: len(client.service) == 2)
        assert client.service == [(1, "Inoperative"), (1, "Operative")]
