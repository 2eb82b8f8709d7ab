"""What a scenario takes from files with real data: sessions, models of people, loads and prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.configuration import ConfigurationError, Problem
from adapters.configuration.toml_file import TomlFile
from simulations.data.problems import DataError
from simulations.data.recorded import RecordedSession
from simulations.data.sessions import read_sessions
from simulations.scenario.calendar import Calendar
from simulations.scenario.model import DataNote
from simulations.scenario.tables import PeopleTable, ScenarioFile

_WEEK_DAYS = 7


@dataclass(frozen=True)
class Measured:
    """What was read; nothing for a scenario that names no files."""

    sessions: Mapping[str, tuple[RecordedSession, ...]] = field(default_factory=dict)
    """Recorded sessions by the name of their people."""
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
    folder = source.path.parent
    sessions: dict[str, tuple[RecordedSession, ...]] = {}
    notes: list[DataNote] = []
    problems: list[Problem] = []
    for people in file.people:
        if people.file is None:
            continue
        try:
            data = read_sessions(folder / people.file, people.kind, time_zone=calendar.zone)
        except DataError as error:
            problems += error.problems
        else:
            sessions[people.name] = data.sessions
            notes += data.notes
    if problems:
        raise ConfigurationError(problems)
    return Measured(sessions, tuple(notes))
