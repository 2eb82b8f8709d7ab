"""The price now and tomorrow: one number, wherever it is asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.billing.price_board import PriceBoard
from adapters.billing.surcharges import Surcharges
from adapters.mqtt.topics import text, values
from adapters.web.prices import ahead_view, price_view
from controller.peakshave.price_lever import PriceLevel, PriceSignal
from controller.ports.tick import PriceNow, Tick
from controller.ports.tokens import Token
from controller.tariffs.book import BillingRule, Leg, Scope, TariffVersion
from controller.tariffs.offers import Offer, SurchargeTerms
from tests.support.desk import ALWAYS, BY, TARIFF, Desk
from tests.support.sessions import a_start, a_stop
from tests.support.web import made_tick, small_site

SITE = small_site()
NIGHT: dict[str, Any] = {
    **TARIFF,
    "elements": [
        {
            "price_components": [{"type": "ENERGY", "price": 0.2, "vat": 21, "step_size": 1}],
            "restrictions": {"start_time": "23:00", "end_time": "07:00"},
        },
        *TARIFF["elements"],
    ],
}
FAST: dict[str, Any] = {
    "id": "fast",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.5, "vat": 21, "step_size": 1}]}],
}


def board_of(desk: Desk, surcharges: Surcharges | None = None) -> PriceBoard:
    offers = {Offer.FAST: "fast"}
    surcharges = surcharges or Surcharges(SurchargeTerms())
    board = PriceBoard(SITE, desk.ledger, desk.billing, offers, surcharges, desk.clock)
    board.refresh()
    return board


def tick(desk: Desk, signal: PriceSignal | None = None) -> Tick:
    at = desk.clock.now()
    return replace(made_tick(SITE, 0.0, {}), at=at, price=PriceNow(None, signal) if signal else None)


def raised(desk: Desk) -> PriceSignal:
    now = desk.clock.now()
    return PriceSignal(PriceLevel.HIGH, Decimal("0.15"), now, now + timedelta(minutes=30))


def test_pages_programs_and_topics_are_told_the_same_number(desk: Desk) -> None:
    desk.price(NIGHT)
    shown = board_of(desk).described(tick(desk))
    assert shown.price is not None
    view = price_view(shown.price)
    assert view is not None
    told = {"/".join(path): text(value) for path, value in values(SITE, shown).items()}
    assert view.per_kwh == Decimal("0.363")  # 0.30 and 21 %
    assert told["price/now"] == told["point/P01/price_per_kwh"] == "0.363"
    assert [ahead_view(prices).per_kwh for prices in shown.price.ahead] == [
        Decimal("0.363"),
        Decimal("0.242"),
        Decimal("0.363"),
    ]


def test_a_point_with_a_tariff_of_its_own_costs_what_that_says(desk: Desk) -> None:
    desk.price()
    desk.book.add_tariff(TariffVersion("fast", 0, json.dumps(FAST), (), ALWAYS, None, BY), approve=True)
    rule = BillingRule("", Scope.CONNECTOR, "P02", Leg.RETAIL, "fast", ALWAYS, None, BY)
    desk.book.add_rules([rule], approve=True)
    price = board_of(desk).described(tick(desk)).price
    assert price is not None
    assert (price.points["P01"], price.points["P02"]) == (Decimal("0.363"), Decimal("0.605"))


def test_offers_stand_beside_the_regular_price_once_their_tariff_holds(desk: Desk) -> None:
    desk.price()
    assert [posted.offer for posted in board_of(desk).posted("P01")] == [Offer.REGULAR]
    desk.book.add_tariff(TariffVersion("fast", 0, json.dumps(FAST), (), ALWAYS, None, BY), approve=True)
    posted = board_of(desk).posted("P01")
    assert [(one.offer, one.words) for one in posted] == [
        (Offer.REGULAR, "0.363 EUR/kWh, start 0.605 EUR, idle 7.26 EUR/h after 10 min, tax included"),
        (Offer.FAST, "0.605 EUR/kWh, tax included"),
    ]


async def test_nearing_the_peak_is_announced_before_it_counts_and_spares_who_charges_already(desk: Desk) -> None:
    desk.price()
    surcharges = Surcharges(SurchargeTerms(Decimal(1), timedelta(minutes=5)))
    board = board_of(desk, surcharges)
    signal, now = raised(desk), desk.clock.now()
    announced = board.described(tick(desk, signal)).price
    assert announced is not None
    assert (announced.holds, announced.per_kwh) == (False, Decimal("0.363"))
    assert surcharges.at(now + timedelta(minutes=4)) is None  # who begins before has the price that was announced
    desk.clock.elapsed_s += 300
    counting = board.described(tick(desk, signal)).price
    assert counting is not None
    assert (counting.holds, counting.per_kwh) == (True, Decimal("0.513"))
    found = surcharges.at(now + timedelta(minutes=6))
    assert found is not None
    assert (found.per_kwh, found.per_session, found.announced_at) == (Decimal("0.15"), Decimal(1), now)
    desk.clock.elapsed_s += 1500
    lowered = PriceSignal(PriceLevel.NORMAL, Decimal(0), desk.clock.now(), None)
    board.described(tick(desk, lowered))
    assert surcharges.at(desk.clock.now()) is None
    assert surcharges.at(now + timedelta(minutes=6)) is not None  # a start that is announced late


async def test_displays_are_told_what_the_record_will_say(desk: Desk) -> None:
    desk.price()
    board = board_of(desk)
    started = await desk.ledger.start_transaction(a_start())
    await desk.ledger.stop_transaction(a_stop(started.transaction_id))
    cost = await board.cost(started.session_id)
    ended = desk.ledger.session(started.session_id)
    assert cost is not None
    assert ended is not None
    assert (cost.amount, cost.currency) == (ended.cost, "EUR")
    assert await board.cost("nobody's") is None


@pytest.mark.parametrize(("token", "said"), [("04A2", "charging costs nothing"), ("04FF", "0.363 EUR/kWh")])
async def test_a_token_is_told_its_own_price(desk: Desk, token: str, said: str) -> None:
    desk.price()
    desk.tokens.add_token(Token("04A2", zero_rate=True), BY)
    text_of = await board_of(desk).price_text(token, ["P01"])
    assert text_of is not None
    assert text_of.startswith(said)


async def test_only_one_price_for_the_whole_day_is_given_to_a_station_to_keep(desk: Desk) -> None:
    desk.price({**FAST, "id": "flat"})
    shown = await board_of(desk).default_tariff(SITE.points[0].station)
    assert shown is not None
    assert (shown.per_kwh, shown.tax_pct) == (Decimal("0.5"), Decimal(21))
    desk.price(NIGHT)
    assert await board_of(desk).default_tariff(SITE.points[0].station) is None


def test_a_site_without_a_tariff_has_no_price(desk: Desk) -> None:
    board = board_of(desk)
    assert board.usual() is None
    assert board.posted("P01") == ()
    assert board.described(tick(desk)).price is None
