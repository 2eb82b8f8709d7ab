"""Measurements as often as a back office has asked for them, from measurements that come more often."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

INTERVAL_DEFAULT_S: Final = 60.0
"""For a back office that has never said how often."""

_EARLY: Final = 0.9
"""A measurement that comes this part of the interval after the one before is in time: clocks of chargers are loose."""


class Thinning:
    """Which of one station's measurements go on to one back office."""

    def __init__(self) -> None:
        self.interval_s = INTERVAL_DEFAULT_S
        """0: none that is taken periodically."""
        self._passed: dict[tuple[object, object], tuple[float, float | None]] = {}
        """When it came, and when it was taken by the charger's clock."""

    def passes(self, payload: Mapping[str, Any], monotonic_s: float) -> bool:
        """Whether this MeterValues goes on; only what was taken periodically is ever left out.

        What a charger has kept while it was cut off comes all at once, and counts by when it was taken.

        >>> thinning, sample = Thinning(), {"connectorId": 1, "meterValue": [{"sampledValue": [{"value": "1"}]}]}
        >>> [thinning.passes(sample, at_s) for at_s in (0.0, 10.0, 50.0, 59.0, 60.0, 118.0)]
        [True, False, False, True, False, True]
        >>> thinning.passes({"meterValue": [{"sampledValue": [{"value": "1", "context": "Trigger"}]}]}, 119.0)
        True
        """
        if not _periodic(payload):
            return True
        if self.interval_s <= 0:
            return False
        of = (payload.get("connectorId", payload.get("evseId")), payload.get("transactionId"))
        taken_s, (last_s, last_taken_s) = _taken_s(payload), self._passed.get(of, (None, None))
        kept = taken_s is not None and last_taken_s is not None and taken_s - last_taken_s >= _EARLY * self.interval_s
        if last_s is not None and monotonic_s - last_s < _EARLY * self.interval_s and not kept:
            return False
        self._passed = {key: when for key, when in self._passed.items() if key[0] != of[0]}
        self._passed[of] = (monotonic_s, taken_s)
        return True


def _taken_s(payload: Mapping[str, Any]) -> float | None:
    """When the newest of its values was taken, by the charger's clock [s]; None: it does not say."""
    taken = []
    for row in payload["meterValue"]:
        with suppress(ValueError, TypeError, KeyError):
            taken.append(datetime.fromisoformat(row["timestamp"]).timestamp())
    return max(taken, default=None)


def _periodic(payload: Mapping[str, Any]) -> bool:
    rows, found = payload.get("meterValue"), False
    for row in rows if isinstance(rows, list) else []:
        for value in (isinstance(row, dict) and row.get("sampledValue")) or []:
            if isinstance(value, dict):
                if value.get("context", "Sample.Periodic") != "Sample.Periodic":
                    return False
                found = True
    return found
