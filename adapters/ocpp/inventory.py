"""All the settings of a station that speaks OCPP 2.x, told in several messages (B07)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from adapters.ocpp.orders2 import name_of

WITHIN_S: Final = 60.0
"""A station with thousands of variables on a slow connection; after that, what has come is what there is."""

MAX_SETTINGS: Final = 20_000


class Inventory:
    """Gathers the parts of one report."""

    def __init__(self) -> None:
        self._settings: dict[str, str] = {}
        self._complete = asyncio.Event()

    def hear(self, payload: Mapping[str, Any]) -> None:
        """Take one NotifyReport."""
        rows = payload.get("report_data")
        for row in rows if isinstance(rows, list) else []:
            with suppress(KeyError, TypeError, AttributeError):  # a row that is none
                for attribute in row["variable_attribute"]:
                    if attribute.get("type") in {None, "Actual"} and len(self._settings) < MAX_SETTINGS:
                        self._settings[name_of(row)] = str(attribute.get("value", ""))
        if payload.get("tbc") is not True:
            self._complete.set()

    async def complete(self) -> Mapping[str, str]:
        """Return the settings when all have come, or no more come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN_S):
                await self._complete.wait()
        return self._settings
