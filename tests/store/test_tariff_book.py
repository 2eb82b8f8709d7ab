"""The book of prices on record, and the terms of sessions that are frozen with their starts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import create_engine, select, text

from adapters.store.ledger import SqlLedger
from adapters.store.schema import metadata
from controller.ports.tokens import Token
from controller.ports.transactions import TransactionDetails
from controller.tariffs.book import (
    Approval,
    BillingRule,
    CardFee,
    Contract,
    Leg,
    Party,
    PartyKind,
    Scope,
    SessionTerms,
    TariffVersion,
    TokenKind,
    TokenLimits,
)
from controller.tariffs.rated import Tax, TaxSource, TaxState
from controller.tariffs.rules import NoSuchEntry, RuleRefused
from controller.tariffs.tariff import PriceCurve, PricePeriod
from tests.store.conftest import OpenLedger
from tests.support.sessions import a_start, a_stop, at

BY = Approval("cleo", at(-1000))
EXEMPT = Tax(TaxState.EXEMPT, Decimal(0), TaxSource.CONTRACT, "home charging of a private person")
POINT = "P-CP01-1"
"""Where the sessions of these tests begin."""


def a_version(tariff: str, *curves: str) -> TariffVersion:
    return TariffVersion(tariff, 0, f'{{"id": "{tariff}"}}', curves, at(-900), None, BY)


def a_rule(tariff: str, scope: Scope = Scope.CONNECTOR, key: str = POINT, **changes: object) -> BillingRule:
    rule = BillingRule("", scope, key, Leg.RETAIL, tariff, at(-900), None, BY)
    return replace(rule, **changes)  # type: ignore[arg-type]


async def retail(ledger: SqlLedger, **start: object) -> SessionTerms:
    session = (await ledger.start_transaction(a_start(**start))).session_id  # type: ignore[arg-type]
    return ledger.book.terms_of(session)[0]


async def test_the_site_files_price_is_the_operators_tariff_and_prices_sessions(opened: OpenLedger):
    ledger = opened()
    terms = await retail(ledger)
    assert (terms.choice.scope, terms.choice.tariff) == (Scope.OPERATOR, "site-file")
    assert terms.version is not None
    assert terms.version.approved == Approval("site file", terms.version.proposed.at)
    started = await ledger.start_transaction(a_start())
    await ledger.stop_transaction(a_stop(started.transaction_id, wh=20_000))
    assert ledger.session(started.session_id).cost == Decimal("3.5000")


async def test_a_new_price_in_the_site_file_is_a_new_version_and_the_same_one_is_nothing_new(opened: OpenLedger):
    opened()
    ledger = opened()
    assert len(ledger.book.tariff_versions()) == 1
    ledger = opened(price_per_kwh=Decimal("0.40"))
    first, second = ledger.book.tariff_versions()
    assert (first.number, second.number) == (1, 2)
    assert "0.40" in second.document
    assert second.valid_from > first.valid_from
    assert len(ledger.book.rules()) == 1
    assert (await retail(ledger)).version == first, "a session of before is charged as then"
    ledger = opened(price_per_kwh=None)
    assert (await retail(ledger, token="LATER")).version == first
    assert ledger.book.rules()[0].ended_at is not None


async def test_without_a_price_in_the_site_file_a_session_has_terms_without_a_tariff(opened: OpenLedger):
    ledger = opened(price_per_kwh=None)
    terms = await retail(ledger)
    assert (terms.choice.tariff, terms.version, terms.choice.zero_rate) == (None, None, False)


async def test_a_rule_that_was_ended_by_people_does_not_come_back_with_the_next_start(opened: OpenLedger):
    ledger = opened()
    (rule,) = ledger.book.rules()
    ledger.book.end_rule(rule.id, Approval("cleo", datetime.now(rule.valid_from.tzinfo)))
    assert opened().book.rules()[0].ended_at is not None


def test_what_people_say_of_the_site_files_tariff_outlives_the_next_start(opened: OpenLedger):
    opened().book.add_tariff(replace(a_version("site-file"), proposed=BY), approve=True)
    assert len(opened().book.tariff_versions()) == 2, "nothing was added"


async def test_terms_are_frozen_whatever_is_decided_later(ledger: SqlLedger):
    ledger.book.add_tariff(a_version("day"))
    (rule,) = ledger.book.add_rules([a_rule("day")])
    assert (await retail(ledger, minutes=1)).choice.tariff == "site-file"
    approved = ledger.book.approve_rule(rule.id, BY)
    assert approved.approved == BY
    terms = await retail(ledger, minutes=2)
    assert (terms.choice.tariff, terms.choice.rule) == ("day", rule.id)
    assert (terms.version.number, terms.version.approved) == (1, BY), "it was approved with the rule"
    ledger.book.add_tariff(a_version("day"), approve=True)
    ledger.book.end_rule(rule.id, Approval("cleo", at(3)))
    assert ledger.book.terms_of(terms.session)[0].version == terms.version
    assert (await retail(ledger, minutes=4)).choice.tariff == "site-file"
    assert (await retail(ledger, minutes=2.5)).version.number == 2


async def test_contract_tax_and_card_fee_are_those_of_the_start(ledger: SqlLedger):
    contract = Contract("home", "driver", "fleet", EXEMPT, home_charging=True)
    ledger.book.keep_party(Party("driver", PartyKind.EMPLOYEE, "A driver", ("Street 1",)), BY)
    ledger.book.keep_contract(contract, BY)
    ledger.token_book.add_token(Token("HOME", kind=TokenKind.EXTERNAL, contract="home", group="pool"), BY)
    fee = CardFee("", TokenKind.EXTERNAL, Leg.RETAIL, Decimal("0.05"), Decimal(1), at(-900), None, BY)
    fee = ledger.book.add_card_fee(fee, approve=True)
    terms = await retail(ledger, token="home")
    assert (terms.contract, terms.tax, terms.card_fee, terms.token_kind) == (contract, EXEMPT, fee, TokenKind.EXTERNAL)
    ledger.book.keep_contract(replace(contract, tax=None, party="other"), Approval("ada", at(1)))
    ledger.book.end_card_fee(fee.id, Approval("cleo", at(1)))
    kept = ledger.book.terms_of(terms.session)[0]
    assert (kept.contract, kept.tax, kept.card_fee.per_kwh) == (contract, EXEMPT, Decimal("0.05"))
    later = await retail(ledger, token="HOME", minutes=2)
    assert (later.contract.party, later.tax.state, later.card_fee) == ("other", TaxState.UNKNOWN, None)
    assert ledger.book.parties() == [Party("driver", PartyKind.EMPLOYEE, "A driver", ("Street 1",))]


async def test_a_token_that_is_told_after_the_start_gives_its_tariff_to_the_session(ledger: SqlLedger):
    ledger.book.add_tariff(a_version("own"))
    ledger.book.add_rules([a_rule("own", Scope.TOKEN, "04a2")], approve=True)
    started = await ledger.start_transaction(a_start(token="", chosen="tx-1"))
    assert ledger.book.terms_of(started.session_id)[0].choice.tariff == "site-file"
    await ledger.complete_transaction(TransactionDetails("CP01", "tx-1", token="04A2"))
    (terms,) = ledger.book.terms_of(started.session_id)
    assert (terms.choice.scope, terms.choice.tariff) == (Scope.TOKEN, "own")


async def test_a_curve_counts_as_published_at_the_start_and_behind_its_end_as_published_first(ledger: SqlLedger):
    def published(version: str, minutes: float, begins: float, ends: float, price: str) -> None:
        period = PricePeriod(at(begins), at(ends), Decimal(price))
        ledger.book.publish_curve(PriceCurve("epex", version, at(minutes), (period,)))

    ledger.book.add_tariff(a_version("dynamic", "epex"))
    ledger.book.add_rules([a_rule("dynamic")], approve=True)
    published("1", -60, 0, 60, "0.10")
    terms = await retail(ledger)
    published("2", 10, 0, 90, "0.20")
    published("3", 20, 60, 120, "-0.30")
    with pytest.raises(RuleRefused, match="published already"):
        published("3", 30, 60, 120, "0.00")
    (curve,) = ledger.book.terms_of(terms.session)[0].curves
    assert curve.version == "1"
    assert [(p.begins_at, p.ends_at, p.per_kwh) for p in curve.periods] == [
        (at(0), at(60), Decimal("0.10")),
        (at(60), at(90), Decimal("0.20")),
        (at(90), at(120), Decimal("-0.30")),
    ]
    assert ledger.book.curve("epex", at(15)).version == "2"
    assert ledger.book.curve("epex", at(-90)) is None


def test_several_rules_are_added_together_or_not_at_all(ledger: SqlLedger):
    ledger.book.add_tariff(a_version("day"))
    with pytest.raises(RuleRefused, match="there is no tariff 'night'"):
        ledger.book.add_rules([a_rule("day"), a_rule("night")])
    assert len(ledger.book.rules()) == 1, "the site file's"


def test_a_tariff_that_rules_name_is_not_ended_and_one_that_is_over_is_not_named(ledger: SqlLedger):
    ledger.book.add_tariff(a_version("day"))
    (rule,) = ledger.book.add_rules([a_rule("day")], approve=True)
    with pytest.raises(RuleRefused, match=rule.id):
        ledger.book.end_tariff("day", Approval("cleo", at(0)))
    ledger.book.end_rule(rule.id, Approval("cleo", at(0)), at(10))
    ledger.book.end_tariff("day", Approval("cleo", at(0)), at(10))
    (late,) = ledger.book.add_rules([a_rule("day", valid_from=at(20))])
    with pytest.raises(RuleRefused, match="no approved version"):
        ledger.book.approve_rule(late.id, Approval("cleo", at(0)))
    assert ledger.book.rule(late.id).approved is None, "nothing of it was written"
    with pytest.raises(NoSuchEntry):
        ledger.book.end_tariff("night", BY)
    with pytest.raises(NoSuchEntry):
        ledger.book.approve_tariff("day", BY)


def test_what_people_say_of_tokens_is_kept_with_its_history_and_needs_stay(ledger: SqlLedger):
    ledger.seed([Token("04A2", "Pool car", group="pool")], {})
    limits = TokenLimits(50_000, Decimal("20.50"), 3600)
    changed = Token("04A2", "Pool car 2", group="fleet", zero_rate=True, limits=limits, valid_from=at(0))
    ledger.token_book.change_token(changed, Approval("ada", at(1)))
    assert ledger.token_book.token("04a2") == changed
    ledger.token_book.end_token("04A2", Approval("ben", at(2)))
    assert ledger.token_book.tokens() == [replace(changed, valid_until=at(2))]
    history = ledger.token_book.token_history("04a2")
    assert [(by.by, document["valid_until"]) for by, document in history] == [("ada", None), ("ben", at(2).isoformat())]
    with pytest.raises(RuleRefused, match="already"):
        ledger.token_book.add_token(Token("04a2"), BY)
    with pytest.raises(NoSuchEntry):
        ledger.token_book.change_token(Token("none"), BY)
    ledger.seed([Token("04A2", "Pool car", group="pool")], {})
    assert ledger.token_book.token("04A2").description == "Pool car 2", "the ledger has the last word"


def test_nothing_is_ever_deleted_from_the_book(ledger: SqlLedger, url: str):
    ledger.book.add_tariff(a_version("day"), approve=True)
    (rule,) = ledger.book.add_rules([a_rule("day")], approve=True)
    ledger.book.end_rule(rule.id, Approval("cleo", at(0)))
    ledger.book.keep_contract(Contract("home", "driver"), BY)
    ledger.book.remove_contract("home", Approval("ada", at(1)))
    ledger.book.set_public("P01", public=False, by=BY)
    assert (ledger.book.contracts(), ledger.book.public_points()) == ([], {"P01": False})
    engine = create_engine(url)
    with engine.connect() as connection:
        counts = {
            name: connection.execute(select(text("count(*)")).select_from(metadata.tables[name])).scalar()
            for name in ("tariff_versions", "billing_rules", "tariff_decisions", "standing_data")
        }
    engine.dispose()
    assert counts == {"tariff_versions": 2, "billing_rules": 2, "tariff_decisions": 5, "standing_data": 3}


def test_no_text_however_odd_keeps_anything_from_being_kept(ledger: SqlLedger):
    odd = "A\0\N{PILE OF POO}"
    ledger.book.keep_party(Party("odd", PartyKind.TENANT, odd), BY)
    assert ledger.book.parties()[0].name == odd
    ledger.token_book.add_token(Token(odd, odd), BY)
    assert ledger.token_book.tokens()[0].description == "A\N{REPLACEMENT CHARACTER}\N{PILE OF POO}"
    assert len(ledger.token_book.token_history(odd)) == 1


async def test_a_token_is_let_in_by_what_it_has_used_of_its_month(ledger: SqlLedger):
    ledger.token_book.add_token(Token("04A2", limits=TokenLimits(amount_per_month=Decimal(3))), BY)
    assert (await ledger.authorise("04a2", [], at(0))).accepted
    started = await ledger.start_transaction(a_start(token="04a2"))
    await ledger.stop_transaction(a_stop(started.transaction_id, wh=20_000))
    assert not (await ledger.authorise("04A2", [], at(100))).accepted, "it has charged for 3.50"
    assert (await ledger.authorise("04A2", [], at(100) + timedelta(days=31))).accepted, "another month"
