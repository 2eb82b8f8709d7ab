"""Times without an offset, at a place whose clocks go forward and back."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

AMBIGUOUS = "ambiguous_local_time"
"""The flag of a time that the clock showed twice."""
SKIPPED = "skipped_local_time"
"""The flag of a time that the clock never showed."""


class LocalClock:
    """Turns written times into moments, in order; remembers what was doubtful."""

    def __init__(self, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)
        self.flags: dict[str, None] = {}
        """In the order in which they came up, each once."""

    def moment(self, written: datetime, not_before: datetime | None = None) -> datetime:
        """The moment in UTC.

        Of an hour that the clock shows twice the first is meant, unless that lies before ``not_before`` and the second
        does not. An hour that the clock skips counts as an hour later.

        >>> clock = LocalClock("Europe/Amsterdam")
        >>> first = clock.moment(datetime(2026, 10, 25, 2, 30)); first
        datetime.datetime(2026, 10, 25, 0, 30, tzinfo=datetime.timezone.utc)
        >>> clock.moment(datetime(2026, 10, 25, 2, 15), first).hour, list(clock.flags)
        (1, ['ambiguous_local_time'])
        """
        if written.tzinfo is not None:
            return written.astimezone(UTC)
        first = written.replace(tzinfo=self._zone, fold=0)
        second = first.replace(fold=1)
        early, late = first.utcoffset(), second.utcoffset()
        if early == late:
            return first.astimezone(UTC)
        assert early is not None
        assert late is not None
        if early < late:  # the clock jumped over it
            self.flags[SKIPPED] = None
            return first.astimezone(UTC)
        self.flags[AMBIGUOUS] = None
        found = first.astimezone(UTC)
        return second.astimezone(UTC) if not_before is not None and found < not_before else found
