"""A site as arrays: what sharing and its calm need, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from controller.site import Site, unattended_limits
from controller.units import PHASE_NAMES

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Layout:
    """P points, C circuits in the site's order; phase rows are innermost circuits first."""

    site: Site
    point_ids: tuple[str, ...]
    index: dict[str, int]
    """Point id to its place in every array."""
    wired: Bools
    """(P, 3): the point uses that grid phase."""
    below: Bools
    """(C, P): the point is on the circuit or on one below it."""
    min_a: Floats
    max_a: Floats
    fallback_a: Floats
    weight: Floats
    priority: Ints
    fuse_a: Floats
    """(C, 3)"""
    margin_a: Floats
    """(C, 1)"""
    base_a: Floats
    """(C, 3): the circuit's own worst case, without its children's."""
    metered: Bools
    """(C,): the circuit has a meter."""
    climb: tuple[tuple[int, tuple[int, ...], str | None], ...]
    """Circuits with their children's places and their meter, every child before its parent."""
    rows: Floats
    """(3C, P): 1 where the point's current flows over that phase of that circuit."""
    row_circuit: Ints
    """(3C,): the circuit of each phase row."""
    row_phase: Ints
    row_names: tuple[str, ...]
    """What a plan calls each phase row."""
    station: Ints
    """(P,): which station, counted from 0."""
    writes_per_day: Floats
    """(number of stations,): profile writes that the station can stand, infinity for most."""

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.point_ids)


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
    rows = (below[row_circuit] & wired.T[row_phase]).astype(np.float64)
    stations = list(dict.fromkeys(p.station for p in points))
    held = unattended_limits(site)
    budgeted = [p.station in site.writes_per_day for p in points]
    return Layout(
        site=site,
        point_ids=tuple(p.id for p in points),
        index={p.id: i for i, p in enumerate(points)},
        wired=wired,
        below=below,
        min_a=np.array([p.min_a for p in points], dtype=np.float64),
        max_a=np.array([held[p.id] if b else p.max_a for p, b in zip(points, budgeted, strict=True)], dtype=np.float64),
        fallback_a=np.array([p.fallback_a for p in points], dtype=np.float64),
        weight=np.array([p.weight for p in points], dtype=np.float64),
        priority=np.array([p.priority for p in points], dtype=np.int64),
        fuse_a=np.array([c.fuse_a for c in circuits], dtype=np.float64),
        margin_a=np.array([[c.margin_a] for c in circuits], dtype=np.float64),
        base_a=np.array([c.base_load_a for c in circuits], dtype=np.float64),
        metered=np.array([c.meter is not None for c in circuits], dtype=bool),
        climb=tuple((place[c.id], tuple(place[d] for d in site.children[c.id]), c.meter) for c in site.leaves_first),
        rows=rows,
        row_circuit=row_circuit,
        row_phase=row_phase,
        row_names=tuple(
            f"circuit:{circuits[c].id}:{PHASE_NAMES[p]}" for c, p in zip(row_circuit, row_phase, strict=True)
        ),
        station=np.array([stations.index(p.station) for p in points], dtype=np.int64),
        writes_per_day=np.array([site.writes_per_day.get(s, np.inf) for s in stations], dtype=np.float64),
    )
