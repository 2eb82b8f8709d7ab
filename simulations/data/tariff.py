"""Time-of-use tariffs by season and day of the week, in the JSON form of acnportal's ``signals.tariffs``.

Source of the form: github.com/zach401/acnportal, ``acnportal/signals/tariffs/tou_tariff.py``. A season may go over the
turn of the year; ``times`` are hours of the day on the wall, from which each price holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import AfterValidator, ConfigDict, Field, model_validator

from adapters.strict import StrictModel
from simulations.data.content import read_model
from simulations.data.days import DAY_S, day_number, day_of, local_seconds, unix_seconds
from simulations.data.problems import file_problem
from simulations.scenario.model import DemandCharge, PriceCurve

_LEAP_YEAR: Final = 2024


def _month_day(text: str) -> str:
    try:
        datetime.strptime(f"{_LEAP_YEAR}-{text}", "%Y-%m-%d")  # noqa: DTZ007 - a day of every year
    except ValueError:
        raise ValueError("expected a day of the year as MM-DD, such as 06-01") from None
    return text


_MonthDay = Annotated[str, AfterValidator(_month_day)]
_Hour = Annotated[float, Field(ge=0, lt=24)]


class _Season(StrictModel):
    """The prices of some days of the week in a part of the year. Keys that are not needed here may stand there."""

    model_config = ConfigDict(extra="ignore")

    effective_start: _MonthDay
    effective_end: _MonthDay
    dow_mask: Literal["WEEKDAYS", "WEEKENDS", "ALL"]
    times: Annotated[list[_Hour], Field(min_length=1)]
    tariffs: list[float]
    demand_charge: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _in_pairs(self) -> _Season:
        if len(self.times) != len(self.tariffs):
            raise ValueError(f"expected as many tariffs as times, {len(self.times)}, not {len(self.tariffs)}")
        if min(self.times) > 0.0:
            raise ValueError("expected a price from hour 0 on")
        return self

    def holds_on(self, day: date) -> bool:
        at = f"{day:%m-%d}"
        within = self.effective_start <= at <= self.effective_end
        if self.effective_start > self.effective_end:
            within = at >= self.effective_start or at <= self.effective_end
        return within and self.dow_mask in {"ALL", "WEEKDAYS" if day.weekday() < 5 else "WEEKENDS"}


class _Schedule(StrictModel):
    model_config = ConfigDict(extra="ignore")

    name: str = ""
    schedule: Annotated[list[_Season], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Tariff:
    """A price per kWh that follows the calendar, and a charge for the month's peak."""

    name: str
    _seasons: Sequence[_Season]

    def prices(self, start_s: float, duration_s: float, time_zone: ZoneInfo) -> PriceCurve:
        """The price from ``start_s`` [Unix s] on, for ``duration_s``, on the clock of the site."""
        begin_s, end_s = local_seconds(np.array([start_s, start_s + duration_s]), time_zone).tolist()
        steps = [
            (day_number(day) * DAY_S + hour * 3600.0, price)
            for number in range(int(begin_s // DAY_S), int(end_s // DAY_S) + 1)
            for day in [day_of(number)]
            for hour, price in self._changes(day)
        ]
        times_s = unix_seconds(np.array([at_s for at_s, _ in steps]), time_zone) - start_s
        return PriceCurve(times_s, np.array([price for _, price in steps], dtype=np.float64))

    def demand(self, start_s: float, time_zone: ZoneInfo) -> DemandCharge | None:
        """What the month's peak costs at a time [Unix s]; None where it costs nothing."""
        per_kw = self._season(datetime.fromtimestamp(start_s, UTC).astimezone(time_zone).date()).demand_charge
        return DemandCharge(per_kw) if per_kw > 0.0 else None

    def _changes(self, day: date) -> Iterator[tuple[float, float]]:
        season = self._season(day)
        yield from sorted(zip(season.times, season.tariffs, strict=True))

    def _season(self, day: date) -> _Season:
        return next(season for season in self._seasons if season.holds_on(day))


def read_tariff(path: Path) -> Tariff:
    """Read a tariff. Where two seasons hold on a day, the first one does.

    Raises:
        DataError: the file cannot be used, with everything that is wrong with it.
    """
    schedule = read_model(path, _Schedule)
    for day in _every_day_and_weekday():
        if not any(season.holds_on(day) for season in schedule.schedule):
            raise file_problem(str(path), f"has no price on a {day:%A} such as {day:%m-%d}", place="schedule")
    return Tariff(schedule.name, tuple(schedule.schedule))


def _every_day_and_weekday() -> Iterator[date]:
    """Every day of the year as a workday and as one of the weekend: seven years have each of them."""
    first, last = date(_LEAP_YEAR, 1, 1), date(_LEAP_YEAR + 7, 12, 31)
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
