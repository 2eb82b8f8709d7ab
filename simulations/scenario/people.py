"""Who comes, when, for how long, and with what need: the stays of a scenario, before they have a parking place."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

import numpy as np

from controller.site import ChargingPoint, Site
from simulations.cars import CUT_OFF_SHARE, EFFICIENCY, CarModel
from simulations.data.sessions import RecordedSession
from simulations.scenario.calendar import Calendar, on_day
from simulations.scenario.tables import CarTable, PeopleTable
from simulations.visits import Visit

HOUR_S: Final = 3600.0

LEAST_STAY_S: Final = 600.0
LEAST_NEED_WH: Final = 500.0
"""Whoever comes for less does not plug in."""

EASE: Final = 0.9
"""Drawn needs are at most this share of what the stay allows: nobody plans on charging until the last minute."""

WORKPLACE_CARS: Final = (
    CarTable(share=55.0, phases=3, max_a=16.0, capacity_kwh=64.0, taper_from=0.85),
    CarTable(share=20.0, phases=3, max_a=32.0, capacity_kwh=80.0, taper_from=0.85),
    CarTable(share=10.0, phases=1, max_a=16.0, capacity_kwh=12.0, taper_from=0.9),
    CarTable(share=9.0, phases=1, max_a=32.0, capacity_kwh=52.0, taper_from=0.85),
    CarTable(share=4.0, phases=3, max_a=16.0, min_a=7.0, capacity_kwh=44.0, taper_from=0.85),
    CarTable(share=2.0, phases=3, max_a=32.0, min_a=8.0, capacity_kwh=41.0, taper_from=0.85),
)
"""As they come to a workplace: mostly three-phase, a quarter single-phase, a few that need 7 or 8 A to start."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A visit that has no point yet."""

    visit: Visit
    """Its ``point`` is the one that the data name, or empty."""
    allowed: tuple[str, ...]
    """Where the car may stand: names of points, with * for any characters."""
    drawn: bool
    """Whether its need was drawn; then it is made to fit its stay, which recorded ones are not."""


def stays_of(
    table: PeopleTable,
    recorded: Sequence[RecordedSession] | None,
    cars: Sequence[CarTable],
    calendar: Calendar,
    site: Site,
    seed: int,
) -> list[Stay]:
    """Everybody of one kind within the horizon.

    Args:
        table: the kind.
        recorded: sessions within the horizon, where they come from a file or a model; None: drawn from figures.
        cars: what they drive.
        calendar: the horizon.
        site: for its voltage and points.
        seed: of the scenario. Every day has dice of its own: a longer horizon changes no day of a shorter one.
    """
    fleet = tuple(table.cars or cars or WORKPLACE_CARS)
    found = _drawn(table, fleet, calendar, seed) if recorded is None else None
    if found is None:
        found = _recorded(table, recorded or (), fleet, calendar, site, seed)
    visits = (cut for visit in found if (cut := _within(visit, calendar.duration_s, site.nominal_voltage_v)))
    return [Stay(visit, tuple(table.points), recorded is None) for visit in visits]


def _dice(seed: int, name: str, day: date) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode()), day.toordinal()])


def _drawn(table: PeopleTable, fleet: Sequence[CarTable], calendar: Calendar, seed: int) -> Iterator[Visit]:
    # Who came the evening before is still there when the horizon begins.
    for day in (calendar.days[0] - timedelta(days=1), *calendar.days):
        if not on_day(table.days, day):
            continue
        rng = _dice(seed, table.name, day)
        for number in range(int(rng.poisson(table.cars_per_day or 0.0))):
            yield _one(table, fleet, calendar, rng, f"{table.name}-{day:%m%d}-{number:03d}", day)


def _one(
    table: PeopleTable,
    fleet: Sequence[CarTable],
    calendar: Calendar,
    rng: np.random.Generator,
    name: str,
    day: date,
) -> Visit:
    usual = datetime.combine(day, table.arrives, calendar.zone)
    arrives_s = calendar.seconds(usual) + HOUR_S * rng.normal(0.0, table.arrives_spread_h)
    stay_s = max(LEAST_STAY_S, HOUR_S * rng.normal(table.stays_h, table.stays_spread_h))
    car = _car(fleet, rng)
    need_wh = max(LEAST_NEED_WH, 1000.0 * rng.normal(table.energy_kwh, table.energy_spread_kwh))
    need_wh = min(need_wh, EASE * car.capacity_wh / EFFICIENCY)
    wrong_s = HOUR_S * rng.normal(0.0, table.stated_spread_h)
    says = rng.random() < table.stated
    return Visit(
        id=name,
        point="",
        arrives_s=arrives_s,
        leaves_s=arrives_s + stay_s,
        energy_wh=need_wh,
        car=_big_enough(car, need_wh),
        token=_token(table, rng),
        stated_leaves_s=max(arrives_s + LEAST_STAY_S, arrives_s + stay_s + wrong_s) if says else None,
        stated_energy_wh=need_wh if says else None,
        price_limit=table.price_limit,
    )


def _token(table: PeopleTable, rng: np.random.Generator) -> str:
    number = int(rng.integers(table.tokens))
    return f"GUEST-{number:03d}" if rng.random() < table.guest_share else f"{table.name}-{number:03d}"


def _car(fleet: Sequence[CarTable], rng: np.random.Generator) -> CarModel:
    weights = np.array([kind.share for kind in fleet])
    kind = fleet[int(rng.choice(len(fleet), p=weights / weights.sum()))]
    return CarModel(
        capacity_wh=1000.0 * kind.capacity_kwh,
        max_a=kind.max_a,
        min_a=kind.min_a,
        phases=kind.phases,
        taper_from=kind.taper_from if rng.random() < kind.full_share else 1.0,
        reaction_s=rng.uniform(1.0, 3.5),
        rise_a_per_s=rng.uniform(2.0, 8.0),
        fall_a_per_s=rng.uniform(20.0, 40.0),
        sleep_after_s=kind.sleep_after_s,
        precondition_a=kind.precondition_a,
        precondition_s=kind.precondition_s,
    )


def _big_enough(car: CarModel, need_wh: float) -> CarModel:
    """Whoever needs more than this battery holds has a bigger one."""
    reserve = 1.0 - CUT_OFF_SHARE * (1.0 - car.taper_from)
    return replace(car, capacity_wh=max(car.capacity_wh, need_wh * EFFICIENCY / reserve))


def _recorded(
    table: PeopleTable,
    sessions: Sequence[RecordedSession],
    fleet: Sequence[CarTable],
    calendar: Calendar,
    site: Site,
    seed: int,
) -> Iterator[Visit]:
    points = set(site.point)
    for number, session in enumerate(sorted(sessions, key=lambda one: (one.arrives, one.id))):
        rng = np.random.default_rng([seed, zlib.crc32(f"{table.name}-{session.id}".encode()), number])
        car = _car(fleet, rng)
        if session.max_power_w is not None:
            car = replace(car, max_a=max(car.min_a, session.max_power_w / (car.phases * site.nominal_voltage_v)))
        arrives_s = _seconds(session.arrives, calendar)
        stated = session.stated_leaves
        yield Visit(
            id=f"{table.name}-{session.id}",
            point=session.point if session.point in points else "",
            arrives_s=arrives_s,
            leaves_s=_seconds(session.leaves, calendar),
            energy_wh=session.energy_wh,
            car=_big_enough(car, session.energy_wh),
            token=session.token or "",
            stated_leaves_s=None if stated is None else max(arrives_s + LEAST_STAY_S, _seconds(stated, calendar)),
            stated_energy_wh=session.requested_wh,
            price_limit=table.price_limit,
        )


def _seconds(moment: datetime, calendar: Calendar) -> float:
    return moment.astimezone(UTC).timestamp() - calendar.start_s


def _within(visit: Visit, duration_s: float, voltage_v: float) -> Visit | None:
    """The part of a visit within the horizon.

    Of what was there before the beginning, the share of the need remains that belongs to the rest of the stay; whoever
    is still there at the end needs no more than the time until then allows.
    """
    begins_s, ends_s = max(0.0, visit.arrives_s), min(duration_s, visit.leaves_s)
    if ends_s - begins_s < LEAST_STAY_S / 2.0:
        return None
    part = (visit.leaves_s - begins_s) / (visit.leaves_s - visit.arrives_s)
    most_wh = math.inf
    if ends_s < visit.leaves_s:
        most_wh = EASE * visit.car.max_a * visit.car.phases * voltage_v * (ends_s - begins_s) / HOUR_S
    stated_wh = visit.stated_energy_wh
    return replace(
        visit,
        arrives_s=begins_s,
        leaves_s=ends_s,
        energy_wh=min(visit.energy_wh * part, most_wh),
        stated_energy_wh=None if stated_wh is None else min(stated_wh * part, most_wh),
    )


def parked(stays: Sequence[Stay], site: Site, seed: int) -> tuple[tuple[Visit, ...], int]:
    """Give every car a free point as it comes, any one of those where it may stand; the others turn away.

    Returns:
        The visits by arrival, and how many turned away.
    """
    rng = np.random.default_rng([seed, 301])
    free_from_s = {point.id: 0.0 for point in site.points}
    visits: list[Visit] = []
    turned_away = 0
    for stay in sorted(stays, key=lambda one: (one.visit.arrives_s, one.visit.id)):
        visit = stay.visit
        wanted = [visit.point] if visit.point else [p for p in free_from_s if _allowed(p, stay.allowed)]
        free = [point for point in wanted if free_from_s[point] <= visit.arrives_s]
        if not free:
            turned_away += 1
            continue
        point = free[int(rng.integers(len(free)))]
        free_from_s[point] = visit.leaves_s
        visit = replace(visit, point=point)
        visits.append(_at_ease(visit, site.point[point], site.nominal_voltage_v) if stay.drawn else visit)
    return tuple(visits), turned_away


def _at_ease(visit: Visit, point: ChargingPoint, voltage_v: float) -> Visit:
    """A need that its stay at this point allows, with time to spare; whoever cannot wait for the taper goes without."""
    power_w = min(visit.car.max_a, point.max_a) * min(visit.car.phases, len(point.phases)) * voltage_v
    time_h = EASE * (visit.leaves_s - visit.arrives_s) / HOUR_S
    need_wh = min(visit.energy_wh, power_w * time_h)
    stated_wh = None if visit.stated_energy_wh is None else min(visit.stated_energy_wh, need_wh)
    visit = replace(visit, energy_wh=need_wh, stated_energy_wh=stated_wh)
    tapering_wh = min(visit.to_full_wh, visit.taper_wh)
    tapering_h = visit.taper_wh / power_w * math.log(max(1.0, tapering_wh / (CUT_OFF_SHARE * visit.taper_wh or 1.0)))
    if (visit.to_full_wh - tapering_wh) / power_w + tapering_h <= time_h:
        return visit
    return replace(visit, car=replace(visit.car, taper_from=1.0))


def _allowed(point: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(point, pattern) for pattern in patterns)
