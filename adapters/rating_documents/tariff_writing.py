"""Writes tariffs as OCPI's Tariff object, so that reading them gives the same tariff again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, get_args

from adapters.json_text import DocumentError, utc_text
from adapters.rating_documents.tariff_model import DayOfWeek
from controller.tariffs.tariff import (
    EVERY_DAY,
    NO_IDLE_TERMS,
    DailyHours,
    Element,
    PriceLimit,
    Restrictions,
    Tariff,
    TaxIncluded,
)

OCPI_2_2_1: Final = "ocpi-2.2.1"
OCPI_2_3_0: Final = "ocpi-2.3.0"

_DAYS: Final = get_args(DayOfWeek)
_LIMIT_NAMES: Final = {OCPI_2_2_1: ("excl_vat", "incl_vat"), OCPI_2_3_0: ("before_taxes", "after_taxes")}
_DIGITS_EXACT: Final = 15
"""Of a double, all of which survive."""


def json_number(number: Decimal) -> int | float:
    """A number that JSON writes with the same digits.

    Raises:
        ValueError: it has more digits than other programs keep.

    >>> json_number(Decimal("0.30")), json_number(Decimal("12.000"))
    (0.3, 12)
    """
    if number == int(number):
        return int(number)
    if len(number.normalize().as_tuple().digits) > _DIGITS_EXACT:
        raise ValueError(f"{number} has more than {_DIGITS_EXACT} digits")
    return float(number)


def tariff_document(tariff: Tariff, version: str) -> dict[str, Any]:
    """The tariff as JSON-ready values (``docs/schemas/tariff-ocpi-2.3.0.schema.json``).

    What OCPI cannot say stands in the extra key ``loadstar``.

    Args:
        tariff: Any tariff that OCPI has room for.
        version: ``ocpi-2.2.1`` or ``ocpi-2.3.0``.

    Raises:
        DocumentError: with everything that this version cannot say, or that it asks for and the tariff has not.
    """
    problems = list(_unsayable(tariff, version))
    if problems:
        raise DocumentError(problems)
    document = {
        "country_code": tariff.country_code,
        "party_id": tariff.party_id,
        "id": tariff.id,
        "currency": tariff.currency,
        "type": None if tariff.kind is None else tariff.kind.value,
        "tariff_alt_text": [{"language": language, "text": text} for language, text in tariff.texts],
        "tariff_alt_url": tariff.text_url,
        "min_price": _limit(tariff.min_price, version),
        "max_price": _limit(tariff.max_price, version),
        "elements": [_element(element) for element in tariff.elements],
        "tax_included": tariff.tax_included.value if version == OCPI_2_3_0 else None,
        "start_date_time": _moment(tariff.starts_at),
        "end_date_time": _moment(tariff.ends_at),
        "energy_mix": None if tariff.energy_mix is None else json.loads(tariff.energy_mix),
        "last_updated": _moment(tariff.last_updated),
        "loadstar": _extras(tariff),
    }
    return _said(document)


def _unsayable(tariff: Tariff, version: str) -> Iterator[str]:
    if version == OCPI_2_2_1 and tariff.tax_included is TaxIncluded.YES:
        yield "tax_included: OCPI 2.2.1 has prices without tax only, and these hold it"
    for name in ("country_code", "party_id", "last_updated"):
        if not getattr(tariff, name):
            yield f"{name}: is missing"
    for name, limit in (("min_price", tariff.min_price), ("max_price", tariff.max_price)):
        if limit is not None and limit.before_tax is None:
            yield f"{name}: OCPI asks for the amount before tax"


def _said(document: Mapping[str, Any]) -> dict[str, Any]:
    """Without what has no value: OCPI leaves it out."""
    return {name: value for name, value in document.items() if value not in (None, [], {})}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)


def _number(number: Decimal | None) -> int | float | None:
    return None if number is None else json_number(number)


def _limit(limit: PriceLimit | None, version: str) -> dict[str, Any] | None:
    if limit is None:
        return None
    before, after = _LIMIT_NAMES[version]
    return _said({before: _number(limit.before_tax), after: _number(limit.after_tax)})


def _element(element: Element) -> dict[str, Any]:
    components = [
        _said(
            {
                "type": one.dimension.value,
                "price": json_number(one.price),
                "vat": _number(one.vat_percent),
                "step_size": one.step_size,
            }
        )
        for one in element.components
    ]
    return _said({"price_components": components, "restrictions": _restrictions(element.restrictions)})


def _restrictions(given: Restrictions) -> dict[str, Any]:
    return _said(
        {
            "start_time": None if given.start_time is None else f"{given.start_time:%H:%M}",
            "end_time": None if given.end_time is None else f"{given.end_time:%H:%M}",
            "start_date": None if given.start_date is None else given.start_date.isoformat(),
            "end_date": None if given.end_date is None else given.end_date.isoformat(),
            "min_kwh": _number(given.min_kwh),
            "max_kwh": _number(given.max_kwh),
            "min_current": _number(given.min_current_a),
            "max_current": _number(given.max_current_a),
            "min_power": _number(given.min_power_kw),
            "max_power": _number(given.max_power_kw),
            "min_duration": given.min_duration_s,
            "max_duration": given.max_duration_s,
            "day_of_week": [_DAYS[day] for day in sorted(given.weekdays)],
            "reservation": None if given.reservation is None else given.reservation.value,
        }
    )


def _extras(tariff: Tariff) -> dict[str, Any]:
    updated = "1" if tariff.last_updated is None else utc_text(tariff.last_updated)
    beside = [_said({"label": element.label or None, "curve": _curve(element)}) for element in tariff.elements]
    idle = tariff.idle
    return _said(
        {
            "version": None if tariff.version == updated else tariff.version,
            "elements": beside if any(beside) else [],
            "idle": {} if idle == NO_IDLE_TERMS else {
                "grace_s": idle.grace_s,
                "free_hours": [_hours(hours) for hours in idle.free_hours],
                **({} if idle.most is None else {"most": f"{idle.most:f}"}),
            },
            "start_fee_without_energy": tariff.start_fee_without_energy or None,
        }
    )  # fmt: skip


def _curve(element: Element) -> str | None:
    return next((one.curve for one in element.components if one.curve is not None), None)


def _hours(hours: DailyHours) -> dict[str, Any]:
    days = [] if hours.weekdays == EVERY_DAY else [_DAYS[day] for day in sorted(hours.weekdays)]
    return _said({"start_time": f"{hours.begins:%H:%M}", "end_time": f"{hours.ends:%H:%M}", "day_of_week": days})
