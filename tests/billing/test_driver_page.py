"""The driver's page: read by everybody at the point, changed by who holds the card."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import time
from decimal import Decimal
from zoneinfo import ZoneInfo

import httpx
import pytest

from adapters.billing.price_board import PriceBoard
from adapters.billing.surcharges import Surcharges
from adapters.driver_desk import DriverDesk
from adapters.live import Live
from adapters.wishes import Wishes
from controller.snapshot import PointState, State
from controller.tariffs.book import TariffVersion
from controller.tariffs.offers import Offer, SurchargeTerms
from controller.wishes import Asked
from tests.support.desk import ALWAYS, BY, TARIFF, Desk
from tests.support.reach import reached
from tests.support.sessions import a_start, a_stop, at
from tests.support.web import BEGIN, decided_tick, made_app, small_site

SITE = small_site()
FAST = {
    "id": "fast",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 1, "vat": 21}]}],
}
FLEXIBLE = {**FAST, "id": "flex"}
OFFERS = {Offer.FLEXIBLE: "flex", Offer.FAST: "fast"}


class Stand:
    """A point at which somebody charges, and the page there."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.live = Live(SITE, desk.clock)
        desk.price()
        for document in (FAST, FLEXIBLE):
            version = TariffVersion(document["id"], 0, json.dumps(document), (), ALWAYS, None, BY)  # type: ignore[arg-type]
            desk.book.add_tariff(version, approve=True)
        self.board = PriceBoard(SITE, desk.ledger, desk.billing, OFFERS, Surcharges(SurchargeTerms()), desk.clock)
        self.board.refresh()
        self.wishes = Wishes(desk.ledger, (), SITE.time_zone, desk.clock)
        drivers = DriverDesk(SITE, self.live, self.wishes, self.board, desk.ledger, desk.clock)
        app = made_app(SITE, self.live, lab=False, wishes=self.wishes, drivers=drivers)
        self.http = reached(app)

    async def plug_in(self, token: str = "04A2B3C4") -> str:
        """Somebody begins; the session's id."""
        start = replace(a_start(SITE.points[0].station, token=token), point="P01")
        started = await self.desk.ledger.start_transaction(start)
        self.show()
        return started.session_id

    def show(self) -> None:
        sessions, _ = self.desk.ledger.sessions(running=True)
        tick = decided_tick(SITE, 0.0, {"P01": PointState(State.CHARGING, (8.0,) * 3, BEGIN, 8.0)})
        known = {session.point: session for session in sessions if session.point}
        self.live.publish(self.board.described(replace(tick, sessions=known)))
        self.wishes.refresh(known.values())

    async def page(self) -> str:
        answer = await self.http.get("/p/P01")
        assert answer.status_code == 200
        return answer.text

    async def ask(self, **fields: str) -> httpx.Response:
        return await self.http.post("/p/P01", data=fields)

    def asked(self) -> Asked:
        (wish,) = self.desk.ledger.wishes()
        return wish.asked


@pytest.fixture
async def stand(desk: Desk) -> AsyncIterator[Stand]:
    created = Stand(desk)
    yield created
    await created.http.aclose()


async def test_a_free_point_tells_its_prices_and_the_day_ahead(stand: Stand):
    stand.show()
    page = await stand.page()
    assert "P01" in page
    assert "0.363 EUR/kWh, start 0.605 EUR, idle 7.26 EUR/h after 10 min, tax included" in page
    assert "Fast: served first" in page
    assert "<form" not in page


async def test_who_charges_sees_it_and_may_ask_with_the_card(stand: Stand):
    await stand.plug_in()
    assert "Cost so far" in await stand.page()
    answer = await stand.ask(card=" 04a2b3c4 ", leaves="17:30", energy_kwh="22,5")
    assert (answer.status_code, answer.headers["location"]) == (303, "/p/P01")
    asked = stand.asked()
    assert asked.energy_wh == 22_500
    assert asked.departs_at is not None
    assert asked.departs_at.astimezone(ZoneInfo(SITE.time_zone)).time() == time(17, 30)


async def test_who_charges_sees_the_prices_that_the_session_began_with(stand: Stand):
    await stand.plug_in()
    dearer = {**TARIFF, "elements": [{"price_components": [{"type": "ENERGY", "price": 9, "vat": 21, "step_size": 1}]}]}
    now = stand.desk.clock.now()
    version = TariffVersion("day", 0, json.dumps(dearer), (), now, None, BY)
    stand.desk.book.add_tariff(version, approve=True)
    stand.board.refresh()
    stand.show()
    assert stand.board.posted("P01")[0].words.startswith("10.89 EUR/kWh")
    page = await stand.page()
    assert "0.363 EUR/kWh" in page
    assert "10.89 EUR/kWh" not in page


async def test_without_the_card_nothing_changes(stand: Stand):
    await stand.plug_in()
    answer = await stand.ask(card="04FF", leaves="17:30")
    assert answer.status_code == 403
    assert "another card" in answer.text
    assert stand.desk.ledger.wishes() == []


async def test_cards_cannot_be_tried_out(stand: Stand):
    await stand.plug_in()
    answers = [(await stand.ask(card=f"{number:04}")).status_code for number in range(8)]
    assert answers[:5] == [403] * 5
    assert answers[-1] == 429


async def test_everything_that_is_wrong_is_told_at_once_and_what_was_entered_stays(stand: Stand):
    await stand.plug_in()
    answer = await stand.ask(leaves="25:00", energy_kwh="<b>", offer="best")
    assert answer.status_code == 422
    for said in ("leaves: expected a time", "energy: expected kWh", "offer: there is no offer", "card: enter"):
        assert said in answer.text
    assert "&lt;b&gt;" in answer.text
    assert "<b>" not in answer.text


async def test_the_fast_offer_is_dearer_and_served_first(stand: Stand):
    session = await stand.plug_in()
    stand.desk.clock.elapsed_s = 1800
    assert (await stand.ask(card="04A2B3C4", offer="fast")).status_code == 303
    assert stand.asked().priority == 1
    stand.show()
    assert 'value="fast" checked' in await stand.page()
    (running,), _ = stand.desk.ledger.sessions(running=True)
    await stand.desk.ledger.stop_transaction(a_stop(running.transaction_id, running.station))
    stand.desk.billing.record_ended()
    record = stand.desk.only_record(session)
    prices = [line.unit_price for line in record.legs[0].rated.lines if line.unit == "kWh"]
    assert prices == [Decimal("0.3"), Decimal(1)]
    assert record.times.ended_at == at(60)


async def test_who_can_wait_says_until_when(stand: Stand):
    await stand.plug_in()
    refused = await stand.ask(card="04A2B3C4", offer="flexible")
    assert "who can wait says until when" in refused.text
    assert (await stand.ask(card="04A2B3C4", offer="flexible", leaves="17:30")).status_code == 303
    assert stand.asked().priority == -1
    back = await stand.ask(card="04A2B3C4", offer="regular")
    assert back.status_code == 303
    assert stand.asked().priority is None
    assert stand.asked().departs_at is not None


async def test_no_session_and_no_point(stand: Stand):
    stand.show()
    assert (await stand.ask(card="04A2B3C4")).status_code == 409
    unknown = await stand.http.get("/p/P99")
    assert unknown.status_code == 404
    assert "No such charging point" in unknown.text


async def test_only_who_may_act_chooses_over_the_api(stand: Stand):
    answer = await stand.http.post("/api/v1/points/P01/offer", json={"offer": "fast"})
    assert answer.status_code == 401
