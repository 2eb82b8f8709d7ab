"""What is wrong with a tariff that can be read: what is ambiguous is refused, what is suspicious is warned about.

Whether every moment has a price, and whether every element can ever be the one that counts, is found by looking at all
that the restrictions tell apart: the minutes of a week, and either side of every threshold (energy, power, current,
duration, date). Lower ends of restrictions belong to them and upper ends do not (OCPI mod_tariffs, TariffRestrictions),
so the thresholds themselves, and zero, stand for all values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from enum import StrEnum
from typing import Final

from controller.tariffs.coverage import Coverage
from controller.tariffs.tariff import (
    EVERY_DAY,
    Dimension,
    Element,
    PriceComponent,
    PriceLimit,
    Reservation,
    Restrictions,
    Tariff,
    TaxIncluded,
)

DECIMALS_MOST: Final = 4
"""Of OCPI's numbers, unless it says otherwise (OCPI types, number)."""

_NO_STEP: Final = (0, 1)
_NEVER_PRICED: Final = (Dimension.ENERGY, Dimension.PARKING_TIME)
"""Not while a reservation holds."""


class Severity(StrEnum):
    """What becomes of a tariff with such a finding."""

    REFUSE = "refuse"
    """It is ambiguous or contradicts itself, and nothing is priced by it."""
    WARN = "warn"
    """It is legal; its author may have meant something else."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a tariff."""

    severity: Severity
    rule: str
    element: int | None
    """Counted from 0; None: of the tariff as a whole."""
    message: str

    def __str__(self) -> str:
        place = "" if self.element is None else f"elements[{self.element}]: "
        return f"{place}{self.message} ({self.rule})"


def lint(tariff: Tariff) -> tuple[Finding, ...]:
    """Everything that is wrong with a tariff, the ambiguous first."""
    found = [*_whole(tariff)]
    for number, element in enumerate(tariff.elements):
        found += _restrictions(number, element.restrictions)
        found += _components(number, element)
    if not any(one.severity is Severity.REFUSE for one in found):
        found += _covered(tariff)
    return tuple(sorted(found, key=lambda one: one.severity is not Severity.REFUSE))


def _refuse(rule: str, message: str, element: int | None = None) -> Finding:
    return Finding(Severity.REFUSE, rule, element, message)


def _warn(rule: str, message: str, element: int | None = None) -> Finding:
    return Finding(Severity.WARN, rule, element, message)


def _whole(tariff: Tariff) -> Iterator[Finding]:
    starts, ends = tariff.starts_at, tariff.ends_at
    if starts is not None and ends is not None and starts >= ends:
        yield _refuse("never_valid", "start_date_time is not before end_date_time")
    yield from _limits(tariff)
    components = [one for element in tariff.elements for one in element.components]
    told = {one.vat_percent is not None for one in components if one.price or one.curve}
    if len(told) > 1 and tariff.tax_included is not TaxIncluded.NOT_APPLICABLE:
        yield _warn("vat_missing", "some prices have a vat and some do not: what they come to with tax is unknown")
    parks = any(one.dimension is Dimension.PARKING_TIME for one in components)
    if not parks and (tariff.idle.grace_s or tariff.idle.free_hours or tariff.idle.most is not None):
        yield _warn("idle_without_price", "says when idling costs something, and has no PARKING_TIME price")
    elif any(hours.begins == hours.ends and hours.weekdays == EVERY_DAY for hours in tariff.idle.free_hours):
        yield _warn(
            "idle_never_costs", "has free hours that last from one day to the next: idling never costs anything"
        )


def _limits(tariff: Tariff) -> Iterator[Finding]:
    least, most = tariff.min_price or PriceLimit(), tariff.max_price or PriceLimit()
    for kind in ("before_tax", "after_tax"):
        low, high = getattr(least, kind), getattr(most, kind)
        if low is not None and high is not None and low > high:
            yield _refuse("min_price_above_max_price", f"min_price {low} is above max_price {high} ({kind})")
    for name, limit in (("min_price", least), ("max_price", most)):
        if limit.before_tax is not None and limit.after_tax is not None and limit.after_tax < limit.before_tax:
            yield _warn("negative_tax", f"{name} is lower after tax than before")
    if most.before_tax is None or tariff.tax_included is TaxIncluded.YES:
        return
    for number, element in enumerate(tariff.elements):
        for one in element.components:
            if one.dimension is Dimension.FLAT and one.price > most.before_tax:
                yield _warn("max_price_below_flat", f"FLAT {one.price} is above max_price {most.before_tax}", number)


def _restrictions(number: int, given: Restrictions) -> Iterator[Finding]:
    yield from _window(number, given)
    ranges = (
        ("date", given.start_date, given.end_date),
        ("kwh", given.min_kwh, given.max_kwh),
        ("current", given.min_current_a, given.max_current_a),
        ("power", given.min_power_kw, given.max_power_kw),
        ("duration", given.min_duration_s, given.max_duration_s),
    )
    for name, low, high in ranges:
        ends = ("start_date", "end_date") if name == "date" else (f"min_{name}", f"max_{name}")
        if low is not None and high is not None and low > high:  # type: ignore[operator]  # of one kind, by pairs
            yield _refuse("min_above_max", f"{ends[0]} {low} is above {ends[1]} {high}", number)
        elif high is not None and high in {low, 0}:
            yield _warn("never_active", f"{ends[1]} {high} is not reached from below: this is never active", number)


def _window(number: int, given: Restrictions) -> Iterator[Finding]:
    start, end = given.start_time, given.end_time
    if start is None or end is None:
        return
    if start == end != time():
        both = f"start_time and end_time are both {start:%H:%M}: a whole day, or never?"
        yield _refuse("start_equals_end", both, number)
    elif start > end != time() and given.weekdays:
        message = "after midnight the weekday is the next one: day_of_week is that of the moment"
        yield _warn("weekday_with_wrapping_hours", message, number)


def _components(number: int, element: Element) -> Iterator[Finding]:
    counted = Counter(one.dimension for one in element.components)
    for dimension, times in counted.items():
        if times > 1:
            yield _refuse("same_dimension_twice", f"has {times} prices for {dimension}: which of them?", number)
    for one in element.components:
        yield from _component(number, one)
        if element.restrictions.reservation is not None and one.dimension in _NEVER_PRICED:
            message = f"{one.dimension} costs nothing while a reservation holds"
            yield _warn("not_of_a_reservation", message, number)


def _component(number: int, one: PriceComponent) -> Iterator[Finding]:
    if one.price < 0 and one.curve is None:
        yield _warn("negative_price", f"{one.dimension} has the negative price {one.price}", number)
    if _decimals(one.price) > DECIMALS_MOST:
        message = f"{one.dimension} {one.price} has more than {DECIMALS_MOST} decimals: others may round it"
        yield _warn("many_decimals", message, number)
    if one.step_size not in _NO_STEP and one.dimension is not Dimension.FLAT:
        message = f"{one.dimension} has a step_size of {one.step_size}: drivers pay for more than they have used"
        yield _warn("step_size", message, number)


def _decimals(number: Decimal) -> int:
    return max(0, -int(number.normalize().as_tuple().exponent))


def _covered(tariff: Tariff) -> Iterator[Finding]:
    """What has no price, and what never has a say."""
    for reservation in (None, *Reservation):
        for dimension in Dimension:
            chosen = [
                (number, element.restrictions)
                for number, element in enumerate(tariff.elements)
                if element.restrictions.reservation is reservation
                and any(one.dimension is dimension for one in element.components)
            ]
            if not chosen:
                continue
            coverage = Coverage.of([restrictions for _, restrictions in chosen])
            if coverage is None:
                yield _warn("too_many_thresholds", f"{dimension} has too many of them to be looked through")
                continue
            for place, (number, restrictions) in enumerate(chosen):
                if place not in coverage.reached and not _empty(restrictions):
                    message = f"its {dimension} price never counts: elements above have one at all its times"
                    yield _warn("never_reached", message, number)
            if coverage.gap and reservation is None and dimension is not Dimension.FLAT:
                yield _warn("no_price", f"{dimension} has no price, and costs nothing, {coverage.gap}")


def _empty(given: Restrictions) -> bool:
    """Whether it has been told already that it is never active."""
    return any(one.rule == "never_active" for one in _restrictions(0, given))
