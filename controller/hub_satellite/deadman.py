"""The dead-man schedule: what a charger is told, so that silence lowers the site and never raises it.

A charger that holds no profile may charge as if none had ever been installed (OCPP 1.6 §3.13.6, §5.16), so a
limit that merely expires can mean full power. Every limit is therefore one schedule of two periods: the limit,
and after it, without an end, the fallback. A limit that differs from the fallback is renewed in good time;
when nobody renews it, the charger goes to its fallback by itself.

Such a schedule has an absolute start, so it runs out at the same moment however late the charger receives it;
only an error of the charger's own clock moves that moment. Ages are counted on the monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from controller.site import Control
from controller.units import TOLERANCE_A, floored

START_EARLIER_S: Final = 60
"""A schedule starts this long ago: a charger whose clock is behind must not wait for a start still to come."""

CLOCK_SKEW_S: Final = 30.0
"""How wrong a charger's clock may be before that is reported; allowed for at the end of every schedule."""

_DAY_S: Final = 86_400
_VALIDITY_WRITES: Final = 12
"""A limit of a station with a write budget holds as long as this many of its writes may take. Renewed at a
third of that, renewals take a quarter of the budget and leave the rest to changes."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """How long a written limit holds, and how often it is renewed [s]."""

    validity_s: float
    renew_s: float


def cadence(control: Control, writes_per_day: int | None = None, connectors: int = 1) -> Cadence:
    """Return the cadence of each of a station's connectors, which share its write budget.

    >>> cadence(Control())
    Cadence(validity_s=120.0, renew_s=40.0)
    >>> cadence(Control(), writes_per_day=24)
    Cadence(validity_s=43200.0, renew_s=14400.0)
    """
    if writes_per_day is None:
        return Cadence(control.validity_s, control.renew_s)
    validity_s = max(control.validity_s, _VALIDITY_WRITES * _DAY_S * connectors / max(1, writes_per_day))
    return Cadence(validity_s, max(control.renew_s, validity_s / 3))


@dataclass(frozen=True, slots=True)
class Schedule:
    """A charging schedule in amperes: an absolute start, and (seconds after it, limit) pairs; it has no end."""

    starts_at: datetime
    periods: tuple[tuple[int, float], ...]


def schedule(limit_a: float, fallback_a: float, validity_s: float, now: datetime) -> Schedule:
    """Return the schedule that allows ``limit_a`` until ``validity_s`` from ``now``, and ``fallback_a`` ever after.

    The start lies in the past, so the second period begins later by as much: the limit always holds
    ``validity_s`` from now (up to a second less, as the start is a whole second), never longer.
    Limits are floored to one decimal (OCPP 1.6 §7.13).
    """
    starts_at = now.replace(microsecond=0) - timedelta(seconds=START_EARLIER_S)
    return Schedule(starts_at, ((0, floored(limit_a)), (START_EARLIER_S + int(validity_s), floored(fallback_a))))


@dataclass(frozen=True, slots=True)
class Write:
    """One limit as it was sent to a charger."""

    limit_a: float
    fallback_a: float
    validity_s: float
    written_s: float
    """When it was sent, on the monotonic clock; its schedule counts from then, whenever it is accepted."""
    in_default: bool = False
    """Whether it went into the default profile, which the transaction's own profile would overrule."""

    def highest_a(self, monotonic_s: float, skew_s: float = CLOCK_SKEW_S) -> float:
        """Return the highest limit [A] that a charger which accepted this write may be acting on.

        Around the end of the schedule either period may be in force, by the error of the charger's clock.
        """
        age_s = monotonic_s - self.written_s
        if age_s >= self.validity_s + skew_s:
            return self.fallback_a
        if age_s < self.validity_s - skew_s:
            return self.limit_a
        return max(self.limit_a, self.fallback_a)

    def run_out(self, monotonic_s: float, skew_s: float = CLOCK_SKEW_S) -> bool:
        """Whether a charger that accepted this write is at its fallback by now, however wrong its clock."""
        return monotonic_s - self.written_s >= self.validity_s + skew_s

    def renewal_due(self, monotonic_s: float, renew_s: float) -> bool:
        """Whether it is time to write this limit again. A limit that equals the fallback needs no renewal."""
        differs = abs(self.limit_a - self.fallback_a) > TOLERANCE_A
        return differs and monotonic_s - self.written_s >= renew_s


@dataclass(slots=True)
class WriteCount:
    """Counts a station's profile writes per UTC day against the budget that its flash memory can stand."""

    budget: int | None = None
    today: int = 0
    _day: date | None = None

    def add(self, now: datetime) -> bool:
        """Count one write; True for the one that passes the day's budget."""
        if now.date() != self._day:
            self._day, self.today = now.date(), 0
        self.today += 1
        return self.budget is not None and self.today == self.budget + 1
