"""Reads the fields of a charger's message leniently, and says what was odd about them.

A transaction message that is answered with an error is discarded by its charger after a few attempts, and its
session is lost. So whatever has one sensible meaning is taken and flagged; only what has none is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ocpp.exceptions import PropertyConstraintViolationError, ProtocolError, TypeConstraintViolationError

from controller.ports.transactions import TIMESTAMP_INVALID

AHEAD_S: Final = 300
"""A time further ahead than this is not a slow network's doing."""

BEHIND_DAYS: Final = 30
"""Nor is a message that old the doing of a long queue: clocks that were never set begin in 1970 or 2000."""

_INTEGER: Final = re.compile(r"\s*[+-]?\d{1,18}(\.0*)?\s*")


class Fields:
    """One message's payload, as the library hands it over (names in snake_case)."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._flags: list[str] = []

    @property
    def flags(self) -> tuple[str, ...]:
        """What a reviewer should know of the fields that were read."""
        return tuple(self._flags)

    def flag(self, name: str) -> None:
        """Add something that a reviewer should know."""
        self._flags.append(name)

    def integer(self, name: str) -> int:
        """Return a whole number; one written as text or with decimals is taken and flagged.

        Raises:
            ProtocolError: it is missing.
            TypeConstraintViolationError: it is no number.
        """
        value = self._required(name)
        if type(value) is int:
            return value
        if isinstance(value, float) and abs(value) < 1e15:
            self.flag(f"{name}_not_integer")
            return round(value)
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            self.flag(f"{name}_not_integer")
            return int(value.split(".")[0])
        raise TypeConstraintViolationError(f"{name} must be an integer")

    def word(self, name: str, known: Collection[str]) -> str:
        """Return one of the words that there are; one in other cases of letters than the standard's is taken.

        Raises:
            ProtocolError: it is missing.
            TypeConstraintViolationError: it is no text.
            PropertyConstraintViolationError: it is none of them.
        """
        said = self.text(name, max(map(len, known)))
        if said in known:
            return said
        alike = next((word for word in known if word.lower() == said.strip().lower()), None)
        if alike is None:
            raise PropertyConstraintViolationError(f"{name} is none of {', '.join(sorted(known))}")
        return alike

    def text(self, name: str, max_length: int) -> str:
        """Return a text; one that is too long is taken and flagged.

        Raises:
            ProtocolError: it is missing.
            TypeConstraintViolationError: it is no text.
        """
        value = self._required(name)
        if not isinstance(value, str):
            raise TypeConstraintViolationError(f"{name} must be a string")
        if len(value) > max_length:
            self.flag(f"{name}_too_long")
        return value

    def optional_text(self, name: str, max_length: int) -> str | None:
        """Return a text, or None where there is none that makes sense; cut to ``max_length``."""
        value = self._values.get(name)
        return value[:max_length] if isinstance(value, str) and value else None

    def timestamp(self, now: datetime) -> datetime:
        """Return when it happened; where that cannot be read it is ``now``, flagged."""
        found = read_time(self._values.get("timestamp"))
        if found is None:
            self.flag(TIMESTAMP_INVALID)
            return now
        if found > now + timedelta(seconds=AHEAD_S):
            self.flag("timestamp_ahead")
        elif found < now - timedelta(days=BEHIND_DAYS):
            self.flag("timestamp_behind")
        return found

    def _required(self, name: str) -> Any:
        if self._values.get(name) is None:
            raise ProtocolError(f"{name} is missing")
        return self._values[name]


def read_time(value: Any) -> datetime | None:
    """Return an ISO 8601 time in UTC (without an offset it counts as UTC), or None for anything else."""
    if not isinstance(value, str) or not 10 <= len(value) <= 40:
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def written_time(moment: datetime) -> str:
    """Return a time as OCPP messages carry it: whole seconds, UTC.

    >>> written_time(datetime(2026, 11, 20, 9, 0, 0, 123, tzinfo=UTC))
    '2026-11-20T09:00:00Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
