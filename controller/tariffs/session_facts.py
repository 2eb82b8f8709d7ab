"""What is known of a charging session when it is priced: frozen facts, from whatever source.

A session is a row of stretches without a gap, each with what the car and the site did in it, and registers at some
moments. Where the price depends on a moment for which there is no register, the energy is interpolated between the
registers before and after it, and the result says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise


class Activity(StrEnum):
    """What a stretch of a session was; the names are those of the session format."""

    CHARGING = "charging"
    IDLE = "idle"
    """The car asks for nothing."""
    WITHHELD = "withheld"
    """The site holds it back: its own limits, the grid operator's, a fault. No time is ever billed for it."""
    RESERVATION = "reservation"
    RESERVATION_EXPIRED = "reservation_expired"
    """A reservation that nobody came for."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a session in which one thing happened, from its start to before its end (aware)."""

    activity: Activity
    starts_at: datetime
    ends_at: datetime
    power_kw: Decimal | None = None
    """Where it is known; a restriction on it holds where it is not (None)."""
    current_a: Decimal | None = None
    """Sum over the phases."""


@dataclass(frozen=True, slots=True)
class MeterPoint:
    """The energy of the session at one moment, by a register."""

    at: datetime
    energy_kwh: Decimal
    """Since the beginning of the session, exact."""


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A session as it is priced.

    Raises:
        ValueError: If there is no stretch, the stretches do not follow one another, or registers are out of order.
    """

    id: str
    time_zone: str
    """IANA; restrictions on times of day hold there."""
    stretches: tuple[Stretch, ...]
    """In order, each beginning where the one before ends."""
    meter: tuple[MeterPoint, ...]
    """In order of time; the first at the beginning and the last at the end, where those registers are known."""
    token: str = ""
    point: str = ""
    flags: tuple[str, ...] = ()
    """What the source of the facts knows to be doubtful, such as ``decreasing_register``, ``clock_uncertain``."""
    legal_metrology: bool = False
    """Whether only what the meter itself vouches for may be billed: an interpolated register may not."""
    running: bool = False
    """Whether the session goes on: no register can be missing at its end, and its price is the price so far."""

    def __post_init__(self) -> None:
        if not self.stretches:
            raise ValueError(f"session {self.id!r} has no stretch")
        for earlier, later in pairwise(self.stretches):
            if earlier.ends_at != later.starts_at:
                raise ValueError(
                    f"session {self.id!r} has a gap or an overlap between {earlier.ends_at} and {later.starts_at}"
                )
        if any(stretch.ends_at < stretch.starts_at for stretch in self.stretches):
            raise ValueError(f"session {self.id!r} has a stretch that ends before it begins")
        if any(later.at < earlier.at for earlier, later in pairwise(self.meter)):
            raise ValueError(f"session {self.id!r} has registers that are not in order of time")

    @property
    def starts_at(self) -> datetime:
        """When it began."""
        return self.stretches[0].starts_at

    @property
    def ends_at(self) -> datetime:
        """When it ended."""
        return self.stretches[-1].ends_at
