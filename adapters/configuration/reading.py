"""From a site file to a configuration, or to everything that is wrong with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from adapters.configuration.assembly import assembled
from adapters.configuration.checks import findings
from adapters.configuration.describe import expectation, known_keys, meaning, shown, suggestion
from adapters.configuration.meter_tables import LATER_METERS
from adapters.configuration.places import Place, Places, dotted
from adapters.configuration.problems import ConfigurationError, Problem
from adapters.configuration.settings import Configuration
from adapters.configuration.tables import LATER_TABLES, SiteFile

FILE_BYTES_MAX: Final = 4 << 20
"""A thousand points need a tenth of it; something else was named by mistake."""

_TOML_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")

_Located = tuple[Place, str, str | None]
"""A place, what is wrong there, and the value that was found."""


def load_configuration(path: Path, environ: Mapping[str, str]) -> Configuration:
    """Read and check a site file.

    Args:
        path: The file; relative paths in it begin at its folder.
        environ: Environment variables, for the secrets that the file names.

    Raises:
        ConfigurationError: with every problem, in the order of the file.
    """
    text = _text(path)
    data = _parsed(path, text)
    try:
        places = Places(text)
        problems = list(_problems(data, path.parent, environ))
    except RecursionError:
        raise ConfigurationError([Problem(str(path), 1, "", "is nested too deeply")]) from None
    if problems:
        found = (Problem(str(path), places.line(place), dotted(place), what, value) for place, what, value in problems)
        raise ConfigurationError(sorted(found, key=lambda problem: problem.line))
    return assembled(SiteFile.model_validate(data), path=path, environ=environ, places=places)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigurationError([Problem(str(path), 1, "", f"cannot be read: {reason}")]) from None
    if len(content) > FILE_BYTES_MAX:
        raise ConfigurationError([Problem(str(path), 1, "", f"is larger than {FILE_BYTES_MAX} bytes")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError([Problem(str(path), line, "", "is not UTF-8 text")]) from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=_number)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        at = _TOML_PLACE.search(message)
        line, column = (int(at[1]), int(at[2])) if at and at[1] else (max(1, len(text.splitlines())), None)
        what = message[: at.start()] if at else message
        problem = Problem(str(path), line, "", f"is not valid TOML: {what}", column=column)
    except RecursionError:
        problem = Problem(str(path), 1, "", "is nested too deeply")
    except ValueError:
        # int() refuses literals of thousands of digits, without saying where.
        problem = Problem(str(path), 1, "", "holds a number of too many digits")
    raise ConfigurationError([problem]) from None


def _number(literal: str) -> Decimal:
    """Keep every decimal of a number: money must not pass through binary fractions."""
    try:
        return Decimal(literal)
    except InvalidOperation:  # an exponent beyond what even Decimal holds
        return Decimal("Infinity")


def _problems(data: dict[str, Any], folder: Path, environ: Mapping[str, str]) -> Iterator[_Located]:
    reported: set[Place] = set()
    for place, what, value in _invalid(data):
        if place not in reported:  # one number that stands for three phases is wrong three times, and reported once
            reported.add(place)
            yield place, what, value
    for place, what in findings(data, folder=folder, environ=environ):
        if place not in reported:
            yield place, what, None


def _invalid(data: dict[str, Any]) -> Iterator[_Located]:
    try:
        SiteFile.model_validate(data)
    except ValidationError as refused:
        for error in refused.errors(include_url=False):
            yield _located(error, data)


def _located(error: ErrorDetails, data: dict[str, Any]) -> _Located:
    path, value = _in_data(error["loc"], data)
    match error["type"]:
        case "extra_forbidden":
            return path, _unknown(error["loc"]), None
        case "missing":
            return path, f"is missing: {_wanted(error['loc'])}", None
        case "union_tag_not_found":
            return (*path, "kind"), "is missing: expected modbus_tcp or mqtt", None
        case "union_tag_invalid":
            kind = value.get("kind") if isinstance(value, dict) else None
            later = "not supported by this version; " if kind in LATER_METERS else ""
            return (*path, "kind"), f"{later}expected modbus_tcp or mqtt", shown(kind, path)
        case "list_type" if len(path) == 1:
            return path, f"expected an array of tables, [[{path[0]}]]", shown(value, path)
        case _:
            return path, expectation(error), shown(value, path)


def _wanted(place: Place) -> str:
    if len(place) == 1:
        return f"expected a table [{place[0]}]" if place[0] == "site" else f"expected [[{place[0]}]]"
    what = meaning(SiteFile, place)
    return what[:1].lower() + what[1:].rstrip(".")


def _unknown(place: Place) -> str:
    *above, key = place
    if not above and key in LATER_TABLES:
        return "not supported by this version yet"
    return f"unknown key{suggestion(str(key), known_keys(SiteFile, tuple(above)))}"


def _in_data(location: Place, data: Any) -> tuple[Place, Any]:
    """Follow pydantic's location in the file: it also names kinds of tables, and phases that the file does not."""
    path: Place = ()
    here = data
    for number, part in enumerate(location):
        if isinstance(here, dict):
            if part in here:
                here = here[part]
            elif number < len(location) - 1:
                continue
            else:
                here = None
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            break
        path = (*path, part)
    return path, here
