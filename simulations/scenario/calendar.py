"""The time of a scenario: seconds from its beginning, and what the clock on the wall shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

DAY_S = 86_400.0


def on_day(days: str, day: date) -> bool:
    """Whether a day counts as one of ``every``, ``workdays`` or ``weekends``."""
    return days == "every" or (day.weekday() < 5) == (days == "workdays")


@dataclass(frozen=True)
class Calendar:
    """The horizon of a scenario in its time zone."""

    start_s: float
    """The beginning [Unix s]."""
    duration_s: float
    zone: ZoneInfo

    @staticmethod
    def of(start: date | datetime, duration_s: float, zone: ZoneInfo) -> Calendar:
        """A horizon that begins on this day, or at this time on the wall clock."""
        moment = start if isinstance(start, datetime) else datetime.combine(start, time())
        local = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return Calendar(local.timestamp(), duration_s, zone)

    @cached_property
    def days(self) -> tuple[date, ...]:
        """Every day that the horizon touches."""
        return tuple(self._days())

    def seconds(self, moment: datetime) -> float:
        """A moment as seconds from the beginning; one without an offset is on the clock of the site [s]."""
        local = moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
        return local.timestamp() - self.start_s

    def local(self, time_s: float) -> datetime:
        """What the clock shows so many seconds after the beginning."""
        return datetime.fromtimestamp(self.start_s + time_s, UTC).astimezone(self.zone)

    def _days(self) -> Iterator[date]:
        day, last = self.local(0.0).date(), self.local(self.duration_s - 1.0).date()
        while day <= last:
            yield day
            day += timedelta(days=1)
