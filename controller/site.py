"""The static site: a tree of circuits, the charging points on them, and the rule that makes it safe unattended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple

from controller.units import PHASE_NAMES, TOLERANCE_A, Phases, phase_vector

WIRINGS: Final[Mapping[str, tuple[int, ...]]] = {
    "L1": (0,),
    "L2": (1,),
    "L3": (2,),
    "L1L2L3": (0, 1, 2),
    "L1L3L2": (0, 2, 1),
    "L2L1L3": (1, 0, 2),
    "L2L3L1": (1, 2, 0),
    "L3L1L2": (2, 0, 1),
    "L3L2L1": (2, 1, 0),
}
"""Which grid phases a point's own L1 (, L2, L3) meet."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """One protected conductor of the tree; the one without a parent is the grid connection."""

    id: str
    parent: str | None
    fuse_a: Phases
    """Rating of the protection device per phase [A]."""
    fuse_curve: str = "gG"
    margin_a: float = 0.0
    """Kept free below the rating [A]."""
    contract_w: float | None = None
    """Power that was contracted for [W], over the three phases together."""
    meter: str | None = None
    base_load_a: Phases = (0.0, 0.0, 0.0)
    """Worst case of what is not charging [A]: for the static rule, and while the meter is lost."""
    max_imbalance_a: float | None = None


@dataclass(frozen=True, slots=True)
class ChargingPoint:
    """One connector that can charge one car."""

    id: str
    circuit: str
    station: str
    """The OCPP identity; several points may share one."""
    connector: int
    phases: tuple[int, ...] = (0, 1, 2)
    """Grid phase (0, 1, 2) that each of its own phases meets."""
    max_a: float = 32.0
    min_a: float = 6.0
    fallback_a: float = 0.0
    """What it may draw when nobody tells it anything [A]."""
    priority: int = 0
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Station:
    """What a charging station needs beyond its points."""

    id: str
    writes_per_day: int | None = None
    """Charging-profile writes that its flash memory can stand; None: as many as needed."""


@dataclass(frozen=True, slots=True)
class Control:
    """Times and steps that keep a real loop calm (sources: docs/explanation/control-loop.md)."""

    hold_s: float = 3.0
    """A meter reading counts as fresh when it is younger than this."""
    validity_s: float = 120.0
    """A written limit holds this long without renewal; then the charger's own schedule falls back."""
    renew_s: float = 40.0
    change_s: float = 5.0
    """At most one change of a point's limit per this time, unless it protects (IEC 61851-1: 5 s)."""
    calm_s: float = 10.0
    """No raise on a circuit before this time after its last reduction."""
    settle_s: float = 12.0
    """Charger (5 s), car (5 s) and meter: after this time a command shows in the readings, or never."""
    dwell_s: float = 900.0
    """A running car keeps its admission this long unless physics forbids it."""
    raise_step_a: float = 0.5
    """Smaller raises are not worth a message."""
    fresh_readings: int = 5
    """Good readings in a row after a loss, before anything is raised again."""


class StaticLoad(NamedTuple):
    """One line of the static rule: a phase of a circuit with everything that may flow unattended [A]."""

    circuit: str
    phase: str
    fuse_a: float
    base_load_a: float
    fallbacks_a: float

    @property
    def excess_a(self) -> float:
        """By how much the phase would be overloaded [A]; negative: what is left."""
        return self.base_load_a + self.fallbacks_a - self.fuse_a


@dataclass(frozen=True, eq=False)
class Site:
    """A checked site. Circuits and points refer to each other by id.

    Raises:
        ValueError: a structural problem; the message lists all of them (see ``structure_problems``).
    """

    id: str
    circuits: tuple[Circuit, ...]
    points: tuple[ChargingPoint, ...]
    stations: tuple[Station, ...] = ()
    name: str = ""
    time_zone: str = "UTC"
    currency: str = "EUR"
    nominal_voltage_v: float = 230.0
    control: Control = Control()

    def __post_init__(self) -> None:
        problems = structure_problems(self.circuits, self.points)
        if problems:
            raise ValueError("; ".join(f"{place}: {message}" for place, message in problems))

    @cached_property
    def circuit(self) -> Mapping[str, Circuit]:
        """Circuits by id."""
        return {circuit.id: circuit for circuit in self.circuits}

    @cached_property
    def point(self) -> Mapping[str, ChargingPoint]:
        """Charging points by id."""
        return {point.id: point for point in self.points}

    @cached_property
    def path(self) -> Mapping[str, tuple[str, ...]]:
        """For each circuit id: itself and the circuits above it, innermost first."""
        return {circuit.id: tuple(_upwards(circuit.id, self.circuit)) for circuit in self.circuits}

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """For each circuit id: the circuits directly below it."""
        return {c.id: tuple(d.id for d in self.circuits if d.parent == c.id) for c in self.circuits}

    @cached_property
    def points_below(self) -> Mapping[str, tuple[ChargingPoint, ...]]:
        """For each circuit id: the points on it and on every circuit below it."""
        return {c.id: tuple(p for p in self.points if c.id in self.path[p.circuit]) for c in self.circuits}

    @cached_property
    def leaves_first(self) -> tuple[Circuit, ...]:
        """The circuits, every child before its parent."""
        return tuple(sorted(self.circuits, key=lambda c: -len(self.path[c.id])))

    @cached_property
    def worst_base_a(self) -> Mapping[str, Phases]:
        """Worst-case load that is not charging, per circuit: its own figure or its children's sum, the larger [A]."""
        worst: dict[str, Phases] = {}
        for circuit in self.leaves_first:
            below = [worst[child] for child in self.children[circuit.id]]
            worst[circuit.id] = (
                max(circuit.base_load_a[0], sum(b[0] for b in below)),
                max(circuit.base_load_a[1], sum(b[1] for b in below)),
                max(circuit.base_load_a[2], sum(b[2] for b in below)),
            )
        return worst

    @cached_property
    def writes_per_day(self) -> Mapping[str, int]:
        """Write budget by station id, for the stations that have one."""
        return {s.id: s.writes_per_day for s in self.stations if s.writes_per_day is not None}


def _upwards(circuit_id: str, circuits: Mapping[str, Circuit]) -> Iterable[str]:
    seen: set[str] = set()
    current: str | None = circuit_id
    while current is not None and current in circuits and current not in seen:
        seen.add(current)
        yield current
        current = circuits[current].parent


def structure_problems(circuits: Iterable[Circuit], points: Iterable[ChargingPoint]) -> list[tuple[str, str]]:
    """Everything that keeps circuits and points from being one site, as (place, message); [] when sound."""
    circuits, points = tuple(circuits), tuple(points)
    problems: list[tuple[str, str]] = []
    by_id = {circuit.id: circuit for circuit in circuits}
    roots = [circuit.id for circuit in circuits if circuit.parent is None]
    if len(roots) != 1:
        found = ", ".join(roots) or "none"
        problems.append(("circuits", f"exactly one circuit must have no parent (the grid connection); found: {found}"))
    for index, circuit in enumerate(circuits):
        place = f"circuits[{index}]"
        if circuit.id in (earlier.id for earlier in circuits[:index]):
            problems.append((f"{place}.id", f"circuit {circuit.id!r} is defined twice"))
        if circuit.parent is not None and circuit.parent not in by_id:
            problems.append((f"{place}.parent", f"unknown circuit {circuit.parent!r}; known: {', '.join(by_id)}"))
        elif roots and not set(_upwards(circuit.id, by_id)) & set(roots):
            problems.append((f"{place}.parent", f"circuit {circuit.id!r} is its own ancestor"))
    seen_ids: set[str] = set()
    seen_connectors: dict[tuple[str, int], str] = {}
    for index, point in enumerate(points):
        place = f"points[{index}]"
        if point.id in seen_ids:
            problems.append((f"{place}.id", f"point {point.id!r} is defined twice"))
        seen_ids.add(point.id)
        if point.circuit not in by_id:
            problems.append((f"{place}.circuit", f"unknown circuit {point.circuit!r}; known: {', '.join(by_id)}"))
        first = seen_connectors.setdefault((point.station, point.connector), point.id)
        if first != point.id:
            taken = f"connector {point.connector} of station {point.station!r} already belongs to point {first!r}"
            problems.append((f"{place}.connector", taken))
    return problems


def static_rule(site: Site) -> list[StaticLoad]:
    """What may flow on every phase of every circuit with nobody in control.

    The site is safe unattended when no ``excess_a`` is positive. A point of a station with a write
    budget counts with its ``unattended_a``, which never makes the rule fail.
    """
    return _static_loads(site, {point.id: point.fallback_a for point in site.points})


def _static_loads(site: Site, unattended: Mapping[str, float]) -> list[StaticLoad]:
    loads = []
    for circuit in site.circuits:
        sums = [0.0, 0.0, 0.0]
        for point in site.points_below[circuit.id]:
            for phase, current_a in enumerate(phase_vector(point.phases, unattended[point.id])):
                sums[phase] += current_a
        base = site.worst_base_a[circuit.id]
        loads += [
            StaticLoad(circuit.id, PHASE_NAMES[phase], circuit.fuse_a[phase], base[phase], sums[phase])
            for phase in range(3)
        ]
    return loads


def unattended_limits(site: Site) -> Mapping[str, float]:
    """The highest current [A] each point may be left holding without renewal, by point id.

    For most points that is the fallback. A point with a write budget may hold its limit for hours, so what
    the static rule leaves free is divided evenly among such points, and bounds their limits.
    """
    held = {point.id: point.fallback_a for point in site.points}
    growing = [point for point in site.points if point.station in site.writes_per_day]
    while growing:
        rows = [(load, users) for load in _static_loads(site, held) if (users := _users(site, growing, load))]
        room_a = min((max(0.0, -load.excess_a) / len(users) for load, users in rows), default=0.0)
        step_a = min(room_a, *(point.max_a - held[point.id] for point in growing))
        for point in growing:
            held[point.id] += step_a
        full = [load for load in _static_loads(site, held) if load.excess_a > -TOLERANCE_A]
        stopped = {point.id for load in full for point in _users(site, growing, load)}
        growing = [p for p in growing if p.id not in stopped and held[p.id] < p.max_a - TOLERANCE_A]
    return held


def _users(site: Site, points: Iterable[ChargingPoint], load: StaticLoad) -> list[ChargingPoint]:
    phase = PHASE_NAMES.index(load.phase)
    return [p for p in points if phase in p.phases and load.circuit in site.path[p.circuit]]


def with_default_fallbacks(site: Site, undecided: Iterable[str]) -> Site:
    """Give the points named in ``undecided`` their minimum as fallback if the static rule then holds, else 0 A."""
    names = set(undecided)

    def trial(use_minimum: bool) -> Site:
        points = tuple(
            replace(p, fallback_a=p.min_a if use_minimum else 0.0) if p.id in names else p for p in site.points
        )
        return replace(site, points=points)

    generous = trial(use_minimum=True)
    fits = all(load.excess_a <= TOLERANCE_A for load in static_rule(generous))
    return generous if fits else trial(use_minimum=False)
