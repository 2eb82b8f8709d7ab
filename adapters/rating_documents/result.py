"""A session with its price as JSON: what ``loadstar price`` prints (``docs/schemas/priced-session.schema.json``)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from adapters.json_text import utc_text
from adapters.strict import StrictModel
from controller.tariffs.rated import Amounts, Line, LineKind, Period, RatedSession, TaxSource, TaxState
from controller.tariffs.session_facts import Activity


class AmountsDocument(StrictModel):
    """One sum, as text."""

    before_tax: str | None
    """Null where the price holds a tax that is unknown."""
    after_tax: str | None
    """Null where a tax is unknown."""


class TaxDocument(StrictModel):
    """The tax on a line."""

    state: TaxState
    """``zero`` is taxed at 0 %, ``exempt`` is not taxed, ``unknown`` is what nobody has said."""
    percent: str | None
    source: TaxSource
    """Who said so."""
    reason: str


class LineDocument(StrictModel):
    """All of a session at one rate of one dimension."""

    kind: LineKind
    label: str
    """What people call the rate."""
    element: int | None
    """Of the tariff, counted from 0; null where it is no element's."""
    quantity: str
    """As measured, in ``unit``."""
    billed_quantity: str
    """Rounded up to the step size."""
    unit: Literal["kWh", "h", "session"]
    unit_price: str
    tax_included: bool
    """Whether ``unit_price`` holds the tax."""
    tax: TaxDocument
    amounts: AmountsDocument
    """Exact."""
    booked: AmountsDocument
    """Rounded half-up to the currency's minor unit."""


class PeriodDocument(StrictModel):
    """A part of the session in which every price stayed the same."""

    start: str
    """UTC."""
    end: str
    kind: Activity
    kwh: str
    start_kwh: str
    """Of the session, at the beginning of this part."""
    energy_estimated: bool
    """Whether the register at one of its ends was interpolated."""
    elements: dict[str, int]
    """Which element of the tariff gave the price of which dimension."""
    per_kwh: str | None
    """Price of energy; null where it costs nothing or is unknown."""


class TariffReferenceDocument(StrictModel):
    """Which tariff it was."""

    id: str
    version: str


class PricedSessionDocument(StrictModel):
    """A session with its price. Amounts and quantities are text, so that no program rounds them."""

    id: str
    currency: str
    total: AmountsDocument
    """Rounded half-up to 4 decimals, once, at the end."""
    invoice: AmountsDocument
    """The sums of the lines as they are booked."""
    complete: bool
    """Whether this is the whole price; a flag that begins with ``unrated:`` says why not."""
    energy_kwh: str
    seconds: dict[Activity, int]
    """How long the session was what [s]."""
    lines: list[LineDocument]
    periods: list[PeriodDocument]
    review_flags: list[str]
    """Why a person should look at it."""
    tariff: TariffReferenceDocument
    rounding: str
    """The rules by which it was rounded."""


def priced_document(rated: RatedSession) -> dict[str, Any]:
    """A rated session as JSON-ready values."""
    return {
        "id": rated.session,
        "currency": rated.currency,
        "total": _amounts(rated.total),
        "invoice": _amounts(rated.invoice),
        "complete": rated.complete,
        "energy_kwh": _text(rated.energy_kwh),
        "seconds": {activity.value: seconds for activity, seconds in rated.seconds.items()},
        "lines": [_line(line) for line in rated.lines],
        "periods": [_period(period) for period in rated.periods],
        "review_flags": list(rated.review_flags),
        "tariff": {"id": rated.tariff_id, "version": rated.tariff_version},
        "rounding": rated.rounding,
    }


def _line(line: Line) -> dict[str, Any]:
    tax = line.tax
    return {
        "kind": line.kind.value,
        "label": line.label,
        "element": line.element,
        "quantity": _text(line.quantity),
        "billed_quantity": _text(line.billed_quantity),
        "unit": line.unit,
        "unit_price": _text(line.unit_price),
        "tax_included": line.tax_included,
        "tax": {
            "state": tax.state.value,
            "percent": None if tax.percent is None else _text(tax.percent),
            "source": tax.source.value,
            "reason": tax.reason,
        },
        "amounts": _amounts(line.amounts),
        "booked": _amounts(line.booked),
    }


def _period(period: Period) -> dict[str, Any]:
    return {
        "start": utc_text(period.starts_at),
        "end": utc_text(period.ends_at),
        "kind": period.activity.value,
        "kwh": _text(period.energy_kwh),
        "start_kwh": _text(period.start_kwh),
        "energy_estimated": period.energy_estimated,
        "elements": {dimension.value: element for dimension, element in period.elements},
        "per_kwh": None if period.per_kwh is None else _text(period.per_kwh),
    }


def _amounts(amounts: Amounts) -> dict[str, str | None]:
    before, after = amounts.before_tax, amounts.after_tax
    return {
        "before_tax": None if before is None else _text(before),
        "after_tax": None if after is None else _text(after),
    }


def _text(number: Decimal) -> str:
    """In full, without an exponent; zero has no sign."""
    return f"{number or abs(number):f}"
