"""Says in a person's words what pydantic found wrong, for site files and for JSON documents alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from adapters.configuration.places import Place
from adapters.configuration.values import PATTERNS

FOUND_MAX: Final = 60
"""Characters shown of a value: enough to recognise it."""

SECRET_KEYS: Final = frozenset({"password", "uid", "url"})
"""Their values are never shown, right or wrong; a URL may hold a password, and a broken one hides it anywhere."""

_Words = Callable[[Mapping[str, Any]], str]

_EXPECTED: Final[Mapping[str, _Words]] = {
    "bool_type": lambda _: "expected true or false",
    "date_type": lambda _: "expected a date",
    "datetime_from_date_parsing": lambda _: "expected a time with a zone, such as 2026-11-20T09:00:00Z",
    "datetime_parsing": lambda _: "expected a time with a zone, such as 2026-11-20T09:00:00Z",
    "datetime_type": lambda _: "expected a time with a zone, such as 2026-11-20T09:00:00Z",
    "decimal_max_places": lambda c: f"expected at most {c['decimal_places']} decimals",
    "decimal_type": lambda _: "expected an amount of money, such as 0.30",
    "dict_type": lambda _: "expected a table",
    "enum": lambda c: f"expected one of {c['expected']}",
    "finite_number": lambda _: "expected a finite number",
    "float_type": lambda _: "expected a number",
    "greater_than": lambda c: f"expected a number above {c['gt']:g}",
    "greater_than_equal": lambda c: f"expected at least {c['ge']:g}",
    "int_from_float": lambda _: "expected a whole number",
    "int_type": lambda _: "expected a whole number",
    "less_than_equal": lambda c: f"expected at most {c['le']:g}",
    "list_type": lambda _: "expected a list",
    "literal_error": lambda c: f"expected {c['expected']}",
    "missing": lambda _: "is missing",
    "model_attributes_type": lambda _: "expected a table",
    "model_type": lambda _: "expected a table",
    "string_pattern_mismatch": lambda c: f"expected {PATTERNS[c['pattern']]}",
    "string_too_long": lambda c: f"expected at most {c['max_length']} characters",
    "string_too_short": lambda c: f"expected at least {c['min_length']} characters",
    "string_type": lambda _: "expected text in quotes",
    "timezone_aware": lambda _: "expected a time with a zone, such as 2026-11-20T09:00:00Z",
    "too_long": lambda c: f"expected {c['max_length']} values",
    "too_short": lambda c: f"expected at least {c['min_length']} values",
    "tuple_type": lambda _: "expected a list",
    "value_error": lambda c: str(c["error"]),
}


def expectation(error: ErrorDetails) -> str:
    """What should have been there."""
    words = _EXPECTED.get(error["type"])
    return words(error.get("ctx", {})) if words else error["msg"]


def suggestion(name: str, known: Iterable[str]) -> str:
    """A hint at the name that may have been meant.

    >>> suggestion("fuse", ["fuse_a", "margin_a"]), suggestion("zzz", ["fuse_a"])
    ("; did you mean 'fuse_a'?", '; known: fuse_a')
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


def known_keys(model: type[BaseModel], path: Place) -> list[str]:
    """The keys that the table at ``path`` may have. A path may name the kind of a table where kinds differ."""
    return sorted({key for table in _tables_at(model, path) for key in table.model_fields})


def meaning(model: type[BaseModel], path: Place) -> str:
    """What the field at ``path`` is for, or nothing where that depends."""
    meanings = {
        table.model_fields[path[-1]].description
        for table in _tables_at(model, path[:-1])
        if path[-1] in table.model_fields
    }
    return (meanings.pop() or "") if len(meanings) == 1 else ""


def _tables_at(model: type[BaseModel], path: Place) -> list[type[BaseModel]]:
    tables = [model]
    for part in path:
        if isinstance(part, int):
            continue
        fields = [table.model_fields[part] for table in tables if part in table.model_fields]
        if fields:
            tables = [inner for field in fields for inner in _models_in(field.annotation)]
        else:
            tables = [table for table in tables if _is_of_kind(table, part)]
    return tables


def _is_of_kind(table: type[BaseModel], kind: str) -> bool:
    kinds = table.model_fields.get("kind")
    return kinds is None or kind in get_args(kinds.annotation)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def shown(value: Any, path: Place) -> str | None:
    """A value as a person may see it; None for a secret."""
    if SECRET_KEYS.intersection(part for part in path if isinstance(part, str)):
        return None
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, str) else _plain(value)
    return text if len(text) <= FOUND_MAX else f"{text[: FOUND_MAX - 1]}…"


def _plain(value: Any) -> str:
    if isinstance(value, int) and abs(value) >= 10**FOUND_MAX:
        return "a number of very many digits"  # str() of such numbers is slow, and refused beyond 4300 digits
    return str(value).lower() if isinstance(value, Decimal) else str(value)
