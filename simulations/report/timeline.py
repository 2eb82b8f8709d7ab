"""A run's time in the site's own clock, and long series made short without losing their extremes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY_S: Final = 86_400.0
MOST_ROWS: Final = 2_400
"""More rows than a plot has pixels to show make a file heavy and nothing clearer."""
DAILY_FROM_S: Final = 62 * DAY_S
"""Of longer runs, a day is the least that an eye can tell from its neighbours."""
_LENGTHS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)


@dataclass(frozen=True, eq=False)
class Clock:
    """The site's local time over a run."""

    start_s: float
    """The run's beginning [Unix s]."""
    offsets: tuple[tuple[float, float], ...]
    """(from [Unix s], offset from UTC [s]), rising."""

    def unix_s(self, time_s: Floats) -> Floats:
        """Instants [Unix s] of times that count from the run's beginning [s]."""
        return time_s + self.start_s

    def local_s(self, time_s: Floats) -> Floats:
        """What the clock on the wall shows then, as if it were UTC [s]."""
        at_s = self.unix_s(np.asarray(time_s, dtype=np.float64))
        begins_s = np.array([begin_s for begin_s, _ in self.offsets])
        place = np.clip(np.searchsorted(begins_s, at_s, side="right") - 1, 0, None)
        offset_s = np.array([each_s for _, each_s in self.offsets])[place]
        return np.asarray(at_s + offset_s)

    def day(self, time_s: Floats) -> NDArray[np.int64]:
        """Local calendar days, counted from 1970."""
        return np.floor(self.local_s(time_s) / DAY_S).astype(np.int64)

    def text(self, time_s: float, form: str = "%a %-d %B %Y, %H:%M") -> str:
        """An instant as people write it."""
        return wall(float(self.local_s(np.array([time_s]))[0])).strftime(form)


def clock(start_s: float, duration_s: float, time_zone: str) -> Clock:
    """The local clock of a run; changes between summer and winter time are found to the hour.

    Raises:
        ZoneInfoNotFoundError: no such time zone.
    """
    zone = ZoneInfo(time_zone)
    hours = np.append(np.arange(start_s // 3600 * 3600, start_s + duration_s, 3600.0), start_s + duration_s)
    found: list[tuple[float, float]] = []
    for at_s in hours.tolist():
        offset = datetime.fromtimestamp(at_s, zone).utcoffset()
        offset_s = 0.0 if offset is None else offset.total_seconds()
        if not found or abs(found[-1][1] - offset_s) > 0.5:
            found.append((at_s, offset_s))
    return Clock(start_s, tuple(found))


def wall(local_s: float) -> datetime:
    """A wall clock's time, as of ``Clock.local_s``."""
    return datetime.fromtimestamp(local_s, UTC)


def date_of(day: int) -> datetime:
    """The beginning of a local calendar day, counted from 1970."""
    return wall(day * DAY_S)


def rows_per_bin(rows: int, step_s: float, most: int = MOST_ROWS) -> int:
    """How many rows to draw as one: no more than ``most`` are left, of a round length each; days of a long run."""
    if rows <= most:
        return 1
    if rows * step_s > DAILY_FROM_S:
        return max(1, round(DAY_S / step_s))
    least_s = rows * step_s / most
    round_s = next((length_s for length_s in _LENGTHS_S if length_s >= least_s), DAY_S)
    return max(1, round(round_s / step_s), -(-rows // (4 * most)))


def binned(values: NDArray[Any], per_bin: int, how: Callable[..., NDArray[Any]] = np.nanmean) -> NDArray[Any]:
    """Every ``per_bin`` rows as one; the last bin may be shorter. NaN counts as not there."""
    if per_bin == 1:
        return values
    whole = len(values) // per_bin * per_bin
    shape = (-1, per_bin, *values.shape[1:])
    parts = [how(values[:whole].reshape(shape), axis=1)] if whole else []
    if whole < len(values):
        parts.append(how(values[whole:][None], axis=1))
    return np.concatenate(parts)


def sorted_down(values: Floats, ranks: int) -> Floats:
    """So many of the values, from the largest to the smallest, evenly spaced in rank: a duration curve."""
    places = np.linspace(0, values.size - 1, ranks).round().astype(np.int64)
    return np.asarray(np.sort(values)[::-1][places])


def length_words(seconds: float) -> str:
    """A length of time in words.

    >>> length_words(300), length_words(5400), length_words(6), length_words(172800)
    ('5 min', '1 h 30 min', '6 s', '2 days')
    """
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes >= 2880 and minutes % 1440 == 0:
        return f"{minutes // 1440} days"
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days {hours % 24} h" if hours % 24 else f"{hours // 24} days"
    return f"{hours} h {rest} min" if rest else f"{hours} h"
