"""The tables of a site file, written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Value = str | int | float | Sequence[float]


@dataclass(frozen=True, slots=True)
class Table:
    """One TOML table, or with ``many`` one entry of an array of them."""

    name: str
    values: Mapping[str, Value | None]
    """What is None is left out."""
    many: bool = False

    def __str__(self) -> str:
        head = f"[[{self.name}]]" if self.many else f"[{self.name}]"
        rows = (f"{key} = {_written(value)}" for key, value in self.values.items() if value is not None)
        return "\n".join([head, *rows]) + "\n"


def _written(value: Value) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # a TOML basic string has JSON's escapes
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_written, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value)
