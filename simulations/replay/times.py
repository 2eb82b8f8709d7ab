"""Moments as people name them, and the files that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from adapters.recording import Recorded, Section, read_recording
from controller.site import Site

EXPECTED: Final = "expected a time such as 14:05, 2026-11-20T14:05 (both by the site's clock) or 2026-11-20T13:05:00Z"


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a recording: where it begins."""

    path: Path
    site: Site | None
    """None where its first line is no header."""
    begins: datetime | None


def parts_of(paths: Sequence[Path]) -> list[Part]:
    """Look at the first line of each file."""
    return [_part(path) for path in paths]


def _part(path: Path) -> Part:
    for entry in read_recording([path]):
        if isinstance(entry, Section):
            return Part(path, entry.site, entry.header.at)
        if isinstance(entry, Recorded):
            break
    return Part(path, None, None)


def parts_between(parts: Sequence[Part], begin: datetime | None, end: datetime | None) -> list[Part]:
    """The files that may hold what lies between two moments. Each of them replays on its own."""
    first = 0
    for number, part in enumerate(parts):
        if begin is not None and part.begins is not None and part.begins <= begin:
            first = number
    return [part for part in parts[first:] if end is None or part.begins is None or part.begins <= end]


def moment(text: str, parts: Sequence[Part]) -> datetime:
    """The moment that somebody means, in UTC.

    Args:
        text: with a zone, without one (the site's clock counts), or a time of day alone.
        parts: of the recording, which tell the site's zone and the day.

    Raises:
        ValueError: it is none, or a time of day alone where the recording goes over several days.
    """
    known = [part for part in parts if part.site is not None and part.begins is not None]
    zone = _zone(known[0].site) if known else UTC
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = _today(_time_of_day(text), [part.begins.astimezone(zone) for part in known if part.begins is not None])
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def _zone(site: Site | None) -> tzinfo:
    try:
        return ZoneInfo(site.time_zone) if site else UTC
    except (KeyError, ValueError, OSError):  # by another version, or by hand
        return UTC


def _time_of_day(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(EXPECTED) from None


def _today(time_of_day: time, begins: Sequence[datetime]) -> datetime:
    """That time on the one day that the recording is of."""
    days = sorted({begin.date() for begin in begins})
    if not days:
        raise ValueError("expected a date too: the recording does not say when it begins")
    if len(days) > 1:
        raise ValueError(f"expected a date too: the recording goes from {days[0]} to {days[-1]}")
    found = datetime.combine(days[0], time_of_day, begins[0].tzinfo)
    first = min(begins).replace(second=0, microsecond=0)
    return found if found >= first else found + timedelta(days=1)  # it goes over midnight


def local(at: datetime, site: Site, *, date_too: bool = False) -> str:
    """A moment by the site's clock, with tenths of a second where there are any."""
    there = at.astimezone(_zone(site))
    tenth = f".{there.microsecond // 100_000}" if there.microsecond >= 50_000 else ""
    return f"{there:%Y-%m-%d %H:%M:%S}{tenth}" if date_too else f"{there:%H:%M:%S}{tenth}"
