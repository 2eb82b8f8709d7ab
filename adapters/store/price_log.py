"""The log of prices: who has proposed, approved or ended what.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from adapters.store.decisions import Kind
from adapters.store.schema_tariffs import billing_rules, card_fees, tariff_decisions, tariff_versions
from controller.tariffs.book import PriceChange

PROPOSED: Final = "proposed"


def price_changes(connection: Connection, since: datetime, until: datetime) -> list[PriceChange]:
    """Who has proposed, approved or ended what, from ``since`` to before ``until``, oldest first."""
    log = tariff_decisions
    query = select(log).where(log.c.decided_at >= since, log.c.decided_at < until).order_by(log.c.decided_at, log.c.id)
    decided = [
        PriceChange(
            row.decided_at,
            row.decided_by,
            row.decision,
            row.kind,
            row.subject,
            row.number or None,
            row.effective_at,
        )
        for row in connection.execute(query)
    ]
    return sorted([*_proposals(connection, since, until), *decided], key=lambda change: change.at)


def _proposals(connection: Connection, since: datetime, until: datetime) -> Iterator[PriceChange]:
    for kind, table in ((Kind.TARIFF, tariff_versions), (Kind.RULE, billing_rules), (Kind.CARD_FEE, card_fees)):
        within = (table.c.proposed_at >= since) & (table.c.proposed_at < until)
        for row in connection.execute(select(table).where(within)):
            subject, number = (row.tariff, row.number) if kind is Kind.TARIFF else (row.id, None)
            yield PriceChange(row.proposed_at, row.proposed_by, PROPOSED, kind, subject, number, row.valid_from)
