"""What a session costs, from the ledger's rows to the record: held back, idle, killed on the way, told by halves."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.billing.record_making import read_tariff
from adapters.billing.session_document import session_model
from adapters.rating_documents.session_reading import read_session
from adapters.store.ledger import open_ledger
from adapters.store.unbilled import told
from controller.ports.tokens import Token
from controller.tariffs.book import CardFee, Leg, OperatorTerms, TariffVersion, TokenKind
from controller.tariffs.legs import NO_TARIFF
from controller.tariffs.rated import LineKind, Tax, TaxSource, TaxState
from controller.tariffs.rating import rate
from controller.tariffs.record import ChargeRecord
from controller.tariffs.session_facts import Activity
from tests.support.desk import ALWAYS, BY, TARIFF, Desk
from tests.support.fresh import fresh_database
from tests.support.sessions import a_start, a_stop, at


def lines(record: ChargeRecord, leg: Leg = Leg.RETAIL) -> dict[LineKind, tuple[Decimal, Decimal | None]]:
    """By kind: the billed quantity, and what is booked for it before tax."""
    found = record.leg(leg)
    assert found is not None
    return {line.kind: (line.billed_quantity, line.booked.before_tax) for line in found.rated.lines}


async def test_time_held_back_costs_nothing_and_idling_only_after_its_grace(desk: Desk):
    desk.price()
    session = await desk.session(
        (0.1, Activity.WITHHELD, None),
        (15, Activity.CHARGING, 10_000),
        (30, Activity.IDLE, 17_432),
    )
    assert desk.billing.record_ended() == 1
    record = desk.only_record(session)
    assert lines(record) == {
        LineKind.FLAT: (Decimal(1), Decimal("0.50")),
        LineKind.ENERGY: (Decimal("7.432"), Decimal("2.23")),
        LineKind.PARKING_TIME: (Decimal(20) / 60, Decimal("2.00")),
    }
    assert (record.quantities.withheld_s, record.quantities.charging_s, record.quantities.idle_s) == (900, 900, 1800)
    assert record.flags == ()
    shown = desk.ledger.session(session)
    assert shown is not None
    assert shown.cost == Decimal("5.7228")  # (0.50 + 2.2296 + 2.00) x 1.21


async def test_a_record_is_made_once_however_often_the_service_is_killed(desk: Desk):
    desk.price()
    session = await desk.session()
    desk.restarted()
    assert desk.billing.record_ended() == 1
    desk.restarted()
    assert desk.billing.record_ended() == 0
    assert desk.billing.record(session) is not None  # asked for again, it is made again, and not kept again
    assert len(desk.records.of_session(session)) == 1


async def test_the_cost_so_far_becomes_the_cost(desk: Desk):
    desk.price()
    started = await desk.ledger.start_transaction(a_start())
    desk.clock.elapsed_s = (at(60) - desk.clock.now()).total_seconds()
    (running,), _ = desk.ledger.sessions(running=True)
    (before,) = await desk.billing.priced([running])
    assert before.cost == Decimal("0.0000")  # nothing delivered yet, so no start fee either
    await desk.ledger.stop_transaction(a_stop(started.transaction_id))
    assert await desk.billing.priced([]) == []
    desk.billing.record_ended()
    ended = desk.ledger.session(started.session_id)
    assert ended is not None
    assert ended.cost == Decimal("3.3028")  # (0.50 + 2.2296) x 1.21


async def test_the_same_cents_come_out_of_the_document_on_record(desk: Desk):
    desk.price()
    session = await desk.session((20, Activity.CHARGING, 12_000), (30, Activity.IDLE, None))
    desk.billing.record_ended()
    found = desk.ledger.read(lambda connection: told(connection, session))
    assert found is not None
    text = session_model(found.session, found.observed, "Europe/Amsterdam").model_dump_json(exclude_none=True)
    again = rate(read_session(text.encode()).facts, read_tariff(json.dumps(TARIFF)))
    retail = desk.only_record(session).leg(Leg.RETAIL)
    assert retail is not None
    assert (again.total, again.invoice) == (retail.rated.total, retail.rated.invoice)


async def test_a_change_of_price_is_for_those_who_come_later(desk: Desk):
    desk.price()
    first = await desk.session()
    dearer = {**TARIFF, "elements": [{"price_components": [{"type": "ENERGY", "price": 9, "step_size": 1}]}]}
    desk.book.add_tariff(TariffVersion("day", 0, json.dumps(dearer), (), at(120), None, BY), approve=True)
    desk.billing.record_ended()
    assert lines(desk.only_record(first))[LineKind.ENERGY] == (Decimal("7.432"), Decimal("2.23"))


async def test_without_any_tariff_a_session_is_kept_for_somebody_to_look_at(desk: Desk):
    session = await desk.session()
    desk.billing.record_ended()
    record = desk.only_record(session)
    assert NO_TARIFF in record.flags
    assert not record.complete
    assert desk.events[-1].kind == "session_for_review"
    shown = desk.ledger.session(session)
    assert shown is not None
    assert shown.cost is None
    assert NO_TARIFF in shown.review_flags


async def test_an_end_without_a_beginning_has_no_price_and_says_why(desk: Desk):
    desk.price()
    await desk.ledger.stop_transaction(a_stop(4711))
    desk.billing.record_ended()
    (orphan,), _ = desk.ledger.sessions()
    record = desk.only_record(orphan.id)
    assert {"stop_without_start", "start_register_missing"} <= set(record.flags)
    assert record.legs == ()
    assert orphan.cost is None


async def test_a_register_that_runs_backwards_is_not_guessed(desk: Desk):
    desk.price()
    session = await desk.session(wh=9_000)
    desk.billing.record_ended()
    record = desk.only_record(session)
    assert not record.complete
    assert "decreasing_register" in record.flags


async def test_a_token_that_charges_for_nothing_still_has_a_record(desk: Desk):
    desk.price()
    desk.tokens.add_token(Token("04A2B3C4", zero_rate=True), BY)
    session = await desk.session()
    desk.billing.record_ended()
    record = desk.only_record(session)
    retail = record.leg(Leg.RETAIL)
    assert retail is not None
    assert (retail.rated.tariff_id, retail.rated.total.after_tax) == ("free", Decimal("0.0000"))
    assert record.token.zero_rate
    assert record.flags == ()


async def test_a_charge_card_of_somebody_else_costs_its_fee_on_top(desk: Desk):
    desk.price()
    desk.tokens.add_token(Token("04A2B3C4", kind=TokenKind.EXTERNAL), BY)
    fee = CardFee("", TokenKind.EXTERNAL, Leg.RETAIL, Decimal("0.05"), Decimal("0.25"), ALWAYS, None, BY)
    desk.book.add_card_fee(fee, approve=True)
    session = await desk.session()
    desk.billing.record_ended()
    retail = desk.only_record(session).leg(Leg.RETAIL)
    assert retail is not None
    fees = [line.booked.before_tax for line in retail.rated.lines if line.kind is LineKind.CARD_FEE]
    assert fees == [Decimal("0.25"), Decimal("0.37")]
    assert retail.rated.invoice.before_tax == Decimal("0.50") + Decimal("2.23") + sum(fees, Decimal(0))


async def test_a_long_gap_in_what_was_seen_is_marked_where_the_price_changes_in_it(desk: Desk):
    night = {"start_time": "10:30", "end_time": "07:00"}
    two_rates = {
        **TARIFF,
        "elements": [
            {"price_components": [{"type": "ENERGY", "price": 0.2, "step_size": 1}], "restrictions": night},
            {"price_components": [{"type": "ENERGY", "price": 0.3, "step_size": 1}]},
        ],
    }
    desk.price(two_rates)
    session = await desk.session()  # from ten to eleven at the site, and no register in between
    desk.billing.record_ended()
    record = desk.only_record(session)
    assert "estimated_register_in_long_gap" in record.flags
    assert record.complete
    assert at(0) + timedelta(hours=1) == record.times.ended_at


@pytest.mark.parametrize(("percent", "at_once"), [(None, Decimal("2.6012")), (Decimal(21), None)])
async def test_no_price_is_shown_that_leaves_out_a_tax(
    tmp_path: Path, percent: Decimal | None, at_once: Decimal | None
):
    tax = None if percent is None else Tax(TaxState.RATE, percent, TaxSource.OPERATOR)
    terms = {"currency": "EUR", "price_per_kwh": Decimal("0.35"), "operator": OperatorTerms(tax=tax)}
    ledger = open_ledger(fresh_database(tmp_path / "ledger.db"), on_event=print, **terms)
    started = await ledger.start_transaction(a_start())
    await ledger.stop_transaction(a_stop(started.transaction_id))
    ended = ledger.session(started.session_id)
    ledger.close()
    assert ended is not None
    assert ended.cost == at_once
