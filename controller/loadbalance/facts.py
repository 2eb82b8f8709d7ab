"""A snapshot as arrays, in the order of the site's layout, with the batch as their first axis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from controller.loadbalance.layout import Bools, Floats, Ints, Layout
from controller.snapshot import COMPETING, PointState, Snapshot, State
from controller.units import NO_CURRENT

STATES: Final = tuple(State)

BOUNDS: Final = ("point:max", "car:takes", "plan:price", "plan:peak", "plan:surplus")
"""What may stop a point that no row stops: its own or its session's maximum, what its car takes, the plan."""
OF_POINT, OF_CAR, OF_PRICE, OF_PEAK, OF_SURPLUS = range(len(BOUNDS))
_NUMBER: Final = {state: number for number, state in enumerate(STATES)}
_OFFLINE: Final = _NUMBER[State.OFFLINE]
_IS_COMPETING: Final = np.array([state in COMPETING for state in STATES])
_IS_OFFLINE: Final = np.array([state is State.OFFLINE for state in STATES])
_IS_IDLE: Final = np.array([state is State.EV_IDLE for state in STATES])
_IS_STEERED: Final = _IS_COMPETING | _IS_IDLE
_NEVER: Final = timedelta(days=36500).total_seconds()
_NOTHING_KNOWN: Final = PointState()

Number = TypeVar("Number", bound=np.generic)


@dataclass(slots=True)
class Facts:
    """B sites with P points and C circuits each; NaN where nothing is known.

    ``facts_of`` makes a batch of one from a snapshot. Whoever has arrays of a whole batch starts from ``blank_facts``
    and puts them in.
    """

    state: Ints
    """(B, P): place in ``STATES``; a point that does not obey counts as offline."""
    measured_a: Floats
    """(B, P, 3): draw per grid phase [A], 0 where nothing was measured."""
    measured_age_s: Floats
    """(B, P): age of that measurement [s]."""
    commanded_a: Floats
    """(B, P): highest limit that the charger may be acting on [A], 0 where nothing is known."""
    min_a: Floats
    """(B, P): least limit but 0 that the point accepts and its car draws at [A]."""
    max_a: Floats
    """(B, P): the lowest maximum of point and session, of what its car takes and of what the plan advises [A]."""
    uses: Bools
    """(B, P, 3): the grid phases that its car may draw on."""
    target_a: Floats
    """(B, P): what comes before everybody's comfort, so that needs are met by departure; 0 where nothing does [A]."""
    bound: Ints
    """(B, P): place in ``BOUNDS`` of what makes that maximum."""
    weight: Floats
    """(B, P)"""
    priority: Ints
    """(B, P)"""
    unserved_s: Floats
    """(B, P): how long it has been competing without being admitted [s]."""
    delivered_wh: Ints
    """(B, P)"""
    meter_a: Floats
    """(B, C, 3): what the circuit's meter says [A], NaN where it has none or it is not fresh."""
    meter_age_s: Floats
    """(B, C): age of that reading [s], infinite where there is none."""
    voltage_v: Floats
    """(B, C, 3)"""
    pausable: Bools
    """(B, P): whether its charger takes a limit of 0 A."""
    fixed: Bools
    """(B, P): what cannot be changed now: it keeps what its charger holds, and the others make do with the rest."""

    @property
    def competing(self) -> Bools:
        """(B, P): the points that compete for current."""
        competing: Bools = _IS_COMPETING[self.state] & ~self.fixed
        return competing

    @property
    def steered(self) -> Bools:
        """(B, P): the points that are given a limit for their transaction."""
        steered: Bools = _IS_STEERED[self.state]
        return steered

    @property
    def offline(self) -> Bools:
        """(B, P): the points that nobody can steer."""
        offline: Bools = _IS_OFFLINE[self.state]
        return offline

    @property
    def idle(self) -> Bools:
        """(B, P): the points whose car asks for nothing."""
        idle: Bools = _IS_IDLE[self.state]
        return idle


def blank_facts(layout: Layout, size: int) -> Facts:
    """``size`` sites at rest: every point available, nothing measured, no meter read, maxima as in the layout."""
    points, circuits = (size, layout.size), (size, len(layout.site.circuits))
    return Facts(
        state=np.full(points, _NUMBER[State.AVAILABLE]),
        measured_a=np.zeros((*points, 3)),
        measured_age_s=np.full(points, _NEVER),
        commanded_a=np.zeros(points),
        min_a=np.broadcast_to(layout.min_a, points).copy(),
        max_a=np.broadcast_to(layout.max_a, points).copy(),
        uses=np.broadcast_to(layout.wired, (*points, 3)).copy(),
        target_a=np.zeros(points),
        bound=np.zeros(points, dtype=np.int64),
        weight=np.broadcast_to(layout.weight, points).copy(),
        priority=np.broadcast_to(layout.priority, points).copy(),
        unserved_s=np.zeros(points),
        delivered_wh=np.zeros(points, dtype=np.int64),
        meter_a=np.full((*circuits, 3), np.nan),
        meter_age_s=np.full(circuits, np.inf),
        voltage_v=np.full((*circuits, 3), layout.site.nominal_voltage_v),
        pausable=np.ones(points, dtype=bool),
        fixed=np.zeros(points, dtype=bool),
    )


def facts_of(layout: Layout, snapshot: Snapshot) -> Facts:
    """Translate a snapshot: a batch of one.

    Raises:
        ValueError: it names a point or a meter that the site does not have.
    """
    states, rest = _states(layout, snapshot), _at_rest(layout)
    at, offline, number = snapshot.at, _OFFLINE, _NUMBER
    meter_a, meter_age_s, voltage_v = _meters(layout, snapshot)
    ages_s = [(at - s.measured_at).total_seconds() if s.measured_at else _NEVER for s in states]
    commanded_a = [s.commanded_a or 0.0 for s in states]
    numbers = np.array([ages_s, commanded_a, [s.unserved_s for s in states]], dtype=np.float64)
    measured_a = chain.from_iterable([s.measured_a or NO_CURRENT for s in states])
    max_a = _or_default([s.max_a for s in states], layout.max_a)
    return Facts(
        state=np.array([[number[s.state] if s.obeys else offline for s in states]], dtype=np.int64),
        measured_a=np.fromiter(measured_a, np.float64, 3 * layout.size).reshape(1, -1, 3),
        measured_age_s=numbers[0:1],
        commanded_a=numbers[1:2],
        min_a=layout.min_a,
        max_a=max_a if max_a is layout.max_a else np.minimum(layout.max_a, max_a),
        uses=layout.wired[None],
        target_a=rest.target_a,
        bound=rest.bound,
        weight=_or_default([s.weight for s in states], layout.weight),
        priority=_or_default([s.priority for s in states], layout.priority),
        unserved_s=numbers[2:3],
        delivered_wh=np.array([[s.delivered_wh for s in states]], dtype=np.int64),
        meter_a=meter_a,
        meter_age_s=meter_age_s,
        voltage_v=voltage_v,
        pausable=np.array([[s.pausable for s in states]], dtype=bool),
        fixed=rest.fixed,
    )


@lru_cache(maxsize=64)
def _at_rest(layout: Layout) -> Facts:
    """What every snapshot of one site has in common. Nobody may write into it."""
    return blank_facts(layout, 1)


def _states(layout: Layout, snapshot: Snapshot) -> list[PointState]:
    if not snapshot.points.keys() <= layout.index.keys():
        unknown = [point for point in snapshot.points if point not in layout.index]
        raise ValueError(f"unknown points: {', '.join(unknown)}")
    return [snapshot.points.get(point, _NOTHING_KNOWN) for point in layout.point_ids]


def _or_default(said: list[Any], default: NDArray[Number]) -> NDArray[Number]:
    """What was said of each point, and the layout's value where nothing was."""
    if said.count(None) == len(said):
        return default
    return np.array([[d if s is None else s for s, d in zip(said, default[0].tolist(), strict=True)]], default.dtype)


def _meters(layout: Layout, snapshot: Snapshot) -> tuple[Floats, Floats, Floats]:
    """Readings by circuit; a reading as old as ``hold_s`` counts as none (INTERFACES: younger than 3 s)."""
    rest = _at_rest(layout)
    current_a, age_s, voltage_v = rest.meter_a.copy(), rest.meter_age_s.copy(), rest.voltage_v
    for place, meter in layout.climb:
        reading = snapshot.meters.get(meter)
        if reading is None:
            continue
        age = age_s[0, place] = (snapshot.at - reading.measured_at).total_seconds()
        if age < layout.site.control.hold_s:
            current_a[0, place] = reading.current_a  # None becomes NaN
            if reading.voltage_v is not None:
                voltage_v = voltage_v.copy() if voltage_v is rest.voltage_v else voltage_v
                voltage_v[0, place] = reading.voltage_v
    return current_a, age_s, voltage_v
