"""What a kWh costs the site over the horizon of a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Final

import numpy as np

from simulations.data.series import TimeSeries
from simulations.scenario.calendar import Calendar, on_day
from simulations.scenario.loads import KNOT_S, knots_s
from simulations.scenario.model import Floats, PriceCurve
from simulations.scenario.supply_tables import PeriodTable, PricesTable

_HOUR_S: Final = 3600.0

_DAY_AHEAD: Final = (
    # from -1 (cheapest) to 1 (dearest) by hour: night, morning peak, the sun's valley, evening peak
    [-0.3, -0.4, -0.45, -0.45, -0.4, -0.1, 0.4, 0.8, 0.7, 0.2, -0.3, -0.6, -0.8, -0.9, -0.8, -0.4, 0.1, 0.7, 1.0, 0.95],
    [0.6, 0.3, 0.1, -0.1],
)
"""Made up, with the shape of a day-ahead market with much solar power."""


def price_curve(
    table: PricesTable, periods: Sequence[PeriodTable], measured: TimeSeries | None, calendar: Calendar, seed: int
) -> PriceCurve:
    """The curve of a table, measured where the table names a file."""
    if measured is not None:
        return PriceCurve(measured.times_s - calendar.start_s, measured.values + table.add_per_kwh)
    if table.kind == "time_of_use":
        return _time_of_use(table, periods, calendar)
    if table.kind == "day_ahead":
        return _day_ahead(table, calendar, seed)
    return PriceCurve(np.zeros(1), np.array([table.per_kwh], dtype=np.float64))


def _time_of_use(table: PricesTable, periods: Sequence[PeriodTable], calendar: Calendar) -> PriceCurve:
    times_s = knots_s(calendar)
    values = [_price_at(table, periods, calendar, time_s) for time_s in times_s.tolist()]
    return PriceCurve(times_s, np.array(values, dtype=np.float64))


def _price_at(table: PricesTable, periods: Sequence[PeriodTable], calendar: Calendar, time_s: float) -> float:
    local = calendar.local(time_s)
    for period in periods:
        if on_day(period.days, local.date()) and _within(period, local.time()):
            return period.per_kwh
    return table.per_kwh


def _within(period: PeriodTable, moment: time) -> bool:
    if period.begins < period.ends or period.ends == time():
        return period.begins <= moment and (moment < period.ends or period.ends == time())
    return moment >= period.begins or moment < period.ends


def _day_ahead(table: PricesTable, calendar: Calendar, seed: int) -> PriceCurve:
    """Hours of the site's clock; every day is dearer or cheaper, and more or less uneven, than the one before."""
    shape = [share for part in _DAY_AHEAD for share in part]
    rng = np.random.default_rng([seed, 201])
    days = {day: (rng.normal(0.0, 0.3), rng.uniform(0.6, 1.4)) for day in calendar.days}
    first_s = -(calendar.start_s % _HOUR_S)
    times_s: Floats = np.arange(first_s, calendar.duration_s + KNOT_S, _HOUR_S)
    values = []
    for time_s in times_s.tolist():
        local = calendar.local(max(0.0, min(time_s, calendar.duration_s - 1.0)))
        level, unevenness = days[local.date()]
        values.append(table.per_kwh + table.spread * (level + unevenness * shape[local.hour]))
    return PriceCurve(times_s, np.array([round(value, 5) for value in values], dtype=np.float64))
