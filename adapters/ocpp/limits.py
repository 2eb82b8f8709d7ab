"""What one connector's charger has been told, and what it may therefore be acting on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from adapters.ocpp.phrases import Purpose
from controller.hub_satellite.deadman import CLOCK_SKEW_S, Cadence, Schedule, Write, schedule
from controller.units import TOLERANCE_A, floored

STACK_LEVEL: Final = 0
"""Every charger takes it, some that advertise more take only this. A TxProfile overrules a TxDefaultProfile by
its purpose (OCPP 1.6 §3.13.1), so both may lie on the same level."""

_DEFAULT_STARTS: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Long ago: a charger that has lost its clock and its connection must still find its default in force."""

_FIRST_RETRY_S: Final = 5.0
_LAST_RETRY_S: Final = 60.0
"""A limit that was refused is tried again after 5, 10, 20, 40 and then every 60 s: reasons pass (a charger's own
load balancing, a reboot), and until then the site reckons with the old limit."""

_MAX_UNCERTAIN: Final = 4
"""Writes that may or may not have arrived, kept apart; beyond that they count as the highest of them."""


_OWN_TRIALS: Final = 2
"""A TxProfile that is refused this often in a row is not tried again in that transaction. The first refusal may have
been about a transaction that not every part of the charger knew yet."""


def profile_id(connector: int, purpose: Purpose) -> int:
    """Return an id that no other connector and purpose has: profiles are replaced by id alone (OCPP 1.6 §5.16.3)."""
    return connector * 10 + (2 if purpose is Purpose.TRANSACTION else 1)


def permanent(fallback_a: float) -> Schedule:
    """Return the schedule of the permanent TxDefaultProfile: the fallback, always."""
    return Schedule(_DEFAULT_STARTS, ((0, floored(fallback_a)),))


@dataclass(slots=True)
class Retry:
    """When something that failed is tried again: after ever longer times, up to a bound."""

    not_before_s: float = 0.0
    _pause_s: float = _FIRST_RETRY_S

    def failed(self, monotonic_s: float) -> None:
        """Wait longer than the last time."""
        self.not_before_s = monotonic_s + self._pause_s
        self._pause_s = min(_LAST_RETRY_S, self._pause_s * 2)

    def reset(self) -> None:
        """Try at once."""
        self.not_before_s, self._pause_s = 0.0, _FIRST_RETRY_S


@dataclass(slots=True)
class Limits:
    """The limit of one connector's running transaction: what its charger accepted, and what may have arrived.

    A write counts from the moment it is sent. It stops counting when the charger has refused it, or has accepted
    a later one; without an answer it goes on counting until its schedule has run out.

    The limit belongs into a TxProfile. To a charger that refuses that, the same schedule is given as its
    TxDefaultProfile, which many follow in the middle of a transaction. (One that does not is one that does not obey.)
    """

    fallback_a: float
    cadence: Cadence
    confirmed: bool = False
    """Whether a limit was accepted on the present connection: some chargers forget theirs when they reconnect."""
    accepted: Write | None = None
    doubted: bool = False
    """Whether it is to be written again although it was accepted: the charger does not do it."""
    _uncertain: list[Write] = field(default_factory=list)
    _above: list[Write] = field(default_factory=list)
    """What may still lie above a limit in the default profile: TxProfiles of before it, or of before a restart."""
    _own_refusals: int = 0
    _own_just_refused: bool = False
    _failed: float | None = None
    _retry: Retry = field(default_factory=Retry)

    def forget(self) -> None:
        """Start anew: a TxProfile ends with its transaction."""
        self.accepted, self.doubted = None, False
        self._uncertain.clear()
        self._above.clear()
        self.start_afresh()
        self.reconnected()

    def recall(self, limit_a: float, written_s: float) -> None:
        """Take up a limit that the charger may hold from before a restart."""
        self._above.append(Write(limit_a, self.fallback_a, self.cadence.validity_s, written_s))

    def reconnected(self) -> None:
        """Count on nothing that was accepted before, and ask for everything again at once."""
        self.confirmed = False
        self._failed = None
        self._retry.reset()

    def start_afresh(self) -> None:
        """Begin without prejudice: it may have other firmware now, or is told something else from now on."""
        self._own_refusals, self._own_just_refused = 0, False
        self._failed = None
        self._retry.reset()

    def needs_default(self, monotonic_s: float, skew_s: float = CLOCK_SKEW_S) -> bool:
        """Whether its limit lies in the charger's default profile, may lie there, or is to go there.

        After a restart nobody remembers which of the two profiles holds it: the first answer tells.
        """
        if self.accepted is not None and self.accepted.in_default:
            return True
        unknown = self.accepted is None and bool(self._above) and self._failed is None
        return unknown or self.into_default(monotonic_s, skew_s)

    def into_default(self, monotonic_s: float, skew_s: float = CLOCK_SKEW_S) -> bool:
        """Whether the next limit is to be written as the charger's default profile.

        That is of no use as long as a TxProfile may be in force above it.
        """
        refused = self._own_just_refused or self._own_refusals >= _OWN_TRIALS
        return refused and all(write.in_default or write.run_out(monotonic_s, skew_s) for write in self._newest())

    def highest_a(self, monotonic_s: float, default_a: float, skew_s: float = CLOCK_SKEW_S) -> float:
        """Return the highest limit that may be in force [A]; ``default_a`` is what rules without a TxProfile."""
        may_hold = self._may_hold()
        highest = max((write.highest_a(monotonic_s, skew_s) for write in may_hold), default=default_a)
        return highest if self.confirmed else max(highest, default_a)

    def run_out(self, monotonic_s: float, skew_s: float = CLOCK_SKEW_S) -> bool:
        """Whether a charger that heard nothing more is at its fallback by now."""
        return all(write.run_out(monotonic_s, skew_s) for write in self._may_hold())

    def differs(self, limit_a: float) -> bool:
        """Whether the charger is not known to hold this limit."""
        sure = self.confirmed and self.accepted is not None and not self._uncertain
        return not sure or self.accepted is None or abs(self.accepted.limit_a - limit_a) > TOLERANCE_A

    def due(self, limit_a: float, monotonic_s: float) -> bool:
        """Whether this limit should be written now: it is new, or its renewal is due, and no retry is pending."""
        same_again = self._failed is not None and abs(self._failed - limit_a) <= TOLERANCE_A
        if same_again and monotonic_s < self._retry.not_before_s:
            return False
        if self.differs(limit_a) or self.accepted is None:
            return True
        return self.doubted or self.accepted.renewal_due(monotonic_s, self.cadence.renew_s)

    def send(
        self, limit_a: float, now: datetime, monotonic_s: float, skew_s: float = CLOCK_SKEW_S
    ) -> tuple[Write, Schedule]:
        """Count a write from now on, and return it with the schedule to be sent."""
        self.doubted = False
        in_default = self.into_default(monotonic_s, skew_s)
        write = Write(floored(limit_a), self.fallback_a, self.cadence.validity_s, monotonic_s, in_default)
        self._uncertain.append(write)
        if len(self._uncertain) > _MAX_UNCERTAIN:
            highest_a = max(unanswered.limit_a for unanswered in self._uncertain)
            self._uncertain = [replace(write, limit_a=highest_a)]
        return write, schedule(write.limit_a, self.fallback_a, self.cadence.validity_s, now)

    def accept(self, write: Write) -> None:
        """The charger took it. Whatever was sent before has been overwritten, or lies above it."""
        self._above = [other for other in self._may_hold() if not other.in_default] if write.in_default else []
        self.accepted, self.confirmed = write, True
        self._uncertain.clear()
        if not write.in_default:
            self._own_refusals = 0
        self._own_just_refused = False
        self._failed = None
        self._retry.reset()

    def refuse(self, write: Write, monotonic_s: float, skew_s: float = CLOCK_SKEW_S) -> None:
        """The charger did not take it, and does what it did before."""
        if write in self._uncertain:
            self._uncertain.remove(write)
        self._own_refusals = 0 if write.in_default else self._own_refusals + 1
        self._own_just_refused = not write.in_default
        if write.in_default or not self.into_default(monotonic_s, skew_s):  # else the other way is open at once
            self.unanswered(write, monotonic_s)

    def unanswered(self, write: Write, monotonic_s: float) -> None:
        """Nobody knows whether it arrived: it goes on counting, and is sent again later."""
        if self._failed is None or abs(self._failed - write.limit_a) > TOLERANCE_A:
            self._retry.reset()
        self._failed = write.limit_a
        self._retry.failed(monotonic_s)

    def _newest(self) -> list[Write]:
        return self._uncertain if self.accepted is None else [self.accepted, *self._uncertain]

    def _may_hold(self) -> list[Write]:
        return [*self._newest(), *self._above]
