"""What is measured at charging points and told to their chargers, on its way to where it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MeterSample:
    """One measurement of a charging point, kept for history and for sessions that never end properly."""

    point: str
    at: datetime
    current_a: tuple[float, float, float] | None = None
    power_w: float | None = None
    register_wh: int | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class HeldLimit:
    """What a charger was last told, kept so that a restart knows what chargers may still be doing."""

    point: str
    limit_a: float
    written_at: datetime


class Measurements(Protocol):
    """Where measurements go. Never blocks; drops the oldest when its bound is reached, and says so."""

    def record(self, sample: MeterSample) -> None:
        """Keep one measurement."""
        ...

    def hold(self, held: HeldLimit) -> None:
        """Keep what a charger was last told."""
        ...
