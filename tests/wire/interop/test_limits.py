"""Chargers that take limits in their own way: each ends controlled, or counted with all that it may draw."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed

from controller.site import Control
from tests.support.lab import NOT_SO_CALM, Lab, laboratory
from tests.support.strange_charger import (
    WITHIN_S,
    Habit,
    Payload,
    StrangeCharger,
    deaf,
    failing,
    hanging_up,
    late,
    refusing,
    saying,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

TAKES_DEFAULT: dict[str, Habit] = {
    "DEFAULT1": refusing("TxProfile"),
    "DEFAULT2": refusing("TxProfile", status="NotSupported"),
    "DEFAULT3": failing("InternalError", "TxProfile"),
    "DEFAULT4": failing("PropertyConstraintViolation", "TxProfile"),
}
TAKES_NOTHING: dict[str, Habit] = {
    "REFUSES": refusing("TxProfile", "TxDefaultProfile", status="NotSupported"),
    "ERROR1": failing("NotSupported"),
    "ERROR2": failing("NotImplemented"),
    "ERROR3": failing("GenericError"),
    "ERROR4": failing("OutOfCoffee"),
    "DEAF": deaf,
    "WRONG1": saying('[3,"not-%s",{"status":"Accepted"}]'),
    "WRONG2": saying('[3,"%s",{"status":"Perhaps"}]'),
    "WRONG3": saying('[3,"%s",[]]'),
    "WRONG4": saying('[3,"%s"'),
    "WRONG5": saying('{"%s":"Accepted"}'),
}
OTHERS = ["OWN", "LOOSE", "FLAPPING", "TWICE", "MORE"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    async with laboratory(
        tmp_path_factory.mktemp("lab"), dict.fromkeys([*TAKES_DEFAULT, *TAKES_NOTHING, *OTHERS], 1)
    ) as running:
        yield running


async def test_a_charger_that_takes_no_txprofile_is_steered_by_its_default_profile(lab: Lab):
    await asyncio.gather(*(steered_by_default(lab, name, habit) for name, habit in TAKES_DEFAULT.items()))


async def steered_by_default(lab: Lab, name: str, habit: Habit) -> None:
    async with lab.charger(name, habits={"SetChargingProfile": habit}) as charger:
        await charger.boot()
        await charger.has(lambda: charger.outlets[1].allowed_a() == 6.0, "the permanent default")
        await charger.start()
        await lab.becomes(f"{name}-1", commanded_a=16.0)
        assert await lab.honest(f"{name}-1", charger) == 16.0
        assert charger.outlets[1].allowed_a(ahead_s=121) == 6.0, "and it falls back by itself"
        limited = charger.profiles("TxDefaultProfile")[-1]
        assert [p["limit"] for p in limited["chargingSchedule"]["chargingSchedulePeriod"]] == [16.0, 6.0]
        assert "transactionId" not in limited
        assert {p["chargingProfileId"] for p in charger.profiles("TxDefaultProfile")} == {limited["chargingProfileId"]}
        await charger.stop()
        await lab.becomes(f"{name}-1", commanded_a=6.0)
        assert charger.outlets[1].allowed_a() == 6.0, "the next car begins with the fallback"
        await charger.start()
        await lab.becomes(f"{name}-1", commanded_a=16.0)
        await charger.stop()
        await lab.becomes(f"{name}-1", commanded_a=6.0)
        assert len(charger.profiles("TxProfile")) <= 4, "what is refused twice is left alone till the next car"
    assert "profile_rejected" in await lab.event_kinds(f"point:{name}-1")


async def test_a_charger_that_takes_only_txprofiles_is_counted_with_all_it_can_until_it_has_one(lab: Lab):
    async with lab.charger("OWN", habits={"SetChargingProfile": refusing("TxDefaultProfile")}) as charger:
        await charger.boot()
        await charger.has(lambda: charger.profiles("TxDefaultProfile"), "the default")
        await lab.becomes("OWN-1", commanded_a=16.0)
        await charger.start()
        await charger.has(lambda: charger.outlets[1].allowed_a() < 32.0, "a limit of its own")
        assert await lab.honest("OWN-1", charger) == 16.0
        await charger.stop()
        await lab.becomes("OWN-1", commanded_a=16.0)


async def test_a_charger_that_takes_nothing_is_never_assumed_to_obey(lab: Lab):
    await asyncio.gather(*(never_assumed(lab, name, habit) for name, habit in TAKES_NOTHING.items()))


async def never_assumed(lab: Lab, name: str, habit: Habit) -> None:
    async with lab.charger(name, most_a=16.0, habits={"SetChargingProfile": habit}) as charger:
        await charger.boot()
        await charger.start()
        await lab.becomes(f"{name}-1", commanded_a=16.0, state="plugged")
        assert charger.outlets[1].drawn_a() == 16.0
        await charger.measure()
        await lab.becomes(f"{name}-1", state="charging", measured_a=[16.0, 16.0, 16.0])
        await charger.has(lambda: len(charger.profiles("TxDefaultProfile")) > 0, "the default to be tried")
        assert await lab.honest(f"{name}-1", charger) == 16.0
        assert (await charger.told("Heartbeat", {}))["currentTime"]
        await charger.stop()
    assert (await lab.sessions(name))[-1]["state"] == "ended"


async def test_an_acceptance_with_extras_is_an_acceptance(lab: Lab):
    habit = saying('[3,"%s",{"status":"Accepted","vendorInfo":{"x":1}}]', obeying=True)
    async with lab.charger("MORE", habits={"SetChargingProfile": habit}) as charger:
        await charger.boot()
        await charger.start()
        await lab.becomes("MORE-1", commanded_a=16.0)
        assert await lab.honest("MORE-1", charger) == 16.0
        await charger.stop()
    assert "profile_rejected" not in await lab.event_kinds("point:MORE-1")


async def test_a_charger_that_hangs_up_when_it_is_asked_something_is_served_whenever_it_comes(lab: Lab):
    async with lab.charger("LOOSE", most_a=16.0, habits={"SetChargingProfile": hanging_up}) as charger:
        await charger.boot()
        await charger.hung_up.wait()
        await lab.becomes("LOOSE-1", state="offline")
        transaction = await started_at_last(charger)
        await charger.hung_up.wait()
        await charger.connect()
        await lab.becomes("LOOSE-1", commanded_a=16.0)
        assert await lab.honest("LOOSE-1", charger) == 16.0
        await charger.hung_up.wait()
        charger.habits.clear()
        await charger.connect()
        await charger.has(lambda: charger.outlets[1].profiles.keys() == {11, 12}, "both profiles")
        await charger.stop()
    assert [(s["transaction_id"], s["energy_wh"]) for s in await lab.sessions("LOOSE")] == [(str(transaction), 500)]


async def started_at_last(charger: StrangeCharger) -> int:
    """It starts a transaction on as many connections as that takes: it may be asked something before it is answered."""
    payload = charger.start_payload()
    while True:
        await charger.connect()
        with suppress(ConnectionError, ConnectionClosed):
            transaction = int((await charger.told("StartTransaction", payload))["transactionId"])
            charger.open(1, transaction)
            return transaction


async def test_a_charger_that_reconnects_all_the_time_keeps_its_session_and_its_limit(lab: Lab):
    async with lab.charger("FLAPPING") as charger:
        await charger.boot()
        transaction = await charger.start()
        await lab.becomes("FLAPPING-1", commanded_a=16.0)
        for _ in range(4):
            sent = len(charger.calls)
            await charger.socket.close()
            await charger.connect()  # and not a word
            await told_again(charger, sent)
            assert await lab.honest("FLAPPING-1", charger) <= 16.0
        point = await lab.becomes("FLAPPING-1", commanded_a=16.0, state="plugged")
        assert point["session"]["transaction_id"] == str(transaction)
        await charger.stop()
    assert [s["energy_wh"] for s in await lab.sessions("FLAPPING")] == [500]


async def told_again(charger: StrangeCharger, sent: int) -> None:
    await charger.has(lambda: len(charger.calls) >= sent + 2, "its default and its limit")


async def test_of_two_connections_the_newer_counts(lab: Lab):
    async with lab.charger("TWICE") as old:
        await old.boot()
        await old.start()
        async with lab.charger("TWICE") as new:
            await asyncio.wait_for(old.hung_up.wait(), WITHIN_S)
            assert (await new.told("Heartbeat", {}))["currentTime"]
            new.open(1, old.outlets[1].transaction or 0)
            await new.has(lambda: new.outlets[1].allowed_a() == 16.0, "its limit")
            await lab.becomes("TWICE-1", online=True, state="plugged", commanded_a=16.0)
            await new.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def patient(tmp_path: Path) -> AsyncIterator[Lab]:
    """A central system that waits for answers as long as it does on a real site."""
    async with laboratory(tmp_path, {"LATE": 1}, call_timeout_s=30.0) as running:
        yield running


async def test_a_late_acceptance_counts_from_the_beginning(patient: Lab):
    async with patient.charger("LATE") as charger:
        await charger.boot()
        await charger.has(lambda: charger.profiles("TxDefaultProfile"), "the default")
        charger.habits["SetChargingProfile"] = late(4.0)
        await charger.start()
        await charger.has(lambda: charger.outlets[1].allowed_a() > 6.0, "a raise")
        raised_a = charger.outlets[1].allowed_a()
        assert await patient.honest("LATE-1", charger) == raised_a, "though it has not said so yet"
        await patient.becomes("LATE-1", commanded_a=16.0)
        await charger.stop()


async def test_a_charger_that_hears_nothing_before_it_boots_is_told_again_when_it_has(patient: Lab):
    async with patient.charger("LATE", habits={"SetChargingProfile": deaf}) as charger:
        await charger.has(lambda: charger.calls, "a call that comes too early")
        charger.habits.clear()
        await charger.boot()
        await charger.has(lambda: charger.outlets[1].allowed_a() == 6.0, "its default")
        await patient.becomes("LATE-1", commanded_a=6.0)


QUICK = Control(
    validity_s=6.0,
    renew_s=2.0,
    change_s=NOT_SO_CALM.change_s,
    calm_s=NOT_SO_CALM.calm_s,
    settle_s=NOT_SO_CALM.settle_s,
    fresh_readings=NOT_SO_CALM.fresh_readings,
)


async def test_the_dead_man_schedule_on_the_wire(tmp_path_factory: pytest.TempPathFactory):
    directory = tmp_path_factory.mktemp("quick")
    async with (
        laboratory(directory, {"PAIR": 2}, max_a=11.37, control=QUICK) as lab,
        lab.charger("PAIR", outlets=2) as charger,
    ):
        await charger.boot()
        await charger.has(lambda: all(place.profiles for place in charger.outlets.values()), "a default on each")
        assert [place.allowed_a() for place in charger.outlets.values()] == [6.0, 6.0]
        assert [place.allowed_a(ahead_s=1e9) for place in charger.outlets.values()] == [6.0, 6.0], "for ever"
        transactions = {outlet: await charger.start(outlet) for outlet in (1, 2)}
        await lab.becomes("PAIR-1", commanded_a=11.3)
        await charger.has(lambda: len(of_limit(charger, 1, 11.3)) >= 3, "two renewals")
        first, second, third = of_limit(charger, 1, 11.3)[:3]
        assert first.keys() == second.keys()
        assert 0.5 < renewals_s(charger, 1)[-1] < QUICK.validity_s, "before it runs out, and not all the time"
        assert [p["startPeriod"] for p in third["chargingSchedule"]["chargingSchedulePeriod"]] == [0, 66]
        await charger.has(lambda: charger.profiles("TxProfile", 2), "a limit on the other connector")
        for outlet in (1, 2):
            for profile in charger.profiles("TxProfile", outlet):
                check_own(profile, transactions[outlet])
            for profile in charger.profiles("TxDefaultProfile", outlet):
                check_default(profile)
        ids = {
            (outlet, purpose): {p["chargingProfileId"] for p in charger.profiles(purpose, outlet)}
            for outlet in (1, 2)
            for purpose in ("TxProfile", "TxDefaultProfile")
        }
        assert all(len(found) == 1 for found in ids.values()), "always the same"
        assert len(set.union(*ids.values())) == 4, "and no two alike"
        await lab.service.stop()  # nobody renews any more
        assert [place.allowed_a(ahead_s=8) for place in charger.outlets.values()] == [6.0, 6.0]
        assert [place.allowed_a(ahead_s=1e8) for place in charger.outlets.values()] == [6.0, 6.0]


def of_limit(charger: StrangeCharger, outlet: int, limit_a: float) -> list[Payload]:
    return [
        profile
        for profile in charger.profiles("TxProfile", outlet)
        if profile["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == limit_a
    ]


def renewals_s(charger: StrangeCharger, outlet: int) -> list[float]:
    """The times between the limits of an outlet."""
    at = [
        moment
        for moment, (action, payload) in zip(charger.called_at, charger.calls, strict=True)
        if action == "SetChargingProfile"
        and payload["connectorId"] == outlet
        and payload["csChargingProfiles"]["chargingProfilePurpose"] == "TxProfile"
    ]
    return [later - earlier for earlier, later in itertools.pairwise(at)]


def check_common(profile: Payload) -> Payload:
    schedule = profile["chargingSchedule"]
    assert isinstance(schedule, dict)
    assert (profile["chargingProfileKind"], profile["stackLevel"]) == ("Absolute", 0)
    assert not {"recurrencyKind", "validFrom", "validTo"} & profile.keys()
    assert schedule.keys() == {"chargingRateUnit", "startSchedule", "chargingSchedulePeriod"}, "no duration"
    assert schedule["chargingRateUnit"] == "A"
    for period in schedule["chargingSchedulePeriod"]:
        assert type(period["startPeriod"]) is int
        assert round(period["limit"], 1) == period["limit"], "one decimal"
    assert datetime.fromisoformat(schedule["startSchedule"]) < datetime.now(UTC)
    return schedule


def check_own(profile: Payload, transaction: int) -> None:
    schedule = check_common(profile)
    assert profile["transactionId"] == transaction
    periods = schedule["chargingSchedulePeriod"]
    assert isinstance(periods, list)
    assert len(periods) == 2
    assert periods[1]["limit"] == 6.0


def check_default(profile: Payload) -> None:
    schedule = check_common(profile)
    assert "transactionId" not in profile
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6.0}]
