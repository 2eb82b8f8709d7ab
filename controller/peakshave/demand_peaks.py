"""Which windows count for a component of a demand tariff, by local months and days."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise

from controller.peakshave.billed_times import weight_at
from controller.peakshave.demand_tariff import MONTHS_OF_YEAR, DemandComponent, DemandTariff
from controller.peakshave.windows import Window, aligned

Month = int
"""Months counted through: 12 x year + month - 1."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A billed window."""

    weighted: float
    """Its power times its weight, in the unit of what was compared."""
    day: date
    window: Window


def month_of(local: datetime) -> Month:
    """The month of a local time."""
    return MONTHS_OF_YEAR * local.year + local.month - 1


def first_of(month: Month) -> date:
    """The first day of a month.

    >>> first_of(12 * 2026 + 2)
    datetime.date(2026, 3, 1)
    """
    return date(month // MONTHS_OF_YEAR, month % MONTHS_OF_YEAR + 1, 1)


def year_of(month: Month, year_begins: int) -> Month:
    """The first month of the accounting year that a month belongs to.

    >>> first_of(year_of(12 * 2026 + 1, 4))
    datetime.date(2025, 4, 1)
    """
    return month - (month - (year_begins - 1)) % MONTHS_OF_YEAR


def in_order(windows: Iterable[Window], window_s: int, zone: tzinfo) -> list[Window]:
    """Windows by time, joined to the tariff's length where they are shorter.

    Raises:
        ValueError: two overlap, or one is longer than the tariff's.
    """
    ordered = sorted(windows, key=lambda window: window.begins_at)
    for before, after in pairwise(ordered):
        if after.begins_at < before.begins_at + timedelta(seconds=before.length_s):
            raise ValueError(f"windows of {before.begins_at.isoformat()} and {after.begins_at.isoformat()} overlap")
    longest_s = max((window.length_s for window in ordered), default=0)
    if longest_s > window_s:
        raise ValueError(f"expected windows of at most {window_s} s, got one of {longest_s} s")
    if all(window.length_s == window_s for window in ordered):
        return ordered
    groups: dict[float, list[Window]] = {}
    for window in ordered:
        groups.setdefault(aligned(window.begins_at.timestamp(), window_s, zone), []).append(window)
    return [_joined(begins_s, window_s, parts) for begins_s, parts in groups.items()]


def _joined(begins_s: float, window_s: int, parts: Sequence[Window]) -> Window:
    return Window(
        datetime.fromtimestamp(begins_s, UTC),
        window_s,
        sum(part.energy_wh for part in parts),
        sum(part.covered_s for part in parts),
        tuple(dict.fromkeys(mark for part in parts for mark in part.marks)),
        sum(part.assumed_wh for part in parts),
    )


def by_month(windows: Iterable[Window], zone: tzinfo) -> dict[Month, list[tuple[datetime, Window]]]:
    """Windows with their local beginnings, by local month."""
    months: dict[Month, list[tuple[datetime, Window]]] = {}
    for window in windows:
        local = window.begins_at.astimezone(zone)
        months.setdefault(month_of(local), []).append((local, window))
    return months


def that_matter(
    windows: Iterable[Window], tariff: DemandTariff, zone: tzinfo, holidays: Container[date] = frozenset()
) -> tuple[Window, ...]:
    """The few windows of each local day that a peak can ever be made of, in order of time.

    What a kilowatt costs, and the lines of a bill, follow from them as from all; asking is fast then. Windows that are
    not of the tariff's length are kept.
    """
    kept = {window.begins_at: window for window in windows}
    days: dict[date, list[tuple[datetime, Window]]] = {}
    for window in kept.values():
        if window.length_s == tariff.window_s:
            local = window.begins_at.astimezone(zone)
            days.setdefault(local.date(), []).append((local, window))
    for seen in days.values():
        for _, window in seen:
            del kept[window.begins_at]
        for component in tariff.components:
            for measured in (False, True):
                found = candidates(component, seen, holidays, measured=measured)
                kept |= {each.window.begins_at: each.window for each in found[: component.highest]}
        kept |= {window.begins_at: window for _, window in seen[:1]}  # a day without billed times is of a month, too
    return tuple(sorted(kept.values(), key=lambda window: window.begins_at))


def candidates(
    component: DemandComponent,
    windows: Iterable[tuple[datetime, Window]],
    holidays: Container[date],
    *,
    measured: bool = False,
) -> list[Candidate]:
    """The billed windows, highest first; the highest of each day only, where days must differ.

    Args:
        component: whose times decide.
        windows: with their local beginnings.
        holidays: local dates.
        measured: compare only what was measured of them.
    """
    found: list[Candidate] = []
    for local, window in windows:
        weight = weight_at(component.times, local, holidays)
        if weight:
            power_w = window.measured_w if measured else window.mean_w
            found.append(Candidate(max(power_w, 0.0) * float(weight), local.date(), window))
    found.sort(key=lambda candidate: -candidate.weighted)
    if not component.distinct_days:
        return found
    of_days: dict[date, Candidate] = {}
    for candidate in found:
        of_days.setdefault(candidate.day, candidate)
    return list(of_days.values())
