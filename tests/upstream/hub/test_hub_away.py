"""A back office that is away, slow, silent or wrong: the hub's chargers never notice, and it misses nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from adapters.ocpp.upstream import hub_line
from adapters.ocpp.upstream.back_office import BackOffice as Office
from controller.away import AuthoriseAway
from tests.support.back_office import BackOffice
from tests.support.forwarded import MeteredCharger
from tests.support.hubbed import HUB, hubbed
from tests.support.processes import until
from tests.support.raw_office import NOW, raw_office

pytestmark = pytest.mark.asyncio(loop_scope="module")


ODD = {"status": 7, "groupIdToken": "x", "expiryDate": 5}
"""What a back office may say of a token, if it does not know what it does."""


async def test_it_is_killed_again_and_again_in_the_middle_of_what_it_missed(
    tmp_path: Path, office: BackOffice, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("controller.hub_satellite.outbox.PER_S", 50.0)
    async with (
        hubbed(tmp_path, Office("office", office.url)) as site,
        MeteredCharger(site.endpoint, "CP01") as one,
        MeteredCharger(site.endpoint, "CP02", register_wh=90_000) as two,
    ):
        await site.ready()
        await one.boot()
        await two.boot()
        await office.kill()
        await site.ready(ready=False)
        for _ in range(4):
            await asyncio.gather(one.session(), two.session())
        for done in (3, 10):
            await office.start()
            await until(lambda done=done: len(office.book["order"]) >= done, "some of it to be told")
            await office.kill()
        await office.start()
        await site.drained()
        assert sorted(office.sessions(HUB)) == sorted(one.sessions + two.sessions)
        assert all(row["stops"] == 1 for row in office.book["sessions"].values())
        started = [row["timestamp"] for row in office.book["sessions"].values() if row["connectorId"] == 1]
        assert started == sorted(started)


async def test_who_never_answers_is_told_again_under_the_same_id(tmp_path: Path):
    silent: list[str] = []

    def at_last(payload: dict[str, Any]) -> Any:
        silent.append(payload["timestamp"])
        return {"transactionId": 7, "idTagInfo": {"status": "Accepted"}} if len(silent) > 2 else None

    async with (
        raw_office(answers={"StartTransaction": at_last}) as office,
        hubbed(tmp_path, Office("office", office.url), answer_s=0.5) as site,
        MeteredCharger(site.endpoint) as one,
    ):
        await site.ready()
        await one.boot()
        assert (await one.begin())["idTagInfo"]["status"] == "Accepted"
        await one.end()
        await site.drained()
        starts = {json.loads(frame)[1] for frame in office.frames if '"StartTransaction"' in frame}
        assert len(starts) == 1
        assert len(silent) == 3
        (stop,) = office.told("StopTransaction")
        assert (stop["transactionId"], stop["meterStop"]) == (7, one.register_wh)


async def test_nonsense_is_no_answer(tmp_path: Path):
    answers = {
        "StartTransaction": lambda _payload: {"transactionId": "seven"},
        "Authorize": lambda payload: {"idTagInfo": "yes" if payload["idTag"] == "ROAMER" else ODD},
        "StatusNotification": lambda _payload: '[4,"ID","Whatever",7,null]',
    }
    async with (
        raw_office(answers=answers) as office,
        hubbed(tmp_path, Office("office", office.url)) as site,
        MeteredCharger(site.endpoint) as one,
    ):
        await site.ready()
        await one.boot()
        for token in ("ROAMER", "OTHER"):
            assert (await one.call("Authorize", {"idTag": token}))["idTagInfo"]["status"] == "Invalid"
        await one.session()
        await site.becomes(lambda: site.events.kinds().count("upstream_message_set_aside") >= 2)
        await site.drained()
        assert office.told("StopTransaction") == []  # of a transaction that it never took


async def test_until_it_accepts_the_hub_it_is_told_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hub_line, "BOOT_RETRY_S", (0.02, 0.02))
    boots: list[str] = []

    def reluctant(payload: dict[str, Any]) -> Any:
        boots.append(payload["chargePointModel"])
        if len(boots) == 3:
            return None
        status = "Accepted" if len(boots) > 3 else ("Pending", "Rejected")[len(boots) - 1]
        return {"status": status, "currentTime": NOW, "interval": 1200}

    async with (
        raw_office(answers={"BootNotification": reluctant}) as office,
        hubbed(tmp_path, Office("office", office.url), answer_s=0.5) as site,
    ):
        await site.ready()
        assert [name for name, _ in office.calls[:5]] == ["BootNotification"] * 4 + ["StatusNotification"]
        connectors = [payload["connectorId"] for payload in office.told("StatusNotification")]
        assert connectors == [0, 1, 2]
        _, read = await office.ask("GetConfiguration", {"key": ["HeartbeatInterval"]})
        assert read["configurationKey"][0]["value"] == "1200"


async def test_with_spec_close_chargers_are_not_connected_while_it_is_away(tmp_path: Path, office: BackOffice):
    closing = Office("office", office.url, keep_local=False)
    async with hubbed(tmp_path, closing) as site, MeteredCharger(site.endpoint, "CP01") as one:
        await site.ready()
        await one.boot()
        assert site.central.statuses()["P-CP01"] is not None
        await office.kill()
        await site.becomes(lambda: site.central.statuses()["P-CP01"] is None)
        await office.start()
        await site.ready()
        await one.connect()
        assert (await one.boot())["status"] == "Accepted"


async def test_nobody_may_charge_while_it_is_away_where_the_site_says_so(tmp_path: Path, office: BackOffice):
    nobody = Office("office", office.url, authorise_away=AuthoriseAway.NONE)
    async with hubbed(tmp_path, nobody) as site:
        port = site.central.port
        async with MeteredCharger(site.endpoint, "CP01") as one:
            await site.ready()
            await one.boot()
            await one.begin()
            await office.kill()
            await site.ready(ready=False)
            assert (await one.call("Authorize", {"idTag": "OTHER"}))["idTagInfo"]["status"] == "Blocked"
    async with hubbed(tmp_path, nobody, port=port) as site, one:
        await one.boot()  # a session that was let in goes on, also where the service starts anew
        assert site.allowed_a("P-CP01") is None
        assert not [asked for asked in one.asked if asked[0] == "RemoteStopTransaction"]
        assert (await one.call("Authorize", {"idTag": "OTHER"}))["idTagInfo"]["status"] == "Blocked"


async def test_a_charger_that_comes_back_is_told_that_it_is_out_of_service(tmp_path: Path, office: BackOffice):
    async with hubbed(tmp_path, Office("office", office.url)) as site:
        await site.ready()
        out = {"connectorId": 0, "type": "Inoperative"}
        assert await office.call(HUB, "ChangeAvailability", out) == {"status": "Accepted"}
        async with MeteredCharger(site.endpoint, "CP02") as two:
            await two.boot()
            await site.becomes(
                lambda: ("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}) in two.asked,
            )
