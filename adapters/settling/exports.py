"""What goes out of the ledger for a month, in forms that others read: the same bytes whenever it is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adapters.billing_documents import overview_document, record_document, statement_document
from adapters.settlement.ere_file import ere_csv, ere_json
from adapters.settlement.periods import period_documents, periods_csv
from adapters.settlement.sepa import TransferRefused, transfer_file
from adapters.settlement.tables import records_csv, session_document, sessions_csv, statements_csv
from adapters.settling.cdr_export import month_cdrs
from adapters.settling.closing import drafted
from adapters.settling.export_kinds import FORMATS, MONTH, Asked, ExportRefused, Format, Kind
from adapters.store.record_book import RecordBook
from adapters.store.records import sessions_ended
from adapters.store.standing import Kept, everything, party_of
from controller.tariffs.ere import ere_month
from controller.tariffs.overview import Overview, employer_overviews, site_overview
from controller.tariffs.statement import IssuedStatement, NotClosable


def exported(book: RecordBook, asked: Asked, *, time_zone: str, now: datetime) -> bytes:
    """What was asked for.

    Args:
        book: of the site.
        asked: what.
        time_zone: of the site; months begin there.
        now: the time; it matters to drafts of months that are still open.

    Raises:
        ExportRefused: the format is none of the kind's, the month is none, or something on record is in the way.
        LedgerUnavailable: the ledger cannot be read.
    """
    if asked.form not in FORMATS[asked.kind]:
        possible = ", ".join(each.value for each in FORMATS[asked.kind])
        raise ExportRefused([f"format: {asked.kind.value} come as {possible}, not as {asked.form.value}"])
    begins, ends = month_bounds(asked.month, time_zone)
    if asked.kind is Kind.STATEMENT:
        return _statements(book, asked, time_zone, now)
    if asked.kind is Kind.SESSIONS:
        sessions = book.read(lambda connection: sessions_ended(connection, begins, ends))
        if asked.form is Format.CSV:
            return sessions_csv(sessions).encode()
        return _json({"month": asked.month, "sessions": [session_document(each) for each in sessions]})
    if asked.kind is Kind.ERE:
        booked = ere_month(asked.month, [(each.record, each.state) for each in book.reviewed(asked.month)])
        return (ere_csv(booked) if asked.form is Format.CSV else ere_json(booked)).encode()
    return _records(book, asked)


def month_bounds(month: str, time_zone: str) -> tuple[datetime, datetime]:
    """When a month begins at the site and when the next one does.

    Raises:
        ExportRefused: it is no month.
    """
    zone = ZoneInfo(time_zone)
    if not re.fullmatch(MONTH, month):
        raise ExportRefused([f"month: expected one such as 2026-10, found {month!r}"])
    first = datetime(int(month[:4]), int(month[5:]), 1)  # noqa: DTZ001 - it gets the site's zone below
    following = (first + timedelta(days=32)).replace(day=1)
    begins, ends = (each.replace(tzinfo=zone).astimezone(UTC) for each in (first, following))
    return begins, ends


def issued_statements(
    book: RecordBook, asked: Asked, *, time_zone: str, now: datetime
) -> tuple[Sequence[IssuedStatement], Sequence[Overview]]:
    """The statements of a month and their overviews: those it was closed with, or drafts while it is open.

    Raises:
        ExportRefused: there is none that was asked for, or drafts cannot be drawn up.
        LedgerUnavailable: the ledger cannot be read.
    """
    closed = any(each.month == asked.month for each in book.closings())
    try:
        issued = book.statements(asked.month) if closed else drafted(book, asked.month, now=now, time_zone=time_zone)
    except NotClosable as error:
        raise ExportRefused([str(error)]) from error
    if asked.number is None and asked.party is None:
        return issued, _overviews(book, asked.month, issued)
    chosen = [
        each
        for each in issued
        if asked.number in {None, each.number} and asked.party in {None, each.statement.party or each.operator.id}
    ]
    if not chosen:
        raise ExportRefused([f"{asked.month} has no statement {asked.number or f'of the party {asked.party!r}'}"])
    return chosen, ()


def _statements(book: RecordBook, asked: Asked, time_zone: str, now: datetime) -> bytes:
    issued, overviews = issued_statements(book, asked, time_zone=time_zone, now=now)
    if asked.form is Format.CSV:
        return statements_csv(issued).encode()
    if asked.form is Format.JSON:
        return _json(
            {
                "month": asked.month,
                "draft": any(each.draft for each in issued),
                "statements": [statement_document(each) for each in issued],
                "overviews": [overview_document(each) for each in overviews],
            }
        )
    if asked.form is Format.SEPA:
        return _transfers(asked, issued)
    if not issued:
        raise ExportRefused([f"{asked.month} has no statement"])
    # A writer of PDF takes a while to load, and other exports do not need it.
    from adapters.settlement.pdf import statements_pdf  # noqa: PLC0415

    return statements_pdf(issued, overviews)


def _transfers(asked: Asked, issued: Sequence[IssuedStatement]) -> bytes:
    if any(each.draft for each in issued):
        raise ExportRefused([f"{asked.month} is not closed: nothing is paid by drafts"])
    try:
        file = transfer_file(issued)
    except TransferRefused as error:
        raise ExportRefused(error.problems) from error
    if file is None:
        raise ExportRefused([f"{asked.month} has nothing to be paid"])
    return file


def _overviews(book: RecordBook, month: str, issued: Sequence[IssuedStatement]) -> Sequence[Overview]:
    parties = book.read(lambda connection: everything(connection, Kept.PARTY))
    site = site_overview(month, issued)
    employers = employer_overviews(month, issued, {name: party_of(found) for name, found in parties.items()})
    return [*employers, *([] if site is None else [site])]


def _records(book: RecordBook, asked: Asked) -> bytes:
    if asked.form not in {Format.CSV, Format.JSON}:
        return _json(month_cdrs(book, asked.month, asked.form.value))
    records = book.of_month(asked.month)
    if asked.form is Format.CSV:
        return (periods_csv(records) if asked.kind is Kind.PERIODS else records_csv(records)).encode()
    if asked.kind is Kind.PERIODS:
        return _json({"month": asked.month, "periods": [*period_documents(records)]})
    return _json({"month": asked.month, "records": [record_document(each) for each in records]})


def _json(document: Any) -> bytes:
    # On one line: to indent a month of lines takes as long as to settle it.
    return (json.dumps(document, ensure_ascii=False) + "\n").encode()
