"""Spans of a session become lines: quantities per rate, steps, start fees, limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from controller.tariffs import taxing
from controller.tariffs.compiled import CompiledTariff, Rate
from controller.tariffs.limits import adjustments
from controller.tariffs.local_time import HOUR_US, SECOND_US
from controller.tariffs.rated import Line, LineKind, Tax, minor_unit
from controller.tariffs.spans import Split
from controller.tariffs.steps import missing_to_step
from controller.tariffs.tariff import Dimension, PriceLimit, Tariff, TaxIncluded

_NOTHING: Final = Decimal(0)
_HOUR_US: Final = Decimal(HOUR_US)
_ONCE: Final = Decimal(1)


@dataclass(slots=True)
class _Tally:
    """What a session has of one rate."""

    rate: Rate
    kind: LineKind
    quantity: Decimal = _NOTHING
    """[kWh or us]"""
    value: Decimal = _NOTHING
    """Of energy whose price follows a curve."""
    added: Decimal = _NOTHING
    """To whole steps."""
    last_price: Decimal = _NOTHING


class _Counted:
    """The tallies of a session, in the order in which its rates first counted."""

    def __init__(self) -> None:
        self.tallies: dict[tuple[LineKind, Dimension, int], _Tally] = {}
        self._last: dict[tuple[LineKind, Dimension], _Tally] = {}

    def count(self, kind: LineKind, rate: Rate, quantity: Decimal | int, price: Decimal) -> None:
        """Add a quantity at a price."""
        key = (kind, rate.component.dimension, rate.element)
        tally = self.tallies.get(key)
        if tally is None:
            tally = self.tallies[key] = _Tally(rate, kind)
        tally.quantity += quantity
        tally.value += quantity * price
        tally.last_price = price
        self._last[key[:2]] = tally

    def round_up(self) -> None:
        """Round each dimension up to the step of its last rate; the time of charging only where no parking counts."""
        for (kind, dimension), last in self._last.items():
            parking = (LineKind.PARKING_TIME, Dimension.PARKING_TIME) in self._last
            if dimension is Dimension.FLAT or (kind is LineKind.TIME and parking):
                continue
            step = Decimal(last.rate.component.step_size)
            step = step.scaleb(-3) if dimension is Dimension.ENERGY else step * SECOND_US
            whole = sum((t.quantity for (k, d, _), t in self.tallies.items() if (k, d) == (kind, dimension)), _NOTHING)
            last.added = missing_to_step(whole, step)


def price_lines(split: Split, compiled: CompiledTariff, contract: Tax | None, operator: Tax | None) -> list[Line]:
    """The lines of a session: what it has of each rate, then what its limits add or take."""
    tariff = compiled.tariff
    minor = minor_unit(tariff.currency)
    counted = _count(split)
    counted.round_up()
    lines = [_line(tally, compiled, contract, operator, minor) for tally in counted.tallies.values()]
    if tariff.min_price is None and tariff.max_price is None and tariff.idle.most is None:
        return lines
    otherwise = _first_tax(tariff, contract, operator)
    if tariff.idle.most is not None:
        idling = [line for line in lines if line.kind is LineKind.PARKING_TIME]
        limit = _in_kind(tariff, tariff.idle.most)
        lines += adjustments(LineKind.IDLE_MOST, idling, limit, otherwise, minor=minor) if idling else []
    if split.served or tariff.start_fee_without_energy:
        lines += adjustments(LineKind.MIN_PRICE, lines, tariff.min_price, otherwise, minor=minor)
    lines += adjustments(LineKind.MAX_PRICE, lines, tariff.max_price, otherwise, minor=minor)
    return lines


def _count(split: Split) -> _Counted:
    """All quantities of a session by their rates."""
    counted = _Counted()
    for span in split.spans:
        choice, duration_us, energy_kwh = span.choice, span.duration_us, span.energy_kwh
        if choice.flat:
            kind = LineKind.RESERVATION if span.reserved else LineKind.FLAT
            counted.count(kind, choice.flat, _ONCE, choice.flat.component.price)
        if choice.energy and span.per_kwh is not None and energy_kwh:
            counted.count(LineKind.ENERGY, choice.energy, energy_kwh, span.per_kwh)
        if choice.time and duration_us:
            kind = LineKind.RESERVATION if span.reserved else LineKind.TIME
            counted.count(kind, choice.time, duration_us, choice.time.component.price)
        if choice.parking and duration_us:
            counted.count(LineKind.PARKING_TIME, choice.parking, duration_us, choice.parking.component.price)
    return counted


def _line(tally: _Tally, compiled: CompiledTariff, contract: Tax | None, operator: Tax | None, minor: Decimal) -> Line:
    """A rate's line."""
    component, tariff = tally.rate.component, compiled.tariff
    line_tax = taxing.resolve(component.vat_percent, tariff.tax_included, contract, operator)
    value = tally.value + tally.added * tally.last_price
    quantity, billed = tally.quantity, tally.quantity + tally.added
    price = value / billed if component.curve is not None and billed else component.price
    unit = "session" if component.dimension is Dimension.FLAT else "kWh"
    if component.dimension in {Dimension.TIME, Dimension.PARKING_TIME}:
        unit, value, quantity, billed = "h", value / _HOUR_US, quantity / _HOUR_US, billed / _HOUR_US
    amounts = taxing.amounts(value, line_tax)
    return Line(
        kind=tally.kind,
        label=compiled.label(tally.rate),
        quantity=quantity,
        billed_quantity=billed,
        unit=unit,
        unit_price=price,
        tax_included=line_tax.included,
        tax=line_tax.tax,
        amounts=amounts,
        booked=taxing.booked(amounts, minor),
        element=tally.rate.element,
    )


def _first_tax(tariff: Tariff, contract: Tax | None, operator: Tax | None) -> Tax:
    """The tax of the tariff's first price, for what is on no line."""
    first: Sequence[Decimal | None] = [c.vat_percent for element in tariff.elements for c in element.components] or [
        None
    ]
    return taxing.resolve(first[0], tariff.tax_included, contract, operator).tax


def _in_kind(tariff: Tariff, amount: Decimal) -> PriceLimit:
    """A limit in the tariff's own kind of price."""
    return PriceLimit(after_tax=amount) if tariff.tax_included is TaxIncluded.YES else PriceLimit(before_tax=amount)
