"""The charging profiles that a back office has set, and the limits that follow from them.

To the back office this site is one charging station, or several, and it keeps its profiles as any station would: one
for each purpose, stack level and EVSE; the highest stack level that has something to say counts; the profile of a
transaction overrules the default; the station's maximum bounds them all. The rules are those of OCPP 1.6 edition 2,
§3.13 and §5.16, and of 2.0.1 part 2, K01 to K09; where the versions name a purpose differently, it is the same here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

STATION: Final = 0
"""The EVSE number that stands for the whole station."""

PROFILES_MOST: Final = 100
"""As many as one station keeps for its back office: five for each of twenty EVSEs."""

PERIODS_MOST: Final = 300
"""Of one schedule: a day in slots of five minutes."""

STACK_LEVEL_MOST: Final = 99
"""What the back office is told to be the highest (ChargeProfileMaxStackLevel)."""


class ProfileRefused(Exception):  # noqa: N818 - an answer to the back office, not a mistake of ours
    """A profile cannot be kept; the text names the rule that it breaks."""


class Purpose(StrEnum):
    """What a profile is for, by the names of OCPP 2.0.1."""

    EXTERNAL_CONSTRAINTS = "ChargingStationExternalConstraints"
    STATION_MAX = "ChargingStationMaxProfile"
    """In 1.6: ChargePointMaxProfile."""
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"


class Kind(StrEnum):
    """How a schedule's start is meant."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class Recurrence(StrEnum):
    """How often a recurring schedule begins anew."""

    DAILY = "Daily"
    WEEKLY = "Weekly"


class RateUnit(StrEnum):
    """Of a schedule's limits."""

    AMPERE = "A"
    """Per phase."""
    WATT = "W"
    """Of all phases together."""


_EVERY: Final = {Recurrence.DAILY: timedelta(days=1), Recurrence.WEEKLY: timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class SchedulePeriod:
    """A limit from ``start_s`` after the schedule's start, until the next one's [s]."""

    start_s: int
    limit: float
    """In the schedule's unit."""
    number_phases: int = 3

    def limit_a(self, unit: RateUnit, voltage_v: float) -> float:
        """The limit [A per phase]; one in watt is divided by the phases that the period names."""
        return self.limit if unit is RateUnit.AMPERE else self.limit / (voltage_v * self.number_phases)


@dataclass(frozen=True, slots=True)
class ChargingProfile:
    """One charging profile with its schedule.

    Raises:
        ProfileRefused: it contradicts itself or the specification.
    """

    id: int
    stack_level: int
    purpose: Purpose
    kind: Kind
    unit: RateUnit
    periods: tuple[SchedulePeriod, ...]
    starts_at: datetime | None = None
    duration_s: int | None = None
    recurrence: Recurrence | None = None
    transaction_id: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def __post_init__(self) -> None:
        starts = [period.start_s for period in self.periods]
        wrong = {
            f"stack level: expected 0 to {STACK_LEVEL_MOST}": not 0 <= self.stack_level <= STACK_LEVEL_MOST,
            f"a schedule has 1 to {PERIODS_MOST} periods": not 1 <= len(starts) <= PERIODS_MOST,
            "the first period begins at 0": starts[:1] != [0],
            "periods come in order of time, each once": starts != sorted(set(starts)),
            "a limit is a number from 0": any(not math.isfinite(p.limit) or p.limit < 0 for p in self.periods),
            "a period has 1 to 3 phases": any(not 1 <= p.number_phases <= 3 for p in self.periods),
            "an absolute schedule has a start": self.kind is Kind.ABSOLUTE and self.starts_at is None,
            "a recurring schedule says how often": self.kind is Kind.RECURRING and self.recurrence is None,
            "a recurring schedule has a start": self.kind is Kind.RECURRING and self.starts_at is None,
            "a relative schedule has no start": self.kind is Kind.RELATIVE and self.starts_at is not None,
            "a duration is positive": self.duration_s is not None and self.duration_s <= 0,
        }
        found = [rule for rule, broken in wrong.items() if broken]
        if found:
            raise ProfileRefused("; ".join(found))

    def period_at(self, at: datetime, reference: datetime) -> SchedulePeriod | None:
        """The period that holds; None where the profile has nothing to say.

        Args:
            at: the moment.
            reference: the beginning of relative schedules: when the transaction began, or the profile came.
        """
        elapsed_s = (at - self._begins_at(at, reference)).total_seconds()
        if elapsed_s < 0 or (self.duration_s is not None and elapsed_s >= self.duration_s):
            return None
        if (self.valid_from is not None and at < self.valid_from) or (
            self.valid_until is not None and at >= self.valid_until
        ):
            return None
        return next((period for period in reversed(self.periods) if period.start_s <= elapsed_s), None)

    def edges(self, begins_at: datetime, ends_at: datetime, reference: datetime) -> Iterator[datetime]:
        """Every moment between the two at which what it says may change."""
        offsets = [period.start_s for period in self.periods]
        if self.duration_s is not None:
            offsets.append(self.duration_s)
        round_at = self._begins_at(begins_at, reference)
        moments = [moment for moment in (self.valid_from, self.valid_until) if moment is not None]
        while round_at < ends_at:
            moments += [round_at + timedelta(seconds=offset) for offset in offsets]
            if self.kind is not Kind.RECURRING or self.recurrence is None:
                break
            round_at += _EVERY[self.recurrence]
        return (moment for moment in moments if begins_at < moment < ends_at)

    def _begins_at(self, at: datetime, reference: datetime) -> datetime:
        if self.starts_at is None:
            return reference
        if self.kind is not Kind.RECURRING or self.recurrence is None or at < self.starts_at:
            return self.starts_at
        every = _EVERY[self.recurrence]
        return at - (at - self.starts_at) % every


@dataclass(frozen=True, slots=True)
class Installed:
    """A profile where it was set, and when."""

    profile: ChargingProfile
    evse: int
    """0: the whole station."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which profiles are meant (ClearChargingProfile); what is None does not matter. An id alone decides."""

    id: int | None = None
    evse: int | None = None
    purpose: Purpose | None = None
    stack_level: int | None = None

    def meet(self, one: Installed) -> bool:
        """Whether this profile is meant."""
        if self.id is not None:
            return one.profile.id == self.id
        return (
            self.evse in (None, one.evse)
            and self.purpose in (None, one.profile.purpose)
            and self.stack_level in (None, one.profile.stack_level)
        )


@dataclass(frozen=True, slots=True)
class Running:
    """The transaction of an EVSE, as far as profiles depend on it."""

    transaction_id: str
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Profiles:
    """All that one back office has set for one station; never changed, each change gives a new one."""

    installed: tuple[Installed, ...] = ()

    def with_profile(self, evse: int, profile: ChargingProfile, at: datetime, running: Running | None) -> Profiles:
        """With one more; it takes the place of the one with its id, or with its purpose, level and EVSE.

        Raises:
            ProfileRefused: a profile of a transaction without that transaction (1.6 §5.16.4; 2.0.1 K01.FR.09), a
                station's maximum for one EVSE (K01.FR.38), a constraint that only others set (K01.FR.22), or no room.
        """
        if profile.purpose is Purpose.EXTERNAL_CONSTRAINTS:
            raise ProfileRefused(f"a {profile.purpose} is not for a back office to set")
        if profile.purpose is Purpose.TX:
            _check_transaction(evse, profile, running)
        if profile.purpose is Purpose.STATION_MAX and evse != STATION:
            raise ProfileRefused(f"a {profile.purpose} is for the whole station")
        slot = (evse, profile.purpose, profile.stack_level)
        kept = [
            one
            for one in self.installed
            if one.profile.id != profile.id and (one.evse, one.profile.purpose, one.profile.stack_level) != slot
        ]
        if len(kept) >= PROFILES_MOST:
            raise ProfileRefused(f"no room for more than {PROFILES_MOST} profiles")
        return Profiles((*kept, Installed(profile, evse, at)))

    def without(self, criteria: Criteria) -> Profiles:
        """Without those that are meant; the same object where there is none."""
        kept = tuple(one for one in self.installed if not criteria.meet(one))
        return self if len(kept) == len(self.installed) else Profiles(kept)

    def after_transaction(self, evse: int) -> Profiles:
        """Without what ended with the transaction of an EVSE (1.6 §3.13.1)."""
        return self.without(Criteria(evse=evse, purpose=Purpose.TX))

    def limit_a(self, evse: int, at: datetime, running: Running | None, voltage_v: float) -> float | None:
        """What they allow to one EVSE [A per phase]; None: nothing limits it. The station's maximum is not in it."""
        for purpose, of in ((Purpose.TX, evse), (Purpose.TX_DEFAULT, evse), (Purpose.TX_DEFAULT, STATION)):
            if purpose is Purpose.TX and running is None:
                continue
            found = self._highest(purpose, of, at, running)
            if found is not None:
                return found[1].limit_a(found[0].unit, voltage_v)
        return None

    def station_limit_a(self, at: datetime, voltage_v: float) -> float | None:
        """What they allow to the station as a whole [A per phase]; None: nothing limits it."""
        found = self._highest(Purpose.STATION_MAX, STATION, at, None)
        return None if found is None else found[1].limit_a(found[0].unit, voltage_v)

    def edges(self, begins_at: datetime, ends_at: datetime, running: Running | None) -> list[datetime]:
        """Every moment between the two at which a limit may change, in order."""
        found = {
            moment
            for one in self.installed
            for moment in one.profile.edges(begins_at, ends_at, _reference(one, running))
        }
        return sorted(found)

    def moved(self, transaction_id: str, other: str) -> Profiles:
        """With another name for a transaction: the back office has given it its own."""
        return Profiles(
            tuple(
                replace(one, profile=replace(one.profile, transaction_id=other))
                if one.profile.transaction_id == transaction_id
                else one
                for one in self.installed
            )
        )

    def _highest(
        self, purpose: Purpose, evse: int, at: datetime, running: Running | None
    ) -> tuple[ChargingProfile, SchedulePeriod] | None:
        for one in sorted(self._of(purpose, evse), key=lambda each: -each.profile.stack_level):
            period = one.profile.period_at(at, _reference(one, running))
            if period is not None:
                return one.profile, period
        return None

    def _of(self, purpose: Purpose, evse: int) -> Iterable[Installed]:
        return (one for one in self.installed if one.profile.purpose is purpose and one.evse == evse)


def _check_transaction(evse: int, profile: ChargingProfile, running: Running | None) -> None:
    if evse == STATION or running is None:
        raise ProfileRefused("a TxProfile is for an EVSE with a running transaction")
    if profile.transaction_id not in (None, running.transaction_id):
        raise ProfileRefused(f"transaction {profile.transaction_id} is not the one that runs")


def _reference(one: Installed, running: Running | None) -> datetime:
    return one.at if running is None else running.began_at
