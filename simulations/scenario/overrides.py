"""Settings from the command line, put in the place of what a scenario file says."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from adapters.configuration.describe import suggestion
from adapters.configuration.places import Place
from adapters.configuration.problems import Problem


def overridden(data: dict[str, Any], settings: Mapping[str, str]) -> tuple[dict[Place, str], list[Problem]]:
    """Change parsed data in place.

    A key names tables by their names and rows of arrays by their ``id``, ``name`` or number:
    ``demand.per_kw``, ``circuits.main.fuse_a``, ``people.0.cars_per_day``. Values are TOML, or else text.

    Returns:
        Where each setting went, with the setting as it was given, and what is wrong with the others.
    """
    places: dict[Place, str] = {}
    problems: list[Problem] = []
    for key, text in settings.items():
        try:
            places[_put(data, key.split("."), parsed(text))] = f"--set {key}={text}"
        except LookupError as missing:
            problems.append(Problem(f"--set {key}={text}", 1, "", missing.args[0]))
    return places, problems


def parsed(text: str) -> Any:
    """The value that a setting's text means.

    >>> parsed("16"), parsed("[25, 25, 20]"), parsed("rules"), parsed("true")
    (16, [25, 25, 20], 'rules', True)
    """
    try:
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        return text


def _put(data: dict[str, Any], keys: list[str], value: Any) -> Place:
    here: Any = data
    path: Place = ()
    for key in keys[:-1]:
        if isinstance(here, list):
            step: str | int = _row(here, key, path)
        else:
            step = key
            here.setdefault(key, {})
        here, path = here[step], (*path, step)
        if not isinstance(here, dict | list):  # the setting is wrong, not the type of an argument
            raise LookupError(f"{'.'.join(map(str, path))} is a value, and holds no {keys[-1]!r}")  # noqa: TRY004
    last: str | int = _row(here, keys[-1], path) if isinstance(here, list) else keys[-1]
    here[last] = value
    return (*path, last)


def _row(rows: list[Any], key: str, path: Place) -> int:
    names = list(_names(rows))
    for number, name in names:
        if name == key:
            return number
    if key.isdecimal() and int(key) < len(rows):
        return int(key)
    raise LookupError(f"no {'.'.join(map(str, path))} is called {key!r}{suggestion(key, (name for _, name in names))}")


def _names(rows: list[Any]) -> Iterator[tuple[int, str]]:
    for number, row in enumerate(rows):
        if isinstance(row, dict):
            for field in ("id", "name"):
                if isinstance(row.get(field), str):
                    yield number, row[field]
