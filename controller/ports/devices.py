"""The site's meters and charging points, as the control loop meets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from controller.plan import Plan
from controller.snapshot import PointState, Reading


class Direction(StrEnum):
    """Which way a frame of a charging station's protocol went."""

    IN = "in"
    """From the station."""
    OUT = "out"
    """To the station."""


FrameSink = Callable[[str, Direction, str | bytes], None]
"""Takes every frame, secrets and all: station, direction, frame. Never blocks, never raises."""


class Meter(Protocol):
    """One meter that reads itself for as long as it runs."""

    id: str

    async def run(self) -> None:
        """Read until cancelled; never ends by itself and never raises for what the meter does."""
        ...

    def reading(self, now: datetime, monotonic_s: float) -> Reading | None:
        """The last good reading, dated ``now`` minus its age; None when there has been none."""
        ...


class ChargingPoints(Protocol):
    """The charging points of the site, behind whatever protocol."""

    def states(self, now: datetime, monotonic_s: float) -> Mapping[str, PointState]:
        """Every point of the site, with measurements dated ``now`` minus their age."""
        ...

    def apply(self, plan: Plan) -> None:
        """Bring the plan's limits into the chargers, lower ones first. Returns at once."""
        ...


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """For whom a charging point is out of service; it is in service when that is nobody."""

    people: bool = False
    """People have said so, here."""
    remedy: bool = False
    """The controller has done it, to a charger that ignores its limit."""


class ServiceBook(Protocol):
    """Which charging points are out of service, on record."""

    async def withdrawals(self) -> Mapping[str, Withdrawal]:
        """By point, those that are; raises ``LedgerUnavailable``."""
        ...

    async def keep(self, point: str, withdrawal: Withdrawal, at: datetime) -> None:
        """Put on disk what holds from now on; raises ``LedgerUnavailable``."""
        ...


@dataclass(frozen=True, slots=True)
class Applied:
    """How the last plan reached the chargers."""

    changed: int
    """Limits that differed from what the chargers held."""
    accepted: int
    seconds: float
    """From the hand-over of the plan to the last answer [s]."""
