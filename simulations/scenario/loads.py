"""What else is connected: typical daily courses of buildings, measured loads, and the sun.

The courses are typical shapes, made up for planning: a share of the way from the base to the peak for every hour of a
workday and of a day of the weekend. Whoever has a measured load should use that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from controller.units import Phases
from simulations.building import Building, LivelyBuilding, ScriptedBuilding
from simulations.data.series import TimeSeries
from simulations.scenario.calendar import DAY_S, Calendar
from simulations.scenario.supply_tables import BuildingTable, SolarTable

Floats = NDArray[np.float64]

KNOT_S: Final = 900.0
"""Between these the load changes evenly."""

_PERSISTENCE: Final = 0.8
"""How much of its scatter a load keeps from one quarter of an hour to the next."""

_COURSES: Final[Mapping[str, tuple[Sequence[int], Sequence[int]]]] = {
    # percent of the way from base to peak, by hour: on workdays, on weekends
    "constant": ([0] * 24, [0] * 24),
    "office": (
        [4, 3, 3, 3, 4, 10, 30, 62, 85, 94, 98, 100, 96, 97, 98, 95, 86, 66, 42, 25, 16, 10, 7, 5],
        [3, 3, 3, 3, 3, 4, 6, 9, 12, 14, 15, 15, 15, 14, 13, 12, 10, 8, 6, 5, 4, 4, 3, 3],
    ),
    "homes": (
        [22, 16, 13, 12, 13, 20, 42, 58, 50, 40, 36, 38, 42, 38, 36, 40, 54, 78, 96, 100, 92, 78, 56, 34],
        [26, 19, 15, 13, 13, 15, 24, 40, 56, 66, 68, 70, 72, 66, 60, 60, 68, 82, 95, 96, 88, 76, 58, 38],
    ),
    "shop": (
        [18, 16, 15, 15, 18, 30, 52, 74, 86, 92, 96, 98, 100, 98, 96, 96, 98, 99, 94, 84, 66, 40, 24, 20],
        [18, 16, 15, 15, 16, 24, 42, 62, 80, 92, 98, 100, 99, 96, 93, 90, 88, 82, 66, 46, 30, 24, 20, 18],
    ),
    "hotel": (
        [30, 24, 20, 20, 24, 38, 66, 92, 96, 78, 62, 60, 66, 60, 54, 54, 62, 78, 94, 100, 94, 80, 60, 42],
        [34, 28, 22, 20, 22, 32, 54, 80, 98, 92, 72, 64, 66, 60, 56, 56, 62, 78, 94, 100, 96, 84, 66, 46],
    ),
    "depot": (
        [20, 18, 18, 20, 34, 60, 84, 92, 80, 66, 58, 54, 50, 52, 56, 64, 80, 100, 92, 70, 48, 36, 28, 24],
        [18, 16, 16, 16, 18, 24, 30, 34, 36, 34, 32, 30, 30, 30, 30, 32, 34, 36, 34, 30, 26, 24, 22, 20],
    ),
}


class SampledBuilding:
    """A load that changes evenly between equidistant knots, per phase; constant beyond both ends.

    Args:
        first_s: time of the first knot [Unix s].
        step_s: distance of the knots [s].
        current_a: (N, 3) current at the knots [A]; negative where more is produced than used.
    """

    def __init__(self, first_s: float, step_s: float, current_a: Floats) -> None:
        self._first_s, self._step_s = first_s, step_s
        self._current_a = current_a
        self._rows = [(float(a), float(b), float(c)) for a, b, c in current_a]

    def current_a(self, now_s: float) -> Phases:
        """Its current on L1, L2, L3 [A]."""
        place = min(max((now_s - self._first_s) / self._step_s, 0.0), len(self._rows) - 1.0)
        knot = int(place)
        left, right = self._rows[knot], self._rows[min(knot + 1, len(self._rows) - 1)]
        part = place - knot
        return (
            left[0] + part * (right[0] - left[0]),
            left[1] + part * (right[1] - left[1]),
            left[2] + part * (right[2] - left[2]),
        )

    def sampled_a(self, times_s: Floats) -> Floats:
        """(T, 3) its current at each of these times [A]."""
        places = (times_s - self._first_s) / self._step_s
        knots = np.arange(len(self._rows), dtype=np.float64)
        phases: list[Floats] = [np.interp(places, knots, self._current_a[:, phase]) for phase in range(3)]
        return np.column_stack(phases).astype(np.float64)


def sampled_a(building: Building, times_s: Floats) -> Floats:
    """(T, 3) current of any building at rising times [Unix s], in ampere."""
    if isinstance(building, SampledBuilding):
        return building.sampled_a(times_s)
    return np.array([building.current_a(time_s) for time_s in times_s.tolist()], dtype=np.float64).reshape(-1, 3)


def knots_s(calendar: Calendar) -> Floats:
    """The times of the knots that cover a horizon, from its beginning [s]."""
    return np.arange(math.ceil(calendar.duration_s / KNOT_S) + 1, dtype=np.float64) * KNOT_S


def building_of(
    table: BuildingTable,
    solar: SolarTable | None,
    measured: TimeSeries | None,
    calendar: Calendar,
    voltage_v: float,
    seed: int,
) -> Building:
    """The load of a table, measured where the table names a file, less what the sun gives."""
    shares = np.array(table.phase_share) / sum(table.phase_share)
    if table.kind == "lively":
        one, two, three = (1000.0 * table.peak_kw / voltage_v * shares).tolist()
        return LivelyBuilding((one, two, three), seed, calendar.start_s)
    if table.kind == "none" and solar is None:
        return ScriptedBuilding([])
    times_s = knots_s(calendar)
    if measured is not None:
        current_a = _measured_a(measured, calendar.start_s + times_s, shares, voltage_v) * table.scale
    elif table.kind == "none":
        current_a = np.zeros((times_s.size, 3))
    else:
        current_a = _load_kw(table, calendar, times_s, seed)[:, None] * shares * (1000.0 / voltage_v)
    if solar is not None:
        current_a = current_a - _solar_kw(solar, calendar, times_s, seed)[:, None] * (1000.0 / voltage_v / 3.0)
    return SampledBuilding(calendar.start_s, KNOT_S, current_a)


def _measured_a(series: TimeSeries, times_s: Floats, shares: Floats, voltage_v: float) -> Floats:
    """A measured load at these times [Unix s]: means of steps, joined at the middles of the steps [A]."""
    middles_s = series.times_s + series.step_s / 2.0
    if series.unit == "A":
        phases: list[Floats] = [np.interp(times_s, middles_s, series.values[:, phase]) for phase in range(3)]
        return np.column_stack(phases).astype(np.float64)
    power_w: Floats = np.interp(times_s, middles_s, series.values)
    current_a: Floats = power_w[:, None] * shares / voltage_v
    return current_a


def _load_kw(table: BuildingTable, calendar: Calendar, times_s: Floats, seed: int) -> Floats:
    workday, weekend = _COURSES[table.kind]
    local = [calendar.local(time_s) for time_s in times_s.tolist()]
    hours = np.array([moment.hour + moment.minute / 60.0 for moment in local])
    free = np.array([moment.weekday() >= 5 for moment in local])
    around = np.arange(-0.5, 25.0)  # the figures stand for the middles of the hours
    percent = [np.interp(hours, around, [c[-1], *c, c[0]]) for c in (workday, weekend)]
    share = np.where(free, percent[1], percent[0]) / 100.0
    course_kw: Floats = table.base_kw + share * max(0.0, table.peak_kw - table.base_kw)
    scatter = _scatter(np.random.default_rng([seed, 101]), times_s.size) * table.noise
    return np.maximum(0.0, course_kw * (1.0 + scatter))


def _scatter(rng: np.random.Generator, size: int) -> Floats:
    """A stationary series of unit variance that keeps some of itself from one value to the next (AR 1)."""
    fresh = rng.normal(size=size) * math.sqrt(1.0 - _PERSISTENCE**2)
    fresh[0] /= math.sqrt(1.0 - _PERSISTENCE**2)
    series = np.empty(size)
    last = 0.0
    for place, value in enumerate(fresh.tolist()):
        last = value if place == 0 else _PERSISTENCE * last + value
        series[place] = last
    return series


def _solar_kw(table: SolarTable, calendar: Calendar, times_s: Floats, seed: int) -> Floats:
    """Output of a flat plant: the sine of the sun's height, thinned by clouds.

    Declination and hour angle to about a degree (Cooper 1969), which a plan for a fuse does not feel.
    """
    unix_s = calendar.start_s + times_s
    day = (unix_s / DAY_S) % 365.2425 + 1.0
    declination = np.radians(23.45) * np.sin(2.0 * np.pi * (284.0 + day) / 365.0)
    hour_angle = 2.0 * np.pi * ((unix_s % DAY_S) / DAY_S - 0.5) + math.radians(table.longitude)
    latitude = math.radians(table.latitude)
    height = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    rng = np.random.default_rng([seed, 102])
    clear = np.clip(1.0 - table.clouds + 0.6 * table.clouds * _scatter(rng, times_s.size), 0.1, 1.0)
    output_kw: Floats = table.peak_kw * np.maximum(0.0, height) * clear
    return output_kw
