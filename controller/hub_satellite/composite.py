"""Composite schedules: what a station will really allow, told to its back office (1.6 §5.7, 2.0.1 K08)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.hub_satellite.charging_profiles import Profiles, Running


@dataclass(frozen=True, slots=True)
class Evse:
    """One EVSE behind the station, as a composite schedule sees it."""

    number: int
    max_a: float
    """What it can give at most [A per phase]."""
    own_limit_a: float | None = None
    """What this site allows it now; None: nothing but the maximum. It holds for as long as nobody knows better."""
    running: Running | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """From ``start_s`` on, this limit holds [s, A per phase]."""

    start_s: int
    limit_a: float


def composite(
    profiles: Profiles, evses: Sequence[Evse], begins_at: datetime, duration_s: int, voltage_v: float
) -> tuple[Step, ...]:
    """The limits of some EVSEs together for the time to come; of one EVSE, or of all for the whole station.

    Each EVSE counts with the smallest of what the back office, its own maximum and this site allow it; their sum is
    bounded by what the back office allows to the station.

    Args:
        profiles: of the back office.
        evses: those that are asked about.
        begins_at: where the schedule begins.
        duration_s: how long it is [s].
        voltage_v: phase to neutral, for limits in watt [V].

    Returns:
        Steps in order, each with a limit other than the one before; the first begins at 0.
    """
    ends_at = begins_at + timedelta(seconds=duration_s)
    moments = {begins_at}
    for evse in evses:
        moments.update(profiles.edges(begins_at, ends_at, evse.running))
    steps: list[Step] = []
    for moment in sorted(moments):
        limit_a = _together(profiles, evses, moment, voltage_v)
        if not steps or abs(steps[-1].limit_a - limit_a) > 1e-9:
            steps.append(Step(round((moment - begins_at).total_seconds()), limit_a))
    return tuple(steps)


def _together(profiles: Profiles, evses: Sequence[Evse], at: datetime, voltage_v: float) -> float:
    total_a = 0.0
    for evse in evses:
        told_a = profiles.limit_a(evse.number, at, evse.running, voltage_v)
        total_a += min(limit for limit in (evse.max_a, evse.own_limit_a, told_a) if limit is not None)
    station_a = profiles.station_limit_a(at, voltage_v)
    return total_a if station_a is None else min(total_a, station_a)
