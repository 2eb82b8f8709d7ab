"""Smart charging as a charger does it: charging profiles, and the limit that follows from them.

Source: OCPP 1.6 edition 2, §3.13 (purposes, stacking, offline behaviour), §5.16 (SetChargingProfile) and
§7.8-7.14 (the types). Pure: the time is an argument, in seconds of the Unix epoch as the charger's clock has it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

MAX_PROFILES: Final = 20
"""ChargingProfileMaxInstalled [per station connector]: memory is finite on a charger."""
MAX_PERIODS: Final = 24
"""ChargingScheduleMaxPeriods."""
MAX_STACK_LEVEL: Final = 8
"""ChargeProfileMaxStackLevel."""
PURPOSES: Final = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")
_RECURRENCE_S: Final = {"Daily": 86_400.0, "Weekly": 604_800.0}


class ProfileRefusedError(Exception):
    """The charger does not accept this profile; the message says why."""


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start_s`` after the schedule's start, this limit holds."""

    start_s: float
    limit: float
    """In the profile's unit."""
    number_phases: int = 3


@dataclass(frozen=True, slots=True)
class ChargingProfile:
    """One charging profile with its schedule."""

    id: int
    stack_level: int
    purpose: str
    kind: str
    unit: str
    periods: tuple[Period, ...]
    start_at_s: float | None = None
    duration_s: float | None = None
    recurrency: str | None = None
    transaction_id: int | str | None = None
    valid_from_s: float = -math.inf
    valid_to_s: float = math.inf

    def limit_a(self, now_s: float, reference_s: float, voltage_v: float) -> float | None:
        """Its limit at ``now_s`` [A per phase]; None where it has nothing to say.

        Args:
            now_s: the charger's time [Unix s].
            reference_s: when the transaction began, or when the profile came: the start of Relative schedules.
            voltage_v: what converts a limit in watt [V], over the period's number of phases (1.6 §7.13).
        """
        begin_s = self._begins_at(now_s, reference_s)
        elapsed_s = now_s - begin_s
        if not self.valid_from_s <= now_s < self.valid_to_s or elapsed_s < 0:
            return None
        if self.duration_s is not None and elapsed_s >= self.duration_s:
            return None
        active = [period for period in self.periods if period.start_s <= elapsed_s]
        if not active:
            return None
        period = active[-1]
        return period.limit if self.unit == "A" else period.limit / (voltage_v * period.number_phases)

    def edges(self, from_s: float, until_s: float, reference_s: float) -> Iterable[float]:
        """Every moment in (from, until) at which its limit may change [Unix s]."""
        recurrence_s = _RECURRENCE_S.get(self.recurrency or "", math.inf)
        begin_s = self._begins_at(from_s, reference_s)
        offsets = [period.start_s for period in self.periods]
        if self.duration_s is not None:
            offsets.append(self.duration_s)
        candidates = [self.valid_from_s, self.valid_to_s]
        while begin_s < until_s:
            candidates += [begin_s + offset_s for offset_s in offsets]
            begin_s += recurrence_s
        return [moment for moment in candidates if from_s < moment < until_s]

    def _begins_at(self, now_s: float, reference_s: float) -> float:
        if self.kind == "Relative" or self.start_at_s is None:
            return reference_s
        recurrence_s = _RECURRENCE_S.get(self.recurrency or "") if self.kind == "Recurring" else None
        if recurrence_s is None or now_s < self.start_at_s:
            return self.start_at_s
        return now_s - (now_s - self.start_at_s) % recurrence_s


def parse_profile(raw: Mapping[str, Any]) -> ChargingProfile:
    """A profile from the payload of SetChargingProfile or RemoteStartTransaction, keys in snake case.

    Raises:
        ProfileRefusedError: it is contradictory, or more than this charger can hold.
    """
    schedule = raw["charging_schedule"]
    profile = ChargingProfile(
        id=raw["charging_profile_id"],
        stack_level=raw["stack_level"],
        purpose=raw["charging_profile_purpose"],
        kind=raw["charging_profile_kind"],
        unit=schedule["charging_rate_unit"],
        periods=tuple(
            Period(float(p["start_period"]), float(p["limit"]), int(p.get("number_phases") or 3))
            for p in schedule["charging_schedule_period"]
        ),
        start_at_s=_epoch_s(schedule.get("start_schedule")),
        duration_s=schedule.get("duration"),
        recurrency=raw.get("recurrency_kind"),
        transaction_id=raw.get("transaction_id"),
        valid_from_s=_epoch_s(raw.get("valid_from"), -math.inf),
        valid_to_s=_epoch_s(raw.get("valid_to"), math.inf),
    )
    for problem, found in _problems(profile):
        if found:
            raise ProfileRefusedError(problem)
    return profile


def _problems(profile: ChargingProfile) -> Iterable[tuple[str, bool]]:
    starts_s = [period.start_s for period in profile.periods]
    limits = [period.limit for period in profile.periods]
    return (
        (f"unknown purpose {profile.purpose!r}", profile.purpose not in PURPOSES),
        (f"stackLevel above {MAX_STACK_LEVEL}", not 0 <= profile.stack_level <= MAX_STACK_LEVEL),
        (f"a schedule needs 1..{MAX_PERIODS} periods", not 1 <= len(starts_s) <= MAX_PERIODS),
        ("the first period must start at 0", starts_s[:1] != [0.0]),
        ("periods must be in order", starts_s != sorted(set(starts_s))),
        ("a limit is not a current or power", any(not math.isfinite(x) or x < 0 for x in limits)),
        ("an Absolute schedule needs startSchedule", profile.kind == "Absolute" and profile.start_at_s is None),
        ("a Recurring one needs recurrencyKind", profile.kind == "Recurring" and profile.recurrency is None),
    )


def _epoch_s(text: str | None, missing: Any = None) -> Any:
    if text is None:
        return missing
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ProfileRefusedError(f"no time: {text!r}") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@dataclass(frozen=True, slots=True)
class _Installed:
    profile: ChargingProfile
    connector: int
    at_s: float


class ProfileStore:
    """The profiles installed in one charger, and what they allow on each connector."""

    def __init__(self) -> None:
        self._installed: list[_Installed] = []

    def install(self, connector: int, profile: ChargingProfile, now_s: float, transaction_id: int | str | None) -> None:
        """Accept a profile; it replaces the one with its id, and the one with its purpose, level and connector.

        Args:
            connector: 0 for the whole station.
            profile: what to install.
            now_s: the charger's time [Unix s].
            transaction_id: the transaction that runs on the connector, if any.

        Raises:
            ProfileRefusedError: 1.6 §5.16: a TxProfile without its transaction, a ChargePointMaxProfile elsewhere
                than on connector 0, or no room.
        """
        if profile.purpose == "TxProfile" and (connector == 0 or transaction_id is None):
            raise ProfileRefusedError("a TxProfile needs a connector with a running transaction")
        if profile.purpose == "TxProfile" and profile.transaction_id not in (None, transaction_id):
            raise ProfileRefusedError(f"transaction {profile.transaction_id} is not the one that runs")
        if profile.purpose == "ChargePointMaxProfile" and connector != 0:
            raise ProfileRefusedError("a ChargePointMaxProfile belongs to connector 0")
        slot = (connector, profile.purpose, profile.stack_level)
        kept = [
            one
            for one in self._installed
            if one.profile.id != profile.id and (one.connector, one.profile.purpose, one.profile.stack_level) != slot
        ]
        if len(kept) >= MAX_PROFILES:
            raise ProfileRefusedError(f"no room for more than {MAX_PROFILES} profiles")
        self._installed = [*kept, _Installed(profile, connector, now_s)]

    def clear(self, profile_id: int | None, connector: int | None, purpose: str | None, stack_level: int | None) -> int:
        """Remove what matches every criterion that is given (1.6 §5.5); returns how many were removed."""

        def matches(one: _Installed) -> bool:
            if profile_id is not None:
                return one.profile.id == profile_id
            return (
                connector in (None, one.connector)
                and purpose in (None, one.profile.purpose)
                and stack_level in (None, one.profile.stack_level)
            )

        kept = [one for one in self._installed if not matches(one)]
        removed = len(self._installed) - len(kept)
        self._installed = kept
        return removed

    def end_transaction(self, connector: int) -> None:
        """TxProfiles live as long as their transaction (1.6 §3.13.1)."""
        self.clear(None, connector, "TxProfile", None)

    def limit_a(self, connector: int, now_s: float, started_at_s: float | None, voltage_v: float) -> float | None:
        """What the profiles allow on a connector now [A per phase]; None: nothing limits it.

        TxProfile overrules TxDefaultProfile, a connector's own default overrules the station's, the highest stack
        level that has something to say counts, and ChargePointMaxProfile bounds them all (1.6 §3.13.1-3).
        ``started_at_s`` is the start of the running transaction; None: there is none.
        """

        def highest(purpose: str, at: int) -> float | None:
            rows = [one for one in self._installed if one.profile.purpose == purpose and one.connector == at]
            for one in sorted(rows, key=lambda one: -one.profile.stack_level):
                reference_s = one.at_s if started_at_s is None else started_at_s
                if (limit_a := one.profile.limit_a(now_s, reference_s, voltage_v)) is not None:
                    return limit_a
            return None

        own_a = highest("TxProfile", connector) if started_at_s is not None else None
        for default_at in (connector, 0):
            if own_a is None:
                own_a = highest("TxDefaultProfile", default_at)
        given = [limit_a for limit_a in (own_a, highest("ChargePointMaxProfile", 0)) if limit_a is not None]
        return min(given, default=None)

    def composite(
        self, connector: int, now_s: float, duration_s: float, started_at_s: float | None, voltage_v: float
    ) -> list[tuple[float, float | None]]:
        """The limits to come as (seconds from now, limit [A] or None), for GetCompositeSchedule."""
        until_s = now_s + duration_s
        moments = {now_s}
        for one in self._installed:
            moments.update(one.profile.edges(now_s, until_s, one.at_s if started_at_s is None else started_at_s))
        rows: list[tuple[float, float | None]] = []
        for moment in sorted(moments):
            limit_a = self.limit_a(connector, moment, started_at_s, voltage_v)
            if not rows or rows[-1][1] != limit_a:
                rows.append((moment - now_s, limit_a))
        return rows
