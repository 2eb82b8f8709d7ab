"""A site as arrays: what sharing and its calm need, computed once.

Shapes: B sites in a batch, P points, C circuits. What may differ between the members of a batch has the batch as its
first axis; there it has length 1 where all are the same, as for the one site of the service.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from controller.site import Site, unattended_limits
from controller.units import PHASE_NAMES

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def anything(of: Bools) -> bool:
    """Whether it is true anywhere; ten times as fast as ``any`` on the small arrays of a single site."""
    return True in of.tobytes()


@dataclass(frozen=True, eq=False)
class Layout:
    """P points and C circuits in the site's order; phase rows are innermost circuits first."""

    site: Site
    """The site; of a batch the first one, which has the structure of all."""
    point_ids: tuple[str, ...]
    index: dict[str, int]
    """Point id to its place in every array."""
    by_id: Ints
    """(P,): the places of the points, sorted by their ids."""
    wired: Bools
    """(P, 3): the point uses that grid phase."""
    below: Bools
    """(C, P): the point is on the circuit or on one below it."""
    flow: Floats
    """(3P, 3C): 1 where that phase of the point flows over that phase of the circuit; see ``circuit_flow``."""
    metered: Bools
    """(C,): the circuit has a meter."""
    climb: tuple[tuple[int, str], ...]
    """Circuits with a meter, and that meter, every child before its parent."""
    inner: tuple[tuple[int, Ints], ...]
    """Circuits with a meter somewhere below them, with their children's places, every child before its parent."""
    rows: Floats
    """(3C, P): 1 where the point's current flows over that phase of that circuit."""
    row_place: Ints
    """(3C,): where each phase row stands among the phases of all circuits, (C, 3) in one line."""
    row_names: tuple[str, ...]
    """What a plan calls each phase row."""
    imbalance_a: tuple[tuple[int, float], ...]
    """The circuits whose phases may differ only by so much, and by how much [A]."""
    station: Ints
    """(P,): which station, counted from 0."""
    writes_per_day: Floats
    """(number of stations,): profile writes that the station can stand, infinity for most."""
    min_a: Floats
    """(B, P), as all that follow for points."""
    max_a: Floats
    fallback_a: Floats
    weight: Floats
    priority: Ints
    fuse_a: Floats
    """(B, C, 3)"""
    usable_a: Floats
    """(B, C, 3): the fuse less its margin."""
    base_a: Floats
    """(B, C, 3): the circuit's own worst case, without its children's."""
    worst_a: Floats
    """(B, C, 3): the larger of that and the sum of its children's: what is assumed while nothing below is metered."""
    contract_w: Floats
    """(B, C): infinite where nothing was contracted."""
    contracted: tuple[int, ...]
    """The circuits where something was, in any member."""

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.point_ids)

    def circuit_flow(self, point_a: Floats) -> Floats:
        """What currents of the points (B, P, 3) add up to in each circuit (B, C, 3) [A]."""
        flow: Floats = point_a.reshape(len(point_a), -1).dot(self.flow)
        return flow.reshape(len(point_a), -1, 3)

    def by_row(self, circuit_a: Floats) -> Floats:
        """Values of the circuits' phases (B, C, 3) in the order of the phase rows (B, 3C)."""
        return circuit_a.reshape(len(circuit_a), -1).take(self.row_place, axis=1)


@lru_cache(maxsize=256)
def layout_of(site: Site) -> Layout:
    """Compile a site; the result is kept for as long as the site is in use."""
    points, circuits = site.points, site.circuits
    place = {circuit.id: i for i, circuit in enumerate(circuits)}
    wired = np.array([[phase in p.phases for phase in range(3)] for p in points], dtype=bool).reshape(-1, 3)
    below = np.array([[c.id in site.path[p.circuit] for p in points] for c in circuits], dtype=bool)
    below = below.reshape(len(circuits), len(points))
    innermost = [place[c.id] for c in site.leaves_first]
    row_circuit = np.repeat(np.array(innermost, dtype=np.int64), 3)
    row_phase = np.tile(np.arange(3), len(circuits))
    metered_below = {above for c in circuits if c.meter is not None for above in site.path[c.id] if above != c.id}
    stations = list(dict.fromkeys(p.station for p in points))
    held = unattended_limits(site)
    most = [held[p.id] if p.station in site.writes_per_day else p.max_a for p in points]
    fuse_a = np.array([[c.fuse_a for c in circuits]], dtype=np.float64)
    contract_w = np.array([[np.inf if c.contract_w is None else c.contract_w for c in circuits]], dtype=np.float64)
    return Layout(
        site=site,
        point_ids=tuple(p.id for p in points),
        index={p.id: i for i, p in enumerate(points)},
        by_id=np.array(sorted(range(len(points)), key=lambda n: points[n].id), dtype=np.int64),
        wired=wired,
        below=below,
        flow=np.kron(below.T, np.eye(3)),
        metered=np.array([c.meter is not None for c in circuits], dtype=bool),
        climb=tuple((place[c.id], c.meter) for c in site.leaves_first if c.meter is not None),
        inner=tuple(
            (place[c.id], np.array([place[d] for d in site.children[c.id]], dtype=np.int64))
            for c in site.leaves_first
            if c.id in metered_below
        ),
        rows=(below[row_circuit] & wired.T[row_phase]).astype(np.float64),
        row_place=3 * row_circuit + row_phase,
        row_names=tuple(
            f"circuit:{circuits[c].id}:{PHASE_NAMES[p]}" for c, p in zip(row_circuit, row_phase, strict=True)
        ),
        imbalance_a=tuple((n, c.max_imbalance_a) for n, c in enumerate(circuits) if c.max_imbalance_a is not None),
        station=np.array([stations.index(p.station) for p in points], dtype=np.int64),
        writes_per_day=np.array([site.writes_per_day.get(s, np.inf) for s in stations], dtype=np.float64),
        min_a=np.array([[p.min_a for p in points]], dtype=np.float64),
        max_a=np.array([most], dtype=np.float64),
        fallback_a=np.array([[p.fallback_a for p in points]], dtype=np.float64),
        weight=np.array([[p.weight for p in points]], dtype=np.float64),
        priority=np.array([[p.priority for p in points]], dtype=np.int64),
        fuse_a=fuse_a,
        usable_a=fuse_a - np.array([[c.margin_a] for c in circuits], dtype=np.float64),
        base_a=np.array([[c.base_load_a for c in circuits]], dtype=np.float64),
        worst_a=np.array([[site.worst_base_a[c.id] for c in circuits]], dtype=np.float64),
        contract_w=contract_w,
        contracted=_contracted(contract_w),
    )


def _contracted(contract_w: Floats) -> tuple[int, ...]:
    return tuple(np.flatnonzero(np.isfinite(contract_w).any(axis=0)).tolist())


_RATINGS: Final = (
    "min_a",
    "max_a",
    "fallback_a",
    "weight",
    "priority",
    "fuse_a",
    "usable_a",
    "base_a",
    "worst_a",
    "contract_w",
)

_STRUCTURE: Final[dict[str, Callable[[Site], Any]]] = {
    "nominal voltage": lambda site: site.nominal_voltage_v,
    "circuits, their parents and meters": lambda site: [(c.id, c.parent, c.meter) for c in site.circuits],
    "points, their circuits and phases": lambda site: [(p.id, p.circuit, p.phases) for p in site.points],
}


def layout_of_many(sites: Sequence[Site]) -> Layout:
    """Compile sites of one structure, whose ratings may differ, as one batch.

    Ratings are fuses, margins, base loads and contracts of circuits; minimum, maximum, fallback, weight and priority
    of points.

    Raises:
        ValueError: there is none, or one differs from the first in structure; the message says where.
    """
    if not sites:
        raise ValueError("a batch needs at least one site")
    for what, of in _STRUCTURE.items():
        expected = of(sites[0])
        for number, site in enumerate(sites):
            if of(site) != expected:
                raise ValueError(f"site {number} of the batch differs from the first in {what}")
    layouts = [layout_of(site) for site in sites]
    ratings: dict[str, Any] = {name: np.concatenate([getattr(x, name) for x in layouts]) for name in _RATINGS}
    return replace(layouts[0], **ratings, contracted=_contracted(ratings["contract_w"]))
