"""The names of OCPP in both spellings: as they are in Python, and as they are on the wire.

The OCPP library (ocpp 2.1.0) turns the one into the other with regular expressions, the same few hundred names for
every message; here each is turned once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import ocpp.charge_point

NAMES_MOST: Final = 4096
"""Spellings remembered; the versions of OCPP have about a thousand names together, the rest are strangers'."""


def _quick(respell: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @lru_cache(NAMES_MOST)
    def spelt(name: str) -> str:
        return str(next(iter(respell({name: None}))))

    def respelt(data: Any) -> Any:
        if isinstance(data, dict):
            return {
                spelt(name) if isinstance(name, str) else name: respelt(value) if isinstance(value, deep) else value
                for name, value in data.items()
            }
        return [respelt(value) for value in data] if isinstance(data, list) else data

    deep = (dict, list)

    return respelt


camel_case = _quick(ocpp.charge_point.snake_to_camel_case)
"""What is given, with its names as they are on the wire."""
snake_case = _quick(ocpp.charge_point.camel_to_snake_case)
"""What is given, with its names as they are in Python."""
