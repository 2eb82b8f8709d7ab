"""What people ask of a charging station, in the words of no protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class StartCharging:
    """Begin a session for a token."""

    token: str


@dataclass(frozen=True, slots=True)
class StopCharging:
    """End the session that runs."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Start the station anew: at once, or (not ``hard``) as it thinks best for its sessions."""

    hard: bool = False


@dataclass(frozen=True, slots=True)
class Unlock:
    """Let go of the cable."""


@dataclass(frozen=True, slots=True)
class Availability:
    """Take the point out of service, or put it back."""

    in_service: bool


class News(StrEnum):
    """What a station can be asked to tell again."""

    BOOT = "boot"
    HEARTBEAT = "heartbeat"
    STATUS = "status"
    METER_VALUES = "meter_values"
    FIRMWARE = "firmware"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Trigger:
    """Have it tell something now."""

    news: News


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """Read settings: of OCPP 1.6 by key, of 2.x as ``Component.Variable``; no names: all that it has."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteSetting:
    """Change a setting; names as for ``ReadSettings``."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class UpdateFirmware:
    """Have it fetch other firmware, not before a time."""

    url: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """Have it send its log to a place."""

    url: str


Command = (
    StartCharging
    | StopCharging
    | Reset
    | Unlock
    | Availability
    | Trigger
    | ReadSettings
    | WriteSetting
    | UpdateFirmware
    | Diagnostics
)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What became of a command."""

    accepted: bool
    status: str
    """In the station's words; ``Offline`` without a connection, ``NotPossible`` where there is no such thing."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What was read, by name."""
