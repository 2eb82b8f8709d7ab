"""What holds for a time, on record: versions of tariffs, billing rules, card fees.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, func, or_, select, tuple_

from adapters.store.decisions import Kind, T, with_decisions
from adapters.store.schema import storable_text
from adapters.store.schema_tariffs import billing_rules, card_fees, tariff_versions
from controller.tariffs.book import Approval, BillingRule, CardFee, Leg, Scope, TariffVersion, TokenKind
from controller.tariffs.choice import key_of
from controller.tariffs.rules import NoSuchEntry, RuleRefused, checked_validity


def tariff_versions_of(connection: Connection, tariffs: Iterable[str] | None = None) -> list[TariffVersion]:
    """The versions of these tariffs (None: of all), those that were approved first to last, then the others."""
    chosen = None if tariffs is None else tariff_versions.c.tariff.in_({storable_text(one) for one in tariffs})
    rows = _rows(connection, tariff_versions, chosen, tariff_versions.c.proposed_at, tariff_versions.c.number)
    return with_decisions(connection, Kind.TARIFF, [_version(row) for row in rows])


def rules_under(connection: Connection, keys: Iterable[tuple[Scope, str]], at: datetime) -> list[BillingRule]:
    """The rules under these scopes and keys that may hold at a moment, in the order of their approval."""
    wanted = [(scope.value, storable_text(key_of(scope, key))) for scope, key in keys]
    under = tuple_(billing_rules.c.scope, billing_rules.c.key_folded).in_(wanted)
    ends = billing_rules.c.valid_until
    # An approval can only put the beginning off.
    return _rules(connection, and_(under, billing_rules.c.valid_from <= at, or_(ends.is_(None), ends > at)))


def rules_of_tariff(connection: Connection, tariff: str) -> list[BillingRule]:
    """The rules that name a tariff."""
    return _rules(connection, billing_rules.c.tariff == storable_text(tariff))


def all_rules(connection: Connection) -> list[BillingRule]:
    """Every rule, those that were approved first to last, then the others."""
    return _rules(connection, None)


def all_card_fees(connection: Connection) -> list[CardFee]:
    """Every fee, those that were approved first to last, then the others."""
    rows = _rows(connection, card_fees, None, card_fees.c.proposed_at, card_fees.c.id)
    return with_decisions(connection, Kind.CARD_FEE, [_fee(row) for row in rows])


def add_version(connection: Connection, version: TariffVersion, price_per_kwh: Decimal | None = None) -> TariffVersion:
    """Put a version on record; its number is the next of the tariff.

    Raises:
        RuleRefused: its validity is none.
    """
    checked_validity(version.valid_from, version.valid_until)
    newest = select(func.max(tariff_versions.c.number)).where(tariff_versions.c.tariff == storable_text(version.tariff))
    version = replace(version, number=(connection.execute(newest).scalar() or 0) + 1)
    connection.execute(
        tariff_versions.insert().values(
            tariff=version.tariff,
            number=version.number,
            document=version.document,
            curves=list(version.curves),
            price_per_kwh=price_per_kwh,
            **_validity(version),
        )
    )
    return version


def add_rules(connection: Connection, rules: Sequence[BillingRule]) -> list[BillingRule]:
    """Put proposals on record, under new ids.

    Raises:
        RuleRefused: the validity of one is none, or it names no tariff.
    """
    for rule in rules:
        checked_validity(rule.valid_from, rule.valid_until)
    for tariff in dict.fromkeys(rule.tariff for rule in rules):
        named = select(tariff_versions.c.number).where(tariff_versions.c.tariff == storable_text(tariff)).limit(1)
        if connection.execute(named).first() is None:
            raise RuleRefused(f"tariff: there is no tariff {tariff!r}")
    added = [replace(rule, id=str(uuid.uuid4())) for rule in rules]
    if added:
        connection.execute(billing_rules.insert(), [_rule_values(rule) for rule in added])
    return added


def add_card_fee(connection: Connection, fee: CardFee) -> CardFee:
    """Put a proposal on record, under a new id.

    Raises:
        RuleRefused: its validity is none.
    """
    checked_validity(fee.valid_from, fee.valid_until)
    fee = replace(fee, id=str(uuid.uuid4()))
    connection.execute(
        card_fees.insert().values(
            id=fee.id,
            token_kind=fee.token_kind.value,
            leg=fee.leg.value,
            per_kwh=fee.per_kwh,
            per_session=fee.per_session,
            **_validity(fee),
        )
    )
    return fee


def rule_of_id(connection: Connection, rule: str) -> BillingRule:
    """One rule.

    Raises:
        NoSuchEntry: there is none of that id.
    """
    return _one(_rules(connection, billing_rules.c.id == storable_text(rule)), f"rule {rule!r}")


def rules_of_ids(connection: Connection, rules: Iterable[str]) -> dict[str, BillingRule]:
    """Those of these rules that there are, by id."""
    ids = {storable_text(rule) for rule in rules}
    return {rule.id: rule for rule in _rules(connection, billing_rules.c.id.in_(ids))} if ids else {}


def card_fee_of_id(connection: Connection, fee: str) -> CardFee:
    """One fee.

    Raises:
        NoSuchEntry: there is none of that id.
    """
    return _one([each for each in all_card_fees(connection) if each.id == fee], f"card fee {fee!r}")


def _one(found: Sequence[T], what: str) -> T:
    if not found:
        raise NoSuchEntry(f"there is no {what}")
    return found[0]


def _rules(connection: Connection, chosen: ColumnElement[bool] | None) -> list[BillingRule]:
    rows = _rows(connection, billing_rules, chosen, billing_rules.c.proposed_at, billing_rules.c.id)
    return with_decisions(connection, Kind.RULE, [_rule(row) for row in rows])


def _rows(
    connection: Connection, table: Table, chosen: ColumnElement[bool] | None, *order: ColumnElement[Any]
) -> Sequence[Row[Any]]:
    query = select(table) if chosen is None else select(table).where(chosen)
    return connection.execute(query.order_by(*order)).all()


def _rule_values(rule: BillingRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "scope": rule.scope.value,
        "key": rule.key,
        "key_folded": key_of(rule.scope, rule.key),
        "leg": rule.leg.value,
        "tariff": rule.tariff,
        **_validity(rule),
    }


def _validity(entry: T) -> dict[str, Any]:
    return {
        "valid_from": entry.valid_from,
        "valid_until": entry.valid_until,
        "proposed_by": entry.proposed.by,
        "proposed_at": entry.proposed.at,
    }


def _proposed(row: Row[Any]) -> Approval:
    return Approval(row.proposed_by, row.proposed_at)


def _version(row: Row[Any]) -> TariffVersion:
    return TariffVersion(
        row.tariff, row.number, row.document, tuple(row.curves), row.valid_from, row.valid_until, _proposed(row)
    )


def _rule(row: Row[Any]) -> BillingRule:
    return BillingRule(
        row.id,
        Scope(row.scope),
        row.key,
        Leg(row.leg),
        row.tariff,
        row.valid_from,
        row.valid_until,
        _proposed(row),
    )


def _fee(row: Row[Any]) -> CardFee:
    return CardFee(
        row.id,
        TokenKind(row.token_kind),
        Leg(row.leg),
        row.per_kwh,
        row.per_session,
        row.valid_from,
        row.valid_until,
        _proposed(row),
    )
