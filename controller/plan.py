"""What a decision says: a limit for each point, why, until when, and what is worth knowing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Setpoint:
    """The limit of one charging point."""

    limit_a: float
    """0, or at least the point's minimum [A]."""
    because: str
    """The constraint that stopped it from getting more: ``circuit:ID:L1``, ``limit:SOURCE``, ``contract:ID``,
    ``point:max``, ``not_admitted:WHY``, or, in the service, ``pace:WHY``."""
    valid_until: datetime


class Severity(StrEnum):
    """How much an event wants attention."""

    INFO = "info"
    WARNING = "warning"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth telling a person, a log and an energy system.

    The pair of ``kind`` and ``subject`` identifies what goes on: a later event of the same pair updates it.
    """

    kind: str
    """Stable, snake_case, e.g. ``meter_lost``."""
    subject: str
    """What it is about, e.g. ``meter:grid`` or ``point:P01``."""
    message: str
    severity: Severity = Severity.INFO
    at: datetime | None = None


class Remedy(StrEnum):
    """What a charger that ignores its limit is treated with, the mildest first."""

    RESEND = "resend"
    """Write the limit again."""
    COMPARE = "compare"
    """Ask for the composite schedule: does it hold what it was told (OCPP 1.6 §5.7)?"""
    SHUT = "shut"
    """Limit it to 0 A."""
    STOP = "stop"
    """End its transaction."""
    DISABLE = "disable"
    """Make the connector unavailable."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One decision's word. Offline points have no setpoint."""

    at: datetime
    setpoints: Mapping[str, Setpoint] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    remedies: Mapping[str, Remedy] = field(default_factory=dict)
    """By point, the furthest remedy that is called for now; each is applied once."""
