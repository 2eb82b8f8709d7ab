"""Single values as data files write them: numbers and times.

Every reader raises ``ValueProblem`` with what it expected.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from simulations.data.problems import ValueProblem

_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf)", re.IGNORECASE)
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})[ T]?(\d{1,2}):(\d{2})(?::(\d{2}))?")

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2999
_A_TIME: Final = "expected a time, such as 2026-11-20T09:00:00Z"


def number(value: Any, *, decimal_comma: bool = False) -> float:
    """A number; NaN and infinity are numbers here, and whether they are possible is asked later."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(float(value)) if isinstance(value, float) or abs(value) < 10**300 else math.inf
    if isinstance(value, str):
        text = value.strip().replace(",", ".") if decimal_comma else value.strip()
        if _NUMBER.fullmatch(text):
            return _finite(float(text))
    raise ValueProblem("expected a number")


def _finite(value: float) -> float:
    """Infinity counts as not known, like NaN."""
    return value if math.isfinite(value) else math.nan


@dataclass(frozen=True, slots=True)
class Clock:
    """How a file writes its times."""

    zone: ZoneInfo | None = None
    """Of times without an offset; None: such times are refused. Of an hour that comes twice the first is meant; one
    that the clock skips counts as an hour later."""
    day_first: bool = False
    """Whether 1/2/2026 may stand there, for the first of February."""

    def moment(self, value: Any) -> datetime:
        """A time of ISO 8601, or of HTTP (RFC 1123), in UTC."""
        return self.utc(self.parsed(value))

    def utc(self, moment: datetime) -> datetime:
        """The same moment in UTC."""
        if moment.tzinfo is None:
            if self.zone is None:
                raise ValueProblem("has no offset from UTC: say which time zone the file is in")
            moment = moment.replace(tzinfo=self.zone)
        # Far from both ends of what a datetime holds, so that arithmetic with it cannot overflow.
        if not _FIRST_YEAR < moment.year < _LAST_YEAR:
            raise ValueProblem(f"expected a time between the years {_FIRST_YEAR} and {_LAST_YEAR}")
        return moment.astimezone(UTC)

    def parsed(self, value: Any) -> datetime:
        """The same as it is written, with an offset from UTC or without."""
        text = value.strip() if isinstance(value, str) else ""
        # A date alone is no time: fromisoformat would take it for midnight.
        try:
            if text[:1].isalpha():
                return parsedate_to_datetime(text)
            if self.day_first and (found := _DAY_FIRST.fullmatch(text)):
                day, month, year, hour, minute, second = (int(part or 0) for part in found.groups())
                return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - its zone comes next
            if len(text) > 10:
                return datetime.fromisoformat(text)
        except (ValueError, TypeError):  # the mail parser raises both
            pass
        raise ValueProblem(_A_TIME)
