"""A back office's charging profiles as OCPP writes them, and those that it has set for one station.

They stay here: what follows from them bounds the limits that the station is given. To the back office this looks like
a station that keeps its profiles itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from controller.hub_satellite.charging_profiles import (
    STATION,
    ChargingProfile,
    Criteria,
    Installed,
    Kind,
    ProfileRefused,
    Profiles,
    Purpose,
    RateUnit,
    Recurrence,
    Running,
    SchedulePeriod,
)
from controller.hub_satellite.composite import Step
from controller.snapshot import StationLimit

_PURPOSES: Final = {"ChargePointMaxProfile": Purpose.STATION_MAX}
"""Names of 1.6 that later versions have not kept."""


def read_profile(document: object) -> ChargingProfile:
    """A charging profile of OCPP 1.6 (§7.8) or 2.x (ChargingProfileType).

    Raises:
        ProfileRefused: it is none, or contradicts itself.
    """
    try:
        return _profile(_mapping(document))
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise ProfileRefused(f"not a charging profile: {error}") from None


def _profile(told: Mapping[str, Any]) -> ChargingProfile:
    schedule = told["chargingSchedule"]
    if isinstance(schedule, list):  # 2.x: up to three, for a car to choose from; the first is ours
        schedule = schedule[0]
    schedule = _mapping(schedule)
    purpose = told["chargingProfilePurpose"]
    kind = Kind(told["chargingProfileKind"])
    recurrence, duration, transaction = told.get("recurrencyKind"), schedule.get("duration"), told.get("transactionId")
    return ChargingProfile(
        id=_whole(told["chargingProfileId"] if "chargingProfileId" in told else told["id"]),
        stack_level=_whole(told["stackLevel"]),
        purpose=_PURPOSES.get(purpose) or Purpose(purpose),
        kind=kind,
        unit=RateUnit(schedule["chargingRateUnit"]),
        periods=tuple(_period(_mapping(period)) for period in schedule["chargingSchedulePeriod"]),
        starts_at=None if kind is Kind.RELATIVE else _time(schedule.get("startSchedule")),
        duration_s=None if duration is None else _whole(duration),
        recurrence=None if recurrence is None else Recurrence(recurrence),
        transaction_id=None if transaction is None else str(transaction),
        valid_from=_time(told.get("validFrom")),
        valid_until=_time(told.get("validTo")),
    )


def _period(told: Mapping[str, Any]) -> SchedulePeriod:
    return SchedulePeriod(_whole(told["startPeriod"]), float(told["limit"]), _whole(told.get("numberPhases", 3)))


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError("an object is missing")
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"not a whole number: {value!r:.20}")
    return value


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def read_criteria(told: Mapping[str, Any]) -> Criteria:
    """Which profiles a ClearChargingProfile means (1.6 §6.11; 2.x ClearChargingProfileRequest).

    >>> read_criteria({"connectorId": 1, "stackLevel": 2})
    Criteria(id=None, evse=1, purpose=None, stack_level=2)
    >>> read_criteria({"chargingProfileId": 7})
    Criteria(id=7, evse=None, purpose=None, stack_level=None)
    """
    within = told.get("chargingProfileCriteria") or told
    purpose = within.get("chargingProfilePurpose")
    return Criteria(
        id=told.get("chargingProfileId", told.get("id")),
        evse=within.get("evseId", within.get("connectorId")),
        purpose=None if purpose is None else _PURPOSES.get(purpose) or Purpose(purpose),
        stack_level=within.get("stackLevel"),
    )


SOURCE: Final = "CSO"
"""Whose limits a back office's profiles are (ChargingLimitSourceEnumType)."""


def asked_for(asked: Mapping[str, Any]) -> Callable[[Installed], bool]:
    """Which profiles a GetChargingProfiles means (2.0.1 K09).

    Raises:
        KeyError: it does not say what it wants.
    """
    wanted = asked["chargingProfile"]

    def meant(one: Installed) -> bool:
        return (
            SOURCE in wanted.get("chargingLimitSource", [SOURCE])
            and one.profile.id in wanted.get("chargingProfileId", [one.profile.id])
            and one.profile.stack_level == wanted.get("stackLevel", one.profile.stack_level)
            and one.profile.purpose == wanted.get("chargingProfilePurpose", one.profile.purpose)
            and one.evse == asked.get("evseId", one.evse)
        )

    return meant


def reports(request: int, found: Sequence[tuple[int, Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
    """The payloads of ReportChargingProfiles that answer it."""
    for number, (evse, profile) in enumerate(found, start=1):
        about = {"requestId": request, "chargingLimitSource": SOURCE, "evseId": evse, "tbc": number < len(found)}
        yield {**about, "chargingProfile": [profile]}


def written_schedule(steps: Sequence[Step], unit: str, voltage_v: float) -> list[dict[str, Any]]:
    """The periods of a composite schedule, in ``A`` or ``W`` for three phases, to a tenth."""
    factor = 1.0 if unit == "A" else 3.0 * voltage_v
    return [{"startPeriod": step.start_s, "limit": round(step.limit_a * factor, 1)} for step in steps]


class KeptProfiles:
    """The profiles that one back office has set for one station."""

    def __init__(self, notes: object, keep: Callable[[list[dict[str, Any]]], None]) -> None:
        """Take up what was kept.

        Args:
            notes: what ``keep`` was given last, or None.
            keep: told of every change, as JSON values.
        """
        self.profiles = Profiles()
        self._keep = keep
        self._documents: dict[int, dict[str, Any]] = {}
        self._running: dict[int, Running] = {}
        self._shared: set[int] = set()
        """EVSEs where a transaction of another back office runs."""
        for note in notes if isinstance(notes, list) else []:
            try:
                self._install(note["evse"], note["profile"], datetime.fromisoformat(note["at"]), None, anew=False)
            except (ProfileRefused, KeyError, TypeError, ValueError):
                continue

    def __bool__(self) -> bool:
        return bool(self.profiles.installed)

    def set(self, evse: int, document: object, at: datetime) -> None:
        """Set a profile.

        Raises:
            ProfileRefused: it cannot be kept.
        """
        self._install(evse, document, at, self._running.get(evse), anew=True)
        self._tell()

    def clear(self, criteria: Criteria) -> bool:
        """Clear those that are meant; returns whether there were any."""
        before = self.profiles
        self.profiles = before.without(criteria)
        if self.profiles is not before:
            self._tell()
        return self.profiles is not before

    def meant(self, wanted: Callable[[Installed], bool]) -> list[tuple[int, dict[str, Any]]]:
        """Those that are wanted, each with its EVSE, as they were set."""
        return [(one.evse, self._documents[one.profile.id]) for one in self.profiles.installed if wanted(one)]

    def runs(self, evse: int, running: Running | None) -> None:
        """What runs at an EVSE now; what was set for the transaction before it ends with that."""
        before = self._running.get(evse)
        if running is None:
            self._running.pop(evse, None)
        else:
            self._running[evse] = running
        same = before is not None and running is not None and running.transaction_id == before.transaction_id
        if same or before is running:
            return
        # After a restart nobody knows what ran before: what was set before this began was not meant for it.
        older = [o for o in self.profiles.installed if o.evse == evse and (running is None or o.at < running.began_at)]
        if before is not None or older:
            kept = self.profiles.after_transaction(evse)
            if kept is not self.profiles:
                self.profiles = kept
                self._tell()

    def shared(self, evse: int, *, others: bool) -> None:
        """Whether a transaction of another back office runs at an EVSE; nothing that is for one limits that."""
        (self._shared.add if others else self._shared.discard)(evse)

    def limit_a(self, evse: int, at: datetime, voltage_v: float) -> float | None:
        """What is allowed to one EVSE, and at most to the whole station [A per phase]; None: anything."""
        running = self._running.get(evse)
        own_a = None if evse in self._shared else self.profiles.limit_a(evse, at, running, voltage_v)
        station_a = self.profiles.station_limit_a(at, voltage_v)
        return min((limit for limit in (own_a, station_a) if limit is not None), default=None)

    def station_limit(self, points: Sequence[str], office: str, at: datetime, voltage_v: float) -> list[StationLimit]:
        """What is allowed to the points of a station together, where there are several and anything limits them."""
        limit_a = self.profiles.station_limit_a(at, voltage_v) if self and len(points) > 1 else None
        return [] if limit_a is None else [StationLimit(tuple(points), limit_a, office)]

    def running(self, evse: int) -> Running | None:
        """What runs at an EVSE."""
        return self._running.get(evse)

    def _install(self, evse: int, document: object, at: datetime, running: Running | None, *, anew: bool) -> None:
        profile = read_profile(document)
        if not anew and profile.purpose is Purpose.TX:
            running = Running(profile.transaction_id or "", at)
        self.profiles = self.profiles.with_profile(evse, profile, at, running)
        self._documents[profile.id] = dict(_mapping(document))

    def _tell(self) -> None:
        self._keep(
            [
                {"evse": one.evse, "profile": self._documents[one.profile.id], "at": one.at.isoformat()}
                for one in self.profiles.installed
            ]
        )


__all__ = ["STATION", "KeptProfiles", "read_criteria", "read_profile", "written_schedule"]
