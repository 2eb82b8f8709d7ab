"""What a kWh costs the site in the slots ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from adapters.configuration import PlanSettings, TimeOfUse
from adapters.prices.price_file import PriceFileError, PriceSeries, read_price_file
from controller.plan import Event, Severity
from controller.ports.common import EventSink

Floats = NDArray[np.float64]


class Prices:
    """The prices of a site: of a file that may change, by time of day, or always the same."""

    def __init__(self, settings: PlanSettings, time_zone: str, on_event: EventSink) -> None:
        self._settings, self._zone, self._on_event = settings, ZoneInfo(time_zone), on_event
        self._series: PriceSeries | None = None
        self._read_ns: int | None = None
        self._troubled = False

    def ahead(self, begins_at: datetime) -> Floats:
        """(T,) the price of each slot [currency/kWh]. Reads the file where it has changed: not for the control loop.

        A file that cannot be used is reported, and what it said before goes on to count.
        """
        settings = self._settings
        moments = [begins_at + timedelta(seconds=number * settings.slot_s) for number in range(settings.slots)]
        usual = np.array([self._by_time_of_day(moment.astimezone(self._zone)) for moment in moments])
        if settings.price_file is None:
            return usual
        self._refresh()
        if self._series is None:
            return usual
        told = self._series.at(np.array([moment.astimezone(UTC).timestamp() for moment in moments]))
        return np.where(np.isnan(told), usual, told)

    def _by_time_of_day(self, local: datetime) -> float:
        for row in self._settings.time_of_use:
            if _within(row, local):
                return row.price_per_kwh
        return self._settings.price_per_kwh

    def _refresh(self) -> None:
        file = self._settings.price_file
        assert file is not None
        try:
            changed_ns = file.stat().st_mtime_ns
            if changed_ns == self._read_ns:
                return
            self._series, self._read_ns = read_price_file(file), changed_ns
        except OSError as error:
            self._report(f"{file.name} cannot be read: {error.strerror}")
        except PriceFileError as error:
            self._report(error.problems[0])
        else:
            self._troubled = False

    def _report(self, problem: str) -> None:
        if not self._troubled:
            self._troubled = True
            text = f"prices are those known before: {problem}"
            self._on_event(Event("price_file_unusable", "planner", text, Severity.WARNING))


def _within(row: TimeOfUse, local: datetime) -> bool:
    """Whether the row holds at this moment of the site's clock."""
    return any(
        day in row.weekdays and begins <= local.time() and (ends == time() or local.time() < ends)
        for day, begins, ends in _parts(row, local.weekday())
    )


def _parts(row: TimeOfUse, weekday: int) -> Iterator[tuple[int, time, time]]:
    """The parts of a weekday that a row covers, each with the day on which it began; midnight ends a day."""
    if row.begins < row.ends or row.ends == time():
        yield weekday, row.begins, row.ends
    else:
        yield weekday, row.begins, time()
        yield (weekday - 1) % 7, time(), row.ends
