"""The periods behind the lines of a month: when what was delivered at which price. They add up to the lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from adapters.settlement.tables import cell
from controller.tariffs.record import ChargeRecord, RecordKind, RecordLeg
from controller.tariffs.tariff import Dimension

COLUMNS: Final = (
    "record",
    "session",
    "credit",
    "leg",
    "party",
    "tariff",
    "tariff_version",
    "element",
    "starts_at",
    "ends_at",
    "activity",
    "energy_kwh",
    "energy_estimated",
    "per_kwh",
    "energy_amount",
    "currency",
)


def periods_csv(records: Iterable[ChargeRecord]) -> str:
    """One row for each period of each leg of each record; times in UTC, energy and amounts with all their decimals."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS)
    table.writeheader()
    table.writerows({name: cell(value) for name, value in row.items()} for row in _rows(records))
    return text.getvalue()


def period_documents(records: Iterable[ChargeRecord]) -> Iterator[dict[str, Any]]:
    """The same as JSON-ready values."""
    for row in _rows(records):
        yield {name: _plain(value) for name, value in row.items()}


def _rows(records: Iterable[ChargeRecord]) -> Iterator[dict[str, Any]]:
    for record in records:
        for leg in record.legs:
            yield from _leg_rows(record, leg)


def _leg_rows(record: ChargeRecord, leg: RecordLeg) -> Iterator[dict[str, Any]]:
    credit, rated = record.identity.kind is RecordKind.CREDIT, leg.rated
    head = {
        "record": record.identity.id,
        "session": record.identity.session,
        "credit": credit,
        "leg": leg.leg.value,
        "party": leg.party,
        "tariff": rated.tariff_id,
        "tariff_version": rated.tariff_version,
    }
    for period in rated.periods:
        energy_kwh = -period.energy_kwh if credit else period.energy_kwh
        yield head | {
            "element": next((element for dimension, element in period.elements if dimension is Dimension.ENERGY), None),
            "starts_at": period.starts_at,
            "ends_at": period.ends_at,
            "activity": period.activity.value,
            "energy_kwh": energy_kwh,
            "energy_estimated": period.energy_estimated,
            "per_kwh": period.per_kwh,
            "energy_amount": Decimal(0) if period.per_kwh is None else energy_kwh * period.per_kwh,
            "currency": record.currency,
        }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return cell(value)
    return f"{value:f}" if isinstance(value, Decimal) else value
