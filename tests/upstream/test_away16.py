"""Chargers whose back office is away, slow, or wrong: they never notice, and it is told everything, once, in order."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from adapters.ocpp.upstream import channel
from adapters.ocpp.upstream.back_office import BackOffice as Office
from controller.away import AuthoriseAway
from tests.support.back_office import BackOffice
from tests.support.forwarded import TOKEN, MeteredCharger, forwarded
from tests.support.processes import WITHIN_S, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was missed is told fast; a back office that is there has all the time that it needs to answer."""
    monkeypatch.setattr(channel, "ANSWER_S", WITHIN_S)
    monkeypatch.setattr(channel, "FIRST_CONNECTION_S", WITHIN_S)
    monkeypatch.setattr(channel, "LIVE_BOOT_S", 0.3)
    monkeypatch.setattr("adapters.ocpp.upstream.delivery.RETRY_S", 0.05)
    monkeypatch.setattr("controller.hub_satellite.outbox.PER_S", 200.0)
    monkeypatch.setattr("controller.hub_satellite.outbox.PAUSES_S", (0.01,) * 4)
    monkeypatch.setattr("adapters.ocpp.upstream.link.PAUSE_FIRST_S", 0.1)


def unknown(office: BackOffice) -> list[object]:
    return [row for row in office.book["order"] if row[1] == "unknown transaction"]


async def test_sessions_while_it_is_away_are_told_in_order_when_it_is_back(tmp_path: Path, office: BackOffice):
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        await charger.begin()
        assert charger.transaction == 5001
        await office.kill()
        await site.ready(ready=False)
        await charger.measure()
        await charger.end()
        for _ in range(3):
            assert (await charger.begin())["idTagInfo"] == {"status": "Accepted", "parentIdTag": "FLEET"}
            assert charger.transaction != 5001
            await charger.end()
        await charger.begin()
        assert await site.queue() == 9
        await office.start()
        await site.ready()
        await site.drained()
        ours = charger.transaction
        await charger.measure(context="Trigger")
        assert await office.call("CP01", "RemoteStopTransaction", {"transactionId": 5005}) == {"status": "Accepted"}
        assert charger.asked[-1] == ("RemoteStopTransaction", {"transactionId": ours})
        await charger.end()
        await site.drained()
    assert office.sessions("CP01") == charger.sessions
    assert unknown(office) == []
    told = [stamp for _, _, stamp in office.book["order"]]
    assert told == sorted(told)
    assert "upstream_away" in site.events.kinds()


async def test_a_session_goes_on_when_we_are_started_anew(tmp_path: Path, office: BackOffice):
    seen = Office("office", office.url)
    async with forwarded(tmp_path, seen) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        assert (await charger.begin("ROAMING"))["idTagInfo"]["status"] == "Accepted"
    await office.kill()
    async with forwarded(tmp_path, seen) as site:
        charger.endpoint = site.url
        await charger.connect()
        assert (await charger.call("Authorize", {"idTag": "ROAMING"}))["idTagInfo"] == {
            "status": "Accepted",
            "parentIdTag": "FLEET",
        }
        assert site.state("P-CP01").max_a is None
        await charger.end()
        assert "RemoteStopTransaction" not in [action for action, _ in charger.asked]
        await office.start()
        await site.drained()
        await charger.disconnect()
    assert office.sessions("CP01") == charger.sessions


async def test_a_station_is_kept_alive_at_the_back_offices_interval(
    tmp_path: Path, office: BackOffice, monkeypatch: pytest.MonkeyPatch
):
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        await office.kill()
        await site.ready(ready=False)
        monkeypatch.setattr(channel, "interval_of", lambda _told: 0.1)
        await office.start()
        await site.ready()
        beats: list[str] = []
        async with asyncio.timeout(WITHIN_S):
            while not beats:
                beats = [text for text in (await office.seen("CP01"))[0] if "Heartbeat" in text]


async def test_it_is_told_of_the_station_before_of_what_it_missed(tmp_path: Path, office: BackOffice):
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        await charger.status()
        await office.kill()
        await site.ready(ready=False)
        await charger.status("Preparing")
        await charger.session()
        await office.start()
        await site.ready()
        await site.drained()
        came, _ = await office.seen("CP01")
    actions = [json.loads(text)[2] for text in came if json.loads(text)[0] == 2]
    assert actions == ["BootNotification", "StatusNotification", "StartTransaction", "MeterValues", "StopTransaction"]
    assert json.loads(came[1])[3]["status"] == "Preparing"


async def test_connections_that_are_cut_all_the_time_lose_and_double_nothing(tmp_path: Path, office: BackOffice):
    async with (
        forwarded(tmp_path, Office("office", office.url), stations=("CP01", "CP02")) as site,
        MeteredCharger(site.url) as one,
        MeteredCharger(site.url, "CP02", register_wh=50_000) as other,
    ):
        for charger in (one, other):
            await charger.boot()

        async def cut() -> None:
            for _ in range(8):
                await asyncio.sleep(0.15)
                await office.cut()

        async def sessions(charger: MeteredCharger) -> None:
            for _ in range(6):
                await charger.session()
                await asyncio.sleep(0.1)

        await asyncio.gather(cut(), sessions(one), sessions(other))
        await site.drained()
    assert office.sessions("CP01") == one.sessions
    assert office.sessions("CP02") == other.sessions
    assert unknown(office) == []


async def test_a_slow_back_office_is_overtaken_by_our_own_answer(
    tmp_path: Path, office: BackOffice, monkeypatch: pytest.MonkeyPatch
):
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        monkeypatch.setattr(channel, "ANSWER_S", 0.3)
        await office.habits(slow_ms=600)
        for _ in range(3):
            await charger.session()
        await office.habits(slow_ms=0)
        await site.drained()
        await charger.session()
        await site.drained()
    assert office.sessions("CP01") == charger.sessions
    assert unknown(office) == []


async def test_a_back_office_that_dies_while_it_is_asked_is_asked_again_with_the_same_id(
    tmp_path: Path, office: BackOffice, monkeypatch: pytest.MonkeyPatch
):
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        monkeypatch.setattr(channel, "ANSWER_S", 0.3)
        await office.habits(mute=["StartTransaction"])
        await charger.begin()
        assert charger.transaction < 5001 or charger.transaction > 5002  # it has one, and did not say so
        await until(lambda: len(office.sessions("CP01")) == 1, "it to be told")
        await office.kill()
        await charger.end()
        await office.start()
        await site.drained()
    assert office.sessions("CP01") == charger.sessions
    assert unknown(office) == []


async def test_what_it_keeps_refusing_is_set_aside_and_holds_nothing_up(tmp_path: Path, office: BackOffice):
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        await office.habits(refuse=["StartTransaction"])
        assert (await charger.begin())["idTagInfo"] == {"status": "Accepted"}
        await charger.measure()
        await charger.end()
        await site.drained()
        assert site.events.kinds().count("upstream_message_set_aside") == 3  # nobody knows what the others are about
        await office.habits(refuse=[])
        await charger.session()
        await site.drained()
        (queue,) = await site.ledger.outbox.queues()
        assert (queue.waiting, queue.set_aside) == (0, 3)
    assert office.sessions("CP01") == charger.sessions[1:]


@pytest.mark.parametrize(
    ("policy", "accepted"),
    [
        (AuthoriseAway.KNOWN, {TOKEN, "HEARD", "LISTED"}),
        (AuthoriseAway.ALL, {TOKEN, "HEARD", "LISTED", "NOBODY"}),
        (AuthoriseAway.NONE, set()),
    ],
)
async def test_who_may_charge_while_it_is_away_is_a_setting(
    tmp_path: Path, office: BackOffice, policy: AuthoriseAway, accepted: set[str]
):
    await office.habits(blocked=["BLOCKED"])
    seen = Office("office", office.url, authorise_away=policy)
    async with forwarded(tmp_path, seen) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        for tag in ("HEARD", "BLOCKED"):
            await charger.call("Authorize", {"idTag": tag})
        listed = [{"idTag": "LISTED", "idTagInfo": {"status": "Accepted"}}]
        update = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": listed}
        assert await office.call("CP01", "SendLocalList", update) == {"status": "Accepted"}
        await office.kill()
        await site.ready(ready=False)
        for tag in (TOKEN, "HEARD", "LISTED", "NOBODY", "BLOCKED"):
            told = await charger.call("Authorize", {"idTag": tag})
            assert (told["idTagInfo"]["status"] == "Accepted") == (tag in accepted), tag
            started = await charger.begin(tag)
            assert (started["idTagInfo"]["status"] == "Accepted") == (tag in accepted), tag
            await charger.end()


async def test_a_station_that_its_back_office_does_not_accept_yet_waits(tmp_path: Path, office: BackOffice):
    await office.habits(boot="Pending")
    async with forwarded(tmp_path, Office("office", office.url)) as site, MeteredCharger(site.url) as charger:
        assert (await charger.boot())["status"] == "Pending"
        await charger.session()
        assert await site.queue() == 3
        await office.habits(boot="Accepted")
        assert (await charger.boot())["status"] == "Accepted"
        await site.drained()
    assert office.sessions("CP01") == charger.sessions


async def test_who_goes_by_the_book_closes_the_chargers_connections(tmp_path: Path, office: BackOffice):
    strict = Office("office", office.url, keep_local=False)
    async with forwarded(tmp_path, strict) as site:
        await site.ready()
        async with MeteredCharger(site.url) as charger:
            await charger.boot()
            await office.kill()
            assert charger._reading is not None
            async with asyncio.timeout(WITHIN_S):
                await charger._reading
