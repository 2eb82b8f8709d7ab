"""From a scenario file to a scenario, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from adapters.configuration import ConfigurationError, Problem, load_configuration
from adapters.configuration.places import Place, dotted
from adapters.configuration.toml_file import Located, TomlFile, invalid, read_toml
from simulations.scenario.assembly import assembled, calendar_of
from simulations.scenario.checks import findings
from simulations.scenario.measured import read_measured
from simulations.scenario.model import Scenario
from simulations.scenario.overrides import overridden, parsed
from simulations.scenario.tables import ScenarioFile

SITE_TABLES: Final = ("site", "circuits", "points", "stations")
"""What is taken from a site file that a scenario names."""
SITE_KEY: Final = "scenario.site"
"""The one setting that has to be known before the others: they change values of that site."""


class _AnySecret(dict[str, str]):
    """Environment variables for a site file whose secrets do not matter: nobody logs in to a simulation."""

    def __missing__(self, name: str) -> str:
        return f"simulated-{name}"

    def get(self, name: str, default: Any = None) -> Any:
        del default
        return self[name]


def load_scenario(
    path: Path, *, seed: int | None = None, settings: Mapping[str, str] | None = None, short: bool = False
) -> Scenario:
    """Read and check a scenario file, and draw everything that it leaves to chance.

    Args:
        path: the file; relative paths in it begin at its folder.
        seed: in place of the file's.
        settings: what replaces values of the file, by dotted key (``circuits.main.fuse_a``), as TOML values.
        short: its short form, where it has one.

    Raises:
        ConfigurationError: with every problem of the scenario and of the files that it names.
    """
    file = read_toml(path)
    settings = settings or {}
    problems = list(_with_site(file, settings))
    places, wrong_settings = overridden(file.data, settings)
    problems += wrong_settings
    problems += [_problem(file, places, found) for found in _located(file.data, path.parent)]
    if problems:
        raise ConfigurationError(sorted(problems, key=lambda problem: (problem.file, problem.line)))
    tables = ScenarioFile.model_validate(file.data)
    calendar = calendar_of(tables, short=short)
    if calendar.duration_s <= 0:
        what = "expected a horizon of one row of the results at least (step_s and record_s say how long it is)"
        file.refuse([(("short" if short and tables.short else "scenario", "hours"), what, None)])
    measured = read_measured(tables, file, calendar)
    return assembled(tables, calendar, measured, seed=seed, short=short, path=path)


def _with_site(file: TomlFile, settings: Mapping[str, str]) -> Iterator[Problem]:
    """Put the tables of the site file that the scenario, or a setting, names in their place; problems of that file."""
    about = file.data.get("scenario")
    name = about.get("site") if isinstance(about, dict) else None
    if SITE_KEY in settings:
        name = parsed(settings[SITE_KEY])
    if not isinstance(name, str):
        return
    try:
        path = file.path.parent / name
        load_configuration(path, _AnySecret())
        site = read_toml(path).data
    except ConfigurationError as refused:
        yield from refused.problems
        return
    for table in SITE_TABLES:
        if table in file.data:
            what = "expected either this table or a site file in [scenario], not both"
            yield Problem(str(file.path), file.places.line((table,)), table, what)
        elif table in site:
            file.data[table] = site[table]


def _located(data: dict[str, Any], folder: Path) -> Iterator[Located]:
    reported: set[Place] = set()
    for place, what, value in invalid(data, ScenarioFile):
        reported.add(place)
        yield place, what, value
    for place, what in findings(data, folder):
        if place not in reported:
            yield place, what, None


def _problem(file: TomlFile, places: Mapping[Place, str], found: Located) -> Problem:
    place, what, value = found
    for where, setting in places.items():
        shorter = min(len(where), len(place))
        if where[:shorter] == place[:shorter] and (len(where) <= len(place) or file.places.line(place) == 1):
            return Problem(setting, 1, dotted(place), what, value)
    return Problem(str(file.path), file.places.line(place), dotted(place), what, value)
