"""Demand windows as a CSV file, from which a bill can be worked out again."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from controller.peakshave.windows import HOUR_S, MARKS, Window

COLUMNS: Final = ("begins_at", "length_s", "energy_wh", "covered_s", "assumed_wh", "marks")
ROWS_MAX: Final = 400_000
"""More than eleven years of quarters of an hour; something else was named by mistake."""
PROBLEMS_MAX: Final = 20
"""More of them say that the file is something else."""


class DemandFileError(Exception):
    """A file of windows cannot be used; each of ``problems`` begins with file and line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def window_lines(windows: Iterable[Window]) -> Iterator[str]:
    """The file's lines, header first. Numbers stand in full, so that a bill from the file is the same."""
    yield ",".join(COLUMNS) + "\n"
    for window in windows:
        begins_at = window.begins_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        numbers = f"{window.length_s},{window.energy_wh!r},{window.covered_s!r},{window.assumed_wh!r}"
        yield f"{begins_at},{numbers},{' '.join(window.marks)}\n"


def read_windows(path: Path) -> list[Window]:
    """Read what ``window_lines`` wrote; ``covered_s``, ``assumed_wh`` and ``marks`` may be left out.

    Raises:
        DemandFileError: with everything that is wrong, each with its line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(csv.reader(file), path.name))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DemandFileError([f"{path.name}:1: cannot be read: {error}"]) from None
    problems = [problem for row in rows if isinstance(row, list) for problem in row]
    windows = [row for row in rows if isinstance(row, Window)]
    if not problems and not windows:
        problems = [f"{path.name}:1: holds no windows"]
    if problems:
        hidden = len(problems) - PROBLEMS_MAX
        raise DemandFileError(problems[:PROBLEMS_MAX] + ([f"{path.name}: and {hidden} more"] if hidden > 0 else []))
    return windows


def _rows(reader: Iterator[list[str]], name: str) -> Iterator[Window | list[str]]:
    """A window for each row, or what is wrong with it."""
    header = [column.strip() for column in next(reader, [])]
    if not set(COLUMNS[:3]) <= set(header) <= set(COLUMNS) or len(set(header)) != len(header):
        yield [f"{name}:1: expected the columns {', '.join(COLUMNS)}, found {', '.join(header) or 'none'}"]
        return
    free_from = datetime.min.replace(tzinfo=UTC)
    for number, row in enumerate(reader, start=2):
        if not row:
            continue
        if number > ROWS_MAX:
            yield [f"{name}:{number}: expected at most {ROWS_MAX} rows"]
            return
        place = f"{name}:{number}"
        if len(row) != len(header):
            yield [f"{place}: expected {len(header)} values, found {len(row)}"]
            continue
        found = _window({column: value.strip() for column, value in zip(header, row, strict=True)}, place)
        if isinstance(found, Window):
            if found.begins_at < free_from:
                yield [f"{place}: begins_at: expected a time not before the end of the window above, {free_from:%H:%M}"]
                continue
            free_from = found.begins_at + timedelta(seconds=found.length_s)
        yield found


def _window(row: dict[str, str], place: str) -> Window | list[str]:
    problems: list[str] = []

    def number(column: str, default: str, least: float, most: float, meant: str) -> float:
        text = row.get(column) or default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and least <= value <= most):
            problems.append(f"{place}: {column}: expected {meant}, found {text[:40]!r}")
        return value

    begins_at = _time(row["begins_at"])
    if begins_at is None:
        problems.append(
            f"{place}: begins_at: expected a time such as 2026-11-20T09:00:00Z, found {row['begins_at'][:40]!r}"
        )
    length_s = number("length_s", "", 1, HOUR_S, f"seconds of 1 to {HOUR_S}")
    if not problems and length_s != round(length_s):
        problems.append(f"{place}: length_s: expected whole seconds, found {row['length_s'][:40]!r}")
    energy_wh = number("energy_wh", "", -math.inf, math.inf, "a number of watt-hours")
    covered_s = number("covered_s", "0", 0.0, HOUR_S, f"seconds of 0 to {HOUR_S}") if row.get("covered_s") else length_s
    assumed_wh = number("assumed_wh", "0", -math.inf, math.inf, "a number of watt-hours")
    marks = tuple(row.get("marks", "").split())
    problems += [
        f"{place}: marks: expected {', '.join(MARKS)}, found {mark[:40]!r}" for mark in marks if mark not in MARKS
    ]
    if problems or begins_at is None:
        return problems
    return Window(begins_at, round(length_s), energy_wh, covered_s, marks, assumed_wh)


def _time(text: str) -> datetime | None:
    """None where it is no time with an offset: on the day when clocks go back, others happen twice."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None
