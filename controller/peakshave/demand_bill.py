"""What demand costs, worked out from windows alone."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Final

from controller.peakshave.demand_peaks import Month, by_month, candidates, first_of, in_order, year_of
from controller.peakshave.demand_tariff import MONTHS_OF_YEAR, DemandComponent, DemandTariff, Reach
from controller.peakshave.windows import Window

KW_STEP: Final = Decimal("0.001")
"""A window's power, and every mean of them, is rounded half-up to this."""
AMOUNT_STEP: Final = Decimal("0.01")
"""Amounts are rounded half-up to this, once per line."""

_Months = dict[Month, list[tuple[datetime, Window]]]


@dataclass(frozen=True, slots=True)
class BillLine:
    """One charge of one month or year."""

    component: str
    begins_on: date
    months: int
    """Months that it is for: those of the period that have windows."""
    billed_kw: Decimal
    price_per_kw: Decimal
    price_months: int
    amount: Decimal
    windows: tuple[Window, ...]
    """Those that set ``billed_kw``; none where a contract or a least power did."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What a tariff charges for windows."""

    lines: tuple[BillLine, ...]
    """In the order of the tariff's components, and of time."""
    marked: tuple[Window, ...]
    """Windows that were not measured without fault; their assumed part is in the bill."""
    missing_s: int
    """Time between the first and the last window that no window covers [s]."""

    @property
    def total(self) -> Decimal:
        """The sum of all lines."""
        return sum((line.amount for line in self.lines), Decimal("0.00"))


@dataclass(frozen=True, slots=True)
class _Peak:
    kw: Decimal
    windows: tuple[Window, ...] = ()
    billed: bool = False
    """Whether any window was in billed times."""


def bill(
    windows: Iterable[Window], tariff: DemandTariff, zone: tzinfo, holidays: Container[date] = frozenset()
) -> Bill:
    """Work out what the windows cost.

    A month that has windows counts as a whole month; one that has none is not billed.

    Args:
        windows: in any order; those shorter than the tariff's are joined.
        tariff: the components and their prices.
        zone: of the local calendar.
        holidays: local dates.

    Raises:
        ValueError: windows overlap, or are longer than the tariff's.
    """
    given = tuple(windows)
    ordered = in_order(given, tariff.window_s, zone)
    months: _Months = by_month(ordered, zone)
    lines = [
        line for component in tariff.components for line in _lines(component, months, tariff.year_begins, holidays)
    ]
    marked = tuple(sorted((window for window in given if window.marks), key=lambda window: window.begins_at))
    return Bill(tuple(lines), marked, _missing_s(given))


def _missing_s(windows: Sequence[Window]) -> int:
    ordered = sorted(windows, key=lambda window: window.begins_at)
    gaps = (
        after.begins_at - before.begins_at - timedelta(seconds=before.length_s) for before, after in pairwise(ordered)
    )
    return round(sum((gap.total_seconds() for gap in gaps), 0.0))


def _lines(component: DemandComponent, months: _Months, year_begins: int, holidays: Container[date]) -> list[BillLine]:
    if component.reach is Reach.YEAR:
        years = _years(months, year_begins)
        peaks = {
            year: _peak(component, [window for month in of_year for window in months[month]], holidays)
            for year, of_year in years.items()
        }
        return _billed(component, peaks, {year: len(of_year) for year, of_year in years.items()})
    peaks = {month: _peak(component, seen, holidays) for month, seen in months.items()}
    if component.reach is Reach.TWELVE_MONTHS:
        peaks = {month: _highest_of_twelve(peaks, month) for month in peaks}
    if component.reach is Reach.MEAN_OF_MONTHS:
        years = _years(months, year_begins)
        return [_mean_line(component, year, [peaks[month] for month in of_year]) for year, of_year in years.items()]
    return _billed(component, peaks, dict.fromkeys(peaks, 1))


def _years(months: _Months, year_begins: int) -> dict[Month, list[Month]]:
    years: dict[Month, list[Month]] = {}
    for month in months:
        years.setdefault(year_of(month, year_begins), []).append(month)
    return years


def _peak(component: DemandComponent, seen: Iterable[tuple[datetime, Window]], holidays: Container[date]) -> _Peak:
    found = candidates(component, seen, holidays)
    highest = found[: component.highest]
    if not highest:
        return _Peak(Decimal(0))
    powers_kw = [_rounded(Decimal(repr(candidate.weighted)) / 1000, KW_STEP) for candidate in highest]
    mean_kw = _rounded(sum(powers_kw, Decimal(0)) / len(powers_kw), KW_STEP)
    return _Peak(mean_kw, tuple(candidate.window for candidate in highest), billed=True)


def _highest_of_twelve(peaks: dict[Month, _Peak], month: Month) -> _Peak:
    year = (peaks[before] for before in range(month - MONTHS_OF_YEAR + 1, month + 1) if before in peaks)
    return max(year, key=lambda peak: peak.kw)


def _mean_line(component: DemandComponent, year: Month, peaks: Sequence[_Peak]) -> BillLine:
    billed_kw = [component.billed(peak.kw) for peak in peaks]
    mean_kw = _rounded(sum(billed_kw, Decimal(0)) / len(billed_kw), KW_STEP)
    windows = tuple(window for peak in peaks for window in peak.windows if peak.kw > component.least_kw)
    return _line(component, year, len(peaks), mean_kw, windows)


def _billed(component: DemandComponent, peaks: dict[Month, _Peak], months: dict[Month, int]) -> list[BillLine]:
    lines: list[BillLine] = []
    for begins, peak in peaks.items():
        billed_kw = component.billed(peak.kw)
        if peak.billed or billed_kw:
            windows = peak.windows if peak.kw > component.least_kw else ()
            lines.append(_line(component, begins, months[begins], billed_kw, windows))
    return lines


def _line(
    component: DemandComponent, begins: Month, months: int, billed_kw: Decimal, windows: tuple[Window, ...]
) -> BillLine:
    billed_kw = _rounded(billed_kw, KW_STEP)
    amount = _rounded(billed_kw * component.price_per_kw * months / component.price_months, AMOUNT_STEP)
    return BillLine(
        component.name,
        first_of(begins),
        months,
        billed_kw,
        component.price_per_kw,
        component.price_months,
        amount,
        windows,
    )


def _rounded(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, ROUND_HALF_UP)
