"""Time on the wall: local days and hours for whole arrays, and which recorded day stands in for which wanted one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY_S: Final = 86_400.0
WEEK_DAYS: Final = 7
YEAR_DAYS: Final = 364
"""Whole weeks, so that a day a year away is the same day of the week."""

_QUARTER_S: Final = 900.0
"""The clocks of all zones change at whole quarters of an hour, and differ by such."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY: Final = _EPOCH.date()


def local_seconds(unix_s: Floats, zone: ZoneInfo) -> Floats:
    """What the clock on the wall shows at each of these times, as seconds from its own 1970-01-01T00:00.

    Args:
        unix_s: (N,) [Unix s]
        zone: Where the wall stands.
    """

    def offset_s(quarter_s: float) -> float:
        there = (_EPOCH + timedelta(seconds=quarter_s)).astimezone(zone)
        return (there.utcoffset() or timedelta()).total_seconds()

    return unix_s + _by_quarter(unix_s, offset_s)


def unix_seconds(local_s: Floats, zone: ZoneInfo) -> Floats:
    """When the clock on the wall shows these times [Unix s]; of an hour that comes twice, the first.

    An hour that the clock skips counts as an hour later.

    Args:
        local_s: (N,) as ``local_seconds`` gives them.
        zone: Where the wall stands.
    """

    def offset_s(quarter_s: float) -> float:
        there = (_EPOCH + timedelta(seconds=quarter_s)).replace(tzinfo=zone)
        return (there.utcoffset() or timedelta()).total_seconds()

    return local_s - _by_quarter(local_s, offset_s)


def _by_quarter(times_s: Floats, of_quarter: Callable[[float], float]) -> Floats:
    quarters, places = np.unique(np.floor(times_s / _QUARTER_S), return_inverse=True)
    values = np.array([of_quarter(quarter * _QUARTER_S) for quarter in quarters.tolist()], dtype=np.float64)
    of_each: Floats = values[places]
    return of_each


def day_number(day: date) -> int:
    """Days from 1970-01-01: the whole part of ``local_seconds`` by ``DAY_S``."""
    return (day - _FIRST_DAY).days


def day_of(number: int) -> date:
    """The day of a number."""
    return _FIRST_DAY + timedelta(days=number)


def matched_days(first: date, last: date, wanted: date, count: int) -> list[date]:
    """Recorded days that stand in for wanted ones.

    Where the record has the wanted days, they are the same. Otherwise it is a run of days that begins on the same day
    of the week, as near to the same time of the year as there is one. Where the record ends before the run does, the
    run goes on a year of 52 weeks before, or, in a record that is shorter than that, as many whole weeks before as it
    has. A record of less than a week begins anew, whatever day of the week it is.

    Args:
        first: The first day of the record.
        last: Its last day.
        wanted: The first wanted day.
        count: How many are wanted.

    Raises:
        ValueError: the record has no day.
    """
    length = (last - first).days + 1
    if length < 1:
        raise ValueError("the record has no whole day")
    if first <= wanted and wanted + timedelta(days=count - 1) <= last:
        return [wanted + timedelta(days=number) for number in range(count)]
    period = YEAR_DAYS if length >= YEAR_DAYS else length // WEEK_DAYS * WEEK_DAYS or length
    begin = _begin(first, length, wanted, count)
    return [first + timedelta(days=_wrapped(begin + number, length, period)) for number in range(count)]


def _begin(first: date, length: int, wanted: date, count: int) -> int:
    """Days from the first recorded day to the one that stands in for the first wanted one."""
    begin = (wanted.weekday() - first.weekday()) % WEEK_DAYS
    if begin >= length:
        return 0
    return min(
        range(begin, length, WEEK_DAYS),
        key=lambda place: (_season_apart(first + timedelta(days=place), wanted), place + count > length, -place),
    )


def _season_apart(one: date, other: date) -> int:
    apart = abs(one.timetuple().tm_yday - other.timetuple().tm_yday)
    return min(apart, 365 - apart)


def _wrapped(place: int, length: int, period: int) -> int:
    return place if place < length else place - ((place - length) // period + 1) * period
