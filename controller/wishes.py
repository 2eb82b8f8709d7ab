"""What is asked for a session: by its token, by the token's group, by its driver, by the site's manager.

Each may say something of everything or of nothing. Where two say something of the same, the more particular one counts:
the manager, then the driver, the token, the group.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from controller.snapshot import PointState, State

_WEEK: Final = tuple(range(7))
_FREE: Final = frozenset({State.AVAILABLE, State.FAULTED})


@dataclass(frozen=True, slots=True)
class Needs:
    """What holds for the sessions of a token or of a group, where nobody says otherwise. None: nothing is said."""

    priority: int | None = None
    weight: float | None = None
    departs: time | None = None
    """Time of day at the site at which the car leaves."""
    weekdays: tuple[int, ...] = ()
    """On which days it does, 0 is Monday; empty: on every day."""
    energy_wh: int | None = None
    """Wanted by then, from the beginning of the session on [Wh]."""
    least_wh: int | None = None
    """The part of it that comes before all other needs [Wh]."""


NO_NEEDS: Final = Needs()


@dataclass(frozen=True, slots=True)
class Group:
    """Tokens that are treated alike."""

    id: str
    description: str = ""
    needs: Needs = NO_NEEDS


class NoSuchSession(Exception):  # noqa: N818 - a state of the world, not a mistake
    """There is no such session, or it has ended."""


class Asker(StrEnum):
    """Who asks something for a session."""

    DRIVER = "driver"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for a session. None: nothing is."""

    departs_at: datetime | None = None
    energy_wh: int | None = None
    """Wanted by then, from the beginning of the session on [Wh]."""
    least_wh: int | None = None
    """The part of it that comes before all other needs [Wh]."""
    priority: int | None = None
    weight: float | None = None
    max_a: float | None = None
    """More than this it shall not get [A]."""


@dataclass(frozen=True, slots=True)
class Wish:
    """All that one of those who may ask has asked for a session so far."""

    session: str
    by: Asker
    asked: Asked


def asked_by_needs(needs: Needs, began_at: datetime, zone: ZoneInfo) -> Asked:
    """What needs mean for a session that began at ``began_at``: a time of day becomes the next such moment."""
    departs_at = None if needs.departs is None else _next(needs.departs, needs.weekdays or _WEEK, began_at, zone)
    return Asked(departs_at, needs.energy_wh, needs.least_wh, needs.priority, needs.weight)


def first_said(said: Iterable[Asked]) -> Asked:
    """Of each field what the first says who says anything.

    >>> first_said([Asked(priority=2), Asked(priority=1, energy_wh=9000)])
    Asked(departs_at=None, energy_wh=9000, least_wh=None, priority=2, weight=None, max_a=None)
    """
    every = tuple(said)
    values = {
        field.name: next((value for one in every if (value := getattr(one, field.name)) is not None), None)
        for field in fields(Asked)
    }
    return Asked(**values)


def with_wishes(state: PointState, asked: Asked) -> PointState:
    """What is known of a point, with what is asked for its session.

    Energy is counted down by what was delivered. Who stays beyond the departure still needs what is missing.
    """
    if state.state in _FREE:
        return state
    wanted_wh = asked.energy_wh
    if wanted_wh is not None and asked.least_wh is not None:
        wanted_wh = max(wanted_wh, asked.least_wh)
    return replace(
        state,
        energy_needed_wh=_left(wanted_wh, state),
        least_needed_wh=_left(asked.least_wh, state),
        departs_at=asked.departs_at,
        priority=asked.priority if state.priority is None else state.priority,
        weight=asked.weight if state.weight is None else state.weight,
        max_a=min((limit for limit in (state.max_a, asked.max_a) if limit is not None), default=None),
    )


def _left(wanted_wh: int | None, state: PointState) -> int | None:
    return None if wanted_wh is None else max(0, wanted_wh - state.delivered_wh)


def _next(moment: time, weekdays: tuple[int, ...], after: datetime, zone: ZoneInfo) -> datetime:
    """The first such time of day on such a weekday; days are those of the site, daylight saving included."""
    today = after.astimezone(zone).date()
    days = (today + timedelta(days=number) for number in range(8))
    moments = (
        datetime.combine(day, moment, zone).astimezone(after.tzinfo) for day in days if day.weekday() in weekdays
    )
    return next(one for one in moments if one > after)
