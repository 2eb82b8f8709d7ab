"""The price of the site file as a tariff like any other: the operator's own, which counts where no rule says more.

The site file is the beginning, the ledger has the last word: only what the file says anew changes something.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from adapters.store.dated import add_rules, add_version, rules_of_tariff, tariff_versions_of
from adapters.store.decisions import approve, end
from controller.tariffs.book import Approval, BillingRule, Leg, Scope, TariffVersion
from controller.tariffs.rules import end_of

DEFAULT_TARIFF: Final = "site-file"
SITE_FILE: Final = "site file"
"""Who has said it, and approved it."""

_ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Sessions of before the first start are charged by what the site file said then."""


def default_tariff_changed(connection: Connection, currency: str, price_per_kwh: Decimal | None) -> bool:
    """Whether the site file says something else than it did last."""
    said = _said_last(connection)
    wanted = None if price_per_kwh is None else _document(currency, price_per_kwh)
    return wanted != (None if said is None else said.document)


def seed_default_tariff(connection: Connection, currency: str, price_per_kwh: Decimal | None, at: datetime) -> None:
    """Take over what the site file says: a price, or none any more."""
    by = Approval(SITE_FILE, at)
    said = _said_last(connection)
    if price_per_kwh is None:
        for rule in rules_of_tariff(connection, DEFAULT_TARIFF):
            if end_of(rule) is None:
                end(connection, rule, by)
        if said is not None:
            end(connection, said, by)
        return
    first = not tariff_versions_of(connection, [DEFAULT_TARIFF])
    begins = _ALWAYS if first else at
    # What is said in the file holds at once: whoever writes it is the operator.
    lead_time = begins - at if first else timedelta(0)
    version = TariffVersion(DEFAULT_TARIFF, 0, _document(currency, price_per_kwh), (), begins, None, by)
    approve(connection, add_version(connection, version, price_per_kwh), by, lead_time)
    if all(end_of(rule) is not None for rule in rules_of_tariff(connection, DEFAULT_TARIFF)):
        rule = BillingRule("", Scope.OPERATOR, "", Leg.RETAIL, DEFAULT_TARIFF, begins, None, by)
        (added,) = add_rules(connection, [rule])
        approve(connection, added, by, lead_time)


def _said_last(connection: Connection) -> TariffVersion | None:
    """The newest version that the file has made; None where there is none, or it has taken it back."""
    versions = [one for one in tariff_versions_of(connection, [DEFAULT_TARIFF]) if one.proposed.by == SITE_FILE]
    newest = max(versions, key=lambda version: version.number, default=None)
    return None if newest is None or newest.ended_at is not None else newest


def _document(currency: str, price_per_kwh: Decimal) -> str:
    """An OCPI Tariff object of one price, which keeps its decimals."""
    component = {"type": "ENERGY", "price": "@", "step_size": 1}
    tariff = {"id": DEFAULT_TARIFF, "currency": currency, "elements": [{"price_components": [component]}]}
    return json.dumps(tariff).replace('"@"', f"{price_per_kwh:f}")
