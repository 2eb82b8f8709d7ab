"""What the past of a charging point lets expect: when cars come, when they leave, how much they need.

Nobody has promised anything here, so departures are expected early and needs large: the cheap side of being wrong.
Times are on the clock of the site.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import fmean
from typing import Final

import numpy as np

LEAST_STAYS: Final = 10
"""With fewer, a point has no habits."""
LEAST_ALIKE: Final = 5
"""So many stays on the same day of the week say more than all on working days, and those more than all."""
EARLY: Final = 0.25
"""Quantile of departures that is reckoned with."""
MUCH: Final = 0.75
"""Quantile of needs that is reckoned with."""
LIKELY: Final = 0.5
"""Probability from which a car is expected."""
COMING_DAYS: Final = 28
"""What comes to all points together is taken to be the mean of so many days before."""
COMING_SHARE: Final = 0.85
"""So much of it is reckoned with where a peak has its price: room for more might be paid for in vain."""
_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stay:
    """A past session of a point."""

    arrived: datetime
    left: datetime
    energy_wh: float


@dataclass(frozen=True, slots=True)
class Visit:
    """A car that is likely to come."""

    arrives: datetime
    departs: datetime
    energy_wh: float


def usual_departure(stays: Sequence[Stay], arrived: datetime, now: datetime) -> datetime | None:
    """When a car that arrived then and is still there may leave; None where the past does not say."""
    alike = _alike(stays, arrived.date())
    stayed_s = [_since_midnight_s(stay.left, stay.arrived.date()) for stay in alike]
    later_s = [second for second in stayed_s if second > _since_midnight_s(now, arrived.date())]
    return _moment(arrived, float(np.quantile(later_s, EARLY))) if later_s else None


def usual_energy_wh(stays: Sequence[Stay], day: date) -> float | None:
    """What a session that begins on such a day may need in all [Wh]; None where the past does not say."""
    alike = _alike(stays, day)
    return float(np.quantile([stay.energy_wh for stay in alike], MUCH)) if alike else None


def likely_visits(stays: Sequence[Stay], now: datetime, until: datetime) -> Iterator[Visit]:
    """The cars that are likely to come from now on, one a day at most: the next one of each day."""
    if len(stays) < LEAST_STAYS:
        return
    first = min(stay.arrived.date() for stay in stays)
    day = now.date()
    while day <= until.date():
        from_s = _since_midnight_s(now, day)  # negative on the days after today
        alike = [stay for stay in stays if stay.arrived.weekday() == day.weekday() and stay.arrived.date() < now.date()]
        coming = _first_of_each_day(stay for stay in alike if _since_midnight_s(stay.arrived) > from_s)
        days = _days_like(day, first, now.date())
        if days and len(coming) >= LIKELY * days:
            begins = datetime.combine(day, time(), now.tzinfo)
            arrives = _moment(begins, float(np.median([_since_midnight_s(stay.arrived) for stay in coming])))
            leaves_s = float(np.quantile([_since_midnight_s(s.left, s.arrived.date()) for s in coming], EARLY))
            departs, energy_wh = _moment(begins, leaves_s), np.quantile([s.energy_wh for s in coming], MUCH)
            if now < arrives < min(departs, until):
                yield Visit(arrives, departs, float(energy_wh))
        day += _DAY


def usual_newcomers(stays: Sequence[Stay], now: datetime, until: datetime) -> Iterator[Visit]:
    """What usually comes to all points together from now on: hour by hour, one visit stands for everybody.

    Nothing is expected before enough days of a kind, working days or weekends, have been seen.

    Args:
        stays: of all points.
        now: on the clock of the site.
        until: nobody is expected from here on; on the same clock.
    """
    first = max(min((stay.arrived.date() for stay in stays), default=now.date()), now.date() - COMING_DAYS * _DAY)
    before = [stay for stay in stays if first <= stay.arrived.date() < now.date()]
    day = now.date()
    while day <= until.date():
        from_s = _since_midnight_s(now, day)
        weekend = day.weekday() >= _SATURDAY
        days = sum(((first + n * _DAY).weekday() >= _SATURDAY) == weekend for n in range((now.date() - first).days))
        hours: dict[int, list[tuple[float, Stay]]] = {}
        for stay in before if days >= LEAST_ALIKE else ():
            arrives_s = _since_midnight_s(stay.arrived)
            if arrives_s > from_s and (stay.arrived.weekday() >= _SATURDAY) == weekend:
                hours.setdefault(stay.arrived.hour, []).append((arrives_s, stay))
        begins = datetime.combine(day, time(), now.tzinfo)
        for _, coming in sorted(hours.items()):
            arrives = _moment(begins, fmean(arrives_s for arrives_s, _ in coming))
            stays_s = fmean((stay.left - stay.arrived).total_seconds() for _, stay in coming)
            energy_wh = COMING_SHARE * sum(stay.energy_wh for _, stay in coming) / days
            if now < arrives < until:
                yield Visit(arrives, arrives + timedelta(seconds=stays_s), energy_wh)
        day += _DAY


def _alike(stays: Sequence[Stay], day: date) -> Sequence[Stay]:
    """The stays that say most about such a day; none where there are too few in all."""
    if len(stays) < LEAST_STAYS:
        return ()
    same_day = [stay for stay in stays if stay.arrived.weekday() == day.weekday()]
    weekend = day.weekday() >= _SATURDAY
    same_kind = [stay for stay in stays if (stay.arrived.weekday() >= _SATURDAY) == weekend]
    return next((some for some in (same_day, same_kind) if len(some) >= LEAST_ALIKE), stays)


def _first_of_each_day(stays: Iterable[Stay]) -> list[Stay]:
    firsts: dict[date, Stay] = {}
    for stay in sorted(stays, key=lambda stay: stay.arrived):
        firsts.setdefault(stay.arrived.date(), stay)
    return list(firsts.values())


def _days_like(day: date, first: date, end: date) -> int:
    """How many days of that weekday lie from ``first`` to before ``end``."""
    return sum((first + timedelta(days=n)).weekday() == day.weekday() for n in range((end - first).days))


def _since_midnight_s(moment: datetime, day: date | None = None) -> float:
    """Seconds on the clock since the beginning of a day, of its own unless said otherwise; negative before it [s]."""
    days = 0 if day is None else (moment.date() - day).days
    return days * 86_400.0 + moment.hour * 3600.0 + moment.minute * 60.0 + moment.second


def _moment(within: datetime, since_midnight_s: float) -> datetime:
    """What the clock shows so many seconds after the beginning of a day."""
    days, second = divmod(int(since_midnight_s), 86_400)
    clock = time(second // 3600, second // 60 % 60, second % 60)
    return datetime.combine(within.date() + timedelta(days=days), clock, within.tzinfo)
