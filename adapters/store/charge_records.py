"""The records of sessions, and what was decided of them. Only ever added to.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, exists, func, select

from adapters.billing_documents import record_of, record_text
from adapters.store.schema import storable_text
from adapters.store.schema_billing import charge_records, record_legs, review_decisions
from controller.tariffs.book import Leg
from controller.tariffs.deciding import decided
from controller.tariffs.record import ChargeRecord
from controller.tariffs.review import (
    NoSuchRecord,
    ReviewDecision,
    Reviewed,
    ReviewState,
    Verdict,
    review_state,
)

AT_ONCE: Final = 500
"""Records that one look at the review queue answers."""


def keep_record(connection: Connection, record: ChargeRecord, kept_at: datetime) -> bool:
    """Put a record on record, and tell whether it was new; one whose id is on record already changes nothing."""
    if connection.execute(select(charge_records.c.id).where(charge_records.c.id == record.identity.id)).first():
        return False
    connection.execute(
        charge_records.insert().values(
            id=record.identity.id,
            session_id=record.identity.session,
            version=record.identity.version,
            kind=record.identity.kind.value,
            credit_of=record.identity.credit_of,
            month=record.month,
            ended_at=record.times.ended_at,
            point=record.place.point,
            contract=record.parties.contract,
            currency=record.currency,
            energy_wh=record.quantities.import_wh,
            flagged=bool(record.flags),
            kept_at=kept_at,
            document=storable_text(record_text(record)),
        )
    )
    rows = [
        {
            "record_id": record.identity.id,
            "leg": leg.leg.value,
            "party": leg.party or "",
            "before_tax": leg.rated.invoice.before_tax,
            "after_tax": leg.rated.invoice.after_tax,
        }
        for leg in record.legs
    ]
    if rows:
        connection.execute(record_legs.insert(), rows)
    return True


def reimbursed_in(connection: Connection, contract: str, year: int) -> bool:
    """Whether reimbursements of a calendar year are on record for a contract."""
    legs = record_legs.c.record_id == charge_records.c.id, record_legs.c.leg == Leg.REIMBURSEMENT.value
    of_year = charge_records.c.month.between(f"{year:04}-01", f"{year:04}-12")
    found = select(charge_records.c.id).where(
        of_year, charge_records.c.contract == storable_text(contract), exists().where(*legs)
    )
    return connection.execute(found.limit(1)).first() is not None


def find_record(connection: Connection, wanted: str) -> Reviewed | None:
    """The record of that id."""
    row = connection.execute(select(charge_records.c.document).where(charge_records.c.id == wanted)).first()
    return None if row is None else _reviewed(connection, record_of(row.document))


def records_of_session(connection: Connection, session: str) -> Sequence[ChargeRecord]:
    """All records of a session: its first, and what came of corrections."""
    query = select(charge_records.c.document).where(charge_records.c.session_id == storable_text(session))
    rows = connection.execute(query.order_by(charge_records.c.version, charge_records.c.kind.desc()))
    return [record_of(row.document) for row in rows]


def records_of_month(connection: Connection, month: str) -> Iterator[ChargeRecord]:
    """The records of a month, credits included, by the end of their sessions."""
    query = select(charge_records.c.document).where(charge_records.c.month == month)
    rows = connection.execute(query.order_by(charge_records.c.ended_at, charge_records.c.id))
    return (record_of(row.document) for row in rows)


def reviewed_of_month(connection: Connection, month: str) -> Sequence[Reviewed]:
    """The records of a month, credits included, and where each stands, by the end of their sessions."""
    of_month = select(charge_records.c.id).where(charge_records.c.month == month)
    query = select(review_decisions).where(review_decisions.c.record_id.in_(of_month))
    decisions: dict[str, list[ReviewDecision]] = {}
    for row in connection.execute(query.order_by(review_decisions.c.id)):
        decisions.setdefault(row.record_id, []).append(_decision(row))
    return [_standing(record, decisions.get(record.identity.id, ())) for record in records_of_month(connection, month)]


def unrecorded(connection: Connection, sessions: Sequence[str]) -> set[str]:
    """Those of these sessions that have no record yet."""
    wanted = {storable_text(session): session for session in sessions}
    found = connection.execute(
        select(charge_records.c.session_id).distinct().where(charge_records.c.session_id.in_(wanted))
    ).scalars()
    return set(wanted.values()) - {wanted[session] for session in found}


def review_queue(connection: Connection, *, month: str | None = None, limit: int = AT_ONCE) -> Sequence[Reviewed]:
    """The records that wait for somebody to look at them, oldest first."""
    query = select(charge_records.c.document).where(charge_records.c.flagged, ~_decided())
    if month is not None:
        query = query.where(charge_records.c.month == month)
    rows = connection.execute(query.order_by(charge_records.c.ended_at, charge_records.c.id).limit(limit))
    return [Reviewed(record_of(row.document), ReviewState.OPEN, ()) for row in rows]


def waiting(connection: Connection, month: str) -> int:
    """How many records of a month and of those before it wait for review."""
    query = select(func.count()).select_from(charge_records)
    query = query.where(charge_records.c.flagged, charge_records.c.month <= month, ~_decided())
    return int(connection.execute(query).scalar_one())


def decide(
    connection: Connection,
    wanted: str,
    verdict: Verdict,
    *,
    by: str,
    at: datetime,
    note: str = "",
    correction: ChargeRecord | None = None,
) -> ReviewDecision:
    """Put on record what somebody decides of a record, and the records that come of it (``deciding.decided``).

    Raises:
        NoSuchRecord: there is none of that id.
        NotDecidable: it cannot get that verdict.
    """
    found = find_record(connection, wanted)
    if found is None:
        raise NoSuchRecord(wanted)
    decision, records = decided(found, verdict, by=by, at=at, note=note, correction=correction)
    for record in records:
        keep_record(connection, record, at)
    connection.execute(
        review_decisions.insert().values(
            record_id=wanted,
            verdict=verdict.value,
            decided_by=by,
            at=at,
            note=note,
            credit=decision.credit,
            replaced_by=decision.replaced_by,
        )
    )
    return decision


def _decided() -> Any:
    mine: Select[Any] = select(review_decisions.c.id)
    return exists(mine.where(and_(review_decisions.c.record_id == charge_records.c.id)))


def _reviewed(connection: Connection, record: ChargeRecord) -> Reviewed:
    query = select(review_decisions).where(review_decisions.c.record_id == record.identity.id)
    return _standing(record, [_decision(row) for row in connection.execute(query.order_by(review_decisions.c.id))])


def _standing(record: ChargeRecord, decisions: Sequence[ReviewDecision]) -> Reviewed:
    state = review_state(flagged=bool(record.flags), verdicts=[each.verdict for each in decisions])
    return Reviewed(record, state, tuple(decisions))


def _decision(row: Row[Any]) -> ReviewDecision:
    return ReviewDecision(
        row.record_id, Verdict(row.verdict), row.decided_by, row.at, row.note, row.credit, row.replaced_by
    )
