"""Statements, records and sessions as tables (CSV) for spreadsheets and bookkeeping."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from controller.ports.ledger import SessionRecord
from controller.tariffs.book import Leg
from controller.tariffs.rated import minor_unit
from controller.tariffs.record import ChargeRecord
from controller.tariffs.statement import IssuedStatement

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

STATEMENT_COLUMNS: Final = (
    "statement",
    "kind",
    "month",
    "issued_on",
    "party",
    "party_name",
    "record",
    "session",
    "leg",
    "credit",
    "started_at",
    "ended_at",
    "point",
    "token",
    "driver",
    "employer",
    "line",
    "label",
    "quantity",
    "unit",
    "unit_price",
    "tax_included",
    "tax_state",
    "tax_percent",
    "net",
    "tax",
    "gross",
    "currency",
    "price_basis",
    "mean_of",
)

RECORD_COLUMNS: Final = (
    "record",
    "session",
    "version",
    "kind",
    "credit_of",
    "month",
    "started_at",
    "ended_at",
    "location",
    "point",
    "evse_id",
    "station",
    "connector",
    "token",
    "token_kind",
    "contract",
    "driver",
    "employer",
    "import_wh",
    "start_register_wh",
    "end_register_wh",
    "charging_s",
    "idle_s",
    "withheld_s",
    "leg",
    "party",
    "tariff",
    "tariff_version",
    "rule",
    "before_tax",
    "after_tax",
    "invoice_before_tax",
    "invoice_after_tax",
    "currency",
    "flags",
    "price_basis",
)

SESSION_COLUMNS: Final = (
    "id",
    "station",
    "point",
    "connector",
    "transaction_id",
    "token",
    "state",
    "started_at",
    "ended_at",
    "start_wh",
    "end_wh",
    "energy_wh",
    "cost",
    "currency",
    "stop_reason",
    "review_flags",
)


def statements_csv(issued: Iterable[IssuedStatement]) -> str:
    """One row for each line of each statement; times in UTC, amounts with the decimals of the currency."""
    return _table(STATEMENT_COLUMNS, (row for each in issued for row in _statement_rows(each)))


def records_csv(records: Iterable[ChargeRecord]) -> str:
    """One row for each leg of each record; times in UTC, amounts as they are on record."""
    return _table(RECORD_COLUMNS, (row for record in records for row in _record_rows(record)))


def sessions_csv(sessions: Iterable[SessionRecord]) -> str:
    """One row for each session, as the REST interface tells it."""
    return _table(SESSION_COLUMNS, map(_session_row, sessions))


def session_document(session: SessionRecord) -> dict[str, object]:
    """A session as JSON-ready values."""
    row = dict(zip(SESSION_COLUMNS, _session_row(session), strict=True))
    return row | {"cost": _text(session.cost), "review_flags": list(session.review_flags)}


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(columns)
    table.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()


def _statement_rows(issued: IssuedStatement) -> Iterable[Sequence[object]]:
    statement = issued.statement
    step = minor_unit(statement.currency)
    head = (issued.number, statement.kind.value, statement.month, issued.issued_on.isoformat())
    for line in statement.lines:
        known = line.before_tax is not None and line.after_tax is not None
        tax = line.after_tax - line.before_tax if known else None  # type: ignore[operator]
        yield (
            *head,
            statement.party,
            issued.party.name,
            line.record,
            line.session,
            line.leg.value,
            line.credit,
            line.starts_at,
            line.ends_at,
            line.point,
            line.token,
            line.driver,
            line.employer,
            line.kind.value,
            line.label,
            line.quantity,
            line.unit,
            line.unit_price,
            line.tax_included,
            line.tax.state.value,
            line.tax.percent,
            _money(line.before_tax, step),
            _money(tax, step),
            _money(line.after_tax, step),
            statement.currency,
            None if line.basis is None else line.basis.value,
            line.mean_of or None,
        )


def _record_rows(record: ChargeRecord) -> Iterable[Sequence[object]]:
    identity, place, amount = record.identity, record.place, record.quantities
    paid_back = record.reimbursement
    head = (
        identity.id,
        identity.session,
        identity.version,
        identity.kind.value,
        identity.credit_of,
        record.month,
        record.times.started_at,
        record.times.ended_at,
        place.location,
        place.point,
        place.evse_id,
        place.station,
        place.connector,
        record.token.uid,
        record.token.kind.value,
        record.parties.contract,
        record.parties.driver,
        record.parties.employer,
        amount.import_wh,
        amount.start_register_wh,
        amount.end_register_wh,
        amount.charging_s,
        amount.idle_s,
        amount.withheld_s,
    )
    for leg in record.legs:
        rated = leg.rated
        yield (
            *head,
            leg.leg.value,
            leg.party,
            rated.tariff_id,
            rated.tariff_version,
            leg.rule,
            rated.total.before_tax,
            rated.total.after_tax,
            rated.invoice.before_tax,
            rated.invoice.after_tax,
            record.currency,
            " ".join(record.flags),
            paid_back.basis.value if paid_back and leg.leg is Leg.REIMBURSEMENT else None,
        )


def _session_row(session: SessionRecord) -> Sequence[object]:
    return (
        session.id,
        session.station,
        session.point,
        session.connector,
        session.transaction_id,
        session.token,
        "running" if session.running else "ended",
        _time(session.started_at),
        _time(session.ended_at),
        session.start_wh,
        session.end_wh,
        session.energy_wh,
        session.cost,
        session.currency,
        session.stop_reason,
        " ".join(session.review_flags),
    )


def cell(value: object) -> object:
    """A value as it stands in a table."""
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return _text(value)
    # What chargers and people wrote cannot become a formula of a spreadsheet.
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _money(value: Decimal | None, step: Decimal) -> Decimal | None:
    return None if value is None else value.quantize(step)
