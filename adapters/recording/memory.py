"""The controller's memory as JSON and back, exactly, whatever dataclasses and arrays it consists of.

Numbers are written with as many digits as they need to be read back as the same; JSON has no word for those that are
not finite, so they become text.
"""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from controller.engine import Memory


class ForeignMemoryError(ValueError):
    """It was left by another version of the controller, whose memory is made differently."""


def memory_document(memory: Memory) -> dict[str, Any]:
    """The memory as JSON-ready values: an object per dataclass, and ``dtype``, ``shape`` and ``values`` per array."""
    document: dict[str, Any] = _plain(memory)
    return document


def memory_of(document: dict[str, Any], like: Memory) -> Memory:
    """The memory that such values describe.

    Args:
        document: as ``memory_document`` gives it.
        like: any memory of this version for the same site: it tells what a memory consists of.

    Raises:
        ForeignMemoryError: the values describe another kind of memory.
    """
    memory: Memory = _restored(document, like, "memory")
    return memory


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


def _restored(document: Any, like: Any, place: str) -> Any:
    if is_dataclass(like) and not isinstance(like, type):
        names = [field.name for field in fields(like)]
        if not isinstance(document, dict) or set(document) != set(names):
            raise ForeignMemoryError(f"{place}: expected {', '.join(names)}")
        found = {name: _restored(document[name], getattr(like, name), f"{place}.{name}") for name in names}
        return type(like)(**found)
    if isinstance(like, np.ndarray):
        return _array(document, like, place)
    if isinstance(like, float) and document in ("nan", "inf", "-inf"):
        return float(document)
    if type(document) is not type(like):
        raise ForeignMemoryError(f"{place}: expected a value of type {type(like).__name__}")
    return document


def _array(document: Any, like: np.ndarray[Any, Any], place: str) -> np.ndarray[Any, Any]:
    kind = {"dtype": str(like.dtype), "shape": list(like.shape)}
    if not isinstance(document, dict) or {name: document.get(name) for name in kind} != kind:
        raise ForeignMemoryError(f"{place}: expected an array of {kind['dtype']} with shape {kind['shape']}")
    try:  # numpy reads 'nan', 'inf' and '-inf' itself
        return np.array(document.get("values"), dtype=like.dtype).reshape(like.shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise ForeignMemoryError(f"{place}: {error}") from error
