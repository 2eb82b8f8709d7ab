"""Loads of buildings to forecast: measured ones from files, or a made one from a seed."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from simulations.data.content import Table, opened
from simulations.data.problems import file_problem
from simulations.quarter_hours import QUARTERS, quarters_of

Floats = NDArray[np.float64]

QUARTER_S: Final = 900.0
DAY: Final = 96
WEEK: Final = 672
"""Quarter-hours."""
HOLIDAYS: Final = frozenset(
    date(2019, month, day) for month, day in ((1, 1), (4, 19), (4, 22), (5, 6), (5, 27), (8, 26), (12, 25), (12, 26))
)
"""Bank holidays in England and Wales (gov.uk/bank-holidays), for buildings measured in 2019."""
_MADE_BEGIN: Final = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class BuildingLoad:
    """A building's load by quarter-hours."""

    name: str
    begin: datetime
    """Of the first quarter, in UTC."""
    zone: ZoneInfo
    load_kw: Floats
    """(N,) NaN in gaps."""
    holidays: Container[date] = frozenset()
    real_quarters: bool = True
    """Otherwise hours were measured, and the variation within them is that of ``simulations.quarter_hours``."""

    def local(self, quarters: float) -> datetime:
        """So many quarters after the beginning, on the clock of the building."""
        return (self.begin + timedelta(seconds=QUARTER_S * quarters)).astimezone(self.zone)


def measured(path: Path, zone: ZoneInfo, *, times_in_utc: bool, seed: int = 1) -> BuildingLoad:
    """Read a time and a load [kW], or energy [kWh], of every hour or of every quarter of an hour.

    A value of 0, or none, is a gap.

    Raises:
        DataError: the file cannot be read, or is none of this.
    """
    table = opened(path)
    if not isinstance(table, Table) or len(table.rows) < 2:
        raise file_problem(str(path), "expected a table of times and loads")
    times = [datetime.fromisoformat(cells[0]) for _, cells in table.rows[:2]]
    values = np.array([float(cells[1] or 0.0) or math.nan for _, cells in table.rows])
    begin = times[0].replace(tzinfo=UTC if times_in_utc else zone).astimezone(UTC)
    hourly = times[1] - times[0] == timedelta(hours=1)
    name = path.name.partition(".")[0]
    quarters = quarters_of(values, np.random.default_rng(seed)) if hourly else values
    return BuildingLoad(name, begin, zone, quarters, HOLIDAYS, real_quarters=not hourly)


def made(seed: int, weeks: int) -> BuildingLoad:
    """An office that never was: busy on working days, with days and hours that deviate, and a gap of half a day."""
    dice = np.random.default_rng(seed)
    hours = 7 * 24 * weeks
    hour = np.arange(hours)
    working = (hour // 24) % 7 < 5
    busy = np.clip(np.minimum((hour % 24 - 6.0) / 3.0, (20.0 - hour % 24) / 4.0), 0.0, 1.0) * working
    day = 1.0 + 0.08 * np.repeat(dice.normal(size=hours // 24), 24)
    deviation = np.zeros(hours)
    for number, innovation in enumerate(dice.normal(0.0, 0.02, hours)):
        deviation[number] = 0.8 * deviation[number - 1] + innovation
    load_kw = quarters_of((12.0 + 28.0 * busy * day) * np.exp(deviation), dice)
    gap = QUARTERS * int(dice.integers(hours // 2, hours - 24))
    load_kw[gap : gap + 48] = np.nan
    return BuildingLoad(f"made, seed {seed}", _MADE_BEGIN, ZoneInfo("Europe/Amsterdam"), load_kw)
