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

from controller.loadbalance.habits import Habits
from controller.loadbalance.horizon.history import Stay, likely_visits, usual_departure, usual_energy_wh
from controller.loadbalance.horizon.outlook import CarOutlook, Demand, Floats, Outlook, PowerBound
from controller.loadbalance.layout import Layout, layout_of
from controller.site import ChargingPoint, Site
from controller.snapshot import COMPETING, PointState, Snapshot
from controller.units import TOLERANCE_A

UNKNOWN_WH: Final = 40_000.0
"""What a session may need of which nothing is known [Wh]: a car that comes empty; it may be less."""
LEAST_WH: Final = 1_000.0
"""A car that still asks for current needs this, whatever it was taken to need [Wh]."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan of a site reckons with, whatever the moment."""

    slot_s: float
    slots: int
    unmet_per_kwh: float


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


def outlook_of(
    site: Site,
    snapshot: Snapshot,
    habits: Habits | None,
    past: Mapping[str, Past],
    terms: Terms,
    *,
    price_per_kwh: Floats,
    background_a: Floats,
    demand: Demand | None = None,
) -> Outlook:
    """Everything that a plan is made from.

    Args:
        site: the site.
        snapshot: the moment.
        habits: what the cars have shown; None while nothing is known.
        past: by point, what its sessions were like.
        terms: what holds whatever the moment.
        price_per_kwh: (T,) from ``first_slot`` on [currency/kWh].
        background_a: (T, C, 3) forecast of what is not charging [A].
        demand: what a higher peak costs.
    """
    begins_at = first_slot(snapshot.at, terms.slot_s)
    ends_at = begins_at + timedelta(seconds=terms.slots * terms.slot_s)
    layout = layout_of(site)
    cars: list[CarOutlook] = []
    for place, point in enumerate(site.points):
        here = _car(layout, place, snapshot, habits, past.get(point.id, _NO_PAST), ends_at)
        if here is not None:
            cars.append(here)
        free_at = snapshot.at if here is None else here.departs_at
        cars += _expected(point, site, past.get(point.id, _NO_PAST), free_at, ends_at)
    bounds = [PowerBound(one.circuit, np.full(terms.slots, one.limit_w)) for one in snapshot.limits]
    return Outlook(
        site=site,
        at=snapshot.at,
        begins_at=begins_at,
        slot_s=terms.slot_s,
        price_per_kwh=price_per_kwh,
        background_a=background_a,
        cars=tuple(cars),
        demand=demand,
        bounds=tuple(bounds),
        unmet_per_kwh=terms.unmet_per_kwh,
    )


def _car(
    layout: Layout, place: int, snapshot: Snapshot, habits: Habits | None, past: Past, ends_at: datetime
) -> CarOutlook | None:
    """The car at a point; None where none asks for current, or none may get any."""
    point = layout.site.points[place]
    state = snapshot.points.get(point.id)
    if state is None or state.state not in COMPETING or not state.obeys:
        return None
    takes_a = np.inf if habits is None else float(habits.takes_a[0, place])
    max_a = min(float(layout.max_a[0, place]), takes_a, np.inf if state.max_a is None else state.max_a)
    min_a = point.min_a if habits is None else max(point.min_a, float(habits.needs_a[0, place]))
    uses = layout.wired[place] if habits is None else habits.uses[0, place]
    phases = tuple(np.flatnonzero(uses if uses.any() else layout.wired[place]).tolist())
    if max_a < point.min_a - TOLERANCE_A:
        return None
    departs_at, known = _departure(state, snapshot.at, past, ends_at)
    energy_wh, enough = _energy(state, snapshot.at, past)
    return CarOutlook(
        point=point.id,
        phases=phases,
        min_a=min(min_a, max_a),
        max_a=max_a,
        energy_wh=energy_wh,
        departs_at=departs_at,
        least_wh=min(energy_wh, float(state.least_needed_wh or 0)),
        priority=point.priority if state.priority is None else state.priority,
        weight=point.weight if state.weight is None else state.weight,
        eager=not (known and enough),
    )


def _departure(state: PointState, at: datetime, past: Past, ends_at: datetime) -> tuple[datetime, bool]:
    """When the car leaves, and whether anything says so."""
    if state.departs_at is not None:
        return max(state.departs_at, at + timedelta(seconds=1)), True
    arrived = past.arrived
    usual = None if arrived is None else usual_departure(past.stays, arrived, at.astimezone(arrived.tzinfo))
    return (ends_at, False) if usual is None else (usual.astimezone(UTC), True)


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
            weight=point.weight,
        )
