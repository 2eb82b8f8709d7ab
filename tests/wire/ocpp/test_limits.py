"""From the plan into the chargers, and what they may be drawing meanwhile."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from controller.ports.measurements import HeldLimit
from controller.site import Station
from tests.support.ledger import FakeLedger, SteppedClock
from tests.support.ocpp import PASSWORD, TOKEN, bench, charger, charging, point, site_of, until


async def test_a_charger_that_boots_is_configured_and_given_its_fallback_first():
    async with bench(site_of(point(), point("P02", connector=2, fallback_a=0.0))) as b, charger(b) as client:
        await client.boot()
        await until(lambda: len(client.settings) == 2)
        assert client.periods("TxDefaultProfile", 1) == [[(0, 6.0)]]
        assert client.periods("TxDefaultProfile", 2) == [[(0, 0.0)]]
        assert client.order[:2] == ["TxDefaultProfile", "TxDefaultProfile"]
        assert client.settings[0] == ("MeterValueSampleInterval", "10")
        schedule = client.profiles[0]["charging_schedule"]
        assert "duration" not in schedule
        assert schedule["charging_rate_unit"] == "A"


async def test_a_charger_that_knows_fewer_measurands_is_asked_for_fewer():
    async with bench() as b, charger(b) as client:
        client.setting_answer = lambda _key, value: "Rejected" if "Power" in value else "Accepted"
        await client.boot()
        await until(lambda: len(client.settings) == 3)
        assert client.settings[2] == ("MeterValuesSampledData", "Current.Import,Energy.Active.Import.Register")
        assert "setting_rejected" not in b.events.kinds()


async def test_a_charger_that_lets_nothing_be_set_is_reported():
    async with bench() as b, charger(b) as client:
        client.setting_answer = lambda _key, _value: "NotSupported"
        await client.boot()
        await until(lambda: b.events.kinds().count("setting_rejected") == 2)
        assert len(client.settings) == 4


async def test_a_charger_that_reconnects_without_a_word_is_configured_too():
    async with bench(boot_wait_s=0.05) as b, charger(b) as client:
        await until(lambda: client.periods("TxDefaultProfile") and len(client.triggers) == 2)
        assert client.triggers == [("BootNotification", None), ("StatusNotification", 1)]


async def test_nothing_is_asked_before_the_charger_has_spoken():
    async with bench(boot_wait_s=60) as b, charger(b) as client:
        b.plan(P01=16)
        await asyncio.sleep(0.2)
        assert client.order == []
        await client.boot()
        await until(lambda: client.order)


async def test_a_limit_is_one_schedule_of_two_periods_overwritten_in_place():
    async with bench() as b, charging(b) as (client, transaction_id):
        b.plan(P01=16.04)
        await until(lambda: b.limits_of(client) == [16.0])
        b.plan(P01=8)
        await until(lambda: b.limits_of(client) == [16.0, 8.0])
        first, second = client.profiles[-2:]
        assert client.periods("TxProfile")[-1] == [(0, 8.0), (180, 6.0)]
        for name in ("charging_profile_id", "stack_level", "charging_profile_kind", "transaction_id"):
            assert first[name] == second[name]
        assert second["charging_profile_kind"] == "Absolute"
        assert second["transaction_id"] == transaction_id
        started = datetime.fromisoformat(second["charging_schedule"]["start_schedule"])
        assert b.clock.now() - started == timedelta(seconds=60)
        assert "duration" not in second["charging_schedule"]


async def test_a_limit_is_renewed_only_as_long_as_plans_keep_coming():
    async with bench() as b, charging(b) as (client, _):
        b.plan(P01=16)
        await until(lambda: b.applied)
        for _ in range(8):
            b.clock.advance(5)
            b.plan(P01=16)
        await until(lambda: b.limits_of(client) == [16.0, 16.0])
        assert len(b.applied) == 1, "a renewal is no change"
        b.clock.advance(60)  # the control loop has stopped; the charger goes on talking
        await client.heartbeat()
        await client.measure(16, 16, 16)
        await client.heartbeat()
        assert b.limits_of(client) == [16.0, 16.0]
        assert b.state().commanded_a == 16
        b.clock.advance(90)
        assert b.state().commanded_a == 6.0


async def test_the_fallback_itself_needs_no_renewal():
    async with bench() as b, charging(b) as (client, _):
        for _ in range(30):
            b.plan(P01=6)
            await client.heartbeat()
            b.clock.advance(5)
        assert b.limits_of(client) == [6.0]


async def test_without_a_transaction_nothing_but_the_default_is_written():
    async with bench() as b, charger(b) as client:
        await client.boot()
        await client.say("Preparing")
        await until(lambda: len(client.settings) == 2)
        b.plan(P01=16)
        await client.heartbeat()
        await client.heartbeat()
        assert b.limits_of(client) == []
        assert b.state().commanded_a == 6.0
        assert b.applied == []


async def test_lower_limits_go_first():
    site = site_of(point(), point("P02", connector=2))
    async with bench(site) as b, charging(b) as (client, _):
        await client.begin(2)
        b.plan(P01=10, P02=20)
        await until(lambda: len(b.applied) == 1)
        client.profiles.clear()
        client.gate.clear()
        b.plan(P01=16, P02=8)
        await until(lambda: client.profiles)
        assert [profile["connector_id"] for profile in client.profiles] == [2]
        assert b.state("P02").commanded_a == 20, "until it is accepted it may not be in force"
        assert b.state("P01").commanded_a == 10
        client.gate.set()
        await until(lambda: len(b.applied) == 2)
        assert [profile["connector_id"] for profile in client.profiles] == [2, 1]
        assert (b.applied[1].changed, b.applied[1].accepted) == (2, 2)


async def test_a_raise_counts_from_the_moment_it_is_sent():
    async with bench() as b, charging(b) as (client, _):
        client.gate.clear()
        b.plan(P01=16)
        await until(lambda: b.limits_of(client))
        assert b.state().commanded_a == 16
        assert b.measurements.held["P01"].limit_a == 16
        client.gate.set()
        await until(lambda: b.applied)


async def test_while_a_lower_limit_is_on_its_way_the_higher_one_is_held_for_a_restart():
    async with bench() as b, charging(b) as (client, _):
        b.plan(P01=16)
        await until(lambda: b.applied)
        client.gate.clear()
        b.plan(P01=8)
        await until(lambda: len(b.limits_of(client)) == 2)
        assert b.measurements.held["P01"].limit_a == 16
        client.gate.set()
        await until(lambda: len(b.applied) == 2)
        assert b.measurements.held["P01"].limit_a == 8


async def test_only_the_newest_limit_is_sent_to_a_charger_that_is_slow():
    async with bench() as b, charging(b) as (client, _):
        client.gate.clear()
        for limit_a in (16, 15, 14, 13, 12):
            b.plan(P01=limit_a)
            await until(lambda: b.limits_of(client))
        client.gate.set()
        await until(lambda: b.limits_of(client) == [16.0, 12.0])
        await until(lambda: len(b.applied) == 5)
        assert [applied.accepted for applied in b.applied] == [0, 0, 0, 0, 1]


async def test_a_refused_limit_changes_nothing_is_reported_and_tried_again_later():
    async with bench() as b, charging(b) as (client, _):
        b.plan(P01=16)
        await until(lambda: b.applied)
        client.profile_answer = lambda _profile: "Rejected"
        b.plan(P01=8)
        await until(lambda: len(b.applied) == 2)
        assert b.applied[1].accepted == 0
        assert b.state().commanded_a == 16
        assert "profile_rejected" in b.events.kinds("point:P01")
        for _ in range(4):
            b.clock.advance(1)
            b.plan(P01=8)
            await client.heartbeat()
        assert len(b.limits_of(client)) == 2
        client.profile_answer = lambda _profile: "Accepted"
        b.clock.advance(2)
        b.plan(P01=8)
        await until(lambda: b.state().commanded_a == 8)
        assert b.central.stations()[0].profiles_rejected == 1


async def test_a_limit_that_is_never_answered_may_be_in_force_until_it_has_run_out():
    async with bench(call_timeout_s=0.5) as b, charging(b) as (client, _):
        client.gate.clear()
        b.plan(P01=16)
        await until(lambda: b.applied)
        assert (b.applied[0].changed, b.applied[0].accepted) == (1, 0)
        assert b.state().commanded_a == 16
        b.clock.advance(149)
        assert b.state().commanded_a == 16
        b.clock.advance(1)
        assert b.state().commanded_a == 6
        client.gate.set()


async def test_a_charger_that_refuses_even_its_default_may_draw_all_that_it_can():
    async with bench(site_of(point(max_a=25.0))) as b, charger(b) as client:
        client.profile_answer = lambda _profile: "NotSupported"
        await client.boot()
        await until(lambda: "profile_rejected" in b.events.kinds("point:P01"))
        assert b.state().commanded_a == 25


async def test_an_offline_charger_counts_with_its_limit_until_its_schedule_has_run_out():
    async with bench() as b:
        async with charging(b) as (client, _):
            b.plan(P01=16)
            await until(lambda: b.applied)
            await client.measure(15, 15, 15)
        await until(lambda: b.state().state == "offline")
        b.plan()
        b.clock.advance(149)
        assert (b.state().commanded_a, b.state().measured_a) == (16, (15, 15, 15))
        assert b.state().measured_at == b.clock.now() - timedelta(seconds=149)
        b.clock.advance(1)
        assert (b.state().commanded_a, b.state().measured_a) == (6, None)


async def test_a_charger_that_comes_back_is_told_everything_again():
    async with bench() as b:
        async with charging(b) as (client, _):
            b.plan(P01=0)
            await until(lambda: b.applied)
            assert b.state().commanded_a == 0
        await until(lambda: b.state().state == "offline")
        b.clock.advance(5)
        async with charger(b) as client:
            assert b.state().commanded_a == 6, "some chargers forget their profiles with the connection"
            await client.heartbeat()
            await until(lambda: client.periods("TxDefaultProfile") and b.limits_of(client) == [0.0])
            assert b.state().commanded_a == 0
            assert client.settings == [], "settings last"


async def test_a_reboot_is_a_new_beginning():
    async with bench() as b, charging(b) as (client, _):
        b.plan(P01=16)
        await until(lambda: b.applied and len(client.settings) == 2)
        client.profiles.clear()
        client.settings.clear()
        await client.boot()
        b.plan(P01=16)
        await until(lambda: b.limits_of(client) == [16.0] and len(client.settings) == 2)
        assert client.periods("TxDefaultProfile") == [[(0, 6.0)]]


async def test_a_write_budget_stretches_the_schedule_and_is_watched():
    site = site_of(point(), stations=(Station("CP01", writes_per_day=3),))
    async with bench(site) as b, charging(b) as (client, _):
        for limit_a in (10, 11, 12):
            b.plan(P01=limit_a)
            await until(lambda limit_a=limit_a: b.state().commanded_a == limit_a)
        assert client.periods("TxProfile")[0] == [(0, 10.0), (60 + 4 * 86_400, 6.0)]
        assert b.events.kinds().count("write_budget_exceeded") == 1
        view = b.central.stations()[0]
        assert (view.writes_today, view.writes_per_day) == (4, 3)


async def test_a_car_that_starts_while_its_limit_is_on_the_way_never_gets_the_old_ones_word():
    async with bench() as b, charging(b) as (client, first):
        client.gate.clear()
        b.plan(P01=16)
        await until(lambda: b.limits_of(client))
        ending = asyncio.create_task(client.end(first))
        await until(lambda: b.ledger.stops)
        client.gate.set()
        await ending
        await client.heartbeat()
        assert b.state().commanded_a == 6
        second = (await client.begin(start_wh=3000)).transaction_id
        assert b.state().commanded_a == 6
        b.plan(P01=12)
        await until(lambda: b.limits_of(client) == [16.0, 12.0])
        assert b.state().commanded_a == 12
        assert client.profiles[-1]["transaction_id"] == second


async def test_a_default_profile_is_no_way_around_a_txprofile_that_may_still_be_in_force():
    async with bench() as b, charging(b) as (client, _):
        b.plan(P01=16)
        await until(lambda: b.applied)
        assert b.state().commanded_a == 16
        client.profile_answer = lambda p: "Rejected" if p["charging_profile_purpose"] == "TxProfile" else "Accepted"
        b.plan(P01=8)
        await until(lambda: len(b.applied) == 2)
        assert b.applied[1].accepted == 0
        assert client.periods("TxDefaultProfile") == [[(0, 6.0)]]
        assert b.state().commanded_a == 16
        b.clock.advance(150)  # its schedule has run out, and the TxProfile holds the fallback, if it is still there
        b.plan(P01=8)
        await until(lambda: client.periods("TxDefaultProfile")[-1] == [(0, 8.0), (180, 6.0)])
        await until(lambda: b.state().commanded_a == 8)
        b.plan(P01=0)
        await until(lambda: client.periods("TxDefaultProfile")[-1] == [(0, 0.0), (180, 6.0)])
        await client.heartbeat()
        assert b.state().commanded_a == 6


async def test_a_limit_in_the_default_profile_counts_for_the_next_car_until_the_fallback_is_back():
    async with bench() as b, charging(b) as (client, first):
        client.profile_answer = lambda p: "Rejected" if p["charging_profile_purpose"] == "TxProfile" else "Accepted"
        b.plan(P01=16)
        await until(lambda: b.applied)  # it counts as soon as it is sent, and here its answer is to be in
        assert b.state().commanded_a == 16
        client.gate.clear()
        ending = asyncio.create_task(client.end(first))
        await until(lambda: client.periods("TxDefaultProfile")[-1] == [(0, 6.0)])
        await ending
        second = asyncio.create_task(client.begin(start_wh=3000))
        await until(lambda: b.state().state == "plugged")
        assert b.state().commanded_a == 16
        client.gate.set()
        await second
        await until(lambda: b.state().commanded_a == 6)


async def test_a_charger_is_tried_with_txprofiles_again_after_it_has_booted():
    async with bench() as b, charging(b) as (client, _):
        client.profile_answer = lambda p: "Rejected" if p["charging_profile_purpose"] == "TxProfile" else "Accepted"
        for count, limit_a in enumerate((8, 9, 10), start=1):
            b.plan(P01=limit_a)
            # A limit that is on its way counts already; here it is to have gone the other way, after its refusal.
            await until(lambda count=count: len(b.applied) == count)
            assert client.periods("TxDefaultProfile")[-1][0] == (0, limit_a)
            assert b.state().commanded_a == limit_a
        assert b.limits_of(client) == [8.0, 9.0], "two refusals are enough"
        client.profile_answer = lambda _profile: "Accepted"
        await client.boot()
        b.plan(P01=10)
        await until(lambda: b.limits_of(client) == [8.0, 9.0, 10.0])
        await until(lambda: client.periods("TxDefaultProfile")[-1] == [(0, 6.0)])
        assert b.state().commanded_a == 10


async def test_a_restart_interrupts_no_car_whose_limit_is_in_the_default_profile():
    ledger, clock = FakeLedger(), SteppedClock()
    ledger.add_token(TOKEN)
    ledger.add_password("CP01", PASSWORD)
    refusing = {"TxProfile": "Rejected"}
    async with bench(ledger=ledger, clock=clock) as b, charging(b) as (client, _):
        client.profile_answer = lambda p: refusing.get(p["charging_profile_purpose"], "Accepted")
        b.plan(P01=16)
        await until(lambda: b.state().commanded_a == 16)
        held = dict(b.measurements.held)
    clock.advance(20)
    async with bench(ledger=ledger, clock=clock, held=held) as b, charger(b) as client:
        client.profile_answer = lambda p: refusing.get(p["charging_profile_purpose"], "Accepted")
        await client.heartbeat()
        assert b.state().commanded_a == 16
        b.plan(P01=16)
        await until(lambda: client.periods("TxDefaultProfile"))
        assert client.periods("TxDefaultProfile") == [[(0, 16.0), (180, 6.0)]]
        assert b.state().commanded_a == 16
        b.plan(P01=8)
        await until(lambda: client.periods("TxDefaultProfile")[-1] == [(0, 8.0), (180, 6.0)])
        await client.heartbeat()
        assert b.state().commanded_a == 16, "a TxProfile of before the restart may still lie above it"
        clock.advance(131)
        assert b.state().commanded_a == 8


async def test_after_a_restart_a_charger_that_takes_nothing_is_not_taken_for_one_at_its_fallback():
    ledger, clock = FakeLedger(), SteppedClock()
    ledger.add_token(TOKEN)
    ledger.add_password("CP01", PASSWORD)
    async with bench(ledger=ledger, clock=clock) as b, charging(b):
        pass
    held = {"P01": HeldLimit("P01", 16.0, clock.now())}
    async with bench(ledger=ledger, clock=clock, held=held) as b, charger(b) as client:
        client.profile_answer = lambda _profile: "NotSupported"
        await client.heartbeat()
        b.plan(P01=16)
        await until(lambda: b.state().commanded_a == 32)
        clock.advance(1000)
        assert b.state().commanded_a == 32
