"""Makes an outlook of what is known at one moment: who is there, what is asked, what cars and points have shown.

Shapes: T slots, C circuits, 3 phases, P points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from controller.loadbalance.horizon.history import (
    Stay,
    likely_visits,
    usual_departure,
    usual_energy_wh,
    usual_newcomers,
)
from controller.loadbalance.horizon.outlook import Bools, CarOutlook, Demand, Floats, Outlook, PowerBound
from controller.loadbalance.layout import Layout, layout_of
from controller.site import ChargingPoint, Site
from controller.snapshot import COMPETING, PointState, Snapshot
from controller.units import TOLERANCE_A

UNKNOWN_WH: Final = 40_000.0
"""What a session may need of which nothing is known [Wh]: a car that comes empty; it may be less."""
LEAST_WH: Final = 1_000.0
"""A car that still asks for current needs this, whatever it was taken to need [Wh]."""
EARLY_S: Final = 1800.0
"""What was asked for had better be there so long before the departure: batteries take less as they fill [s]."""
EARLY_SHARE: Final = 0.15
"""But earlier by this share of the time that is left at most."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the cars have shown of themselves; P points."""

    takes_a: Floats
    """(1, P) the most that each draws, infinite while that is not known [A]."""
    needs_a: Floats
    """(1, P) the least limit at which it draws [A]."""
    uses: Bools
    """(1, P, 3) the grid phases that it draws on."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan of a site reckons with, whatever the moment."""

    slot_s: float
    slots: int
    unmet_per_kwh: float
    early_s: float = EARLY_S


@dataclass(frozen=True, slots=True)
class Known:
    """What is known at one moment."""

    snapshot: Snapshot
    shown: Shown | None
    """None while nothing is known of any car."""
    background_a: Floats
    """(T, C, 3) forecast of what is not charging, from ``first_slot`` on [A]."""
    demand: Demand | None = None
    """What a higher peak costs."""
    limits_ahead: Mapping[tuple[str, bool, bool], Floats] | None = None
    """By circuit, whether for charging alone, and whether for each point by itself: (T,) what others will allow [W],
    infinite where they set no limit. None: the snapshot's limits are taken to last."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a point's sessions, on the clock of the site."""

    stays: Sequence[Stay] = ()
    arrived: datetime | None = None
    """When the session began that runs now."""


_NO_PAST: Final = Past()


def first_slot(at: datetime, slot_s: float) -> datetime:
    """The beginning of the slot that a moment lies in; slots lie on the clock."""
    return datetime.fromtimestamp(at.timestamp() // slot_s * slot_s, UTC)


def outlook_of(site: Site, known: Known, past: Mapping[str, Past], terms: Terms, price_per_kwh: Floats) -> Outlook:
    """Everything that a plan is made from.

    Args:
        site: the site.
        known: the moment.
        past: by point, what its sessions were like.
        terms: what holds whatever the moment.
        price_per_kwh: (T,) from ``first_slot`` on [currency/kWh].
    """
    snapshot, layout = known.snapshot, layout_of(site)
    begins_at = first_slot(snapshot.at, terms.slot_s)
    ends_at = begins_at + timedelta(seconds=terms.slots * terms.slot_s)
    cars: list[CarOutlook] = []
    for place, point in enumerate(site.points):
        its_past, free_at = past.get(point.id, _NO_PAST), snapshot.at
        here = _car(layout, place, known, its_past, terms, ends_at)
        if here is not None:
            car, free_at = here
            cars.append(car)
        if known.demand is None:
            cars += _expected(point, site, its_past, free_at, ends_at)
    if known.demand is not None:
        cars += _newcomers(site, cars, past, snapshot.at, ends_at)
    return Outlook(
        site=site,
        at=snapshot.at,
        begins_at=begins_at,
        slot_s=terms.slot_s,
        price_per_kwh=price_per_kwh,
        background_a=known.background_a,
        cars=tuple(cars),
        demand=known.demand,
        bounds=tuple(_bounds(site, known)),
        unmet_per_kwh=terms.unmet_per_kwh,
    )


def _bounds(site: Site, known: Known) -> Iterator[PowerBound]:
    """The limits of others; one on charging alone leaves room for all that is not.

    One on each point is taken for one on all together: which of them has a car by then, nobody knows.
    """
    lasting = known.snapshot.limits if known.limits_ahead is None else ()
    slots = len(known.background_a)
    limits = [((one.circuit, one.charging_only, one.per_point), np.full(slots, one.limit_w)) for one in lasting]
    for (circuit, charging_only, per_point), said_w in (*limits, *(known.limits_ahead or {}).items()):
        limit_w = said_w * len(site.points_below[circuit]) if per_point else said_w
        if not charging_only:
            yield PowerBound(circuit, limit_w)
            continue
        place = next(number for number, each in enumerate(site.circuits) if each.id == circuit)
        others_a = np.maximum(known.background_a[:, place], 0.0).sum(axis=1)
        yield PowerBound(circuit, limit_w + others_a * site.nominal_voltage_v)


def _car(
    layout: Layout, place: int, known: Known, past: Past, terms: Terms, ends_at: datetime
) -> tuple[CarOutlook, datetime] | None:
    """The car at a point and when the point is free again; None where none asks for current, or none may get any."""
    point, snapshot, shown = layout.site.points[place], known.snapshot, known.shown
    state = snapshot.points.get(point.id)
    if state is None or state.state not in COMPETING or not state.obeys:
        return None
    takes_a = np.inf if shown is None else float(shown.takes_a[0, place])
    max_a = min(float(layout.max_a[0, place]), takes_a, np.inf if state.max_a is None else state.max_a)
    min_a = point.min_a if shown is None else max(point.min_a, float(shown.needs_a[0, place]))
    uses = layout.wired[place] if shown is None else shown.uses[0, place]
    phases = tuple(np.flatnonzero(uses if uses.any() else layout.wired[place]).tolist())
    if max_a < max(point.min_a - TOLERANCE_A, TOLERANCE_A):
        return None
    energy_wh, enough = _energy(state, snapshot.at, past)
    fastest_s = energy_wh * 3600.0 / (max_a * len(phases) * layout.site.nominal_voltage_v)
    told_at = state.departs_at
    if told_at is not None and told_at <= snapshot.at and not state.energy_needed_wh:
        told_at = None  # whoever stays longer, and lacks nothing that is known of
    leaves_at = told_at or _usual_departure(past, snapshot.at)
    car = CarOutlook(
        point=point.id,
        phases=phases,
        min_a=min(min_a, max_a),
        max_a=max_a,
        energy_wh=energy_wh,
        departs_at=leaves_at or ends_at if told_at is None else _leaves_at(told_at, snapshot.at, fastest_s),
        ready_at=None if told_at is None else _ready_at(told_at, snapshot.at, fastest_s, terms),
        least_wh=min(energy_wh, float(state.least_needed_wh or 0)),
        priority=point.priority if state.priority is None else state.priority,
        eager=leaves_at is None or not enough or _goes_soon(leaves_at, snapshot.at, terms),
    )
    return car, max(car.departs_at, leaves_at or ends_at)


def _goes_soon(leaves_at: datetime, at: datetime, terms: Terms) -> bool:
    """Whether a car leaves within a slot: by then it is too late to make up for a minute's waiting."""
    return (leaves_at - at).total_seconds() < terms.slot_s


def _leaves_at(told_at: datetime, at: datetime, fastest_s: float) -> datetime:
    """When a car leaves of which that was told. Who should have left does so as soon as he can have what he needs."""
    return told_at if told_at > at else at + timedelta(seconds=max(1.0, fastest_s))


def _ready_at(told_at: datetime, at: datetime, fastest_s: float, terms: Terms) -> datetime | None:
    """When a car had better have what it needs, of which it was told when it leaves; None where it should have left.

    Somewhat early, unless it takes all the time that there is.
    """
    left_s = (told_at - at).total_seconds()
    if left_s <= 0.0:
        return None
    early_s = min(terms.early_s, EARLY_SHARE * left_s, max(0.0, left_s - fastest_s))
    return told_at - timedelta(seconds=early_s)


def _usual_departure(past: Past, at: datetime) -> datetime | None:
    """When cars like this one leave; None where the past does not say."""
    if past.arrived is None:
        return None
    usual = usual_departure(past.stays, past.arrived, at.astimezone(past.arrived.tzinfo))
    return None if usual is None else usual.astimezone(UTC)


def _energy(state: PointState, at: datetime, past: Past) -> tuple[float, bool]:
    """What the car still needs [Wh], and whether that can be relied on: a car that is past it is not done yet."""
    if state.energy_needed_wh is not None:
        left_wh = float(max(state.energy_needed_wh, state.least_needed_wh or 0))
    else:
        day = (past.arrived or at).date()
        usual_wh = usual_energy_wh(past.stays, day)
        in_all_wh = UNKNOWN_WH if usual_wh is None else usual_wh
        left_wh = max(in_all_wh - state.delivered_wh, float(state.least_needed_wh or 0))
    return (left_wh, True) if left_wh > 0.0 else (LEAST_WH, False)


def _expected(
    point: ChargingPoint, site: Site, past: Past, free_at: datetime, ends_at: datetime
) -> Iterator[CarOutlook]:
    """The cars that are likely to come once the point is free, one after the other."""
    if not past.stays:
        return
    zone = ZoneInfo(site.time_zone)
    for visit in likely_visits(past.stays, free_at.astimezone(zone), ends_at.astimezone(zone)):
        if visit.arrives < free_at:
            continue
        free_at = visit.departs
        yield CarOutlook(
            point=point.id,
            phases=tuple(sorted(point.phases)),
            min_a=point.min_a,
            max_a=point.max_a,
            energy_wh=visit.energy_wh,
            departs_at=visit.departs.astimezone(UTC),
            arrives_at=visit.arrives.astimezone(UTC),
            priority=point.priority,
        )


def _newcomers(
    site: Site, here: Sequence[CarOutlook], past: Mapping[str, Past], at: datetime, ends_at: datetime
) -> Iterator[CarOutlook]:
    """What is likely to come while anybody is still there, whatever the point: a peak is made by all together.

    Each stands for all who come in an hour, at a point that is free where there is one, and after whoever is there.
    """
    stays = [stay for each in past.values() for stay in each.stays]
    until = min(ends_at, max((car.departs_at for car in here), default=at))
    if not stays or until <= at:
        return
    taken, zone = {car.point for car in here}, ZoneInfo(site.time_zone)
    places = [point for point in site.points if point.id not in taken] or list(site.points)
    behind = min(car.priority for car in here) - 1
    for number, visit in enumerate(usual_newcomers(stays, at.astimezone(zone), until.astimezone(zone))):
        point = places[number % len(places)]
        yield CarOutlook(
            point=point.id,
            phases=tuple(sorted(point.phases)),
            min_a=point.min_a,
            max_a=point.max_a,
            energy_wh=visit.energy_wh,
            departs_at=visit.departs.astimezone(UTC),
            arrives_at=visit.arrives.astimezone(UTC),
            priority=behind,
        )
