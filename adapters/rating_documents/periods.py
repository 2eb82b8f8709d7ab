"""What a charging period of OCPI says of the time that it covers.

Its length is that of the clock, from its start to the next one's; the volumes of its times say what that time was, and
are rounded. Where the two contradict each other, no more time is priced than either has, and it is flagged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from controller.tariffs.session_facts import Activity

TIMES_DIFFER: Final = "period_times_differ"
"""The times of a period do not add up to its length."""

_ROUNDING_MOST_S: Final = 30.0
"""Volumes without decimals are hardly ever rounded to whole hours."""
_SLACK_S: Final = 1
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a session in which one thing happened."""

    activity: Activity
    starts_at: datetime
    ends_at: datetime
    energy_kwh: Decimal
    power_kw: Decimal | None = None
    current_a: Decimal | None = None


def parts_of(
    volumes: Mapping[str, Decimal],
    starts_at: datetime,
    ends_at: datetime,
    flags: dict[str, None],
    *,
    never_came: bool,
    times_told: bool,
) -> Iterator[Part]:
    """The parts of a period, without a gap: reserved, charging, parking, and what none of them is.

    A period that says of its time that none of it was charging or parking, or that says nothing of it while others of
    its record do, and delivered nothing, is one in which the site held the car back.

    Args:
        volumes: Of its dimensions, by type.
        starts_at: Of the period.
        ends_at: Of the period.
        flags: To which what is doubtful is added.
        never_came: Whether the whole record is that of a reservation that nobody used.
        times_told: Whether any period of the record says what its time was.
    """
    energy = volumes.get("ENERGY", _NOTHING)
    power = _level(volumes, "POWER")
    current = _level(volumes, "CURRENT")
    told = _times(volumes, Activity.RESERVATION_EXPIRED if never_came else Activity.RESERVATION)
    if not told:
        none = bool({"TIME", "PARKING_TIME"} & volumes.keys()) or (times_told and not energy)
        activity = Activity.WITHHELD if none else Activity.CHARGING
        yield Part(activity, starts_at, ends_at, energy, power, current)
        return
    charged = Activity.CHARGING if Activity.CHARGING in dict(told) else told[0][0]
    begins_at = starts_at
    for number, (activity, hours) in enumerate(told, start=1):
        length = timedelta(microseconds=int(hours * 3_600_000_000))
        end = min(begins_at + length, ends_at)
        if number == len(told):
            if abs(begins_at + length - ends_at) <= _tolerance(volume for _, volume in told):
                end = ends_at
            else:
                flags[TIMES_DIFFER] = None
        yield Part(activity, begins_at, end, energy if activity is charged else _NOTHING, power, current)
        begins_at = end
    if begins_at < ends_at:
        yield Part(Activity.WITHHELD, begins_at, ends_at, _NOTHING)


def _times(volumes: Mapping[str, Decimal], reserved: Activity) -> list[tuple[Activity, Decimal]]:
    """What the period says of its time, in the order in which it comes [h]."""
    named = ((reserved, "RESERVATION_TIME"), (Activity.CHARGING, "TIME"), (Activity.IDLE, "PARKING_TIME"))
    return [(activity, volumes[name]) for activity, name in named if volumes.get(name)]


def _tolerance(volumes: Iterable[Decimal]) -> timedelta:
    """What their rounding may come to."""
    halves_s = [1800 * 10.0 ** int(volume.as_tuple().exponent) for volume in volumes]
    return timedelta(seconds=sum(min(half_s, _ROUNDING_MOST_S) for half_s in halves_s) + _SLACK_S)


def _level(volumes: Mapping[str, Decimal], name: str) -> Decimal | None:
    """The power or current of a period, the middle of what is told: nothing that a price depends on lies between."""
    if name in volumes:
        return volumes[name]
    told = [volumes[key] for key in (f"MIN_{name}", f"MAX_{name}") if key in volumes]
    return sum(told, _NOTHING) / len(told) if told else None
