"""What a scenario takes from files with real data: sessions, models of people, loads and prices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from adapters.configuration import ConfigurationError, Problem
from adapters.configuration.toml_file import TomlFile
from simulations.data.problems import DataError
from simulations.data.recorded import RecordedSession, SessionData
from simulations.data.series import SeriesData, TimeSeries
from simulations.data.series_csv import read_load, read_prices
from simulations.data.sessions import read_sessions
from simulations.scenario.calendar import Calendar
from simulations.scenario.loads import KNOT_S
from simulations.scenario.model import DataNote
from simulations.scenario.tables import PeopleTable, ScenarioFile

_WEEK_DAYS: Final = 7

_Read = TypeVar("_Read", SessionData, SeriesData)


@dataclass(frozen=True)
class Measured:
    """What was read; nothing for a scenario that names no files."""

    sessions: Mapping[str, tuple[RecordedSession, ...]] = field(default_factory=dict)
    """Recorded sessions by the name of their people."""
    load: TimeSeries | None = None
    """What the building draws, at the time of the scenario: power [W], or current on each phase [A]."""
    prices: TimeSeries | None = None
    """Prices per kWh, at the time of the scenario."""
    notes: tuple[DataNote, ...] = ()

    def sessions_of(self, table: PeopleTable, calendar: Calendar, seed: int) -> Sequence[RecordedSession] | None:
        """Who of a kind comes within the horizon; None: to be drawn from figures."""
        recorded = self.sessions.get(table.name)
        if recorded is None:
            return None
        del seed
        return moved(recorded, calendar)


def moved(sessions: Sequence[RecordedSession], calendar: Calendar) -> list[RecordedSession]:
    """Recorded sessions at the time of the scenario.

    Where the scenario lies within the recording they stay where they are. Otherwise they are moved by whole weeks on
    the clock of the site, so that the scenario begins in the first week of the recording, on the same day of the week.
    """
    if not sessions:
        return []
    first = min(session.arrives for session in sessions).astimezone(calendar.zone)
    last = max(session.leaves for session in sessions)
    begins = calendar.local(0.0)
    if first.date() <= begins.date() and begins <= last:
        return list(sessions)
    weeks = (begins.date() - first.date()).days // _WEEK_DAYS
    by = timedelta(days=_WEEK_DAYS * weeks)
    return [_at_another_time(session, by, calendar.zone) for session in sessions]


def _at_another_time(session: RecordedSession, by: timedelta, zone: ZoneInfo) -> RecordedSession:
    def move(moment: datetime) -> datetime:
        wall = moment.astimezone(zone).replace(tzinfo=None) + by
        return wall.replace(tzinfo=zone)

    arrives = move(session.arrives)
    return replace(
        session,
        arrives=arrives,
        leaves=arrives + (session.leaves - session.arrives),
        stated_leaves=None if session.stated_leaves is None else move(session.stated_leaves),
    )


def read_measured(file: ScenarioFile, source: TomlFile, calendar: Calendar) -> Measured:
    """Read every file that a scenario names.

    Raises:
        ConfigurationError: with everything that is wrong with any of them.
    """
    folder, zone = source.path.parent, calendar.zone
    notes: list[DataNote] = []
    problems: list[Problem] = []

    def read(name: str | None, reader: Callable[[Path], _Read]) -> _Read | None:
        if name is None:
            return None
        try:
            found = reader(folder / name)
        except DataError as error:
            problems.extend(error.problems)
            return None
        notes.extend(found.notes)
        return found

    sessions = {}
    for people in file.people:
        data = read(people.file, partial(read_sessions, kind=people.kind, time_zone=zone))
        if data is not None:
            sessions[people.name] = data.sessions
    load = read(file.building.file, lambda path: _at(read_load(path, time_zone=zone), calendar))
    prices = read(file.prices.file, lambda path: _at(read_prices(path, time_zone=zone), calendar))
    if problems:
        raise ConfigurationError(problems)
    return Measured(sessions, load.series if load else None, prices.series if prices else None, tuple(notes))


def _at(data: SeriesData, calendar: Calendar) -> SeriesData:
    """The course at the time of the scenario, and a little beyond its end."""
    series = data.series.shifted(calendar.start_s, calendar.duration_s + KNOT_S, calendar.zone)
    return replace(data, series=series)
