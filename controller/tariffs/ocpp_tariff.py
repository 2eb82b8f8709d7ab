"""A tariff in the words of OCPP 2.1 (TariffType), for chargers that show prices and reckon costs by themselves.

What does not map exactly is refused: a charger must not show a price that is not the price. A charger's fixed fee is
due with the start; a start fee that costs nothing while nothing was delivered is settled by the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, time
from decimal import Decimal
from typing import Any, Final

from controller.tariffs.tariff import (
    EVERY_DAY,
    DailyHours,
    Dimension,
    Element,
    IdleTerms,
    PriceComponent,
    PriceLimit,
    Reservation,
    Restrictions,
    Tariff,
    TaxIncluded,
)

ELEMENTS_MOST: Final = 5
"""Prices of one kind; chargers may hold fewer and then answer TooManyElements."""
PRICE_STEP: Final = Decimal("0.000001")
"""Prices per minute are exact at six decimals, or not sent."""

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NO_STEP: Final = (0, 1)
_MINUTES: Final = 60

_Named = tuple[str, Dimension, Reservation | None]
_PARTS: Final[Sequence[_Named]] = (
    ("energy", Dimension.ENERGY, None),
    ("chargingTime", Dimension.TIME, None),
    ("idleTime", Dimension.PARKING_TIME, None),
    ("fixedFee", Dimension.FLAT, None),
    ("reservationTime", Dimension.TIME, Reservation.RESERVATION),
    ("reservationFixed", Dimension.FLAT, Reservation.RESERVATION),
)
_PRICE_NAMES: Final = {
    Dimension.ENERGY: "priceKwh",
    Dimension.TIME: "priceMinute",
    Dimension.PARKING_TIME: "priceMinute",
    Dimension.FLAT: "priceFixed",
}


class UnmappableTariffError(ValueError):
    """OCPP 2.1 has no words for a tariff; ``reasons`` is the complete list."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)


def ocpp_tariff(tariff: Tariff) -> dict[str, Any]:
    """The tariff as OCPP 2.1's TariffType; numbers are ``Decimal``, exact.

    Raises:
        UnmappableTariffError: it cannot be said exactly.
    """
    reasons = list(dict.fromkeys(_reasons(tariff)))
    if reasons:
        raise UnmappableTariffError(reasons)
    document: dict[str, Any] = {"tariffId": tariff.id, "currency": tariff.currency}
    if tariff.texts:
        document["description"] = [
            {"format": "UTF8", "language": language, "content": text} for language, text in tariff.texts
        ]
    if tariff.starts_at is not None:
        document["validFrom"] = f"{tariff.starts_at.astimezone(UTC):%FT%TZ}"
    for name, dimension, reservation in _PARTS:
        prices = list(_priced(tariff, dimension, reservation))
        if prices:
            document[name] = {"prices": [price for price, _ in prices], **_taxes(one for _, one in prices)}
    for name, limit in (("minCost", tariff.min_price), ("maxCost", tariff.max_price)):
        if limit is not None:
            document[name] = _cost(limit)
    return document


def _components(
    tariff: Tariff, dimension: Dimension, reservation: Reservation | None
) -> Iterator[tuple[Element, PriceComponent]]:
    for element in tariff.elements:
        if element.restrictions.reservation is reservation:
            yield from ((element, one) for one in element.components if one.dimension is dimension)


def _priced(
    tariff: Tariff, dimension: Dimension, reservation: Reservation | None
) -> Iterator[tuple[dict[str, Any], PriceComponent]]:
    chosen = list(_components(tariff, dimension, reservation))
    idle = tariff.idle if dimension is Dimension.PARKING_TIME else None
    if idle and chosen:
        for hours in idle.free_hours:
            yield {"priceMinute": Decimal(0), "conditions": _free(hours)}, chosen[0][1]
    for element, one in chosen:
        price = one.price / _MINUTES if _PRICE_NAMES[dimension] == "priceMinute" else one.price
        conditions = _conditions(element.restrictions)
        if idle and idle.grace_s:
            conditions["minIdleTime"] = idle.grace_s
        yield {_PRICE_NAMES[dimension]: price, **({"conditions": conditions} if conditions else {})}, one


def _free(hours: DailyHours) -> dict[str, Any]:
    return _without_none(
        startTimeOfDay=f"{hours.begins:%H:%M}",
        endTimeOfDay=f"{hours.ends:%H:%M}",
        dayOfWeek=None if hours.weekdays == EVERY_DAY else [_DAYS[day] for day in sorted(hours.weekdays)],
    )


def _conditions(given: Restrictions) -> dict[str, Any]:
    return _without_none(
        startTimeOfDay=None if given.start_time is None else f"{given.start_time:%H:%M}",
        endTimeOfDay=None if given.end_time is None else f"{given.end_time:%H:%M}",
        dayOfWeek=[_DAYS[day] for day in sorted(given.weekdays)] or None,
        validFromDate=None if given.start_date is None else given.start_date.isoformat(),
        validToDate=None if given.end_date is None else given.end_date.isoformat(),
        minEnergy=_thousand(given.min_kwh),
        maxEnergy=_thousand(given.max_kwh),
        minCurrent=given.min_current_a,
        maxCurrent=given.max_current_a,
        minPower=_thousand(given.min_power_kw),
        maxPower=_thousand(given.max_power_kw),
        minTime=given.min_duration_s,
        maxTime=given.max_duration_s,
    )


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _thousand(value: Decimal | None) -> Decimal | None:
    return None if value is None else value * 1000


def _taxes(components: Iterator[PriceComponent]) -> Mapping[str, Any]:
    vat = next((one.vat_percent for one in components if one.vat_percent is not None), None)
    return {} if vat is None else {"taxRates": [{"type": "VAT", "tax": vat}]}


def _cost(limit: PriceLimit) -> dict[str, Any]:
    return _without_none(exclTax=limit.before_tax, inclTax=limit.after_tax)


def _reasons(tariff: Tariff) -> Iterator[str]:
    """Everything that OCPP 2.1 cannot say."""
    if tariff.ends_at is not None:
        yield "end_date_time: a charger's tariff has no end; send it the next one then"
    if tariff.tax_included is TaxIncluded.YES:
        yield "tax_included: a charger's prices are without tax"
    yield from _idle(tariff.idle)
    for number, element in enumerate(tariff.elements):
        for reason in (*_unsayable(element), *_prices(tariff, element)):
            yield f"elements[{number}]: {reason}"
    for name, dimension, reservation in _PARTS:
        chosen = [one for _, one in _components(tariff, dimension, reservation)]
        free = len(tariff.idle.free_hours) if dimension is Dimension.PARKING_TIME and chosen else 0
        if len(chosen) + free > ELEMENTS_MOST:
            yield f"{name}: {len(chosen) + free} prices, and chargers need not hold more than {ELEMENTS_MOST}"
        if len({one.vat_percent for one in chosen}) > 1:
            yield f"{name}: a charger has one tax rate for all its prices"


def _idle(terms: IdleTerms) -> Iterator[str]:
    if terms.most is not None:
        yield "loadstar.idle.most: a charger cannot cap what idling costs"
    for hours in terms.free_hours:
        if hours.begins == hours.ends or (hours.weekdays != EVERY_DAY and hours.begins > hours.ends != time()):
            yield "loadstar.idle.free_hours: hours of some days that go past midnight, or last all day"


def _unsayable(element: Element) -> Iterator[str]:
    given = element.restrictions
    if given.reservation is Reservation.RESERVATION_EXPIRES:
        yield "a charger has no price of a reservation that nobody came for"
    start, end = given.start_time, given.end_time
    if start is not None and end is not None and start > end != time() and given.weekdays:
        yield "hours of some weekdays that go past midnight are not clear to every charger"
    beside = {"minEnergy", "maxEnergy", "minCurrent", "maxCurrent", "minPower", "maxPower", "minTime", "maxTime"}
    flat = any(one.dimension is Dimension.FLAT for one in element.components)
    if flat and beside & _conditions(given).keys():
        yield "FLAT: a charger settles it at the start, and cannot make it depend on energy, power or duration"


def _prices(tariff: Tariff, element: Element) -> Iterator[str]:
    for one in element.components:
        name = one.dimension.value
        if one.curve is not None:
            yield f"{name}: follows a price curve"
        if one.step_size not in _NO_STEP and one.dimension is not Dimension.FLAT:
            yield f"{name}: step_size {one.step_size}; a charger bills what was used"
        if one.vat_percent is None and one.price and tariff.tax_included is TaxIncluded.NO:
            yield f"{name}: has no vat, and a charger would show it as the whole price"
        if _PRICE_NAMES[one.dimension] == "priceMinute" and one.price % (PRICE_STEP * _MINUTES):
            yield f"{name}: {one.price} per hour is not exact per minute at six decimals"
