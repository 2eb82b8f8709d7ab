"""The bookings of renewable energy of a month as JSON and as tables (CSV), with the evidence per session."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date
from typing import Any, Final

from adapters.settlement.tables import cell
from controller.tariffs.ere import EreBooking, EreEvidence, EreMonth

_BOOKING_COLUMNS: Final = (
    "row", "ean", "connection_name", "grid_operator", "holder", "holder_registration", "address", "construct",
    "allocation_ean", "public", "mandate", "mandate_issued_on", "mandate_until", "delivered_from", "delivered_until",
    "kwh", "energy_type", "expected_ere_kg", "sessions",
)  # fmt: skip
_EVIDENCE_COLUMNS: Final = tuple(field.name for field in fields(EreEvidence))
ENERGY_TYPE: Final = "electricity, grid mix"


def ere_document(month: EreMonth) -> dict[str, Any]:
    """A month's bookings as JSON-ready values."""
    return {
        "month": month.month,
        "bookings": [_booking(each) | {"evidence": [asdict(one) for one in each.evidence]} for each in month.bookings],
        "not_booked": [asdict(each) | {"reasons": list(each.reasons)} for each in month.not_booked],
    }


def ere_json(month: EreMonth) -> str:
    """A month's bookings as JSON."""
    return json.dumps(ere_document(month), indent=2, ensure_ascii=False) + "\n"


def ere_csv(month: EreMonth) -> str:
    """A row ``booking`` for each connection, then a row ``evidence`` for each of its sessions, then what is not booked.

    All rows have the same columns; those that say nothing of a row are empty.
    """
    text = io.StringIO()
    columns = [*_BOOKING_COLUMNS, *_EVIDENCE_COLUMNS, "reasons"]
    table = csv.DictWriter(text, columns, restval="")
    table.writeheader()
    for booking in month.bookings:
        table.writerow(_row("booking", _booking(booking)))
        for each in booking.evidence:
            table.writerow(_row("evidence", {"ean": booking.connection.ean} | asdict(each)))
    for refused in month.not_booked:
        row = asdict(refused) | {"station": refused.point, "reasons": "; ".join(refused.reasons)}
        del row["point"]
        table.writerow(_row("not_booked", row))
    return text.getvalue()


def _row(kind: str, values: Mapping[str, Any]) -> dict[str, object]:
    return {"row": kind} | {name: cell(value) for name, value in values.items()}


def _booking(booking: EreBooking) -> dict[str, Any]:
    connection = booking.connection
    expected = booking.expected_ere_kg
    return {
        "ean": connection.ean,
        "connection_name": connection.name,
        "grid_operator": connection.grid_operator,
        "holder": connection.holder,
        "holder_registration": connection.holder_registration,
        "address": connection.address,
        "construct": connection.construct,
        "allocation_ean": connection.allocation_ean,
        "public": connection.public,
        "mandate": connection.mandate,
        "mandate_issued_on": _day(connection.mandate_issued_on),
        "mandate_until": _day(connection.mandate_until),
        "delivered_from": booking.delivered_from.isoformat(),
        "delivered_until": booking.delivered_until.isoformat(),
        "kwh": f"{booking.kwh:f}",
        "energy_type": ENERGY_TYPE,
        "expected_ere_kg": None if expected is None else f"{expected:f}",
        "sessions": len(booking.evidence),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
