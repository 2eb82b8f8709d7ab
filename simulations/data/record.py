"""One record of a session file, whatever its format: its fields, read one by one, and all that is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from adapters.configuration.problems import Problem
from simulations.data.problems import ValueProblem, shown
from simulations.data.recorded import RecordedSession
from simulations.data.values import Clock, number

T = TypeVar("T")

Unreadable = tuple[Problem, ...]
"""Everything that is wrong with a record that cannot be read."""

Row = RecordedSession | Unreadable

WH_PER_KWH: Final = 1000.0

_COUNT_MAX: Final = 10**9
"""Seconds of thirty years."""

_UNREAD: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands in for a time that could not be read, until the record is given up."""


@dataclass(frozen=True, slots=True)
class Record:
    """The fields of one record: read what is wanted, then ask ``row`` what became of it."""

    fields: Mapping[str, Any]
    clock: Clock
    file: str
    line: int
    place: str = ""
    """Where the fields stand in the file, as their problems say it."""
    decimal_comma: bool = False
    problems: list[Problem] = field(default_factory=list)

    def row(self, session: RecordedSession) -> Row:
        """The session, or all that is wrong with its record."""
        return tuple(self.problems) or session

    def time(self, field: str) -> datetime:
        """A time that must be there, in UTC."""
        return self._read(field, self.clock.moment, required=True) or _UNREAD

    def time_or_none(self, field: str) -> datetime | None:
        """A time in UTC; None where there is none."""
        return self._read(field, self.clock.moment)

    def number(self, field: str, factor: float = 1.0) -> float:
        """A number times a factor; NaN where there is none."""
        value = self._read(field, self._number)
        return math.nan if value is None else value * factor

    def number_or_none(self, field: str, factor: float = 1.0) -> float | None:
        """A number times a factor; None where there is none."""
        value = self._read(field, self._number)
        return None if value is None else value * factor

    def count(self, field: str) -> int:
        """A whole number that must be there."""
        return self._read(field, _whole, required=True) or 0

    def text(self, field: str) -> str | None:
        """What stands there, as text; None where there is nothing."""
        value = self.fields.get(field)
        return None if _is_empty(value) else str(value).strip()

    def _number(self, value: Any) -> float:
        return number(value, decimal_comma=self.decimal_comma)

    def _read(self, field: str, reader: Callable[[Any], T], *, required: bool = False) -> T | None:
        value = self.fields.get(field)
        if _is_empty(value) and not required:
            return None
        try:
            return reader(value)
        except ValueProblem as problem:
            found = None if _is_empty(value) else shown(value)
            self.problems.append(Problem(self.file, self.line, f"{self.place}{field}", str(problem), found))
            return None


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _COUNT_MAX:
        return value
    raise ValueProblem("expected a whole number")


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
