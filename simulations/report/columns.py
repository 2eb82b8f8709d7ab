"""Columns: the data behind a figure or a table, embedded once, drawn and downloaded from the same bytes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

_CODES: Final = (np.uint8, np.uint16, np.int32)


@dataclass(frozen=True, slots=True)
class Column:
    """Values as the page's script reads them (``templates/page.js``); made by the functions below."""

    document: Mapping[str, Any]

    def __len__(self) -> int:
        return int(self.document["length"])

    def __str__(self) -> str:
        return json.dumps(self.document, separators=(",", ":"), ensure_ascii=False)


def numbers(values: ArrayLike, decimals: int = 3) -> Column:
    """Numbers, rounded to so many decimals; NaN is a gap in a plot and an empty cell in a download."""
    rounded = np.round(np.asarray(values, dtype=np.float64), decimals)
    small = decimals <= 3 and bool(np.all(np.abs(rounded[np.isfinite(rounded)]) < 1e4))
    # A float32 tells 1e4 from 1e4 + 0.001; the script rounds to the same decimals again.
    kind = np.float32 if small else np.float64
    return Column({"kind": "number", "decimals": decimals, **_bytes(rounded.astype(kind))})


def times(unix_s: ArrayLike) -> Column:
    """Instants [Unix s]. Drawn in the site's local time, downloaded as ISO 8601 with its offset from UTC."""
    at_s = np.asarray(unix_s, dtype=np.float64)
    steps = np.diff(at_s)
    if steps.size and np.ptp(steps) < 1e-6:
        return Column({"kind": "time", "length": at_s.size, "begins_s": float(at_s[0]), "step_s": float(steps[0])})
    return Column({"kind": "time", **_bytes(at_s)})


def texts(values: Iterable[str]) -> Column:
    """Plain text, one for each row."""
    listed = [str(value) for value in values]
    return Column({"kind": "text", "length": len(listed), "values": listed})


def coded(codes: NDArray[np.integer[Any]], words: Sequence[str]) -> Column:
    """Text out of a few words: ``words[code]`` for each row; a code below 0 is an empty cell."""
    places = np.where(codes < 0, len(words), codes)
    kind = next(kind for kind in _CODES if len(words) <= np.iinfo(kind).max)
    return Column({"kind": "coded", "words": [*words, ""], **_bytes(places.astype(kind))})


def ref(column: str, *, rows: tuple[str, str] | None = None, lookup: Sequence[float | None] | None = None) -> Any:
    """Stand for a column in a trace or a layout.

    Args:
        column: its name in the figure.
        rows: take only the rows in which another column, of text, has this value: (column, value).
        lookup: of a coded column, take these numbers by code instead of its words; None is a gap.
    """
    reference: dict[str, Any] = {"$column": column}
    if rows is not None:
        reference["rows"] = list(rows)
    if lookup is not None:
        reference["lookup"] = [*lookup, None]
    return reference


def referenced(part: Any) -> set[str]:
    """The names of all columns that a trace, a layout or any part of one refers to."""
    if isinstance(part, Mapping):
        if "$column" in part:
            return {part["$column"], *([part["rows"][0]] if "rows" in part else [])}
        return set().union(*(referenced(value) for value in part.values()))
    if isinstance(part, list | tuple):
        return set().union(*(referenced(value) for value in part))
    return set()


@dataclass(slots=True)
class Store:
    """All columns of a page. The same values are kept once, however many figures show them."""

    columns: list[Column] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)

    def places(self, columns: Mapping[str, Column]) -> dict[str, int]:
        """Take columns in; their places in the store by name."""
        return {name: self._place(column) for name, column in columns.items()}

    def _place(self, column: Column) -> int:
        key = str(column)
        if key not in self._places:
            self._places[key] = len(self.columns)
            self.columns.append(column)
        return self._places[key]


def _bytes(values: NDArray[Any]) -> dict[str, Any]:
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return {
        "length": values.size,
        "type": values.dtype.name,
        "base64": base64.b64encode(little.tobytes()).decode("ascii"),
    }
