"""JSON as text.

What others hand to us is read more strictly than Python's parser does, every problem told with its place; what we
write has its times in one form.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from adapters.configuration.describe import expectation, known_keys, shown, suggestion
from adapters.configuration.places import Place, dotted

PROBLEMS_MAX: Final = 100
"""More of them in one document say that it is something else."""


class DocumentError(ValueError):
    """A document cannot be used; ``problems`` is the complete list, each with its place."""

    def __init__(self, problems: list[str]) -> None:
        hidden = len(problems) - PROBLEMS_MAX
        self.problems = problems[:PROBLEMS_MAX] + ([f"and {hidden} more"] if hidden > 0 else [])
        super().__init__("\n".join(self.problems))


class _RefusedError(Exception):
    """Valid for Python's parser, and yet not what JSON allows or means."""


def parsed(text: bytes, *, exact: bool = False) -> Any:
    """The values in a text. Refuses what pydantic's parser would let pass: names given twice, numbers that are none.

    Args:
        text: JSON in UTF-8.
        exact: Whether numbers with decimals become ``Decimal``, as they stand, and not floats.

    Raises:
        DocumentError: it is not JSON.
    """
    fraction = Decimal if exact else float
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_number, parse_float=fraction)
    except json.JSONDecodeError as error:
        problem = f"line {error.lineno}, column {error.colno}: is not valid JSON: {error.msg}"
    except UnicodeDecodeError:
        problem = "is not UTF-8 text"
    except RecursionError:
        problem = "is nested too deeply"
    except _RefusedError as error:
        problem = str(error)
    except ValueError:  # int() refuses literals of thousands of digits
        problem = "holds a number of too many digits"
    raise DocumentError([problem]) from None


def described(error: ErrorDetails, model: type[BaseModel], place: Place | None = None) -> str:
    """What pydantic found wrong with a document of that model.

    Args:
        error: one of its findings.
        model: of the document.
        place: in the document, where pydantic's own account of it goes through something else.
    """
    place = error["loc"] if place is None else place
    match error["type"]:
        case "extra_forbidden":
            what = f"unknown key{suggestion(str(place[-1]), known_keys(model, place[:-1]))}"
        case "missing":
            what = "is missing"
        case "json_invalid":
            what = error["msg"]
        case "model_type" | "model_attributes_type" | "dict_type":
            what = f"expected an object, found {_found(error['input'], place)}"
        case _:
            what = f"{expectation(error)}, found {_found(error['input'], place)}"
    return f"{dotted(place)}: {what}" if place else what


def _found(value: Any, place: Place) -> str | None:
    if value is None:
        return "null"
    return "an object" if isinstance(value, dict) else shown(value, place)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        raise _RefusedError(f"is ambiguous: {', '.join(map(repr, repeated))} given more than once in one object")
    return members


def _no_number(name: str) -> float:
    raise _RefusedError(f"is not valid JSON: {name} is not a number")


def utc_text(time: datetime) -> str:
    """A time as every document writes it: ISO 8601, in UTC, exact.

    >>> utc_text(datetime(2026, 11, 20, 9, tzinfo=UTC))
    '2026-11-20T09:00:00Z'
    """
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
