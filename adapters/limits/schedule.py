"""Limits that are known beforehand, from a CSV file that somebody puts beside the site file."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

COLUMNS: Final = ("circuit", "from", "until", "limit_w")
ROWS_MAX: Final = 500
"""More than one a day for a year; something else was named by mistake."""
PROBLEMS_MAX: Final = 10
"""More of them say that the file is something else."""


class ScheduleError(Exception):
    """A schedule cannot be used; each of ``problems`` begins with file and line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A limit that is known beforehand."""

    circuit: str
    limit_w: float
    begins: datetime
    ends: datetime


def read_schedule(path: Path, circuits: Collection[str]) -> list[Scheduled]:
    """Read a file with the columns ``circuit``, ``from``, ``until`` (ISO 8601; UTC without an offset) and ``limit_w``.

    Raises:
        ScheduleError: with everything that is wrong, each with its line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(csv.reader(file), path.name, circuits))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScheduleError([f"{path.name}:1: cannot be read: {error}"]) from None
    problems = [row for row in rows if isinstance(row, str)]
    if problems:
        hidden = len(problems) - PROBLEMS_MAX
        raise ScheduleError(problems[:PROBLEMS_MAX] + ([f"{path.name}: and {hidden} more"] if hidden > 0 else []))
    return [row for row in rows if isinstance(row, Scheduled)]


def _rows(reader: Iterator[list[str]], name: str, circuits: Collection[str]) -> Iterator[Scheduled | str]:
    """A limit for each row, or everything that is wrong with it."""
    header = [column.strip() for column in next(reader, [])]
    if sorted(header) != sorted(COLUMNS):
        yield f"{name}:1: expected the columns {', '.join(COLUMNS)}, found {', '.join(header) or 'none'}"
        return
    for number, row in enumerate(reader, start=2):
        if not row:
            continue
        if number > ROWS_MAX + 1:
            yield f"{name}:{number}: expected at most {ROWS_MAX} rows"
            return
        yield from _row(dict(zip(header, map(str.strip, row), strict=False)), f"{name}:{number}", circuits)


def _row(row: dict[str, str], place: str, circuits: Collection[str]) -> Iterator[Scheduled | str]:
    begins, ends = _moment(row.get("from", "")), _moment(row.get("until", ""))
    problems = [
        f"{place}: {column}: expected a time such as 2026-11-20T17:00:00+01:00, found {row.get(column, '')[:40]!r}"
        for column, moment in (("from", begins), ("until", ends))
        if moment is None
    ]
    if begins and ends and ends <= begins:
        problems.append(f"{place}: until: expected a time after that of from")
    circuit = row.get("circuit", "")
    if circuit not in circuits:
        problems.append(f"{place}: circuit: the site has no circuit {circuit[:40]!r}; known: {', '.join(circuits)}")
    limit_w = _number(row.get("limit_w", ""))
    if limit_w is None:
        written = row.get("limit_w", "")[:40]
        problems.append(f"{place}: limit_w: expected a number of at least 0, found {written!r}")
    yield from problems
    if not problems and begins and ends and limit_w is not None:
        yield Scheduled(circuit, limit_w, begins, ends)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
