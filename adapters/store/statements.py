"""Statements and closed months. Only ever added to: a month that is closed stays as it is.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, exists, func, select

from adapters.billing_documents import record_of, statement_of, statement_text
from adapters.store.schema import storable_text
from adapters.store.schema_billing import (
    billed_legs,
    charge_records,
    closed_months,
    record_legs,
    review_decisions,
    statements,
)
from controller.tariffs.book import Leg
from controller.tariffs.record import ChargeRecord, RecordKind
from controller.tariffs.review import BILLED, Verdict, review_state
from controller.tariffs.statement import Closing, IssuedStatement, NotClosable

_IDS_AT_ONCE: Final = 500
"""Databases bound the length of a statement."""


class Overtaken(RuntimeError):  # noqa: N818
    """Something was put on record or decided between the drawing up of statements and their writing down."""


@dataclass(frozen=True, slots=True)
class Billable:
    """One leg of a record that has to go on the next statement."""

    record: ChargeRecord
    leg: Leg


def closing_of(connection: Connection, month: str) -> Closing | None:
    """When a month was closed; None: it is open."""
    row = connection.execute(select(closed_months).where(closed_months.c.month == month)).first()
    return None if row is None else Closing(row.month, row.closed_at, row.closed_by)


def closings(connection: Connection) -> Sequence[Closing]:
    """The months that are closed, in order."""
    rows = connection.execute(select(closed_months).order_by(closed_months.c.month))
    return [Closing(row.month, row.closed_at, row.closed_by) for row in rows]


def billable_until(connection: Connection, month: str) -> Sequence[Billable]:
    """What has to go on the statements of a month: of the month, and of earlier ones what was late.

    Raises:
        NotClosable: an earlier month is not closed, and has something to bill.
    """
    keys = _billable_keys(connection, month)
    earlier = sorted({row_month for _, _, row_month in keys if row_month < month})
    open_ones = [each for each in earlier if closing_of(connection, each) is None]
    if open_ones:
        raise NotClosable(f"{month} cannot be closed before {', '.join(open_ones)}: close that first")
    records = _records(connection, {each for each, _, _ in keys})
    return [Billable(records[each], leg) for each, leg, _ in keys]


def next_sequence(connection: Connection, series: str, year: int) -> int:
    """The number within the series and the year that the next statement gets: one more than the last."""
    newest = select(func.max(statements.c.sequence)).where(statements.c.series == series, statements.c.year == year)
    return (connection.execute(newest).scalar() or 0) + 1


def close_month(
    connection: Connection,
    closing: Closing,
    series: str,
    issued: Sequence[IssuedStatement],
    billed: Sequence[Billable],
) -> None:
    """Write a month's statements down and close it.

    Args:
        connection: in a transaction.
        closing: of which month, when and by whom.
        series: of the numbers.
        issued: the statements, numbered as ``next_sequence`` said.
        billed: all that is on them.

    Raises:
        Overtaken: the month is closed already, a number is taken, or there is more or less to bill than that.
    """
    year = closing.at.year if not issued else issued[0].issued_on.year
    first = next_sequence(connection, series, year)
    keys = {(each, leg) for each, leg, _ in _billable_keys(connection, closing.month)}
    if keys != {(each.record.identity.id, each.leg) for each in billed}:
        raise Overtaken("there is more or less to bill than when the statements were drawn up")
    if closing_of(connection, closing.month) is not None:
        raise Overtaken(f"{closing.month} is closed already")
    if any(each.number != number_of(series, year, first + index) for index, each in enumerate(issued)):
        raise Overtaken("other statements have taken the numbers of these")
    connection.execute(closed_months.insert().values(month=closing.month, closed_at=closing.at, closed_by=closing.by))
    for index, each in enumerate(issued):
        connection.execute(statements.insert().values(_values(each, closing, series, year, first + index)))
    rows = [
        {"record_id": record, "leg": leg.value, "statement": each.number}
        for each in issued
        for record, leg in dict.fromkeys((line.record, line.leg) for line in each.statement.lines)
    ]
    if rows:
        connection.execute(billed_legs.insert(), rows)


def number_of(series: str, year: int, sequence: int) -> str:
    """How a statement is called.

    >>> number_of("LS", 2026, 17)
    'LS-2026-00017'
    """
    return f"{series}-{year}-{sequence:05d}"


def statements_of(connection: Connection, month: str, party: str | None = None) -> Sequence[IssuedStatement]:
    """The statements of a closed month, by number."""
    query = select(statements.c.document).where(statements.c.month == month)
    if party is not None:
        query = query.where(statements.c.party == storable_text(party))
    rows = connection.execute(query.order_by(statements.c.year, statements.c.sequence))
    return [statement_of(row.document) for row in rows]


def find_statement(connection: Connection, number: str) -> IssuedStatement | None:
    """The statement of that number."""
    row = connection.execute(select(statements.c.document).where(statements.c.number == storable_text(number))).first()
    return None if row is None else statement_of(row.document)


def _values(each: IssuedStatement, closing: Closing, series: str, year: int, sequence: int) -> Mapping[str, Any]:
    statement = each.statement
    return {
        "number": each.number,
        "series": series,
        "year": year,
        "sequence": sequence,
        "month": closing.month,
        "kind": statement.kind.value,
        "party": statement.party,
        "currency": statement.currency,
        "before_tax": statement.totals.before_tax,
        "after_tax": statement.totals.after_tax,
        "payable": statement.totals.payable,
        "closed_at": closing.at,
        "document": storable_text(statement_text(each)),
    }


def _billable_keys(connection: Connection, month: str) -> list[tuple[str, Leg, str]]:
    """Record, leg and month of all that is on no statement yet and may go on one."""
    rows = connection.execute(_unbilled(month)).all()
    finals = {row.id: row.flagged for row in rows if row.kind == RecordKind.FINAL.value}
    verdicts: dict[str, list[Verdict]] = {}
    for row in connection.execute(_decisions_of_unbilled(month)):
        verdicts.setdefault(row.record_id, []).append(Verdict(row.verdict))
    ready = {
        each
        for each, flagged in finals.items()
        if review_state(flagged=flagged, verdicts=verdicts.get(each, ())) in BILLED
    }
    # A credit goes on a statement where what it takes back was on one; else neither ever was.
    return [
        (row.id, Leg(row.leg), row.month)
        for row in rows
        if (row.id in ready if row.kind == RecordKind.FINAL.value else row.credited)
    ]


def _unbilled(month: str) -> Select[Any]:
    original = billed_legs.alias("original")
    on_statement = exists().where(
        and_(billed_legs.c.record_id == record_legs.c.record_id, billed_legs.c.leg == record_legs.c.leg)
    )
    credited = exists().where(
        and_(original.c.record_id == charge_records.c.credit_of, original.c.leg == record_legs.c.leg)
    )
    columns = charge_records.c
    return (
        select(columns.id, columns.kind, columns.flagged, columns.month, record_legs.c.leg, credited.label("credited"))
        .join(record_legs, record_legs.c.record_id == columns.id)
        .where(columns.month <= month, ~on_statement)
        .order_by(columns.ended_at, columns.id, record_legs.c.leg)
    )


def _decisions_of_unbilled(month: str) -> Select[Any]:
    of_unbilled = select(_unbilled(month).subquery().c.id)
    query = select(review_decisions.c.record_id, review_decisions.c.verdict)
    return query.where(review_decisions.c.record_id.in_(of_unbilled)).order_by(review_decisions.c.id)


def _records(connection: Connection, wanted: set[str]) -> dict[str, ChargeRecord]:
    found: dict[str, ChargeRecord] = {}
    ids = sorted(wanted)
    for begin in range(0, len(ids), _IDS_AT_ONCE):
        query = select(charge_records.c.document).where(charge_records.c.id.in_(ids[begin : begin + _IDS_AT_ONCE]))
        for row in connection.execute(query):
            record = record_of(row.document)
            found[record.identity.id] = record
    return found
