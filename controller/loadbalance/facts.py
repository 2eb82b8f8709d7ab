"""A snapshot as arrays, in the order of the site's layout."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np

from controller.loadbalance.layout import Bools, Floats, Ints, Layout
from controller.snapshot import COMPETING, PointState, Snapshot, State

STATES: Final = tuple(State)
_NUMBER: Final = {state: number for number, state in enumerate(STATES)}
_COMPETING: Final = np.array([state in COMPETING for state in STATES])
_OFFLINE: Final = _NUMBER[State.OFFLINE]
_IDLE: Final = _NUMBER[State.EV_IDLE]
_NEVER: Final = timedelta(days=36500).total_seconds()
_NOTHING_KNOWN: Final = PointState()


@dataclass(slots=True)
class Facts:
    """P points and C circuits; NaN where nothing is known."""

    state: Ints
    """(P,): place in ``STATES``; a point that does not obey counts as offline."""
    measured_a: Floats
    """(P, 3): draw per grid phase [A], 0 where nothing was measured."""
    measured_age_s: Floats
    """(P,): age of that measurement [s]."""
    commanded_a: Floats
    """(P,): highest limit that the charger may be acting on [A]."""
    max_a: Floats
    weight: Floats
    priority: Ints
    unserved_s: Floats
    delivered_wh: Ints
    meter_a: Floats
    """(C, 3): what the circuit's meter says [A], NaN where it has none or it is not fresh."""
    meter_age_s: Floats
    """(C,): age of that reading [s], infinite where there is none."""
    voltage_v: Floats
    """(C, 3)"""

    fixed: Bools
    """(P,): what cannot be changed now: it keeps what its charger holds, and the others make do with the rest."""

    @property
    def competing(self) -> Bools:
        """(P,): the points that compete for current."""
        competing: Bools = _COMPETING[self.state] & ~self.fixed
        return competing

    @property
    def steered(self) -> Bools:
        """(P,): the points that are given a limit for their transaction."""
        steered: Bools = _COMPETING[self.state] | self.idle
        return steered

    @property
    def offline(self) -> Bools:
        """(P,): the points that nobody can steer."""
        offline: Bools = np.equal(self.state, _OFFLINE)
        return offline

    @property
    def idle(self) -> Bools:
        """(P,): the points whose car asks for nothing."""
        idle: Bools = np.equal(self.state, _IDLE)
        return idle


def facts_of(layout: Layout, snapshot: Snapshot) -> Facts:
    """Translate a snapshot.

    Raises:
        ValueError: it names a point or a meter that the site does not have.
    """
    states = _states(layout, snapshot)
    at = snapshot.at
    meter_a, meter_age_s, voltage_v = _meters(layout, snapshot)
    site_max = layout.max_a
    said_max = np.array([s.max_a if s.max_a is not None else np.inf for s in states], dtype=np.float64)
    return Facts(
        state=np.array([_NUMBER[s.state] if s.obeys else _OFFLINE for s in states], dtype=np.int64),
        measured_a=np.array([s.measured_a or (0.0, 0.0, 0.0) for s in states], dtype=np.float64).reshape(-1, 3),
        measured_age_s=np.array(
            [(at - s.measured_at).total_seconds() if s.measured_at else _NEVER for s in states], dtype=np.float64
        ),
        commanded_a=np.array([np.nan if s.commanded_a is None else s.commanded_a for s in states], dtype=np.float64),
        max_a=np.minimum(site_max, said_max),
        weight=_or_default([s.weight for s in states], layout.weight),
        priority=np.array(
            [p if s.priority is None else s.priority for s, p in zip(states, layout.priority.tolist(), strict=True)],
            dtype=np.int64,
        ),
        unserved_s=np.array([s.unserved_s for s in states], dtype=np.float64),
        delivered_wh=np.array([s.delivered_wh for s in states], dtype=np.int64),
        meter_a=meter_a,
        meter_age_s=meter_age_s,
        voltage_v=voltage_v,
        fixed=np.zeros(layout.size, dtype=bool),
    )


def _states(layout: Layout, snapshot: Snapshot) -> list[PointState]:
    unknown = [point for point in snapshot.points if point not in layout.index]
    if unknown:
        raise ValueError(f"unknown points: {', '.join(unknown)}")
    return [snapshot.points.get(point, _NOTHING_KNOWN) for point in layout.point_ids]


def _or_default(said: list[float | None], default: Floats) -> Floats:
    return np.array([d if s is None else s for s, d in zip(said, default.tolist(), strict=True)], dtype=np.float64)


def _meters(layout: Layout, snapshot: Snapshot) -> tuple[Floats, Floats, Floats]:
    """Readings by circuit; a reading as old as ``hold_s`` counts as none (INTERFACES: younger than 3 s)."""
    site = layout.site
    current = np.full((len(site.circuits), 3), np.nan)
    age_s = np.full(len(site.circuits), np.inf)
    voltage = np.full((len(site.circuits), 3), site.nominal_voltage_v)
    for place, _, meter in layout.climb:
        reading = snapshot.meters.get(meter) if meter is not None else None
        if reading is None:
            continue
        age_s[place] = (snapshot.at - reading.measured_at).total_seconds()
        if age_s[place] >= site.control.hold_s:
            continue
        current[place] = [np.nan if value is None else value for value in reading.current_a]
        if reading.voltage_v is not None:
            voltage[place] = reading.voltage_v
    return current, age_s, voltage
