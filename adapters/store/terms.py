"""On what terms a session is charged: chosen and frozen in the very transaction that puts its start on record.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import DBAPIError

from adapters.store.access import find_token
from adapters.store.curves import frozen_curve, newest_curve
from adapters.store.dated import all_card_fees, card_fee_of_id, rules_under, tariff_versions_of
from adapters.store.schema import sessions, storable_text
from adapters.store.schema_tariffs import session_terms, tariff_versions
from adapters.store.session_offers import freeze_surcharge
from adapters.store.standing import (
    Kept,
    contract_document,
    contract_of,
    find,
    tax_document,
    tax_of,
)
from controller.tariffs.book import (
    NO_OPERATOR_TERMS,
    Choice,
    Contract,
    Leg,
    Occasion,
    OperatorTerms,
    Scope,
    SessionTerms,
    TariffVersion,
    TokenKind,
)
from controller.tariffs.choice import choose_legs, keys_of
from controller.tariffs.offers import Surcharge
from controller.tariffs.rated import UNKNOWN_TAX
from controller.tariffs.rules import in_force

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """What is settled for the sessions of the site."""

    currency: str
    operator: OperatorTerms = NO_OPERATOR_TERMS
    surcharge: Callable[[datetime], Surcharge | None] = lambda _at: None
    """What is added to the price of a session that begins at a moment."""


FREE: Final = Decimal(0)


def freeze(connection: Connection, session_id: str, terms: Terms) -> Decimal | None:
    """As ``_freeze``; where that fails for a bug of ours, the session is on record all the same, and has no price."""
    try:
        return _freeze(connection, session_id, terms)
    except DBAPIError:
        raise  # nothing is on record, and the charger announces it again
    except Exception:
        log.exception("terms_not_frozen", session=session_id)
        return None


def _freeze(connection: Connection, session_id: str, terms: Terms) -> Decimal | None:
    """Choose the tariff of a session on each leg, as of its start, and write it down in place of an earlier choice.

    A session whose token or place is told only after its start is frozen again then.

    Returns:
        The retail price per kWh, where that is all that the session costs, without tax and fees; else None.
    """
    session = connection.execute(select(sessions).where(sessions.c.id == session_id)).one()
    occasion, contract = _occasion(connection, session)
    rules = rules_under(connection, keys_of(occasion), occasion.at)
    choices = choose_legs(rules, occasion)
    named = {choice.tariff for choice in choices if choice.tariff is not None}
    versions = {tariff: _in_force(connection, tariff, occasion.at) for tariff in named}
    tax = (contract.tax if contract else None) or terms.operator.tax or UNKNOWN_TAX
    shared = {
        "token_kind": occasion.token_kind.value,
        "contract": None if contract is None else contract_document(contract),
        "tax": tax_document(tax),
        "frozen_at": datetime.now(UTC),
    }
    connection.execute(session_terms.delete().where(session_terms.c.session_id == session_id))
    for choice in choices:
        version = versions.get(choice.tariff or "")
        fee = _card_fee(connection, occasion, choice)
        if choice.tariff is not None or choice.zero_rate or fee is not None or choice.leg is Leg.RETAIL:
            values = _frozen(connection, choice, version, occasion.at)
            connection.execute(session_terms.insert().values(session_id=session_id, card_fee=fee, **values, **shared))
    surcharge = None if occasion.zero_rate else terms.surcharge(occasion.at)
    freeze_surcharge(connection, session_id, surcharge)
    retail = next((choice for choice in choices if choice.leg is Leg.RETAIL), None)
    more = surcharge is not None or tax.percent or (retail and _card_fee(connection, occasion, retail) is not None)
    return None if retail is None or more else _plain_price(connection, retail, versions)


def terms_of(connection: Connection, session_id: str) -> list[SessionTerms]:
    """The frozen terms of a session, one for each leg that has any; none for a session without a start."""
    session_id = storable_text(session_id)
    began = connection.execute(select(sessions.c.started_at).where(sessions.c.id == session_id)).scalar()
    if began is None:
        return []
    rows = connection.execute(select(session_terms).where(session_terms.c.session_id == session_id)).all()
    order = {leg.value: number for number, leg in enumerate(Leg)}
    return [_terms(connection, row, began) for row in sorted(rows, key=lambda row: order[row.leg])]


def _occasion(connection: Connection, session: Row[Any]) -> tuple[Occasion, Contract | None]:
    token = find_token(connection, session.token) if session.token else None
    contract = None
    if token is not None and token.contract is not None:
        contract = _valid_contract(connection, token.contract, session.started_at)
    occasion = Occasion(
        at=session.started_at,
        token=session.token,
        token_kind=TokenKind.GUEST if token is None else token.kind,
        contract=None if contract is None else contract.id,
        zero_rate=token is not None and token.zero_rate,
        point=session.point,
        station=session.station,
    )
    return occasion, contract


def _valid_contract(connection: Connection, contract: str, at: datetime) -> Contract | None:
    document = find(connection, Kept.CONTRACT, contract)
    found = None if document is None else contract_of(document)
    return found if found is not None and found.holds(at) else None


def _in_force(connection: Connection, tariff: str, at: datetime) -> TariffVersion | None:
    return in_force(tariff_versions_of(connection, [tariff]), at)


def _card_fee(connection: Connection, occasion: Occasion, choice: Choice) -> str | None:
    """The fee's id; none for a token that charges for nothing."""
    if choice.zero_rate:
        return None
    of_kind = [
        fee for fee in all_card_fees(connection) if fee.leg is choice.leg and fee.token_kind is occasion.token_kind
    ]
    fee = in_force(of_kind, occasion.at)
    return None if fee is None else fee.id


def _frozen(connection: Connection, choice: Choice, version: TariffVersion | None, at: datetime) -> Mapping[str, Any]:
    published = {curve: newest_curve(connection, curve, at) for curve in (() if version is None else version.curves)}
    return {
        "leg": choice.leg.value,
        "tariff": choice.tariff,
        "number": None if version is None else version.number,
        "rule": choice.rule,
        "scope": None if choice.scope is None else choice.scope.value,
        "zero_rate": choice.zero_rate,
        "curves": {curve: None if one is None else one.version for curve, one in published.items()},
    }


def _plain_price(
    connection: Connection, retail: Choice, versions: Mapping[str, TariffVersion | None]
) -> Decimal | None:
    if retail.zero_rate:
        return FREE
    version = versions.get(retail.tariff or "")
    if version is None:
        return None
    query = select(tariff_versions.c.price_per_kwh).where(
        tariff_versions.c.tariff == version.tariff, tariff_versions.c.number == version.number
    )
    price: Decimal | None = connection.execute(query).scalar()
    return price


def _terms(connection: Connection, row: Row[Any], began: datetime) -> SessionTerms:
    scope = None if row.scope is None else Scope(row.scope)
    version = None
    if row.tariff is not None and row.number is not None:
        of_tariff = tariff_versions_of(connection, [row.tariff])
        version = next(one for one in of_tariff if one.number == row.number)
    found = (frozen_curve(connection, curve, published, began) for curve, published in row.curves.items())
    return SessionTerms(
        session=row.session_id,
        choice=Choice(Leg(row.leg), row.tariff, row.rule, scope, row.zero_rate),
        version=version,
        curves=tuple(curve for curve in found if curve is not None),
        card_fee=None if row.card_fee is None else card_fee_of_id(connection, row.card_fee),
        token_kind=TokenKind(row.token_kind),
        contract=None if row.contract is None else contract_of(row.contract),
        tax=tax_of(row.tax),
    )
