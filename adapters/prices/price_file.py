"""Prices of the hours to come, from a CSV file that somebody puts beside the site file, day by day."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

COLUMNS: Final = ("at", "price_per_kwh")
ROWS_MAX: Final = 200_000
"""More than five years of quarters of an hour; something else was named by mistake."""
PROBLEMS_MAX: Final = 10
"""More of them say that the file is something else."""
PRICE_MOST: Final = 1_000.0
"""Beyond what markets allow per kWh, either way, in most currencies: a price per MWh is caught here."""
_DAY_S: Final = 86_400.0


class PriceFileError(Exception):
    """A price file cannot be used; each of ``problems`` begins with file and line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, eq=False)
class PriceSeries:
    """Prices that each hold from their time until the next one's."""

    from_s: NDArray[np.float64]
    """(N,) Unix time, rising [s]."""
    per_kwh: NDArray[np.float64]
    """(N,)"""

    def at(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """The prices at these moments (Unix time [s]); NaN where the series says nothing.

        The last price holds as long as the one before it did. Beyond the end, what the same hour of the day before cost
        stands in, where that is known: tomorrow's prices come out in the course of the day.
        """
        found = self._told(times_s)
        return np.where(np.isnan(found), self._told(times_s - _DAY_S), found)

    def _told(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        step_s = self.from_s[-1] - self.from_s[-2] if len(self.from_s) > 1 else 3600.0
        place = np.searchsorted(self.from_s, times_s, side="right") - 1
        told = (place >= 0) & (times_s < self.from_s[-1] + step_s)
        return np.where(told, self.per_kwh[np.maximum(place, 0)], np.nan)


def read_price_file(path: Path) -> PriceSeries:
    """Read a file with the columns ``at`` (ISO 8601; UTC unless it has an offset) and ``price_per_kwh``.

    Raises:
        PriceFileError: with everything that is wrong, each with its line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(csv.reader(file), path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PriceFileError([f"{path.name}:1: cannot be read: {error}"]) from None
    problems = [row for row in rows if isinstance(row, str)]
    good = [row for row in rows if not isinstance(row, str)]
    if not problems and not good:
        problems = [f"{path.name}:1: holds no prices"]
    if problems:
        hidden = len(problems) - PROBLEMS_MAX
        raise PriceFileError(problems[:PROBLEMS_MAX] + ([f"{path.name}: and {hidden} more"] if hidden > 0 else []))
    return PriceSeries(np.array([at_s for at_s, _ in good]), np.array([price for _, price in good]))


def _rows(reader: Iterator[list[str]], path: Path) -> Iterator[tuple[float, float] | str]:
    """A price for each row, or what is wrong with it."""
    header = [name.strip() for name in next(reader, [])]
    if sorted(header) != sorted(COLUMNS):
        yield f"{path.name}:1: expected the columns {' and '.join(COLUMNS)}, found {', '.join(header) or 'none'}"
        return
    last_s = -math.inf
    for number, row in enumerate(reader, start=2):
        if not row:
            continue
        if number > ROWS_MAX:
            yield f"{path.name}:{number}: expected at most {ROWS_MAX} rows"
            return
        found = _row(dict(zip(header, row, strict=False)), f"{path.name}:{number}")
        if isinstance(found, tuple):
            if found[0] <= last_s:
                found = f"{path.name}:{number}: at: expected a time after that of the row before"
            else:
                last_s = found[0]
        yield found


def _row(row: dict[str, str], place: str) -> tuple[float, float] | str:
    try:
        at = datetime.fromisoformat(row.get("at", "").strip())
        at_s = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return f"{place}: at: expected a time such as 2026-11-20T09:00:00Z, found {row.get('at', '')[:40]!r}"
    try:
        price = float(row.get("price_per_kwh", ""))
    except ValueError:
        price = math.nan
    if not abs(price) <= PRICE_MOST:
        written = row.get("price_per_kwh", "")[:40]
        return f"{place}: price_per_kwh: expected a number up to {PRICE_MOST:g}, found {written!r}"
    return at_s, price
