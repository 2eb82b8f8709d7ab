"""A tariff made ready for a place: which of its elements are active when, found by looking up and not by trying."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from controller.tariffs.local_time import SECOND_US, LocalCalendar, microseconds, within_hours
from controller.tariffs.session_facts import Activity
from controller.tariffs.tariff import (
    DailyHours,
    Dimension,
    Element,
    PriceComponent,
    PriceCurve,
    Reservation,
    Restrictions,
    Tariff,
)

MIDNIGHT: Final = time(0)
Edge: TypeAlias = Decimal | int
NO_CURVES: Final[Mapping[str, PriceCurve]] = {}


class Rate(NamedTuple):
    """A component and the element that it is of."""

    element: int
    component: PriceComponent


COUNTED: Final[Mapping[Dimension, frozenset[Activity]]] = {
    Dimension.ENERGY: frozenset({Activity.CHARGING, Activity.IDLE, Activity.WITHHELD}),
    Dimension.FLAT: frozenset(Activity),
    Dimension.PARKING_TIME: frozenset({Activity.IDLE}),
    Dimension.TIME: frozenset({Activity.CHARGING, Activity.RESERVATION, Activity.RESERVATION_EXPIRED}),
}
"""What is counted in which activity; while the site holds a car back no time is, but what flows is paid for."""


class Choice(NamedTuple):
    """Which rate each dimension has, in the order of COUNTED; None: it costs nothing."""

    energy: Rate | None = None
    flat: Rate | None = None
    parking: Rate | None = None
    time: Rate | None = None


class Hours(NamedTuple):
    """What depends on the clock on the wall alone."""

    elements: int
    """Bit n: element n may be active."""
    idle_free: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """Elements of which something must lie from a least to before a most."""

    rows: tuple[tuple[int, Edge | None, Edge | None], ...]
    """Bit of the element, least, most."""

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Every value at which something begins or ends."""
        return tuple(sorted({edge for _, least, most in self.rows for edge in (least, most) if edge is not None}))

    def excluded(self, value: Edge | None) -> int:
        """The elements that are not active at a value; None, which is unknown, excludes none."""
        if value is None:
            return 0
        bits = 0
        for bit, least, most in self.rows:
            if (least is not None and value < least) or (most is not None and value >= most):
                bits |= bit
        return bits

    @property
    def bits(self) -> int:
        """All elements that are bounded."""
        return sum({bit for bit, _, _ in self.rows})


class CurvePrices:
    """The prices of a curve by the moment."""

    def __init__(self, curve: PriceCurve) -> None:
        self.begins = [microseconds(period.begins_at) for period in curve.periods]
        self.ends = [microseconds(period.ends_at) for period in curve.periods]
        self.prices = [period.per_kwh for period in curve.periods]

    def at(self, moment_us: int) -> Decimal | None:
        """The price at a moment; None where there is none."""
        n = bisect_right(self.begins, moment_us) - 1
        return self.prices[n] if n >= 0 and moment_us < self.ends[n] else None

    def edges(self, begins_us: int, ends_us: int) -> Iterator[int]:
        """Where prices begin and end between two moments."""
        n = max(bisect_right(self.begins, begins_us) - 1, 0)
        while n < len(self.begins) and self.begins[n] < ends_us:
            yield self.begins[n]
            yield self.ends[n]
            n += 1


class CompiledTariff:
    """A tariff at a place, with the curves it follows. Make it once and rate many sessions with it."""

    def __init__(self, tariff: Tariff, time_zone: str, curves: Mapping[str, PriceCurve] = NO_CURVES) -> None:
        """Make it ready.

        Args:
            tariff: The version that holds for the sessions.
            time_zone: Where they are, IANA.
            curves: By id; one that is missing has no prices, and sessions that need them say so.

        Raises:
            zoneinfo.ZoneInfoNotFoundError: If there is no such zone.
        """
        rules = [element.restrictions for element in tariff.elements]
        self.tariff = tariff
        self.time_zone = time_zone
        self.hours = LocalCalendar(ZoneInfo(time_zone), _times_of_day(tariff), self._hours_at)
        self.prices = {name: CurvePrices(curves[name]) for name in tariff.curves() if name in curves}
        self.durations = _bounds((_us(rule.min_duration_s), _us(rule.max_duration_s)) for rule in rules)
        self.energies = _bounds((rule.min_kwh, rule.max_kwh) for rule in rules)
        self.powers = _bounds((rule.min_power_kw, rule.max_power_kw) for rule in rules)
        self.currents = _bounds((rule.min_current_a, rule.max_current_a) for rule in rules)
        self._of_kind: dict[Reservation | None, int] = dict.fromkeys((None, *Reservation), 0)
        for n, rule in enumerate(rules):
            self._of_kind[rule.reservation] |= 1 << n
        self._choices: dict[tuple[int, Activity], Choice] = {}

    def choose(self, active: int, activity: Activity) -> Choice:
        """For each dimension that counts in an activity, the first of the active elements that has a price of it.

        While a reservation holds only its elements count; once it has expired, those for that come first, whatever
        their place in the list (OCPI mod_tariffs, ReservationRestrictionType).
        """
        found = self._choices.get((active, activity))
        if found is None:
            expired = self._of_kind[Reservation.RESERVATION_EXPIRES]
            if activity is Activity.RESERVATION:
                rates = self._first(active & self._of_kind[Reservation.RESERVATION])
            elif activity is Activity.RESERVATION_EXPIRED:
                rates = self._first(active & self._of_kind[Reservation.RESERVATION]) | self._first(active & expired)
            else:
                rates = self._first(active & self._of_kind[None])
            found = Choice(*(rates.get(dimension) if activity in COUNTED[dimension] else None for dimension in COUNTED))
            self._choices[active, activity] = found
        return found

    def per_kwh(self, rate: Rate, moment_us: int) -> Decimal | None:
        """The price of energy of a rate at a moment; None where its curve has none."""
        if rate.component.curve is None:
            return rate.component.price
        curve = self.prices.get(rate.component.curve)
        price = None if curve is None else curve.at(moment_us)
        return None if price is None else price + rate.component.price

    def label(self, rate: Rate) -> str:
        """What people call the rate."""
        return self.tariff.elements[rate.element].label

    def _first(self, active: int) -> dict[Dimension, Rate]:
        found: dict[Dimension, Rate] = {}
        for n, element in enumerate(self.tariff.elements):
            if active >> n & 1:
                for component in element.components:
                    found.setdefault(component.dimension, Rate(n, component))
        return found

    def _hours_at(self, local: datetime) -> Hours:
        elements = sum(1 << n for n, element in enumerate(self.tariff.elements) if _holds(element, local))
        return Hours(elements, any(_in_daily(hours, local) for hours in self.tariff.idle.free_hours))


def _times_of_day(tariff: Tariff) -> set[time]:
    """When elements or free hours may begin or end, midnight included where the day matters."""
    times = {time_of for hours in tariff.idle.free_hours for time_of in (hours.begins, hours.ends)}
    for element in tariff.elements:
        rule = element.restrictions
        times |= {edge for edge in (rule.start_time, rule.end_time) if edge is not None}
        if rule.start_time or rule.end_time or rule.start_date or rule.end_date or rule.weekdays:
            times.add(MIDNIGHT)
    return times | {MIDNIGHT} if tariff.idle.free_hours else times


def _holds(element: Element, local: datetime) -> bool:
    """Whether what an element says of date and time of day holds at a local time."""
    rule: Restrictions = element.restrictions
    day, clock = local.date(), local.time()
    return (
        (rule.start_date is None or day >= rule.start_date)
        and (rule.end_date is None or day < rule.end_date)
        and (not rule.weekdays or day.weekday() in rule.weekdays)
        and within_hours(clock, rule.start_time or MIDNIGHT, rule.end_time or MIDNIGHT)
    )


def _in_daily(hours: DailyHours, local: datetime) -> bool:
    clock, weekday = local.time(), local.weekday()
    if hours.begins < hours.ends:
        return weekday in hours.weekdays and hours.begins <= clock < hours.ends
    return (clock >= hours.begins and weekday in hours.weekdays) or (
        clock < hours.ends and (weekday - 1) % 7 in hours.weekdays
    )


def _us(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * SECOND_US


def _bounds(rules: Iterable[tuple[Edge | None, Edge | None]]) -> Bounds:
    rows = [(1 << n, least, most) for n, (least, most) in enumerate(rules)]
    return Bounds(tuple(row for row in rows if row[1:] != (None, None)))
