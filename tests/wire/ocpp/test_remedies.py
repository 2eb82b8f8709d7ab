"""What is done to a charger that ignores its limit, and what one is told that refuses 0 A."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.ocpp import writer
from adapters.ocpp.composite import compare
from adapters.ocpp.remedies import Treatment
from controller.plan import Remedy
from controller.ports.devices import Withdrawal
from tests.support.ledger import FakeServiceBook
from tests.support.ocpp import Bench, Charger, bench, charger, charging, point, site_of, until
from tests.support.strange_charger import StrangeCharger, deaf, saying

OUT, IN = (1, "Inoperative"), (1, "Operative")


def schedule(*limits: float, unit: str = "A", **more: Any) -> dict[str, Any]:
    periods = [{"start_period": 100 * n, "limit": limit, **more} for n, limit in enumerate(limits)]
    return {"charging_rate_unit": unit, "charging_schedule_period": periods}


@asynccontextmanager
async def holding(b: Bench, limit_a: float = 10.0) -> AsyncIterator[tuple[Charger, int]]:
    """A charger that has accepted a limit, and has nothing else to be asked."""
    async with charging(b) as (client, transaction_id):
        b.plan(P01=limit_a)
        await until(lambda: b.applied and len(client.settings) == 2)
        client.profiles.clear()
        yield client, transaction_id


async def settled(client: Charger) -> None:
    """Let everything that could be asked by now be asked."""
    for _ in range(3):
        await client.heartbeat()


async def test_a_limit_is_sent_again_once_although_it_was_accepted():
    async with bench() as b, holding(b) as (client, _):
        for _ in range(3):
            b.plan({"P01": Remedy.RESEND}, P01=10)
            await settled(client)
        assert b.limits_of(client) == [10.0]
        assert len(b.applied) == 1, "it is no change"


async def test_one_that_holds_something_else_is_reported_and_told_everything_again():
    async with bench() as b, holding(b) as (client, _):
        client.composite = {"status": "Accepted", "charging_schedule": schedule(32.0)}
        b.plan({"P01": Remedy.COMPARE}, P01=10)
        await until(lambda: b.limits_of(client) and client.periods("TxDefaultProfile"))
        assert client.asked == [1]
        assert b.said("composite_differs") == ["holds 32.0 A, was told 10.0 A"]
        assert client.periods("TxDefaultProfile") == [[(0, 6.0)]]
        b.plan({"P01": Remedy.COMPARE}, P01=10)
        await settled(client)
        assert client.asked == [1]


async def test_one_that_holds_what_it_was_told_is_reported_and_left_alone():
    async with bench() as b, holding(b) as (client, _):
        client.composite = {"status": "Accepted", "charging_schedule": schedule(10.0, 6.0)}
        b.plan({"P01": Remedy.COMPARE}, P01=10)
        await until(lambda: b.said("composite_agrees"))
        await settled(client)
        assert b.said("composite_agrees") == ["holds 10.0 A, was told 10.0 A"]
        assert client.profiles == []


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (schedule(6.400000095), "agrees", "holds 6.4 A"),
        (schedule(8.0, 32.0), "agrees", "holds 8.0 A"),
        (schedule(6900.0, unit="W"), "agrees", "holds 10.0 A"),
        (schedule(7360.0, unit="W", number_phases=1), "differs", "holds 32.0 A"),
        (schedule(-1), "differs", "holds no limit"),
        (schedule(1e999), "differs", "holds no limit"),
        ({"charging_rate_unit": "A", "charging_schedule_period": []}, "unknown", "no limit in its answer"),
        ({"charging_schedule_period": "10 A"}, "unknown", "no limit in its answer"),
        (schedule(float("nan")), "unknown", "no limit in its answer"),
        ({"duration": 8.6e12, **schedule(16.0)}, "differs", "holds 16.0 A"),
        ([], "unknown", "no limit in its answer"),
        (None, "unknown", "no limit in its answer"),
    ],
)
def test_whatever_a_charger_says_that_it_holds_is_read_with_tolerance(answer: Any, kind: str, words: str):
    found = compare("Accepted", answer, told_a=10.0, voltage_v=230.0)
    assert found.kind == kind
    assert words in found.message


@pytest.mark.parametrize(
    ("habit", "kind", "words"),
    [
        (saying('[3,"%s",{"status":"Rejected"}]'), "composite_unknown", "Rejected"),
        (saying('[3,"%s",{"connectorId":1}]'), "composite_unknown", "lacks what it must have"),
        (saying('[3,"%s",{"status":["Accepted"],"chargingSchedule":7}]'), "composite_unknown", "does not say"),
        (saying('[4,"%s","NotSupported","",{}]'), "composite_unknown", "NotSupported"),
        (
            saying(
                '[3,"%s",{"status":"Accepted","chargingSchedule":{"duration":8600000000000,"chargingRateUnit":"A",'
                '"chargingSchedulePeriod":[{"startPeriod":0.5,"limit":31.99999809,"numberPhases":null}]},"odd":1}]'
            ),
            "composite_differs",
            "holds 32.0 A, was told 10.0 A",
        ),
    ],
)
async def test_an_answer_that_is_no_good_is_an_event_and_nothing_worse(habit: Any, kind: str, words: str):
    async with (
        bench(lab=True) as b,
        StrangeCharger(b.url("").rstrip("/"), "CP01", habits={"GetCompositeSchedule": habit}) as strange,
    ):
        await strange.boot()
        await strange.start()
        b.plan(P01=10)
        await until(lambda: b.applied)
        b.plan({"P01": Remedy.COMPARE}, P01=10)
        await until(lambda: b.said(kind))
        assert words in b.said(kind)[0]
        b.plan({"P01": Remedy.COMPARE}, P01=8)
        await until(lambda: b.state().commanded_a == 8.0)
        assert "internal_error" not in b.events.kinds()


async def test_a_transaction_is_ended_on_request_and_one_that_is_not_is_reported():
    async with bench() as b, holding(b) as (client, transaction_id):
        client.stop_answer = "Rejected"
        for _ in range(2):
            b.plan({"P01": Remedy.STOP}, P01=0)
            await settled(client)
        assert client.stopped == [transaction_id]
        assert b.said("remote_stop_rejected") == ["its charger does not end its transaction: Rejected"]


async def test_a_connector_is_taken_out_of_service_on_every_connection_and_put_back():
    async with bench() as b:
        async with holding(b) as (client, _):
            client.service_answer = "Scheduled"
            for _ in range(2):
                b.plan({"P01": Remedy.DISABLE}, P01=0)
                await settled(client)
            assert client.service == [OUT]
            assert b.said("connector_out_of_service") == [
                "its connector is out of service, when its transaction has ended"
            ]
        await until(lambda: b.state().state == "offline")
        b.plan({"P01": Remedy.DISABLE})
        async with charger(b) as client:
            await client.boot()
            await client.say("Unavailable")
            b.plan({"P01": Remedy.DISABLE})
            await until(lambda: client.service)
            await settled(client)
            assert client.service == [OUT], "it may have forgotten"
            b.plan()
            await until(lambda: client.service == [OUT, IN])
            await settled(client)
            assert client.service == [OUT, IN]
            assert "connector_in_service" in b.events.kinds("point:P01")


async def test_one_that_cannot_be_told_now_to_leave_service_is_asked_again_later():
    async with bench() as b, holding(b) as (client, _):
        client.service_answer = "Rejected"
        b.plan({"P01": Remedy.DISABLE}, P01=0)
        await until(lambda: b.said("availability_rejected"))
        b.clock.advance(3)
        b.plan({"P01": Remedy.DISABLE}, P01=0)
        await settled(client)
        assert client.service == [OUT]
        client.service_answer = "Accepted"
        b.clock.advance(3)
        b.plan({"P01": Remedy.DISABLE}, P01=0)
        await until(lambda: b.said("connector_out_of_service"))
        assert client.service == [OUT, OUT]
        assert len(b.said("availability_rejected")) == 1


async def test_what_an_earlier_run_of_the_service_took_out_is_put_back_and_what_somebody_else_did_is_left_alone():
    kept = FakeServiceBook()
    async with bench(service=kept) as b, holding(b) as (client, _):
        b.plan({"P01": Remedy.DISABLE}, P01=0)
        await until(lambda: client.service == [OUT])
        assert kept.withdrawn == {"P01": Withdrawal(remedy=True)}
    async with bench(service=kept) as b, charger(b) as client:
        await client.boot()
        await client.say("Unavailable")
        await until(lambda: client.service == [IN] and not kept.withdrawn)
    async with bench(service=kept) as b, charger(b) as client:
        await client.boot()
        await client.say("Unavailable")
        await settled(client)
        assert client.service == []


def test_people_and_remedies_do_not_undo_each_other():
    treatment = Treatment()
    treatment.call_for(Remedy.DISABLE)
    treatment.service_answered(in_service=False, accepted=True, monotonic_s=0.0)
    treatment.ordered(in_service=True)
    assert treatment.wants_service(unavailable=False, monotonic_s=0.0) is False, "it still ignores its limit"
    treatment.ordered(in_service=False)
    treatment.call_for(None)
    assert treatment.wants_service(unavailable=True, monotonic_s=0.0) is None, "people have not put it back"


async def test_a_question_that_is_never_answered_keeps_nobody_waiting_for_long(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writer, "REMEDY_ANSWER_S", 1.0)
    site = site_of(point(), point("P02", connector=2), point("P03", station="CP02"))
    async with (
        bench(site, lab=True) as b,
        StrangeCharger(b.url("").rstrip("/"), "CP01", outlets=2, habits={"GetCompositeSchedule": deaf}) as strange,
        StrangeCharger(b.url("").rstrip("/"), "CP02") as other,
    ):
        for one in (strange, other):
            await one.boot()
            await one.start()
        await strange.start(2)
        b.plan(P01=10, P02=10, P03=10)
        await until(lambda: b.applied)
        b.plan({"P01": Remedy.COMPARE}, P01=10, P02=10, P03=10)
        await strange.has(lambda: strange.calls[-1][0] == "GetCompositeSchedule", "a question")
        b.plan({"P01": Remedy.COMPARE}, P01=10, P02=8, P03=8)
        await until(lambda: b.state("P03").commanded_a == 8.0)
        assert not b.said("composite_unknown"), "another station waits for nothing"
        await until(lambda: b.state("P02").commanded_a == 8.0)
        assert b.said("composite_unknown") == ["its charger does not say what it holds: no answer"]


# -- chargers that refuse 0 A ------------------------------------------------------------------------------------


def from_six_on(profile: dict[str, Any]) -> str:
    limits = [float(p["limit"]) for p in profile["charging_schedule"]["charging_schedule_period"]]
    return "Accepted" if min(limits) >= 6.0 else "Rejected"


async def test_one_that_refuses_zero_twice_is_told_its_minimum_and_counted_with_it():
    async with bench() as b, holding(b, 16.0) as (client, _):
        client.profile_answer = from_six_on
        b.plan(P01=0)
        await until(lambda: b.said("profile_rejected"))
        assert b.limits_of(client) == [0.0]
        assert b.state().pausable
        b.clock.advance(5)
        b.plan(P01=0)
        await until(lambda: b.limits_of(client) == [0.0, 0.0, 6.0])
        await until(lambda: b.state().commanded_a == 6.0)
        assert not b.state().pausable
        b.plan(P01=0)
        assert b.said("not_pausable") == ["its charger refuses 0 A: it is told 6 A in its place"]
        b.plan(P01=12)
        await until(lambda: b.state().commanded_a == 12.0)
        b.plan(P01=0)
        await until(lambda: b.state().commanded_a == 6.0)
        assert b.limits_of(client)[-2:] == [12.0, 6.0], "it is not asked in vain again"
        assert len(b.said("not_pausable")) == 1


async def test_one_that_refuses_zero_as_a_fallback_gets_its_minimum_as_one_and_is_counted_with_it():
    async with bench(site_of(point(fallback_a=0.0))) as b, charger(b) as client:
        client.profile_answer = from_six_on
        await client.boot()
        await until(lambda: b.said("profile_rejected"))
        assert b.state().commanded_a == 32.0, "without its default it may draw all that it can"
        b.clock.advance(5)
        b.plan()
        await until(lambda: b.state().commanded_a == 6.0)
        assert client.periods("TxDefaultProfile") == [[(0, 0.0)], [(0, 0.0)], [(0, 6.0)]]
        await client.begin()
        b.plan(P01=16)
        await until(lambda: client.periods("TxProfile") == [[(0, 16.0), (180, 6.0)]])
        assert b.state().commanded_a == 16.0


async def test_one_that_refuses_its_minimum_as_well_has_another_reason():
    async with bench() as b, holding(b, 16.0) as (client, _):
        client.profile_answer = lambda _profile: "Rejected"
        for _ in range(4):
            b.plan(P01=0)
            await settled(client)
            b.clock.advance(30)
        assert b.limits_of(client)[:4] == [0.0, 0.0, 6.0, 0.0]
        assert 6.0 not in b.limits_of(client)[4:]
        assert b.state().pausable
        assert b.said("not_pausable") == []


async def test_one_that_refuses_only_txprofiles_can_be_paused():
    async with bench(site_of(point(fallback_a=0.0))) as b, charger(b) as client:
        client.profile_answer = lambda p: "Rejected" if p["charging_profile_purpose"] == "TxProfile" else "Accepted"
        await client.boot()
        await client.begin()
        for limit_a in (16.0, 0.0, 10.0, 0.0):
            b.plan(P01=limit_a)
            await until(lambda limit_a=limit_a: b.state().commanded_a == limit_a)
        assert b.state().pausable
