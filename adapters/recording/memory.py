"""The controller's memory as JSON and back, exactly, whatever dataclasses and arrays it consists of.

Numbers are written with as many digits as they need to be read back as the same; JSON has no word for those that are
not finite, so they become text.
"""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_type_hints

import numpy as np

from controller.engine import Memory


class ForeignMemoryError(ValueError):
    """It was left by another version of the controller, whose memory is made differently."""


def memory_document(memory: Memory) -> dict[str, Any]:
    """The memory as JSON-ready values: an object per dataclass, and ``dtype``, ``shape`` and ``values`` per array."""
    document: dict[str, Any] = _plain(memory)
    return document


def memory_of(document: dict[str, Any]) -> Memory:
    """The memory that such values describe.

    Raises:
        ForeignMemoryError: they do not describe the memory of this version.
    """
    try:
        return _restored(Memory, document)  # type: ignore[no-any-return]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ForeignMemoryError(str(error)) from error


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        values = [_plain(item) for item in value.ravel().tolist()]
        return {"dtype": str(value.dtype), "shape": list(value.shape), "values": values}
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a memory cannot be recorded that holds a {type(value).__name__}")


def _restored(kind: Any, document: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        if document.keys() != hints.keys():
            different = ", ".join(sorted(document.keys() ^ hints.keys()))
            raise ValueError(f"its fields are not those of this version: {different}")
        return kind(**{name: _restored(hint, document[name]) for name, hint in hints.items()})
    if isinstance(document, dict):
        values = np.array(document["values"], dtype=document["dtype"])  # numpy reads 'nan', 'inf' and '-inf' itself
        return values.reshape(document["shape"])
    return float(document) if kind is float else document


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
