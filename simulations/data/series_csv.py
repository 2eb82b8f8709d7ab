"""Loads and prices from CSV. What a column holds stands in its name: ``load_kw``, ``l1_a``, ``price_eur_per_mwh``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from adapters.configuration.problems import Problem
from simulations.data.content import Table, opened
from simulations.data.gaps import evened
from simulations.data.problems import ValueProblem, file_problem, shown, unreadable_note
from simulations.data.series import SeriesData, TimeSeries, Unit
from simulations.data.values import Clock, number
from simulations.scenario.model import DataNote

Floats = NDArray[np.float64]

POWER: Final[Mapping[str, float]] = {"w": 1.0, "kw": 1000.0}
ENERGY: Final[Mapping[str, float]] = {"wh": 3600.0, "kwh": 3.6e6}
"""Joule; energy of a step, from which its mean power follows."""
PRICE: Final[Mapping[str, float]] = {"kwh": 1.0, "mwh": 1e-3, "mwhe": 1e-3}
"""Part of a price per that unit that a kWh costs."""

ZERO_IS_MISSING: Final = ("datetime", "equipment load [kWh]")
"""The columns of the Cambridge estates archive, whose missing readings are written as 0."""

_TIME_NAMES: Final = ("utc", "time", "datetime", "timestamp", "localtime", "date")
_PHASES: Final = ("l1", "l2", "l3")


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns of a table are meant, and what they hold."""

    time: int
    values: tuple[int, ...]
    unit: Unit
    factor: float
    is_energy: bool = False


def read_load(path: Path, *, time_zone: ZoneInfo | None = None) -> SeriesData:
    """Read a load: power, energy of each step, or the current of each phase.

    Args:
        path: The file, compressed by gzip or not.
        time_zone: Of times without an offset, unless the name of their column says UTC.

    Raises:
        DataError: the file cannot be used, with everything that is wrong with it.
    """
    table = _table(path)
    return _read(table, _load_columns(table), time_zone, zero_is_missing=table.header == ZERO_IS_MISSING)


def read_prices(path: Path, *, time_zone: ZoneInfo | None = None) -> SeriesData:
    """Read prices per kWh or MWh, in the currency of the file.

    Args:
        path: The file, compressed by gzip or not.
        time_zone: Of times without an offset, unless the name of their column says UTC.

    Raises:
        DataError: the file cannot be used, with everything that is wrong with it.
    """
    table = _table(path)
    place = _only(table, PRICE, "a price, such as price_eur_per_kwh or price_eur_per_mwh")
    columns = _Columns(_time_column(table), (place,), "per_kwh", PRICE[_words(table.header[place])[-1]])
    return _read(table, columns, time_zone, zero_is_missing=False)


def _table(path: Path) -> Table:
    content = opened(path)
    if not isinstance(content, Table):
        raise file_problem(str(path), "expected a CSV file")
    return content


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", name.lower()) or [""]


def _time_column(table: Table) -> int:
    """The column of times: one in UTC before others, the first one where no name is known."""
    for known in _TIME_NAMES:
        for place, name in enumerate(table.header):
            if known in {*_words(name), "".join(_words(name))}:
                return place
    return 0


def _load_columns(table: Table) -> _Columns:
    time = _time_column(table)
    words = [_words(name) for name in table.header]
    phases = [place for phase in _PHASES for place, word in enumerate(words) if phase in word and word[-1] == "a"]
    if len(phases) == len(_PHASES):
        return _Columns(time, tuple(phases), "A", 1.0)
    what = "a load, such as load_kw, load_w or load_kwh, or l1_a, l2_a, l3_a"
    place = _only(table, {**POWER, **ENERGY}, what)
    unit = words[place][-1]
    if unit in ENERGY:
        return _Columns(time, (place,), "W", ENERGY[unit], is_energy=True)
    return _Columns(time, (place,), "W", POWER[unit])


def _only(table: Table, units: Mapping[str, float], what: str) -> int:
    """The one column whose name ends with one of the units."""
    wanted = [place for place, name in enumerate(table.header) if _words(name)[-1] in units]
    if len(wanted) != 1:
        expected = f"expected one column whose name ends with the unit of {what}"
        raise file_problem(table.name, expected, ", ".join(table.header))
    return wanted[0]


class _Rows:
    """The rows of one file, read in its order."""

    def __init__(self, table: Table, columns: _Columns, zone: ZoneInfo | None) -> None:
        self._table, self._columns, self._zone = table, columns, zone
        self._clock = Clock(zone)
        self._seen: set[datetime] = set()
        self.times_s: list[float] = []
        self.values: list[list[float]] = []
        self.unreadable: list[tuple[Problem, ...]] = []
        self.skipped = 0
        """Times that the clock on the wall never showed."""
        for line, cells in table.rows:
            self._take(line, cells)

    def _take(self, line: int, cells: list[str]) -> None:
        problem = self._table.width_problem(line, cells)
        if problem is not None:
            self.unreadable.append((problem,))
            return
        problems: list[Problem] = []
        at_s = self._read(self._unix_s, line, cells, self._columns.time, problems)
        values = [self._read(self._number, line, cells, place, problems) or 0.0 for place in self._columns.values]
        if problems:
            self.unreadable.append(tuple(problems))
        elif at_s is not None:
            self.times_s.append(at_s)
            self.values.append(values)

    def _read(
        self, reader: Callable[[str], float | None], line: int, cells: list[str], place: int, problems: list[Problem]
    ) -> float | None:
        try:
            return reader(cells[place])
        except ValueProblem as problem:
            name, found = self._table.header[place], shown(cells[place])
            problems.append(Problem(self._table.name, line, name, str(problem), found))
            return None

    def _number(self, text: str) -> float:
        return number(text, decimal_comma=self._table.decimal_comma) if text.strip() else math.nan

    def _unix_s(self, text: str) -> float | None:
        """A time [Unix s]; None for one that the clock skips. One that comes twice is later the second time."""
        written = self._clock.parsed(text)
        moment = self._clock.utc(written)
        if written.tzinfo is not None or self._zone is None:
            return moment.timestamp()
        if written in self._seen:
            return written.replace(tzinfo=self._zone, fold=1).timestamp()
        self._seen.add(written)
        if moment.astimezone(self._zone).replace(tzinfo=None) != written:
            self.skipped += 1
            return None
        return moment.timestamp()


def _read(table: Table, columns: _Columns, zone: ZoneInfo | None, *, zero_is_missing: bool) -> SeriesData:
    in_utc = "utc" in "".join(_words(table.header[columns.time]))
    rows = _Rows(table, columns, ZoneInfo("UTC") if in_utc else zone)
    notes = [*unreadable_note(table.name, len(table.rows), rows.unreadable)]
    values = np.array(rows.values, dtype=np.float64).reshape(-1, len(columns.values))
    zeros = ~values.any(axis=1)  # NaN is something
    if zero_is_missing and zeros.any():
        notes.append(DataNote(table.name, "zeros", int(np.count_nonzero(zeros)), "count as missing"))
        values[zeros] = np.nan
    if rows.skipped:
        notes.append(DataNote(table.name, "times that the clock skips in spring", rows.skipped, "left out"))
    even = evened(table.name, np.array(rows.times_s, dtype=np.float64), values)
    scaled = even.values * (columns.factor / even.step_s if columns.is_energy else columns.factor)
    grid_s = even.first_s + even.step_s * np.arange(len(scaled), dtype=np.float64)
    one_or_three = scaled[:, 0] if len(columns.values) == 1 else scaled
    series = TimeSeries(grid_s, one_or_three, even.step_s, columns.unit, table.name)
    return SeriesData(series, (*notes, *even.notes))
