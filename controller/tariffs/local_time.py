"""Times of day at a site, on the line of UTC.

What recurs by the clock on the wall is looked up here by the moment: a day is cut at every time of day that matters
and wherever the clock is changed, and each part is asked once what holds in it. So a repeated hour holds twice, and
what should begin in a skipped hour begins when it is over.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Generic, TypeVar
from zoneinfo import ZoneInfo

Value = TypeVar("Value")

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
DAY_US: Final = 86_400_000_000
HOUR_US: Final = 3_600_000_000
SECOND_US: Final = 1_000_000
_KEPT_DAYS: Final = 2_000
"""Days of which the parts are remembered, some kilobytes each: more than the years that are settled at once."""


def microseconds(moment: datetime) -> int:
    """Since 1970 in UTC [us], exact.

    >>> microseconds(datetime(1970, 1, 1, 1, tzinfo=UTC))
    3600000000
    """
    return (moment - EPOCH) // _MICROSECOND


def moment_at(microsecond: int) -> datetime:
    """The other way round, in UTC."""
    return EPOCH + timedelta(microseconds=microsecond)


def within_hours(moment: time, begins: time, ends: time) -> bool:
    """Whether a time of day lies from the beginning to before the end; an end at or before it wraps past midnight.

    >>> within_hours(time(2), time(23), time(7)), within_hours(time(7), time(23), time(7))
    (True, False)
    """
    return begins <= moment < ends if begins < ends else moment >= begins or moment < ends


class LocalCalendar(Generic[Value]):
    """What holds at a site when, where that depends on its clock and nothing else."""

    def __init__(self, zone: ZoneInfo, times: Iterable[time], holds: Callable[[datetime], Value]) -> None:
        """Make the calendar of a zone.

        Args:
            zone: The site's.
            times: Times of day at which something may change.
            holds: What holds at a local time; between two of ``times`` its result may not change.
        """
        self._zone = zone
        self._times = sorted(set(times))
        self._holds = holds
        self._days: dict[int, list[tuple[int, Value]]] = {}
        self._constant = None if self._times else holds(EPOCH.astimezone(zone))

    def between(self, begins_us: int, ends_us: int) -> list[tuple[int, Value]]:
        """The parts of a time: when each begins [us], the first at ``begins_us``, and what holds in it."""
        if self._constant is not None:
            return [(begins_us, self._constant)]
        parts: list[tuple[int, Value]] = []
        for day in range(begins_us // DAY_US, max(ends_us - 1, begins_us) // DAY_US + 1):
            parts += self._days.get(day) or self._day(day)
        first = bisect_right(parts, begins_us, key=_begins) - 1
        found = [(begins_us, parts[first][1])]
        for part in parts[first + 1 :]:
            if part[0] >= ends_us:
                break
            if part[1] != found[-1][1]:
                found.append(part)
        return found

    def _day(self, day: int) -> list[tuple[int, Value]]:
        """The parts of a day of UTC."""
        begins, ends = day * DAY_US, (day + 1) * DAY_US
        first = moment_at(begins).astimezone(self._zone).date()
        last = moment_at(ends).astimezone(self._zone).date()
        cuts = {begins, self._clock_change(begins, ends)}
        for number in range(first.toordinal(), last.toordinal() + 1):
            cuts.update(self._moments_of(date.fromordinal(number)))
        if len(self._days) >= _KEPT_DAYS:
            self._days.clear()
        parts: list[tuple[int, Value]] = []
        for cut in sorted(cut for cut in cuts if begins <= cut < ends):
            value = self._holds(moment_at(cut).astimezone(self._zone))
            if not parts or value != parts[-1][1]:
                parts.append((cut, value))
        self._days[day] = parts
        return parts

    def _moments_of(self, day: date) -> Iterable[int]:
        """When the times of a local day are; both times where the clock shows them twice."""
        for moment in self._times:
            for fold in (0, 1):
                yield microseconds(datetime.combine(day, moment, self._zone).replace(fold=fold).astimezone(UTC))

    def _clock_change(self, begins: int, ends: int) -> int:
        """When the clock is changed in this time [us], to the second; ``begins`` where it is not."""
        before = self._offset(begins)
        if before == self._offset(ends):
            return begins
        low, high = begins // SECOND_US, ends // SECOND_US
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._offset(middle * SECOND_US) == before else (low, middle)
        return high * SECOND_US

    def _offset(self, moment_us: int) -> timedelta | None:
        return moment_at(moment_us).astimezone(self._zone).utcoffset()


def _begins(part: tuple[int, object]) -> int:
    return part[0]
