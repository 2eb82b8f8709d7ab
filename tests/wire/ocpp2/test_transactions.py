"""Transactions that the station names itself (OCPP 2.0.1 and 2.1, functional block E): recorded, then answered."""

from __future__ import annotations

import asyncio

import pytest
from ocpp.exceptions import OCPPError

from controller.ports.transactions import NO_REGISTER_WH, REGISTER_MISSING, START_MISSING
from tests.support.ledger import FakeLedger, SteppedClock
from tests.support.ocpp import TOKEN, Bench, bench, point, site_of, until
from tests.support.ocpp import charging as charging16
from tests.support.ocpp2 import LATER, NINE, VERSIONS, Station, charging, currents, register, station

versions = pytest.mark.parametrize("version", VERSIONS)


def only_session(b: Bench) -> tuple[int, str, int]:
    (running,) = b.ledger.sessions.values()
    return running.connector, running.token, running.start_wh


@versions
async def test_a_whole_transaction_is_recorded_under_the_stations_own_id(version: str):
    async with bench() as b, station(b, version) as client:
        await client.boot()
        answer = await client.ask("Authorize", id_token={"idToken": TOKEN, "type": "ISO14443"})
        assert answer.id_token_info == {"status": "Accepted"}
        answer = await client.begin(wh=12_000)
        assert answer.id_token_info == {"status": "Accepted"}
        assert b.state().state == "charging"
        await client.event("Updated", trigger="MeterValuePeriodic", meter_value=currents(8, 8, 8, wh=12_200))
        answer = await client.end(wh=12_500)
        assert answer.id_token_info is None
        assert answer.total_cost is None
    (start,), (stop,) = b.ledger.starts, b.ledger.stops
    assert (start.transaction_id, start.connector, start.point, start.token) == ("TX-1", 1, "P01", TOKEN)
    assert (start.start_wh, start.flags) == (12_000, ())
    assert (stop.transaction_id, stop.chosen, stop.end_wh, stop.reason) == ("TX-1", True, 12_500, "EVDisconnected")
    assert stop.flags == ()


async def test_a_transaction_that_begins_with_the_cable_gets_its_token_later():
    async with bench() as b, station(b) as client:
        await client.boot()
        await client.say("Occupied")
        await client.event(
            "Started", trigger="CablePluggedIn", state="EVConnected", meter_value=register(1000, "Transaction.Begin")
        )
        b.plan(P01=16.0)
        state = b.state()
        assert (state.state, state.commanded_a) == ("occupied", 6.0), "nothing can flow yet"
        assert only_session(b) == (1, "", 1000)
        answer = await client.event("Updated", trigger="Authorized", token=TOKEN)
        assert answer.id_token_info == {"status": "Accepted"}
        assert only_session(b) == (1, TOKEN, 1000)
        assert b.state().state == "plugged"
        b.plan(P01=16.0)
        await until(client.limits)
        await client.event("Updated", state="Charging")
        assert b.state().state == "charging"
        assert not client.stopped


async def test_a_transaction_that_begins_with_the_card_finds_its_car_later():
    site = site_of(point("P01"), point("P02", connector=2))
    async with bench(site) as b, station(b) as client:
        await client.boot()
        await client.event("Started", trigger="Authorized", token=TOKEN, evse=None, state="Idle")
        assert only_session(b) == (0, TOKEN, NO_REGISTER_WH)
        assert b.ledger.starts[0].flags == (REGISTER_MISSING,)
        await client.say("Occupied", evse=2)
        await client.event("Updated", trigger="CablePluggedIn", state="EVConnected", evse=2, meter_value=register(5000))
        assert only_session(b) == (2, TOKEN, 5000)
        assert (b.state("P02").state, b.state("P01").state) == ("plugged", "available")


@pytest.mark.parametrize(
    ("state", "seen"),
    [("Charging", "charging"), ("SuspendedEV", "ev_idle"), ("SuspendedEVSE", "withheld"), ("EVConnected", "plugged")],
)
async def test_the_charging_state_is_the_points(state: str, seen: str):
    async with bench() as b, charging(b) as client:
        b.plan(P01=16.0)
        await until(lambda: b.state().commanded_a == 16.0)
        await client.event("Updated", state=state)
        await client.say("Occupied")
        assert b.state().state == seen
        await client.event("Updated", trigger="EVDeparted", state="Idle")
        assert b.state().state == "available", "the car has gone, and the transaction goes on"


async def test_a_current_that_flows_is_believed_whatever_the_charging_state():
    async with bench() as b, charging(b) as client:
        await client.event("Updated", state="SuspendedEVSE", meter_value=currents(10, 10, 10))
        assert b.state().state == "charging"


async def test_a_station_that_tells_no_charging_states_is_understood_by_what_flows():
    async with bench() as b, station(b) as client:
        await client.boot()
        await client.event("Started", trigger="Authorized", token=TOKEN, state="Idle", meter_value=register(1000))
        assert b.state().state == "available"
        await client.ask("MeterValues", evse_id=1, meter_value=currents(6, 6, 6))
        assert b.state().state == "charging"


async def test_an_unknown_token_gets_nothing_and_is_stopped():
    async with bench() as b, station(b) as client:
        await client.boot()
        answer = await client.begin(token="FFFF")
        assert answer.id_token_info == {"status": "Invalid"}
        await until(lambda: client.stopped)
        assert client.limits() == [0.0]
        assert client.stopped == ["TX-1"]
        assert b.state().max_a == 0.0
        assert b.ledger.starts[0].flags == ("unauthorised_token",)


@pytest.mark.parametrize("lab", [True, False])
async def test_who_charges_without_any_token_is_stopped_but_not_in_a_laboratory(lab: bool):
    async with bench(lab=lab) as b, station(b) as client:
        await client.boot()
        await client.event("Started", trigger="ChargingStateChanged", state="Charging", meter_value=register(1000))
        if lab:
            b.plan(P01=10.0)
            await until(lambda: client.limits() == [10.0])
            assert not client.stopped
        else:
            await until(lambda: client.stopped)
            assert client.limits() == [0.0]


async def test_a_start_button_is_a_token_of_the_site():
    async with bench() as b, station(b) as client:
        token = {"idToken": "", "type": "NoAuthorization"}
        assert (await client.ask("Authorize", id_token=token)).id_token_info == {"status": "Invalid"}
        b.ledger.add_token("NoAuthorization")
        assert (await client.ask("Authorize", id_token=token)).id_token_info == {"status": "Accepted"}


async def test_a_contract_whose_certificate_nobody_can_check_is_refused():
    async with bench() as b, station(b) as client:
        token = {"idToken": TOKEN, "type": "eMAID"}
        answer = await client.ask("Authorize", id_token=token, certificate="-----BEGIN CERTIFICATE-----")
        assert (answer.id_token_info, answer.certificate_status) == ({"status": "Invalid"}, "NoCertificateAvailable")
        assert (await client.ask("Authorize", id_token=token)).id_token_info == {"status": "Accepted"}


async def test_an_event_that_comes_again_counts_once():
    async with bench() as b, charging(b) as client:
        await client.event("Updated", number=1, meter_value=currents(8, 8, 8, wh=1100))
        await client.event("Updated", number=2, meter_value=currents(12, 12, 12, wh=1200))
        await client.event("Updated", number=1, state="SuspendedEV", meter_value=currents(8, 8, 8, wh=1100))
        assert (b.state().measured_a, b.state().delivered_wh) == ((12.0, 12.0, 12.0), 200)
        await client.begin()
        await client.end(number=3)
        await client.end(number=3)
        await client.begin()
        await client.event("Updated", number=2)
        await client.say("Available")
        assert b.state().state == "available"
    assert (len(b.ledger.starts), len(b.ledger.stops)) == (1, 1)
    assert not b.ledger.sessions


async def test_events_that_never_came_are_flagged_and_late_ones_are_not():
    async with bench() as b, charging(b) as client:
        await client.event("Updated", number=1)
        await client.event("Updated", number=4)
        await client.end(number=5)
        await client.event("Started", "B", number=0, token=TOKEN, state="Charging")
        await client.event("Updated", "B", number=2)
        await client.event("Updated", "B", number=1)
        await client.end("B", number=3)
    assert [stop.flags for stop in b.ledger.stops] == [("events_missing",), ()]


async def test_a_start_that_was_lost_is_made_up_for():
    async with bench() as b, station(b) as client:
        await client.boot()
        await client.event("Updated", number=7, token=TOKEN, state="Charging", meter_value=register(1500))
        assert b.ledger.starts[0].flags == (START_MISSING,)
        assert b.state().state == "charging"
        await client.end(number=8)
    assert b.ledger.stops[0].end_wh == 2000


async def test_what_happened_offline_is_recorded_and_steers_nothing():
    async with bench() as b, station(b) as client:
        await client.boot()
        offline = {"offline": True}
        at = "2026-11-20T07:00:00Z"
        begun = register(1000, "Transaction.Begin", at)
        await client.event("Started", "OLD", at=at, token=TOKEN, state="Charging", meter_value=begun, **offline)
        measured = currents(16, 16, 16, wh=3000, at="2026-11-20T07:30:00Z")
        await client.event("Updated", "OLD", at="2026-11-20T07:30:00Z", meter_value=measured, **offline)
        assert b.state().measured_a is None
        assert b.measurements.samples[-1].current_a == (16.0, 16.0, 16.0)
        await client.end("OLD", wh=5000, at="2026-11-20T08:00:00Z", **offline)
        assert not b.ledger.sessions
        await client.begin("NEW", wh=5000)
        await client.event("Started", "LATE", at=at, token=TOKEN, state="Charging", meter_value=begun, **offline)
        b.plan(P01=11.0)
        await until(client.limits)
        assert client.limited() == "NEW", "the older transaction does not take its place"
    assert [view.clock_skew_s for view in b.central.stations()] == [0.0]


async def test_an_end_without_a_register_takes_the_last_that_was_told():
    async with bench() as b, charging(b) as client:
        await client.event("Updated", meter_value=currents(8, 8, 8, wh=1700))
        await client.event("Ended", at=LATER, trigger="EVDeparted", reason="PowerLoss")
    assert (b.ledger.stops[0].end_wh, b.ledger.stops[0].flags) == (1700, ("end_register_missing",))


async def test_an_end_may_bring_the_token_and_the_first_register():
    async with bench() as b, station(b) as client:
        await client.boot()
        await client.event("Started", trigger="CablePluggedIn", state="EVConnected")
        both = register(1000, "Transaction.Begin") + register(1800, "Transaction.End", LATER)
        await client.event("Ended", at=LATER, trigger="StopAuthorized", token=TOKEN, meter_value=both)
    assert b.ledger.stops[0].end_wh == 1800
    assert [(told.token, told.start_wh) for told in b.ledger.details] == [(TOKEN, 1000)]


async def test_a_transaction_where_the_site_has_no_point_is_recorded_all_the_same():
    async with bench() as b, station(b) as client:
        await client.boot()
        await client.begin(evse=7)
        for _ in range(3):
            await client.event("Updated", evse=7, meter_value=currents(8, 8, 8))
        await client.end(evse=7)
    (start,), (stop,) = b.ledger.starts, b.ledger.stops
    assert (start.connector, start.point, start.flags) == (7, None, ("unknown_connector",))
    assert stop.end_wh == 2000
    assert b.events.kinds().count("unknown_connector") == 1


@versions
async def test_what_cannot_be_recorded_is_not_acknowledged_and_counts_when_it_comes_again(version: str):
    async with bench() as b, station(b, version) as client:
        await client.boot()
        b.ledger.available = False
        with pytest.raises(OCPPError):
            await client.begin()
        assert not b.ledger.starts
        b.ledger.available = True
        await client.begin()
        assert b.state().state == "charging"
        b.ledger.available = False
        with pytest.raises(OCPPError):
            await client.end(number=9)
        b.ledger.available = True
        await client.end(number=9)
    assert (len(b.ledger.starts), len(b.ledger.stops)) == (1, 1)


async def test_after_a_restart_a_transaction_goes_on_where_it_was():
    ledger, clock = FakeLedger(), SteppedClock()
    ledger.add_token(TOKEN)
    async with bench(ledger=ledger, clock=clock, lab=False) as b:
        b.ledger.add_password("CP01", "correct horse battery")
        async with charging(b) as client:
            b.plan(P01=12.0)
            await until(lambda: b.state().commanded_a == 12.0)
    async with bench(ledger=ledger, clock=clock, held=b.measurements.held) as b, station(b) as client:
        assert b.state().commanded_a == 12.0
        await client.ask("Heartbeat")
        await until(lambda: ("TransactionEvent", {"id": 1}) in client.triggers)
        await client.event("Updated", number=5, trigger="Trigger", state="Charging", meter_value=currents(9, 9, 9))
        b.plan(P01=10.0)
        await until(client.limits)
        assert client.limited() == "TX-1"
        await client.end(number=6)
    assert ledger.stops[0].flags == ()
    assert len(ledger.starts) == 1


async def test_after_a_restart_a_car_that_waits_for_its_token_is_left_alone():
    ledger, clock = FakeLedger(), SteppedClock()
    ledger.add_password("CP01", "correct horse battery")
    async with bench(ledger=ledger, clock=clock) as b, station(b) as client:
        await client.boot()
        await client.event("Started", trigger="CablePluggedIn", state="EVConnected", meter_value=register(1000))
    async with bench(ledger=ledger, clock=clock) as b, station(b) as client:
        await client.boot()
        await client.say("Occupied")
        await until(lambda: client.periods("TxDefaultProfile"))
        assert b.state().state == "occupied"
        ledger.add_token(TOKEN)
        await client.event("Updated", number=1, trigger="Authorized", token=TOKEN, state="Charging")
        assert b.state().state == "charging"
        assert not client.stopped


async def test_two_stations_may_use_the_same_id():
    site = site_of(point("P01"), point("P02", station="CP02"))
    async with bench(site) as b, station(b) as one, station(b, identity="CP02") as two:
        await asyncio.gather(one.boot(), two.boot())
        await one.begin("1")
        await two.begin("1")
        await one.end("1")
        assert (b.state("P01").state, b.state("P02").state) == ("available", "charging")
    (running,) = b.ledger.sessions.values()
    assert running.station == "CP02"


async def test_a_new_transaction_takes_the_place_of_one_whose_end_was_lost():
    async with bench() as b, charging(b) as client:
        await client.event("Started", "TX-2", at=LATER, token=TOKEN, state="Charging", meter_value=register(3000))
        assert "transaction_superseded" in b.events.kinds("point:P01")
        b.plan(P01=9.0)
        await until(client.limits)
        assert client.limited() == "TX-2"


async def test_a_station_that_is_updated_to_2_0_1_between_two_connections_goes_on():
    async with bench() as b:
        async with charging16(b) as (old, transaction_id):
            b.plan(P01=12.0)
            await until(lambda: b.limits_of(old))
        async with station(b) as client:
            await client.boot("FirmwareUpdate")
            await client.begin("TX-1", wh=3000)
            b.plan(P01=9.0)
            await until(lambda: client.limited() == "TX-1")
            assert client.limits()[-1] == 9.0
            assert b.said("transaction_superseded") == [
                f"transaction TX-1 started before the end of {transaction_id} was reported"
            ]
            await client.end("TX-1", wh=4000)


async def test_what_should_not_happen_in_a_transaction_is_told():
    async with bench() as b, charging(b) as client:
        await client.event("Ended", at=LATER, trigger="AbnormalCondition", reason="GroundFault")
        assert b.said("charger_event") == ["it reports an abnormal condition in a transaction: GroundFault"]


async def plug(client: Station, *statuses: str) -> None:
    for number, status in enumerate(statuses, start=1):
        await client.say(status, plug=number)


async def test_an_evse_with_two_plugs_is_one_point():
    async with bench() as b, station(b) as client:
        await client.boot()
        await plug(client, "Available", "Available")
        assert b.state().state == "available"
        await plug(client, "Unavailable", "Occupied")
        assert b.state().state == "occupied"
        await plug(client, "Faulted", "Available")
        assert b.state().state == "available"
        await plug(client, "Faulted", "Unavailable")
        assert b.state().state == "faulted"


async def test_a_car_that_stays_after_its_transaction_is_seen():
    async with bench() as b, charging(b) as client:
        await client.event("Ended", at=LATER, trigger="StopAuthorized", reason="Local", meter_value=register(2000))
        assert b.state().state == "finishing"
        await client.say("Available")
        assert b.state().state == "available"


@pytest.mark.parametrize(
    "broken",
    [
        {"event_type": "Paused"},
        {"event_type": 5},
        {"transaction_info": {}},
        {"transaction_info": {"transactionId": 17}},
    ],
)
async def test_an_event_without_any_sense_is_refused(broken: dict[str, object]):
    async with bench() as b, station(b) as client:
        fields = {
            "event_type": "Started",
            "timestamp": NINE,
            "trigger_reason": "Authorized",
            "seq_no": 0,
            "transaction_info": {"transactionId": "TX-1"},
        }
        with pytest.raises(OCPPError):
            await client.call(
                client._call.TransactionEvent(**(fields | broken)), suppress=False, skip_schema_validation=True
            )
        assert not b.ledger.starts


async def test_an_event_that_breaks_its_schema_but_makes_sense_is_taken():
    async with bench() as b, station(b) as client:
        await client.boot()
        event = client._call.TransactionEvent(
            event_type="Started",
            timestamp="yesterday",
            trigger_reason="Whim",
            seq_no="0",
            transaction_info={"transactionId": "X" * 50, "chargingState": "Dreaming"},
            evse={"id": 1},
            id_token={"idToken": TOKEN, "type": "Sorcery"},
            meter_value=[{"sampledValue": [{"value": "1000"}]}],
        )
        await client.call(event, suppress=False, skip_schema_validation=True)
        (start,) = b.ledger.starts
        assert (start.start_wh, start.token, start.flags) == (
            1000,
            TOKEN,
            ("timestamp_invalid", "transaction_id_too_long"),
        )
