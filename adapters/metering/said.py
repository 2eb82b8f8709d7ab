"""Readings that somebody says, whole, on a topic of the site's own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from adapters.metering.messages import FUTURE_S, PayloadError, StaleError, read_document, read_moment, read_number
from adapters.metering.sample import PHASE_CURRENTS, PHASE_POWERS, PHASE_VOLTAGES, QUANTITIES, Sample

NONE: Final = b"none"
"""There is no reading any more."""
MEASURED_AT: Final = "measured_at"
_TRIPLES: Final = {"current_a": PHASE_CURRENTS, "voltage_v": PHASE_VOLTAGES, "power_w": PHASE_POWERS}


class SaidReadings:
    """Takes messages such as ``{"current_a": [40.1, 22.0, 10.5], "measured_at": "2026-11-20T09:00:00Z"}``.

    As in snapshots: three currents [A], or three of ``voltage_v`` [V] and ``power_w`` [W] as well; a ``power_w`` that
    is one number is the total. Single values have the names of their topics (``l1_a``). Without ``measured_at`` a
    message counts from its arrival, and a retained one is ignored.

    Args:
        topic: where they are said.
        max_age_s: what is older than this is stale [s].
    """

    def __init__(self, topic: str, max_age_s: float) -> None:
        self.topics = [topic]
        self._max_age_s = max_age_s

    def add(
        self, _topic: str, payload: bytes, *, retained: bool, now: datetime, monotonic_s: float
    ) -> tuple[Sample, float] | None:
        """Take in a message; returns a sample and when it was measured (monotonic).

        Raises:
            PayloadError: the message is no reading, or its time cannot be right.
            StaleError: the message is too old, or says that there is no reading.
        """
        if payload.strip().lower() == NONE:
            raise StaleError("there is no reading any more")
        said = read_document(payload)
        if not isinstance(said, Mapping):
            raise PayloadError("expected a JSON object")
        if said.get(MEASURED_AT) is None:
            if retained:
                return None
            age_s = 0.0
        else:
            age_s = (now - read_moment(said[MEASURED_AT])).total_seconds()
        if age_s < -FUTURE_S:
            raise PayloadError(f"its time is {-age_s:.1f} s in the future")
        if age_s > self._max_age_s:
            raise StaleError(f"its newest message is {age_s:.1f} s old")
        values = {name: read_number(value) for name, value in _named(said).items()}
        if all(values.get(name) is None for name in PHASE_CURRENTS):
            raise PayloadError("there is no current in it: current_a, or l1_a, l2_a and l3_a")
        return Sample.of(values), monotonic_s - max(0.0, age_s)


def _named(said: Mapping[str, Any]) -> dict[str, Any]:
    """By the names of quantities."""
    found = {name: value for name, value in said.items() if name in QUANTITIES}
    for key, names in _TRIPLES.items():
        value = said.get(key)
        if isinstance(value, list):
            if len(value) != len(names):
                raise PayloadError(f"{key}: expected three values, found {len(value)}")
            found |= zip(names, value, strict=True)
        elif key == "power_w" and value is not None:
            found["total_w"] = value
        elif value is not None:
            raise PayloadError(f"{key}: expected three values")
    return found
