"""Which tariff a session has: the most particular rule counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.tariffs.book import Approval, BillingRule, Choice, Leg, Occasion, Scope, TokenKind
from controller.tariffs.choice import choose, choose_legs

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
BY = Approval("cleo", NOW - timedelta(days=1))
OCCASION = Occasion(NOW, "04a2", TokenKind.GUEST, "pool", zero_rate=False, point="P01", station="CP01")
KEYS = {
    Scope.TOKEN: "04A2",
    Scope.CONTRACT: "pool",
    Scope.GUEST: "",
    Scope.CONNECTOR: "P01",
    Scope.STATION: "CP01",
    Scope.SITE: "",
    Scope.OPERATOR: "",
}


def a_rule(scope: Scope, leg: Leg = Leg.RETAIL, **changes: object) -> BillingRule:
    rule = BillingRule(f"r-{scope}", scope, KEYS[scope], leg, f"t-{scope}", NOW - timedelta(hours=1), None, BY, BY)
    return replace(rule, **changes)  # type: ignore[arg-type]


@given(st.sets(st.sampled_from(list(Scope)), min_size=1), st.randoms())
def test_the_most_particular_scope_that_has_a_rule_counts(scopes: set[Scope], shuffle: object):
    rules = [a_rule(scope) for scope in scopes]
    shuffle.shuffle(rules)  # type: ignore[attr-defined]
    first = next(scope for scope in Scope if scope in scopes)
    assert choose(rules, OCCASION, Leg.RETAIL) == Choice(Leg.RETAIL, f"t-{first}", f"r-{first}", first)


@pytest.mark.parametrize(
    "occasion",
    [
        replace(OCCASION, token="other"),
        replace(OCCASION, contract=None),
        replace(OCCASION, token_kind=TokenKind.OWN),
        replace(OCCASION, point=None),
        replace(OCCASION, station="CP02", point="P02"),
    ],
)
def test_a_rule_of_another_token_contract_or_place_never_counts(occasion: Occasion):
    left_out = {scope for scope in Scope if occasion != OCCASION and not _may_count(scope, occasion)}
    chosen = choose([a_rule(scope) for scope in Scope], occasion, Leg.RETAIL).scope
    assert chosen not in left_out
    for scope in left_out:
        assert choose([a_rule(scope)], occasion, Leg.RETAIL).tariff is None


def _may_count(scope: Scope, occasion: Occasion) -> bool:
    return {
        Scope.TOKEN: occasion.token == "04a2",
        Scope.CONTRACT: occasion.contract == "pool",
        Scope.GUEST: occasion.token_kind is TokenKind.GUEST,
        Scope.CONNECTOR: occasion.point == "P01",
        Scope.STATION: occasion.station == "CP01",
    }.get(scope, True)


def test_a_token_that_charges_for_nothing_does_so_before_any_rule_and_on_the_leg_of_retail_only():
    rules = [a_rule(scope, leg) for scope in Scope for leg in (Leg.RETAIL, Leg.REIMBURSEMENT)]
    free = replace(OCCASION, zero_rate=True)
    assert choose(rules, free, Leg.RETAIL) == Choice(Leg.RETAIL, None, None, None, zero_rate=True)
    assert choose(rules, free, Leg.REIMBURSEMENT).scope is Scope.TOKEN
    assert choose(rules, free, Leg.WHOLESALE) == Choice(Leg.WHOLESALE, None, None, None)


def test_what_is_not_approved_or_does_not_hold_now_is_passed_over():
    waiting = a_rule(Scope.TOKEN, approved=None)
    later = a_rule(Scope.CONTRACT, valid_from=NOW + timedelta(seconds=1))
    over = a_rule(Scope.GUEST, valid_until=NOW)
    ended = a_rule(Scope.CONNECTOR, ended_at=NOW)
    assert choose([waiting, later, over, ended, a_rule(Scope.SITE)], OCCASION, Leg.RETAIL).scope is Scope.SITE
    assert choose([waiting, later, over, ended], OCCASION, Leg.RETAIL) == Choice(Leg.RETAIL, None, None, None)


@pytest.mark.parametrize("written", ["VID:0019F4AA01BC", "vid:0019f4aa01bc", "00:19:F4:AA:01:BC", "00-19-f4-aa-01-bc"])
def test_a_car_is_the_same_however_its_address_is_written(written: str):
    rule = a_rule(Scope.TOKEN, key="VID:0019F4AA01BC")
    assert choose([rule], replace(OCCASION, token=written), Leg.RETAIL).scope is Scope.TOKEN


def legs(*rules: BillingRule, occasion: Occasion = OCCASION) -> dict[Leg, str | None]:
    return {choice.leg: choice.tariff for choice in choose_legs(rules, occasion) if choice.tariff or choice.zero_rate}


def test_a_partners_driver_pays_the_partner_and_not_here_as_well():
    site, partner = a_rule(Scope.SITE), a_rule(Scope.CONTRACT, Leg.WHOLESALE)
    assert legs(site, partner) == {Leg.WHOLESALE: "t-contract"}
    assert legs(site, partner, a_rule(Scope.CONTRACT)) == {Leg.RETAIL: "t-contract", Leg.WHOLESALE: "t-contract"}
    assert legs(site, partner, occasion=replace(OCCASION, contract=None)) == {Leg.RETAIL: "t-site"}


def test_what_another_operator_pays_for_everybody_changes_nothing_for_drivers():
    assert legs(a_rule(Scope.SITE), a_rule(Scope.SITE, Leg.WHOLESALE)) == {
        Leg.RETAIL: "t-site",
        Leg.WHOLESALE: "t-site",
    }


def test_who_charges_for_nothing_is_still_known_to():
    free = replace(OCCASION, zero_rate=True)
    assert legs(a_rule(Scope.CONTRACT, Leg.WHOLESALE), occasion=free) == {Leg.RETAIL: None, Leg.WHOLESALE: "t-contract"}
