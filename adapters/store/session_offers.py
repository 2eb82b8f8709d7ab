"""What drivers have chosen, and what nearing a peak has added to the price of sessions that began then.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, Index, Integer, Row, String, Table, select

from adapters.store.curves import frozen_curve, newest_curve
from adapters.store.dated import tariff_versions_of
from adapters.store.schema import Money, PeerText, UtcTime, metadata, sessions, storable_text
from adapters.store.schema_tariffs import session_terms
from controller.tariffs.book import Leg, TariffVersion
from controller.tariffs.offers import NoSuchOffer, Offer, Surcharge, Switch
from controller.tariffs.rules import in_force
from controller.wishes import NoSuchSession

session_offers: Final = Table(
    "session_offers",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("session_id", String(36), ForeignKey("sessions.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("offer", String(16), nullable=False),
    # Version of the tariff that holds from then on.
    Column("tariff", PeerText, nullable=False),
    Column("number", Integer, nullable=False),
    Column("chosen_by", PeerText, nullable=False),
)
Index("session_offers_by_session", session_offers.c.session_id, session_offers.c.id)

session_surcharges: Final = Table(
    "session_surcharges",
    metadata,
    Column("session_id", String(36), ForeignKey("sessions.id"), primary_key=True),
    Column("per_kwh", Money, nullable=False),
    Column("per_session", Money, nullable=False),
    Column("announced_at", UtcTime, nullable=False),
)


def record_offer(
    connection: Connection, session_id: str, offer: Offer, tariff: str | None, at: datetime, chosen_by: str
) -> None:
    """Write down which offer holds for a running session from now on.

    Args:
        connection: in a transaction.
        session_id: its id.
        offer: what was chosen.
        tariff: of the offer; None: the one that the session began with.
        at: now.
        chosen_by: who has chosen it.

    Raises:
        NoSuchSession: it does not run.
        NoSuchOffer: the tariff has no version that holds, or the session costs nothing.
    """
    session_id = storable_text(session_id)
    running = select(sessions.c.id).where(sessions.c.id == session_id, sessions.c.ended_at.is_(None))
    if connection.execute(running).first() is None:
        raise NoSuchSession(session_id)
    of_retail = (session_terms.c.session_id == session_id) & (session_terms.c.leg == Leg.RETAIL.value)
    began = connection.execute(select(session_terms.c.tariff, session_terms.c.number).where(of_retail)).first()
    if began is None or began.tariff is None or began.number is None:
        raise NoSuchOffer("the session has no price that could be another")
    name, number = began.tariff, began.number
    if tariff is not None:
        version = in_force(tariff_versions_of(connection, [tariff]), at)
        if version is None:
            raise NoSuchOffer(f"tariff {tariff!r} does not hold at the moment")
        name, number = tariff, version.number
    connection.execute(
        session_offers.insert().values(
            session_id=session_id, at=at, offer=offer.value, tariff=name, number=number, chosen_by=chosen_by
        )
    )


def switches_of(connection: Connection, session_id: str) -> Sequence[Switch]:
    """What was chosen for a session, in order; at one moment the last choice counts."""
    query = select(session_offers).where(session_offers.c.session_id == storable_text(session_id))
    rows = connection.execute(query.order_by(session_offers.c.at, session_offers.c.id)).all()
    versions = {
        (version.tariff, version.number): version
        for version in tariff_versions_of(connection, sorted({row.tariff for row in rows}))
    }
    return [_switch(connection, row, versions[row.tariff, row.number]) for row in rows]


def _switch(connection: Connection, row: Row[Any], version: TariffVersion) -> Switch:
    published = [newest_curve(connection, curve, row.at) for curve in version.curves]
    curves = [frozen_curve(connection, one.id, one.version, row.at) for one in published if one is not None]
    known = tuple(curve for curve in curves if curve is not None)
    return Switch(row.at, Offer(row.offer), version.document, row.number, known)


def offers_of_running(connection: Connection) -> dict[str, Offer]:
    """The offer that was chosen last, by session id, of those that run."""
    query = select(session_offers).join(sessions, sessions.c.id == session_offers.c.session_id)
    rows = connection.execute(query.where(sessions.c.ended_at.is_(None)).order_by(session_offers.c.id))
    return {row.session_id: Offer(row.offer) for row in rows}


def freeze_surcharge(connection: Connection, session_id: str, surcharge: Surcharge | None) -> None:
    """Write down what is added to the price of a session, in place of what was written before."""
    connection.execute(session_surcharges.delete().where(session_surcharges.c.session_id == session_id))
    if surcharge is not None:
        connection.execute(
            session_surcharges.insert().values(
                session_id=session_id,
                per_kwh=surcharge.per_kwh,
                per_session=surcharge.per_session,
                announced_at=surcharge.announced_at,
            )
        )


def surcharge_of(connection: Connection, session_id: str) -> Surcharge | None:
    """What is added to the price of a session."""
    query = select(session_surcharges).where(session_surcharges.c.session_id == storable_text(session_id))
    row = connection.execute(query).first()
    return None if row is None else Surcharge(row.per_kwh, row.per_session, row.announced_at)
