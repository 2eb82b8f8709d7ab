"""A TOML file that people write: parsed, and compared with the model of what it should hold."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from adapters.configuration.describe import expectation, known_keys, meaning, shown, suggestion
from adapters.configuration.meter_tables import LATER_METERS
from adapters.configuration.places import Place, Places, dotted
from adapters.configuration.problems import ConfigurationError, Problem

FILE_BYTES_MAX: Final = 4 << 20
"""A thousand points need a tenth of it; something else was named by mistake."""

_TOML_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")

Located = tuple[Place, str, str | None]
"""A place, what is wrong there, and the value that was found."""


@dataclass(frozen=True)
class TomlFile:
    """A file that is valid TOML. Its numbers with decimals are ``Decimal``: money passes through no binary fraction."""

    path: Path
    data: dict[str, Any]
    places: Places

    def refuse(self, found: Iterable[Located]) -> None:
        """Raise ``ConfigurationError`` with every problem in the order of the file; nothing when there is none."""
        problems = [
            Problem(str(self.path), self.places.line(place), dotted(place), what, value) for place, what, value in found
        ]
        if problems:
            raise ConfigurationError(sorted(problems, key=lambda problem: problem.line))


def read_toml(path: Path) -> TomlFile:
    """Read a file.

    Raises:
        ConfigurationError: it cannot be read, or is not valid TOML.
    """
    text = _text(path)
    data = _parsed(path, text)
    try:
        return TomlFile(path, data, Places(text))
    except RecursionError:
        raise ConfigurationError([Problem(str(path), 1, "", "is nested too deeply")]) from None


def invalid(data: dict[str, Any], model: type[BaseModel], later: Collection[str] = ()) -> Iterator[Located]:
    """Everything in parsed data that its model does not allow, once for each place.

    Args:
        data: What stands in the file.
        model: What should stand there.
        later: Tables that people may know of and that are not supported yet.
    """
    reported: set[Place] = set()
    try:
        model.model_validate(data)
    except ValidationError as refused:
        for error in refused.errors(include_url=False):
            place, what, value = _located(error, data, model, later)
            if place not in reported:  # one number that stands for three phases is wrong three times
                reported.add(place)
                yield place, what, value


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
    try:
        return Decimal(literal)
    except InvalidOperation:  # an exponent beyond what even Decimal holds
        return Decimal("Infinity")


def _located(error: ErrorDetails, data: dict[str, Any], model: type[BaseModel], later: Collection[str]) -> Located:
    path, value = _in_data(error["loc"], data)
    match error["type"]:
        case "extra_forbidden":
            return path, _unknown(error["loc"], model, later), None
        case "missing":
            return path, f"is missing: {_wanted(error['loc'], model)}", None
        case "union_tag_not_found":
            return (*path, "kind"), "is missing: expected modbus_tcp, sunspec, mqtt or p1", None
        case "union_tag_invalid":
            kind = value.get("kind") if isinstance(value, dict) else None
            unsupported = "not supported by this version; " if kind in LATER_METERS else ""
            return (*path, "kind"), f"{unsupported}expected modbus_tcp, sunspec, mqtt or p1", shown(kind, path)
        case "list_type" if len(path) == 1:
            return path, f"expected an array of tables, [[{path[0]}]]", shown(value, path)
        case _:
            return path, expectation(error), shown(value, path)


def _wanted(place: Place, model: type[BaseModel]) -> str:
    if len(place) == 1:
        is_array = _tables(model)[str(place[0])].get("type") == "array"
        return f"expected [[{place[0]}]]" if is_array else f"expected a table [{place[0]}]"
    what = meaning(model, place)
    return what[:1].lower() + what[1:].rstrip(".")


@cache
def _tables(model: type[BaseModel]) -> dict[str, Any]:
    tables: dict[str, Any] = model.model_json_schema()["properties"]
    return tables


def _unknown(place: Place, model: type[BaseModel], later: Collection[str]) -> str:
    *above, key = place
    if not above and key in later:
        return "not supported by this version yet"
    return f"unknown key{suggestion(str(key), known_keys(model, tuple(above)))}"


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
