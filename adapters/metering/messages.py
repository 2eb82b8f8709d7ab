"""From MQTT messages to samples: numbers and times out of payloads, and parts of one measurement put together. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from adapters.json_path import JsonPath, follow, parse_path
from adapters.metering.sample import PHASE_CURRENTS, PHASE_POWERS, QUANTITIES, Sample

MAX_PAYLOAD: Final = 65_536
"""Bytes; a meter's message has some hundred."""
FUTURE_S: Final = 2.0
"""Two clocks that are kept by NTP agree better than this."""
MILLISECONDS_FROM: Final = 1e11
"""An epoch from here on counts milliseconds: as seconds it would be the year 5138."""


class PayloadError(ValueError):
    """A message cannot be understood or believed."""


class StaleError(ValueError):
    """A message is too old to count."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """Where a quantity comes from: the value at ``path`` in the messages on ``topic``."""

    topic: str
    path: str = ""
    """Into the JSON document, e.g. ``data.l1.current``; empty: the payload is the plain number."""


def problems(quantities: Mapping[str, Quantity], timestamp_path: str | None) -> list[tuple[str, str]]:
    """Everything that is wrong with a meter's quantities, as (place, message); [] when sound."""
    found: list[tuple[str, str]] = []
    if not any(name in quantities for name in PHASE_CURRENTS):
        found.append(("quantities", f"at least one of {', '.join(PHASE_CURRENTS)} is needed"))
    for name, quantity in quantities.items():
        place = f"quantities.{name}"
        if name not in QUANTITIES:
            found.append((place, f"unknown quantity; known: {', '.join(sorted(QUANTITIES))}"))
        if not quantity.topic or set(quantity.topic) & set("+#\0"):
            found.append((f"{place}.topic", f"{quantity.topic!r} is not one topic"))
        if not quantity.path and timestamp_path is not None:
            found.append((f"{place}.path", "a payload that is a plain number has no timestamp_path"))
        found += _path_problems(f"{place}.path", quantity.path)
    return found + _path_problems("timestamp_path", timestamp_path or "")


def _path_problems(place: str, path: str) -> list[tuple[str, str]]:
    try:
        parse_path(path)
    except ValueError as error:
        return [(place, str(error))]
    return []


class _Part(NamedTuple):
    value: float
    measured_s: float


class Collector:
    """Puts the messages of one meter together. A measurement is complete when every topic that is alive has spoken.

    Args:
        quantities: what to take from where.
        timestamp_path: where each payload has its own time; None: its arrival counts.
        max_age_s: parts older than this are missing.
    """

    def __init__(self, quantities: Mapping[str, Quantity], timestamp_path: str | None, max_age_s: float) -> None:
        self._paths: dict[str, dict[str, JsonPath]] = {}
        for name, quantity in quantities.items():
            self._paths.setdefault(quantity.topic, {})[name] = parse_path(quantity.path)
        self._stamp_path = None if timestamp_path is None else parse_path(timestamp_path)
        self._max_age_s = max_age_s
        self._parts: dict[str, _Part] = {}
        self._spoke_s: dict[str, float] = {}
        self._round: set[str] = set()

    @property
    def topics(self) -> list[str]:
        """What to subscribe to."""
        return list(self._paths)

    def add(
        self, topic: str, payload: bytes, *, retained: bool, now: datetime, monotonic_s: float
    ) -> tuple[Sample, float] | None:
        """Take in a message; returns a sample and when it was measured (monotonic) if that made one complete.

        A retained message may be of any age: without a time of its own it is ignored.

        Raises:
            PayloadError: the message is not what the quantities say, or its time cannot be right.
            StaleError: the message is older than ``max_age_s``.
        """
        if retained and self._stamp_path is None:
            return None
        document = read_document(payload)
        measured_s = monotonic_s - self._age_s(document, now)
        self._note(topic, document, measured_s)
        if not self._spoke_s:
            self._spoke_s = dict.fromkeys(self._paths, measured_s)  # at first, wait for all
        self._spoke_s[topic] = measured_s
        alive = {name for name, spoke_s in self._spoke_s.items() if monotonic_s - spoke_s <= self._max_age_s}
        again = topic in self._round
        complete = self._round | {topic} >= alive
        self._round = {topic} if again else set() if complete else self._round | {topic}
        return self._sample(monotonic_s) if complete or again else None

    def _age_s(self, document: Any, now: datetime) -> float:
        if self._stamp_path is None:
            return 0.0
        age_s = (now - read_moment(_at(document, self._stamp_path))).total_seconds()
        if age_s < -FUTURE_S:
            raise PayloadError(f"its time is {-age_s:.1f} s in the future")
        if age_s > self._max_age_s:
            raise StaleError(f"its newest message is {age_s:.1f} s old")
        return max(0.0, age_s)

    def _note(self, topic: str, document: Any, measured_s: float) -> None:
        found = {name: _at(document, path) for name, path in self._paths[topic].items()}
        if all(value is None for value in found.values()):
            raise PayloadError(f"none of {', '.join(found)} is in the message")
        values = {name: read_number(value) for name, value in found.items()}
        for name, value in values.items():
            if value is None:
                self._parts.pop(name, None)
            else:
                self._parts[name] = _Part(value, measured_s)

    def _sample(self, monotonic_s: float) -> tuple[Sample, float] | None:
        """What is fresh, dated by the oldest current or power in it; voltages change too little to matter."""
        fresh = {name: p for name, p in self._parts.items() if monotonic_s - p.measured_s <= self._max_age_s}
        if not any(name in fresh for name in PHASE_CURRENTS):
            return None
        oldest_s = min(part.measured_s for name, part in fresh.items() if name in (*PHASE_CURRENTS, *PHASE_POWERS))
        self._parts.pop("demand_w", None)  # of the moment: never said twice
        return Sample.of({name: part.value for name, part in fresh.items()}), oldest_s


def read_document(payload: bytes) -> Any:
    """A payload as JSON; raises ``PayloadError``."""
    if len(payload) > MAX_PAYLOAD:
        raise PayloadError(f"a message of {len(payload)} bytes")
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise PayloadError("not a number or a JSON document") from error


def _at(document: Any, path: JsonPath) -> Any:
    """What stands there; None where nothing does."""
    try:
        return follow(document, path)
    except LookupError:
        return None


def read_number(value: Any) -> float | None:
    """The value as a number; text that spells a number is one. None where the meter says null, NaN or infinity.

    Raises:
        PayloadError: it is none.
    """
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise PayloadError(f"{repr(value)[:40]} is not a number") from error
    return number if math.isfinite(number) else None


def read_moment(value: Any) -> datetime:
    """An ISO 8601 time (without an offset: UTC), or seconds or milliseconds since 1970; raises ``PayloadError``."""
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            time = datetime.fromisoformat(value)
            return time if time.tzinfo else time.replace(tzinfo=UTC)
        seconds = float(value)
        return datetime.fromtimestamp(seconds / 1000 if seconds >= MILLISECONDS_FROM else seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise PayloadError(f"{repr(value)[:40]} is not a time") from error
