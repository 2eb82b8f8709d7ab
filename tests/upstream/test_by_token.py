"""Two back offices answer the same chargers: one for the fleet's cards, the other for everything else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adapters.ocpp.upstream import channel
from adapters.ocpp.upstream.back_office import BackOffice as Office
from adapters.store.ledger import SqlLedger
from controller.away import AuthoriseAway
from controller.ports.tokens import Token
from tests.support.back_office import BackOffice, back_office
from tests.support.forwarded import TOKEN, MeteredCharger, forwarded
from tests.support.metered2 import MeteredStation
from tests.support.processes import WITHIN_S
from tests.support.raw_office import raw_office

pytestmark = pytest.mark.asyncio(loop_scope="module")

CARD = "FLEET-1"


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "ANSWER_S", WITHIN_S)
    monkeypatch.setattr(channel, "FIRST_CONNECTION_S", WITHIN_S)
    monkeypatch.setattr(channel, "LIVE_BOOT_S", 0.2)
    monkeypatch.setattr("controller.hub_satellite.outbox.PER_S", 200.0)
    monkeypatch.setattr("adapters.ocpp.upstream.link.PAUSE_FIRST_S", 0.1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other_process(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackOffice]:
    async with back_office(tmp_path_factory.mktemp("fleet")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def fleet(other_process: BackOffice) -> AsyncIterator[BackOffice]:
    await other_process.begin_anew()
    yield other_process
    assert other_process.failures == []


def offices(office: BackOffice, fleet: BackOffice, **options: Any) -> tuple[Office, Office]:
    chosen = {"tokens": ("fleet-*",)} | options
    return Office("office", office.url), Office("fleet", fleet.url, **chosen)


async def tokens_seen(of: BackOffice) -> set[str]:
    calls = [json.loads(text) for text in (await of.seen("CP01"))[0]]
    return {call[3]["idTag"] for call in calls if call[0] == 2 and "idTag" in call[3]}


async def actions_seen(of: BackOffice) -> list[str]:
    calls = [json.loads(text) for text in (await of.seen("CP01"))[0]]
    return [call[2] for call in calls if call[0] == 2]


async def test_each_hears_of_its_own_sessions_and_both_of_the_station(
    tmp_path: Path, office: BackOffice, fleet: BackOffice
):
    async with (
        raw_office() as ears,
        forwarded(tmp_path, *offices(office, fleet), Office("ears", ears.url, primary=False), connectors=2) as site,
        MeteredCharger(site.url) as charger,
    ):
        ears.answers["StartTransaction"] = lambda _payload: {"transactionId": 5001, "idTagInfo": {"status": "Invalid"}}
        await charger.boot()
        await site.ready()
        await charger.status()
        for token in (TOKEN, CARD):
            assert (await charger.call("Authorize", {"idTag": token}))["idTagInfo"]["status"] == "Accepted"
        assert (await charger.begin())["transactionId"] == 5001
        charger.connector = 2
        assert (await charger.begin(CARD))["idTagInfo"] == {"status": "Accepted", "parentIdTag": "FLEET"}
        fleets = charger.transaction
        assert fleets != 5001  # though the fleet's back office has given it that id, as the other its own
        await charger.measure()
        for one in (fleet, office):
            assert await one.call("CP01", "RemoteStopTransaction", {"transactionId": 5001}) == {"status": "Accepted"}
        stopped = [asked["transactionId"] for action, asked in charger.asked if action == "RemoteStopTransaction"]
        assert stopped == [fleets, 5001]
        await charger.end()
        stop = {"transactionId": 5001, "meterStop": 12_000, "timestamp": charger.now()}
        await charger.call("StopTransaction", stop)
        await site.drained()
        assert office.sessions("CP01") == [(10_000, 12_000)]
        assert fleet.sessions("CP01") == [(10_000, 11_100)]
        assert (await tokens_seen(office), await tokens_seen(fleet)) == ({TOKEN}, {CARD})
        for one in (office, fleet):
            assert {"BootNotification", "StatusNotification"} <= set(await actions_seen(one))
        assert [start["idTag"] for start in ears.told("StartTransaction")] == [TOKEN, CARD]
        assert len(ears.told("StopTransaction")) == 2
        sessions, _ = site.ledger.sessions()
        assert {session.transaction_id: session.running for session in sessions} == {"5001": False, str(fleets): False}


async def test_one_that_is_away_is_told_later_and_holds_the_other_up_in_nothing(
    tmp_path: Path, office: BackOffice, fleet: BackOffice
):
    seen = offices(office, fleet, authorise_away=AuthoriseAway.ALL)
    async with forwarded(tmp_path, *seen) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        await charger.session(CARD)
        await charger.begin(CARD)
        await fleet.kill()
        await charger.measure()
        await charger.end()
        await charger.begin("FLEET-2")
        assert (await charger.begin())["transactionId"] == 5001
        await charger.end()
    async with forwarded(tmp_path, *seen) as site:  # the site's computer is started anew meanwhile
        charger.endpoint = site.url
        await charger.connect()
        await charger.boot()
        assert (await charger.call("Authorize", {"idTag": "NOBODY"}))["idTagInfo"]["status"] == "Accepted"
        await charger.session()
        await fleet.start()
        await site.drained()
        await charger.disconnect()
    own = [charger.sessions[0], charger.sessions[1], (charger.sessions[2][0], None)]
    assert fleet.sessions("CP01") == own
    assert office.sessions("CP01") == charger.sessions[3:]
    assert not [row for one in (office, fleet) for row in one.book["order"] if row[1] == "unknown transaction"]


async def test_a_session_stays_with_whom_it_began_when_the_site_file_says_otherwise_since(
    tmp_path: Path, office: BackOffice, fleet: BackOffice
):
    async with forwarded(tmp_path, *offices(office, fleet)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        await charger.begin(CARD)
    async with forwarded(tmp_path, *offices(office, fleet, tokens=("SOMETHING-ELSE",))) as site:
        charger.endpoint = site.url
        await charger.connect()
        await charger.boot()
        await charger.measure()
        await charger.end()
        await site.drained()
        await charger.disconnect()
    assert fleet.sessions("CP01") == charger.sessions
    assert office.sessions("CP01") == []


async def test_who_asks_for_a_start_is_told_of_it(tmp_path: Path, office: BackOffice, fleet: BackOffice):
    async with forwarded(tmp_path, *offices(office, fleet)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        asked = {"connectorId": 1, "idTag": "APP-77"}
        charger.answers["RemoteStartTransaction"] = {"status": "Rejected"}
        assert await fleet.call("CP01", "RemoteStartTransaction", asked) == {"status": "Rejected"}
        await charger.session("APP-77")
        charger.answers["RemoteStartTransaction"] = {"status": "Accepted"}
        assert await fleet.call("CP01", "RemoteStartTransaction", asked) == {"status": "Accepted"}
        await charger.session("APP-77")
        await site.drained()
    assert office.sessions("CP01") == charger.sessions[:1]
    assert fleet.sessions("CP01") == charger.sessions[1:]


async def test_a_token_is_chosen_by_its_uid_its_beginning_or_its_group(
    tmp_path: Path, office: BackOffice, fleet: BackOffice
):
    def pool(ledger: SqlLedger) -> None:
        ledger.seed([Token("04FF", group="pool")], {})

    seen = offices(office, fleet, tokens=("FLEET-*", "X1"), groups=("pool",))
    async with forwarded(tmp_path, *seen, prepare=pool) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        for token in ("x1", "X12", "fleet-9", "FLEET", "04FF", TOKEN):
            await charger.call("Authorize", {"idTag": token})
        assert (await tokens_seen(fleet), await tokens_seen(office)) == (
            {"x1", "fleet-9", "04FF"},
            {"X12", "FLEET", TOKEN},
        )


def profile(limit_a: float, purpose: str = "TxProfile", number: int = 7) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_a}]}
    told = {"chargingProfileId": number, "stackLevel": 0, "chargingProfilePurpose": purpose}
    return {**told, "chargingProfileKind": "Relative", "chargingSchedule": schedule}


async def test_each_acts_on_its_own_transactions_only(tmp_path: Path, office: BackOffice, fleet: BackOffice):
    async with (
        forwarded(tmp_path, *offices(office, fleet), connectors=2) as site,
        MeteredCharger(site.url) as charger,
    ):
        await charger.boot()
        await site.ready()
        await charger.begin()
        charger.connector = 2
        await charger.begin(CARD)
        ours, charger.answers["UnlockConnector"] = charger.transaction, {"status": "Unlocked"}
        for connector, accepts, refuses, limit_a in ((1, office, fleet, 9.0), (2, fleet, office, 11.0)):
            set_it = {"connectorId": connector, "csChargingProfiles": profile(limit_a)}
            assert await refuses.call("CP01", "SetChargingProfile", set_it) == {"status": "Rejected"}
            assert await accepts.call("CP01", "SetChargingProfile", set_it) == {"status": "Accepted"}
        assert (site.allowed_a("P-CP01"), site.allowed_a("P-CP01-2")) == (9.0, 11.0)
        everywhere = {"connectorId": 0, "csChargingProfiles": profile(8.0, "TxDefaultProfile", 8)}
        assert await office.call("CP01", "ClearChargingProfile", {}) == {"status": "Accepted"}
        assert await office.call("CP01", "SetChargingProfile", everywhere) == {"status": "Accepted"}
        assert (site.allowed_a("P-CP01"), site.allowed_a("P-CP01-2")) == (8.0, 11.0)
        whole = {"connectorId": 0, "csChargingProfiles": profile(14.0, "ChargePointMaxProfile", 9)}
        assert await fleet.call("CP01", "SetChargingProfile", whole) == {"status": "Rejected"}
        assert await office.call("CP01", "SetChargingProfile", whole) == {"status": "Accepted"}
        assert (site.allowed_a("P-CP01"), site.allowed_a("P-CP01-2")) == (8.0, 11.0)
        (both,) = site.forwarding.station_limits()
        assert (both.points, both.limit_a) == (("P-CP01", "P-CP01-2"), 14.0)
        assert await fleet.call("CP01", "UnlockConnector", {"connectorId": 1}) == {"status": "UnlockFailed"}
        assert await fleet.call("CP01", "UnlockConnector", {"connectorId": 2}) == {"status": "Unlocked"}
        assert await fleet.call("CP01", "RemoteStopTransaction", {"transactionId": 9}) == {"status": "Rejected"}
        assert await office.call("CP01", "RemoteStopTransaction", {"transactionId": ours}) == {"status": "Rejected"}
        asked = [action for action, _ in charger.asked if action in {"RemoteStopTransaction", "UnlockConnector"}]
        assert asked == ["UnlockConnector"]


async def test_the_station_is_for_one_of_them_to_look_after(tmp_path: Path, office: BackOffice, fleet: BackOffice):
    async with forwarded(tmp_path, *offices(office, fleet)) as site, MeteredCharger(site.url) as charger:
        await charger.boot()
        await site.ready()
        reserve = {"connectorId": 1, "expiryDate": "2030-01-01T00:00:00Z", "idTag": CARD, "reservationId": 1}
        for action, asked in (("Reset", {"type": "Hard"}), ("ReserveNow", reserve), ("ClearCache", {})):
            assert "NotSupported" in await fleet.call("CP01", action, asked)
        setting = {"key": "ConnectionTimeOut", "value": "60"}
        assert await fleet.call("CP01", "ChangeConfiguration", setting) == {"status": "Rejected"}
        assert not {"Reset", "ReserveNow", "ClearCache"} & {action for action, _ in charger.asked}
        assert await office.call("CP01", "ReserveNow", reserve) == {"status": "Accepted"}
        sampling = {"key": "MeterValueSampleInterval", "value": "0"}
        assert await fleet.call("CP01", "ChangeConfiguration", sampling) == {"status": "Accepted"}
        await charger.session(CARD)
        await charger.session()
        # Each hears of measurements as often as it has asked itself.
        assert [(await actions_seen(one)).count("MeterValues") for one in (fleet, office)] == [0, 1]


def events(of: BackOffice) -> dict[str, list[list[Any]]]:
    return {name: session["events"] for name, session in of.book["sessions"].items()}


SESSION = [["Started", 0], ["Updated", 1], ["Ended", 2]]
PLUGGED = [["Started", 0], ["Updated", 1], ["Updated", 2], ["Ended", 3]]


async def test_a_transaction_that_begins_with_a_plug_waits_for_its_token(
    tmp_path: Path, office: BackOffice, fleet: BackOffice
):
    seen = offices(office, fleet)
    async with forwarded(tmp_path, *seen) as site, MeteredStation(site.url, "CP01") as charger:
        await charger.boot()
        await site.ready()
        await charger.session(CARD)
        await charger.session()
        assert (events(fleet), events(office)) == ({"CP01-T1": SESSION}, {"CP01-T2": SESSION})
        await charger.plug()
        assert (await charger.show(CARD))["idTokenInfo"]["status"] == "Accepted"
        await charger.measure()
        await charger.end()
        await charger.plug()
        await charger.measure()
    async with forwarded(tmp_path, *seen) as site:  # the site's computer is started anew meanwhile
        charger.endpoint = site.url
        await charger.connect()
        await charger.boot()
        assert "CP01-T4" not in {**events(fleet), **events(office)}
        await charger.show(CARD)
        await charger.end()
        await charger.plug()  # and nobody ever shows a token
        await charger.measure()
        await charger.end()
        await site.drained()
        await charger.disconnect()
    assert events(fleet) == {"CP01-T1": SESSION, "CP01-T3": PLUGGED, "CP01-T4": PLUGGED}
    assert events(office) == {"CP01-T2": SESSION, "CP01-T5": SESSION}


async def test_what_waits_for_a_token_is_told_when_there_is_no_choice_any_more(
    tmp_path: Path, office: BackOffice, fleet: BackOffice
):
    async with forwarded(tmp_path, *offices(office, fleet)) as site, MeteredStation(site.url, "CP01") as charger:
        await charger.boot()
        await site.ready()
        await charger.plug()
    async with forwarded(tmp_path, Office("office", office.url)) as site:
        charger.endpoint = site.url
        await charger.connect()
        await charger.boot()
        await charger.measure()
        await charger.end()
        await site.drained()
        await charger.disconnect()
    assert events(office) == {"CP01-T1": SESSION}


async def test_a_station_that_names_its_transactions_is_stopped_by_whom_they_belong_to(
    tmp_path: Path, office: BackOffice, fleet: BackOffice
):
    async with forwarded(tmp_path, *offices(office, fleet)) as site, MeteredStation(site.url, "CP01") as charger:
        await charger.boot()
        await site.ready()
        await charger.begin(CARD)
        stop = {"transactionId": "CP01-T1"}
        assert await office.call("CP01", "RequestStopTransaction", stop) == {"status": "Rejected"}
        assert await office.call("CP01", "GetTransactionStatus", stop) == {"messagesInQueue": False}
        assert await fleet.call("CP01", "RequestStopTransaction", stop) == {"status": "Accepted"}
        row = {"component": {"name": "TxCtrlr"}, "variable": {"name": "StopTxOnInvalidId"}}
        asked = {"setVariableData": [{**row, "attributeValue": "true"}]}
        assert await fleet.call("CP01", "SetVariables", asked) == {
            "setVariableResult": [{"attributeStatus": "Rejected", **row}]
        }
        assert [action for action, _ in charger.asked if action.startswith(("Request", "Get"))] == [
            "RequestStopTransaction"
        ]
