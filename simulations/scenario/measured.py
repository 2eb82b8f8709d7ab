"""What a scenario takes from files with real data: sessions, models of people, loads and prices."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from adapters.configuration import ConfigurationError, Problem
from adapters.configuration.toml_file import TomlFile
from simulations.data.people import PeopleModel, read_people
from simulations.data.problems import DataError
from simulations.data.recorded import RecordedSession, SessionData
from simulations.data.resampling import replay, resample
from simulations.data.series import SeriesData, TimeSeries
from simulations.data.series_csv import read_load, read_prices
from simulations.data.sessions import read_sessions
from simulations.data.tariff import Tariff, read_tariff
from simulations.scenario.calendar import Calendar
from simulations.scenario.loads import KNOT_S
from simulations.scenario.model import DataNote
from simulations.scenario.tables import PeopleTable, ScenarioFile

_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Measured:
    """What was read; nothing for a scenario that names no files."""

    sessions: Mapping[str, tuple[RecordedSession, ...]] = field(default_factory=dict)
    """Recorded sessions by the name of their people."""
    models: Mapping[str, PeopleModel] = field(default_factory=dict)
    """Fitted models by the name of their people."""
    load: TimeSeries | None = None
    """What the building draws, at the time of the scenario: power [W], or current on each phase [A]."""
    prices: TimeSeries | None = None
    """Prices per kWh, at the time of the scenario."""
    tariff: Tariff | None = None
    """Prices and a demand charge by the calendar."""
    notes: tuple[DataNote, ...] = ()

    def sessions_of(self, table: PeopleTable, calendar: Calendar, seed: int) -> Sequence[RecordedSession] | None:
        """Who of a kind comes within the horizon; None: to be drawn from figures."""
        rng = np.random.default_rng([seed, zlib.crc32(table.name.encode())])
        # Who came the evening before is still there when the horizon begins.
        eve, days = calendar.days[0] - timedelta(days=1), len(calendar.days) + 1
        if table.name in self.models:
            return self.models[table.name].sample(rng, eve, days, calendar.zone)
        recorded = self.sessions.get(table.name)
        if not recorded:
            return recorded
        if table.mode == "resample":
            return resample(recorded, rng, eve, days, calendar.zone)
        starts = min(session.arrives for session in recorded).astimezone(calendar.zone).date()
        if starts == calendar.days[0]:  # there is no evening before; another's would move every day to another one
            return replay(recorded, calendar.days[0], len(calendar.days), calendar.zone)
        return replay(recorded, eve, days, calendar.zone)


def read_measured(file: ScenarioFile, source: TomlFile, calendar: Calendar) -> Measured:
    """Read every file that a scenario names.

    Raises:
        ConfigurationError: with everything that is wrong with any of them.
    """
    folder, zone = source.path.parent, calendar.zone
    notes: list[DataNote] = []
    problems: list[Problem] = []

    def read(name: str | None, reader: Callable[[Path], _Read]) -> _Read | None:
        try:
            return None if name is None else reader(folder / name)
        except DataError as error:
            problems.extend(error.problems)
            return None

    def noted(data: SessionData | SeriesData | None) -> None:
        notes.extend(data.notes if data is not None else ())

    sessions: dict[str, tuple[RecordedSession, ...]] = {}
    models: dict[str, PeopleModel] = {}
    for people in file.people:
        if (model := read(people.model, read_people)) is not None:
            models[people.name] = model
        reader = partial(read_sessions, kind=people.kind, time_zone=zone, charger_w=_highest_w(file))
        if (data := read(people.file, reader)) is not None:
            sessions[people.name] = data.sessions
        noted(data)
    load = read(file.building.file, lambda path: _at(read_load(path, time_zone=zone), calendar))
    measured, by_tariff = file.prices.file, file.prices.kind == "tariff"
    tariff = read(measured if by_tariff else None, read_tariff)
    prices = read(None if by_tariff else measured, lambda path: _at(read_prices(path, time_zone=zone), calendar))
    noted(load)
    noted(prices)
    if problems:
        raise ConfigurationError(problems)
    series = [None if one is None else one.series for one in (load, prices)]
    return Measured(sessions, models, series[0], series[1], tariff, tuple(notes))


def _highest_w(file: ScenarioFile) -> float:
    """Most that any charging point of the scenario gives [W]."""
    voltage_v = file.site.nominal_voltage_v if file.site else 230.0
    return 3.0 * voltage_v * max([*(point.max_a for point in file.points), *(group.max_a for group in file.groups)])


def _at(data: SeriesData, calendar: Calendar) -> SeriesData:
    """The course at the time of the scenario, and a little beyond its end."""
    series = data.series.shifted(calendar.start_s, calendar.duration_s + KNOT_S, calendar.zone)
    return replace(data, series=series)
