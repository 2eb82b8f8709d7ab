"""Charging sessions as they were: what every importer makes of its file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from simulations.scenario.model import DataNote


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """One stay of a car at a charging point. Times are aware, in UTC."""

    id: str
    arrives: datetime
    leaves: datetime
    energy_wh: float
    """What was delivered [Wh]."""
    requested_wh: float | None = None
    """What the driver asked for [Wh]; None: nothing was said."""
    stated_leaves: datetime | None = None
    """When the driver said to leave; None: nothing was said."""
    point: str | None = None
    """The charging point, by the name that the data give it."""
    token: str | None = None
    """Who it was, by whatever name; the same token is the same driver."""
    done_at: datetime | None = None
    """When the car stopped charging."""
    max_power_w: float | None = None
    """The highest power of the session [W]."""

    @property
    def stay_s(self) -> float:
        """How long the car stood there [s]."""
        return (self.leaves - self.arrives).total_seconds()


@dataclass(frozen=True, slots=True)
class SessionData:
    """What was read from a file."""

    sessions: tuple[RecordedSession, ...]
    """By arrival. All of them are possible: each leaves after it arrives, took energy, and is alone at its point."""
    notes: tuple[DataNote, ...]
    """What was not possible, how often, and what was done about it."""
    kind: str
    """The format, a name in ``simulations.data.sessions.KINDS``."""
