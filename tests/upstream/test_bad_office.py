"""A back office that talks nonsense, dies while it is told, or asks for too much: chargers never notice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from adapters.ocpp.upstream import channel
from adapters.ocpp.upstream.back_office import BackOffice as Office
from tests.support.back_office import BackOffice
from tests.support.forwarded import TOKEN, MeteredCharger, forwarded
from tests.support.metered2 import MeteredStation
from tests.support.processes import WITHIN_S, until
from tests.support.raw_office import raw_office

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "ANSWER_S", WITHIN_S)
    monkeypatch.setattr(channel, "FIRST_CONNECTION_S", WITHIN_S)
    monkeypatch.setattr(channel, "LIVE_BOOT_S", 0.2)
    monkeypatch.setattr("adapters.ocpp.upstream.delivery.RETRY_S", 0.05)
    monkeypatch.setattr("controller.hub_satellite.outbox.PER_S", 50.0)
    monkeypatch.setattr("controller.hub_satellite.outbox.PAUSES_S", (0.01,) * 4)
    monkeypatch.setattr("adapters.ocpp.upstream.link.PAUSE_FIRST_S", 0.1)


NONSENSE = ("gibberish", "[3]", '[3,"another",{}]', '[7,"ID",{}]', '[4,"ID"]', '[3,"ID",null]', '[3,"ID",{}]')


@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_nonsense_never_reaches_a_charger(tmp_path: Path, nonsense: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(channel, "ANSWER_S", 0.3)
    talks = dict.fromkeys(
        ("StartTransaction", "MeterValues", "StopTransaction", "Authorize"), lambda _payload: nonsense
    )
    async with (
        raw_office(answers=talks) as office,
        forwarded(tmp_path, Office("office", office.url)) as site,
        MeteredCharger(site.url) as charger,
    ):
        assert (await charger.boot())["status"] == "Accepted"
        await site.ready()
        assert (await charger.call("Authorize", {"idTag": TOKEN}))["idTagInfo"]["status"] == "Accepted"
        assert isinstance((await charger.begin())["transactionId"], int)
        assert await charger.measure(context="Trigger") == {}
        assert await charger.end() in ({}, {"idTagInfo": {"status": "Accepted"}})
        assert nonsense not in charger.heard
        (session,), _ = site.ledger.sessions()
        assert not session.running


async def test_a_back_office_that_dies_again_and_again_while_it_is_told_is_told_everything_once(
    tmp_path: Path, office: BackOffice
):
    async with (
        forwarded(tmp_path, Office("office", office.url), stations=("CP01", "CP02")) as site,
        MeteredCharger(site.url) as one,
        MeteredStation(site.url, "CP02", register_wh=90_000) as two,
    ):
        for charger in (one, two):
            await charger.boot()
            await site.ready(charger.identity)
        await office.kill()
        await site.ready(ready=False)
        for _ in range(4):
            await asyncio.gather(one.session(), two.session())
        for done in (5, 14):
            await office.start()
            await until(lambda done=done: len(office.book["order"]) >= done, "some of it to be told")
            await office.kill()
        await office.start()
        await site.drained()
    assert office.sessions("CP01") == one.sessions
    told = [row for row in office.book["sessions"].values() if row["station"] == "CP02"]
    assert [(row["meterStart"], row["meterStop"]) for row in told] == two.sessions
    assert all(row["events"] == [["Started", 0], ["Updated", 1], ["Ended", 2]] for row in told)
    assert all(row["offline"] == [True] * 3 for row in told)
    for station in ("CP01", "CP02"):
        stamps = [row[2] for row in office.book["order"] if row[0] == station]
        assert stamps == sorted(stamps)


async def test_an_event_that_was_told_in_time_and_not_answered_is_told_again_to_the_byte(tmp_path: Path):
    answers = iter((None, {}, {}))
    async with (
        raw_office("ocpp2.0.1", {"TransactionEvent": lambda _payload: next(answers)}) as office,
        forwarded(tmp_path, Office("office", office.url)) as site,
        MeteredStation(site.url, "CP01") as charger,
    ):
        await charger.boot()
        await site.ready()
        beginning = asyncio.create_task(charger.begin())
        await until(lambda: office.told("TransactionEvent"), "it to be told")
        await office.sockets[-1].close()
        await beginning
        await site.drained()
    first, again = (frame for frame in office.frames if '"TransactionEvent"' in frame)
    assert again == first
    assert "offline" not in first


async def test_a_limit_far_above_the_fuse_is_taken_and_raises_nothing(tmp_path: Path, office: BackOffice):
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 5_000.0}]}
    about = {"chargingProfileId": 1, "stackLevel": 9, "chargingProfileKind": "Relative", "chargingSchedule": schedule}
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        await charger.begin()
        before = site.allowed_a("P-CP01")
        for purpose in ("TxProfile", "TxDefaultProfile"):
            asked = {"connectorId": 1, "csChargingProfiles": {**about, "chargingProfilePurpose": purpose}}
            assert await office.call("CP01", "SetChargingProfile", asked) == {"status": "Accepted"}
        allowed_a = site.allowed_a("P-CP01")
        assert allowed_a is None or before is None or allowed_a <= max(before, 32.0)
        told = await office.call("CP01", "GetCompositeSchedule", {"connectorId": 1, "duration": 60})
        assert told["status"] == "Accepted"
        assert all(period["limit"] <= 32.0 for period in told["chargingSchedule"]["chargingSchedulePeriod"])
        limits = [
            period["limit"]
            for action, payload in charger.asked
            if action == "SetChargingProfile"
            for period in payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
        ]
        assert all(limit <= 32.0 for limit in limits)
