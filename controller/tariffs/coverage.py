"""Which of several restrictions hold when: the whole of what they tell apart, looked through.

A week is an integer with a bit for each of its minutes; what is beside the clock is a grid of thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from functools import reduce
from itertools import product
from math import prod
from operator import or_
from typing import Final

from controller.tariffs.tariff import EVERY_DAY, Restrictions

POINTS_MOST: Final = 20_000
"""Of the grid; tariffs that people can understand have some dozens."""

_DAY_MIN: Final = 24 * 60
_WHOLE_DAY: Final = (1 << _DAY_MIN) - 1
_WEEK_MIN: Final = 7 * _DAY_MIN
_WHOLE_WEEK: Final = (1 << _WEEK_MIN) - 1
_DAYS: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_UNITS: Final = ("kWh", "A", "kW", "s", "")

_Number = Decimal | int
_Range = tuple[_Number, _Number | None]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How several restrictions share all there is, where the first one that holds counts."""

    reached: frozenset[int]
    """Which of them count at some time."""
    gap: str
    """When none holds, in words, the first such time; empty where there is none."""

    @staticmethod
    def of(chosen: Sequence[Restrictions]) -> Coverage | None:
        """Look through everything that these restrictions tell apart; None where that is too much."""
        weeks = [_week(one) for one in chosen]
        ranges = [list(_ranges(one)) for one in chosen]
        axes = [_thresholds([one[axis] for one in ranges]) for axis in range(len(_UNITS))]
        if prod(map(len, axes)) > POINTS_MOST:
            return None
        reached: set[int] = set()
        gap = ""
        for point in product(*axes):
            covered = 0
            for number, (week, bounds) in enumerate(zip(weeks, ranges, strict=True)):
                if week & ~covered and all(map(_within, point, bounds)):
                    reached.add(number)
                    covered |= week
            if covered != _WHOLE_WEEK and not gap:
                gap = _told(~covered & _WHOLE_WEEK, point, axes)
        return Coverage(frozenset(reached), gap)


def _week(given: Restrictions) -> int:
    """The minutes of a week in which the times of day and weekdays hold."""
    day = _day(given.start_time or time(), given.end_time or time())
    return reduce(or_, (day << (weekday * _DAY_MIN) for weekday in given.weekdays or EVERY_DAY))


def _day(begins: time, ends: time) -> int:
    low, high = (one.hour * 60 + one.minute for one in (begins, ends))
    before_high = (1 << high) - 1
    from_low = _WHOLE_DAY & ~((1 << low) - 1)
    return before_high & from_low if low < high else before_high | from_low


def _ranges(given: Restrictions) -> Iterator[_Range]:
    """In the order of the units."""
    yield given.min_kwh or 0, given.max_kwh
    yield given.min_current_a or 0, given.max_current_a
    yield given.min_power_kw or 0, given.max_power_kw
    yield given.min_duration_s or 0, given.max_duration_s
    starts, ends = given.start_date, given.end_date
    yield 0 if starts is None else starts.toordinal(), None if ends is None else ends.toordinal()


def _thresholds(ranges: Sequence[_Range]) -> list[_Number]:
    return sorted({0, *(end for one in ranges for end in one if end is not None)})


def _within(value: _Number, bounds: _Range) -> bool:
    low, high = bounds
    return low <= value and (high is None or value < high)


def _told(missing: int, point: Sequence[_Number], axes: Sequence[Sequence[_Number]]) -> str:
    """The first minutes of a week that are missing, and where, as people say it."""
    begins = (missing & -missing).bit_length() - 1
    after = ~(missing >> begins)
    ends = begins + (after & -after).bit_length() - 1
    where = [f"{value} {unit}" for value, unit, axis in zip(point, _UNITS, axes, strict=True) if unit and len(axis) > 1]
    beside = f" (at {', '.join(where)})" if where else ""
    when = "all week" if missing == _WHOLE_WEEK else f"from {_clock(begins)} to {_clock(ends)}"
    dated = " on some days of the year" if len(axes[-1]) > 1 and missing == _WHOLE_WEEK else ""
    return f"{when}{dated}{beside}"


def _clock(minute: int) -> str:
    return f"{_DAYS[minute // _DAY_MIN % 7]} {minute // 60 % 24:02}:{minute % 60:02}"
