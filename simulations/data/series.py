"""Measured loads and prices: values at equal steps, without a gap, that can stand in for any other time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from simulations.data.days import DAY_S, day_number, day_of, local_seconds, matched_days, unix_seconds
from simulations.data.problems import file_problem
from simulations.scenario.model import DataNote

Floats = NDArray[np.float64]
Unit = Literal["W", "A", "per_kwh"]

_SLACK_S: Final = 1e-6


@dataclass(frozen=True, eq=False)
class TimeSeries:
    """Each value is the mean over a step, and holds from its time to the next one's."""

    times_s: Floats
    """(N,) the beginnings of the steps [Unix s]."""
    values: Floats
    """(N,) power [W] or price [currency/kWh], or (N, 3) current on L1, L2, L3 [A]; import positive."""
    step_s: float
    unit: Unit
    source: str
    """The file, for messages."""

    @property
    def end_s(self) -> float:
        """Where the last step ends [Unix s]."""
        return float(self.times_s[-1]) + self.step_s

    def shifted(self, start_s: float, duration_s: float, time_zone: ZoneInfo) -> TimeSeries:
        """What these data say of another time.

        Days stand in for days as in ``simulations.data.days.matched_days``, hours for the same hours on the wall: a
        scenario of any date can use a year of data.

        Args:
            start_s: Beginning of the wanted time [Unix s].
            duration_s: Its length [s].
            time_zone: Of the site.

        Returns:
            Steps of the same length that cover the wanted time.

        Raises:
            DataError: the data have not a single whole day, and do not cover the wanted time itself.
        """
        first_s = math.floor(start_s / self.step_s) * self.step_s
        count = math.ceil((start_s + duration_s - first_s) / self.step_s)
        times_s = first_s + self.step_s * np.arange(count, dtype=np.float64)
        covers = self.times_s[0] - self.step_s < first_s and start_s + duration_s <= self.end_s + _SLACK_S
        sources_s = times_s if covers else self._stand_ins_s(times_s, time_zone)
        places = np.floor((sources_s - self.times_s[0]) / self.step_s + _SLACK_S).astype(np.intp)
        values = self.values[np.clip(places, 0, len(self.values) - 1)]
        return TimeSeries(times_s, values, self.step_s, self.unit, self.source)

    def _stand_ins_s(self, times_s: Floats, zone: ZoneInfo) -> Floats:
        """The times of this series that stand in for others [Unix s]."""
        begin_s, end_s = local_seconds(np.array([self.times_s[0], self.end_s]), zone).tolist()
        first, last = math.ceil(begin_s / DAY_S), math.floor(end_s / DAY_S) - 1
        local_s = local_seconds(times_s, zone)
        days = np.floor(local_s / DAY_S).astype(np.int64)
        count = int(days[-1] - days[0]) + 1
        if last < first:
            raise file_problem(self.source, "expected the time of the scenario, or a whole day at least")
        found = matched_days(day_of(first), day_of(last), day_of(int(days[0])), count)
        shift_days = np.array([day_number(day) for day in found], dtype=np.float64) - np.arange(days[0], days[-1] + 1)
        return unix_seconds(local_s + shift_days[days - days[0]] * DAY_S, zone)


@dataclass(frozen=True, eq=False)
class SeriesData:
    """What was read from a file."""

    series: TimeSeries
    notes: tuple[DataNote, ...]
    """What was missing, repeated or impossible, how often, and what was done about it."""
