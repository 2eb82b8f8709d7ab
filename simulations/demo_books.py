"""Who charges in a demonstration on whose account, and what it costs: kept in the ledger before anybody comes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from adapters.configuration import Configuration
from adapters.prices.pricing import checked_tariff
from adapters.store.ledger import SqlLedger, open_ledger
from controller.ports.tokens import Token
from controller.tariffs.book import (
    Approval,
    BillingRule,
    Contract,
    Leg,
    Party,
    PartyKind,
    Scope,
    TariffVersion,
    TokenKind,
)

REGULAR: Final = "charging"
FLEXIBLE: Final = "patient"
FAST: Final = "hurry"
STAFF: Final = "staff"
VISITORS: Final = "visitors"

VAT: Final = 21
NIGHT: Final = {"start_time": "22:00", "end_time": "06:00"}
NEXT_PRICES_IN: Final = timedelta(days=30)
"""From then on a new version of the regular tariff is proposed to hold; it waits for somebody's approval."""

DECIDED_BY: Final = "demonstration"
DECIDED_BEFORE: Final = timedelta(days=1)
"""So long ago all prices were settled: stations whose clocks are wrong begin sessions at them too."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card that drivers of a demonstration have, whatever its number."""

    description: str
    kind: TokenKind
    contract: str


CARDS: Final = (
    Card("Employee", TokenKind.EMPLOYEE, "employee"),
    Card("Tenant", TokenKind.OWN, "tenant"),
    Card("Visitor of the host", TokenKind.GUEST, "host"),
)

PARTIES: Final = (
    Party("operator", PartyKind.OPERATOR, "The operator", country="NL"),
    Party("employer", PartyKind.EMPLOYER, "The employer", country="NL"),
    Party("employee", PartyKind.EMPLOYEE, "An employee", country="NL"),
    Party("tenant", PartyKind.TENANT, "A tenant", country="NL"),
    Party("host", PartyKind.GUEST_HOST, "A host of guests", country="NL"),
)
CONTRACTS: Final = (
    Contract("employee", "employee", employer="employer"),
    Contract("tenant", "tenant"),
    Contract("host", "host"),
)
RULES: Final = (
    (Scope.SITE, "", REGULAR),
    (Scope.CONTRACT, "employee", STAFF),
    (Scope.CONTRACT, "host", VISITORS),
    (Scope.GUEST, "", VISITORS),
)


def demo_tariffs() -> tuple[dict[str, Any], ...]:
    """OCPI Tariff objects (2.3.0): all prices are what drivers pay, with the tax in them."""
    return (
        _tariff(REGULAR, _priced(0.34, label="night", hours=NIGHT), _priced(0.42, idle=6.00, label="day")),
        _tariff(FLEXIBLE, _priced(0.29, label="flexible"), grace_min=0),
        _tariff(FAST, _priced(0.55, idle=9.00, label="fast")),
        _tariff(STAFF, _priced(0.25, idle=3.00, label="staff"), grace_min=30),
        _tariff(
            VISITORS,
            _priced(0.41, label="night", hours=NIGHT),
            _priced(0.49, idle=6.00, start=0.50, label="visitors"),
        ),
    )


def keep_demo_books(configuration: Configuration, tokens: Iterable[str]) -> None:
    """Put parties, contracts, cards, tariffs and rules on record; blocks. A ledger that has them stays as it is.

    Args:
        configuration: of the demonstration's site.
        tokens: uids, as many as there are ``CARDS``.

    Raises:
        LedgerUnavailable: the ledger cannot be opened or written.
    """
    site = configuration.site
    ledger = open_ledger(
        configuration.store_url,
        currency=site.currency,
        price_per_kwh=configuration.price_per_kwh,
        on_event=lambda _event: None,
        operator=configuration.operator,
    )
    try:
        if not ledger.book.tariff_versions(REGULAR):
            _keep(ledger, site.currency, tokens, datetime.now(UTC) - DECIDED_BEFORE)
    finally:
        ledger.close()


def _keep(ledger: SqlLedger, currency: str, tokens: Iterable[str], at: datetime) -> None:
    by = Approval(DECIDED_BY, at)
    for party in PARTIES:
        ledger.book.keep_party(party, by)
    for contract in CONTRACTS:
        ledger.book.keep_contract(contract, by)
    for uid, card in zip(tokens, CARDS, strict=True):
        token = Token(uid, card.description, kind=card.kind, contract=card.contract)
        ledger.token_book.add_token(token, by)
    for tariff in demo_tariffs():
        ledger.book.add_tariff(_version(tariff, currency, at, by), approve=True)
    rules = [BillingRule("", scope, key, Leg.RETAIL, tariff, at, None, by) for scope, key, tariff in RULES]
    ledger.book.add_rules(rules, approve=True)
    dearer = _tariff(REGULAR, _priced(0.36, label="night", hours=NIGHT), _priced(0.44, idle=6.00, label="day"))
    ledger.book.add_tariff(_version(dearer, currency, at + NEXT_PRICES_IN, by))


def _version(tariff: Mapping[str, Any], currency: str, valid_from: datetime, by: Approval) -> TariffVersion:
    checked = checked_tariff(json.dumps(tariff).encode(), currency)
    return TariffVersion(tariff["id"], 0, checked.document, (), valid_from, None, by)


def _tariff(name: str, *rates: Mapping[str, Any], grace_min: int = 15) -> dict[str, Any]:
    idle = {"grace_s": 60 * grace_min, "most": "12.00"} if grace_min else {}
    labels = [{"label": rate["label"]} for rate in rates]
    return {
        "country_code": "NL",
        "party_id": "DEM",
        "id": name,
        "currency": "EUR",
        "tax_included": "YES",
        "elements": [{key: value for key, value in rate.items() if key != "label"} for rate in rates],
        "last_updated": "2026-11-01T00:00:00Z",
        "loadstar": {"elements": labels} | ({"idle": idle} if idle else {}),
    }


def _priced(
    per_kwh: float,
    *,
    label: str,
    idle: float | None = None,
    start: float | None = None,
    hours: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """One rate: a price of the kWh, of an hour that a charged car stays on, and of the beginning."""
    prices = (("FLAT", start), ("ENERGY", per_kwh), ("PARKING_TIME", idle))
    components = [
        {"type": kind, "price": price, "vat": VAT, "step_size": 1} for kind, price in prices if price is not None
    ]
    return {"label": label, "price_components": components} | ({"restrictions": dict(hours)} if hours else {})
