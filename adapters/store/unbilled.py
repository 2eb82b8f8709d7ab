"""Sessions that are over and have no record yet, and what is on record of one.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, exists, or_, select, update

from adapters.store.access import find_token
from adapters.store.records import session_record
from adapters.store.schema import sessions
from adapters.store.schema_billing import charge_records
from adapters.store.schema_tariffs import session_terms
from adapters.store.session_offers import surcharge_of, switches_of
from adapters.store.session_readings import observed_of
from adapters.store.signed_values import signed_of
from adapters.store.terms import terms_of
from controller.ports.ledger import SessionRecord
from controller.ports.tokens import Token
from controller.tariffs.book import SessionTerms
from controller.tariffs.legs import NO_EXTRAS, Extras
from controller.tariffs.observed import Observed


@dataclass(frozen=True, slots=True)
class Told:
    """All that is on record of a session."""

    session: SessionRecord
    observed: Sequence[Observed]
    terms: Sequence[SessionTerms]
    token: Token | None = None
    extras: Extras = NO_EXTRAS
    signed: Sequence[str] = ()
    """Signed meter values, as the charger sent them."""


def ended_without_record(connection: Connection, limit: int) -> Sequence[str]:
    """Ids of sessions that are over and await their record, the oldest first.

    Those that ended before there were terms have none; those of which only the end was announced have no terms either.
    """
    recorded = exists().where(charge_records.c.session_id == sessions.c.id)
    with_terms = exists().where(session_terms.c.session_id == sessions.c.id)
    query = select(sessions.c.id).where(
        sessions.c.ended_at.is_not(None), ~recorded, or_(with_terms, sessions.c.transaction_id.is_(None))
    )
    return list(connection.execute(query.order_by(sessions.c.ended_at, sessions.c.id).limit(limit)).scalars())


def told(connection: Connection, session_id: str, running: SessionRecord | None = None) -> Told | None:
    """All that is on record of a session.

    Args:
        connection: to the ledger.
        session_id: its id.
        running: the session as it is known at the moment, while it runs.
    """
    session = running or session_record(connection, session_id, lambda _session: None)
    if session is None:
        return None
    token = find_token(connection, session.token) if session.token else None
    extras = Extras(tuple(switches_of(connection, session.id)), surcharge_of(connection, session.id))
    return Told(
        session,
        observed_of(connection, session.id),
        terms_of(connection, session.id),
        token,
        extras,
        signed_of(connection, session.station, session.transaction_id),
    )


def note_price(connection: Connection, session_id: str, cost: Decimal | None, flags: Sequence[str]) -> None:
    """Show with a session what its record says: what it costs, and what a person should look at."""
    row = connection.execute(select(sessions.c.review_flags).where(sessions.c.id == session_id)).one()
    merged = sorted({*row.review_flags, *flags})
    connection.execute(update(sessions).where(sessions.c.id == session_id).values(cost=cost, review_flags=merged))
