"""A tariff that follows a price curve, with the prices of one session spelled out: OCPI has no words for a curve.

Partners who are sent a tariff with a price of 0 beside a cost that is none could not tell where it comes from. So each
price that the session met becomes an element of its own, by the days and times of day at which it held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import combinations
from zoneinfo import ZoneInfo

from controller.tariffs.rated import RatedSession
from controller.tariffs.tariff import Dimension, Element, PriceComponent, Tariff

_MIDNIGHT = time(0)
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Window:
    """When a price held, by the clock at the site; an end of 00:00 is the end of the day."""

    day: date
    begins: time
    ends: time
    per_kwh: Decimal

    def overlaps(self, other: _Window) -> bool:
        """Whether both hold at some time of the same day."""
        if self.day != other.day:
            return False
        return (other.ends == _MIDNIGHT or self.begins < other.ends) and (
            self.ends == _MIDNIGHT or other.begins < self.ends
        )


def spelled_out(tariff: Tariff, rated: RatedSession, zone: ZoneInfo) -> Tariff | None:
    """The tariff with the prices that its curves had in a session.

    Args:
        tariff: by which it was rated.
        rated: the session.
        zone: of the site.

    Returns:
        None where days and times of day do not tell the prices apart: in the hour that is there twice when the clock is
        set back, or where a price changes within a minute.
    """
    elements: list[Element] = []
    for number, element in enumerate(tariff.elements):
        curved = [component for component in element.components if component.curve is not None]
        if not curved:
            elements.append(element)
            continue
        windows = _windows(rated, number, zone)
        if windows is None:
            return None
        elements += [_priced(element, curved[0], window) for window in windows]
        others = tuple(component for component in element.components if component.curve is None)
        if others:
            elements.append(replace(element, components=others))
    return replace(tariff, elements=tuple(elements))


def _priced(element: Element, component: PriceComponent, window: _Window) -> Element:
    restrictions = replace(
        element.restrictions,
        start_date=window.day,
        end_date=window.day + _DAY,
        start_time=window.begins,
        end_time=window.ends,
    )
    return replace(
        element, components=(replace(component, price=window.per_kwh, curve=None),), restrictions=restrictions
    )


def _windows(rated: RatedSession, element: int, zone: ZoneInfo) -> Sequence[_Window] | None:
    """When which price of an element held; None where the clock does not tell."""
    windows: list[_Window] = []
    for begins_at, ends_at, per_kwh in _stretches(rated, element):
        begins, ends = begins_at.astimezone(zone), ends_at.astimezone(zone)
        if _set_back(begins, ends):
            return None
        windows += _by_day(begins, ends, per_kwh)
    unlike = (pair for pair in combinations(windows, 2) if pair[0].per_kwh != pair[1].per_kwh)
    return None if any(one.overlaps(other) for one, other in unlike) else windows


def _set_back(begins: datetime, ends: datetime) -> bool:
    """Whether the clock was set back between the two."""
    before, after = begins.utcoffset(), ends.utcoffset()
    return before is not None and after is not None and after < before


def _stretches(rated: RatedSession, element: int) -> Iterator[tuple[datetime, datetime, Decimal]]:
    """From when to when an element's price stayed the same."""
    last: tuple[datetime, datetime, Decimal] | None = None
    for period in rated.periods:
        if period.per_kwh is None or (Dimension.ENERGY, element) not in period.elements:
            continue
        if last is not None and last[1:] == (period.starts_at, period.per_kwh):
            last = (last[0], period.ends_at, period.per_kwh)
            continue
        if last is not None:
            yield last
        last = (period.starts_at, period.ends_at, period.per_kwh)
    if last is not None:
        yield last


def _by_day(begins: datetime, ends: datetime, per_kwh: Decimal) -> Iterator[_Window]:
    """A stretch of local time, cut at midnights and widened to whole minutes."""
    begins = begins.replace(second=0, microsecond=0)
    if ends.replace(second=0, microsecond=0) != ends:
        ends = ends.replace(second=0, microsecond=0) + _MINUTE
    while begins.date() < ends.date():
        yield _Window(begins.date(), begins.time(), _MIDNIGHT, per_kwh)
        begins = datetime.combine(begins.date() + _DAY, _MIDNIGHT, begins.tzinfo)
    if begins.time() < ends.time():
        yield _Window(begins.date(), begins.time(), ends.time(), per_kwh)
