"""Billing rules, put on record: proposed, approved together with their tariff, and ended.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from adapters.store import dated, decisions
from controller.tariffs.book import Approval, BillingRule, OperatorTerms, RuleEnd
from controller.tariffs.rules import NoSuchEntry, RuleRefused, end_of, ends_from, in_force


def write_rules(
    connection: Connection, rules: Sequence[BillingRule], ends: Sequence[RuleEnd], approved_for: OperatorTerms | None
) -> Sequence[BillingRule]:
    """Add rules and end others.

    Args:
        connection: of the transaction.
        rules: proposals; they are told their ids.
        ends: rules that end.
        approved_for: on whose terms the new ones are approved by who proposes them; None: they wait for approval.
    """
    added: Sequence[BillingRule] = dated.add_rules(connection, rules)
    if approved_for is not None:
        added = decisions.approve_as_proposed(connection, added, approved_for.lead_time)
        for tariff in dict.fromkeys(rule.tariff for rule in added):
            _see_to_price(connection, [rule for rule in added if rule.tariff == tariff], approved_for)
    _end_rules(connection, ends)
    return added


def approve_rule(
    connection: Connection, rule: BillingRule, by: Approval, operator: OperatorTerms, valid_from: datetime | None
) -> BillingRule:
    """Approve a rule; with it a tariff of which nothing was approved yet: who agrees to one has seen the other."""
    rule = decisions.approve(connection, rule, by, operator.lead_time, valid_from)
    _see_to_price(connection, [rule], operator)
    return rule


def _see_to_price(connection: Connection, of_one_tariff: Sequence[BillingRule], operator: OperatorTerms) -> None:
    """Make sure that the tariff of approved rules has a price when they begin."""
    first = of_one_tariff[0]
    versions = dated.tariff_versions_of(connection, [first.tariff])
    if all(version.approved is None for version in versions):
        waiting = [version for version in versions if end_of(version) is None]
        if waiting:
            assert first.approved is not None, "it was just approved"
            newest = max(waiting, key=lambda version: version.number)
            versions = [decisions.approve(connection, newest, first.approved, operator.lead_time)]
    for begins_at in dict.fromkeys(rule.valid_from for rule in of_one_tariff):
        if in_force(versions, begins_at) is None:
            raise RuleRefused(f"tariff: {first.tariff!r} has no approved version that holds at {begins_at.isoformat()}")


def _end_rules(connection: Connection, ends: Sequence[RuleEnd]) -> None:
    known = dated.rules_of_ids(connection, [one.rule for one in ends])
    if missing := [one.rule for one in ends if one.rule not in known]:
        raise NoSuchEntry(f"there is no rule {missing[0]!r}")
    decided = [(known[one.rule], ends_from(known[one.rule], one.by.at, one.ends_at), one.by) for one in ends]
    decisions.decide(connection, [(rule, decisions.ENDED, ends_at, by) for rule, ends_at, by in decided])
