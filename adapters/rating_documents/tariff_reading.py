"""Reads OCPI tariffs: one, a list of them, or the answer of a server that holds either."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from adapters.configuration.places import Place, dotted
from adapters.json_text import DocumentError, described, parsed, utc_text
from adapters.rating_documents.tariff_model import (
    DayOfWeek,
    ElementExtrasModel,
    ElementModel,
    FreeHoursModel,
    PriceLimitModel,
    PriceModel,
    RestrictionsModel,
    Tariff221Model,
    Tariff230Model,
)
from adapters.rating_documents.values import OcpiModel
from controller.tariffs.tariff import (
    EVERY_DAY,
    NO_RESTRICTIONS,
    DailyHours,
    Dimension,
    Element,
    IdleTerms,
    PriceComponent,
    PriceLimit,
    Reservation,
    Restrictions,
    Tariff,
    TariffKind,
    TaxIncluded,
)

_WEEKDAYS: Final = {day: number for number, day in enumerate(get_args(DayOfWeek))}
_ASKED_FOR: Final = ("country_code", "party_id", "last_updated")
"""What OCPI requires and no price depends on."""


@dataclass(frozen=True, slots=True)
class TariffsRead:
    """Tariffs of one file."""

    tariffs: tuple[Tariff, ...]
    """In the order of the file."""
    warnings: tuple[str, ...]
    """What was passed over or taken for granted, each with its place."""


def read_tariffs(text: bytes) -> TariffsRead:
    """Read and check a Tariff object of OCPI 2.2.1 or 2.3.0, a list of them, or an OCPI response with either as data.

    The version shows in the content: ``tax_included``, and limits before and after taxes, are those of 2.3.0.

    Args:
        text: JSON in UTF-8.

    Raises:
        DocumentError: with everything that is wrong.
    """
    found = _objects(parsed(text.removeprefix(BOM_UTF8), exact=True))
    tariffs: list[Tariff] = []
    problems: list[str] = [] if found else ["holds no tariff"]
    warnings: list[str] = []
    for place, given in found:
        try:
            tariff, told = tariff_of(given, place)
        except DocumentError as error:
            problems += error.problems
        else:
            tariffs.append(tariff)
            warnings += told
    if problems:
        raise DocumentError(problems)
    return TariffsRead(tuple(tariffs), tuple(warnings))


def _objects(data: Any) -> list[tuple[Place, Any]]:
    """What may be tariffs, each with its place."""
    place: Place = ()
    if isinstance(data, dict) and "data" in data and "elements" not in data:
        data, place = data["data"], ("data",)
    return [((*place, number), one) for number, one in enumerate(data)] if isinstance(data, list) else [(place, data)]


def tariff_of(given: Any, place: Place = ()) -> tuple[Tariff, list[str]]:
    """One tariff from values that ``parsed(..., exact=True)`` gave, with warnings.

    Args:
        given: A Tariff object.
        place: Where it stands in its document.

    Raises:
        DocumentError: with everything that is wrong.
    """
    model = Tariff230Model if _is_230(given) else Tariff221Model
    try:
        document = model.model_validate(given)
    except ValidationError as refused:
        errors = refused.errors(include_url=False)
        raise DocumentError([described(e, model, (*place, *e["loc"])) for e in errors]) from None
    problems = [f"{dotted((*place, *where))}: {what}" for where, what in _misfits(document)]
    if problems:
        raise DocumentError(problems)
    warnings = [f"{dotted((*place, *where))}: {what}" for where, what in _doubts(document)]
    return _tariff(document), warnings


def _is_230(given: Any) -> bool:
    if not isinstance(given, dict):
        return False
    limits = [given.get(name) for name in ("min_price", "max_price")]
    named = {key for limit in limits if isinstance(limit, dict) for key in limit}
    return "tax_included" in given or bool(named & {"before_taxes", "after_taxes"})


def unknown_keys(document: BaseModel, place: Place = ()) -> Iterator[Place]:
    """Where a document has keys that its model does not know."""
    yield from ((*place, key) for key in document.model_extra or ())
    for name, value in document:
        items = enumerate(value) if isinstance(value, list) else [(None, value)]
        for number, item in items:
            if isinstance(item, OcpiModel):
                yield from unknown_keys(item, (*place, name) if number is None else (*place, name, number))


def _misfits(document: Tariff221Model | Tariff230Model) -> Iterator[tuple[Place, str]]:
    extras = document.loadstar.elements
    if extras and len(extras) != len(document.elements):
        yield (
            ("loadstar", "elements"),
            f"expected one for each of {len(document.elements)} elements, found {len(extras)}",
        )
        return
    for number, (element, extra) in enumerate(zip(document.elements, extras, strict=False)):
        if extra.curve is not None and all(one.type != "ENERGY" for one in element.price_components):
            yield ("loadstar", "elements", number, "curve"), f"elements[{number}] has no ENERGY price to follow it"


def _doubts(document: Tariff221Model | Tariff230Model) -> Iterator[tuple[Place, str]]:
    for place in unknown_keys(document):
        yield place, "is not a field of OCPI, and was passed over"
    for name in _ASKED_FOR:
        if getattr(document, name) is None:
            yield (name,), "is missing; OCPI asks for it, the price does not depend on it"
    if isinstance(document, Tariff230Model) and document.tax_included is None:
        yield ("tax_included",), "is missing; taken as NO (prices without tax)"
    for number, element in enumerate(document.elements):
        for part, component in enumerate(element.price_components):
            if "step_size" not in component.model_fields_set:
                yield ("elements", number, "price_components", part, "step_size"), "is missing; taken as 1"


def _tariff(document: Tariff221Model | Tariff230Model) -> Tariff:
    extras = document.loadstar
    beside = extras.elements or [ElementExtrasModel()] * len(document.elements)
    included = document.tax_included if isinstance(document, Tariff230Model) else None
    updated = document.last_updated
    return Tariff(
        id=document.id,
        currency=document.currency,
        elements=tuple(_element(element, extra) for element, extra in zip(document.elements, beside, strict=True)),
        version=extras.version or (utc_text(updated) if updated else "1"),
        tax_included=TaxIncluded(included or "NO"),
        min_price=_limit(document.min_price),
        max_price=_limit(document.max_price),
        kind=None if document.type is None else TariffKind(document.type),
        starts_at=document.start_date_time,
        ends_at=document.end_date_time,
        idle=IdleTerms(extras.idle.grace_s, tuple(map(_hours, extras.idle.free_hours)), extras.idle.most),
        start_fee_without_energy=extras.start_fee_without_energy,
        country_code=document.country_code or "",
        party_id=document.party_id or "",
        texts=tuple((text.language, text.text) for text in document.tariff_alt_text),
        text_url=document.tariff_alt_url,
        energy_mix=None if document.energy_mix is None else json.dumps(document.energy_mix, default=_as_float),
        last_updated=updated,
    )


def _as_float(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def _limit(limit: PriceModel | PriceLimitModel | None) -> PriceLimit | None:
    if isinstance(limit, PriceModel):
        return PriceLimit(limit.excl_vat, limit.incl_vat)
    return None if limit is None else PriceLimit(limit.before_taxes, limit.after_taxes)


def _element(element: ElementModel, extra: ElementExtrasModel) -> Element:
    components = tuple(
        PriceComponent(
            Dimension(one.type), one.price, one.vat, one.step_size, extra.curve if one.type == "ENERGY" else None
        )
        for one in element.price_components
    )
    restrictions = NO_RESTRICTIONS if element.restrictions is None else _restrictions(element.restrictions)
    return Element(components, restrictions, extra.label)


def _restrictions(given: RestrictionsModel) -> Restrictions:
    return Restrictions(
        start_time=given.start_time,
        end_time=given.end_time,
        start_date=given.start_date,
        end_date=given.end_date,
        min_kwh=given.min_kwh,
        max_kwh=given.max_kwh,
        min_current_a=given.min_current,
        max_current_a=given.max_current,
        min_power_kw=given.min_power,
        max_power_kw=given.max_power,
        min_duration_s=given.min_duration,
        max_duration_s=given.max_duration,
        weekdays=frozenset(_WEEKDAYS[day] for day in given.day_of_week),
        reservation=None if given.reservation is None else Reservation(given.reservation),
    )


def _hours(given: FreeHoursModel) -> DailyHours:
    days = frozenset(_WEEKDAYS[day] for day in given.day_of_week)
    return DailyHours(given.start_time, given.end_time, days or EVERY_DAY)
