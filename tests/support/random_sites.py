"""Random sites and snapshots, from a seed: odd trees, any wiring, every state, broken meters."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from controller.site import WIRINGS, ChargingPoint, Circuit, Site
from controller.snapshot import ExternalLimit, PointState, Reading, Snapshot, State
from controller.units import Phases

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def _phases(rng: random.Random, low: float, high: float) -> Phases:
    return (rng.uniform(low, high), rng.uniform(low, high), rng.uniform(low, high))


def random_site(rng: random.Random) -> Site:
    circuits = []
    for number in range(rng.randint(1, 6)):
        fuse = rng.choice([16.0, 25.0, 40.0, 63.0, 100.0])
        circuits.append(
            Circuit(
                id=f"C{number}",
                parent=None if number == 0 else f"C{rng.randrange(number)}",
                fuse_a=(fuse, fuse, fuse) if rng.random() < 0.8 else _phases(rng, 16, 80),
                margin_a=rng.choice([0.0, 0.0, 1.0]),
                contract_w=rng.choice([None, None, None, rng.uniform(3000, 40000)]),
                meter=rng.choice([None, f"M{number}"]),
                base_load_a=rng.choice([(0.0, 0.0, 0.0), _phases(rng, 0, 20)]),
            )
        )
    points = [
        ChargingPoint(
            id=f"P{number:02d}",
            circuit=rng.choice(circuits).id,
            station=f"S{number}",
            connector=1,
            phases=rng.choice(list(WIRINGS.values())),
            max_a=rng.choice([16.0, 32.0, rng.uniform(4, 40)]),
            min_a=rng.choice([6.0, 6.0, 8.0, 0.0]),
            fallback_a=rng.choice([0.0, 6.0]),
            priority=rng.choice([0, 0, 0, 1, 2]),
            weight=rng.choice([1.0, 1.0, rng.uniform(0.2, 5)]),
        )
        for number in range(rng.randint(1, 20))
    ]
    return Site("random", tuple(circuits), tuple(points))


def _reading(rng: random.Random) -> Reading:
    current = tuple(None if rng.random() < 0.05 else rng.uniform(-10, 60) for _ in range(3))
    voltage = _phases(rng, 215, 245) if rng.random() < 0.5 else None
    age = rng.choice([0.0, 1.0, 2.9, 3.0, 30.0])
    return Reading((current[0], current[1], current[2]), AT - timedelta(seconds=age), voltage)


def _state(rng: random.Random, point: ChargingPoint) -> PointState:
    drawn = [rng.uniform(0, 20) if phase in point.phases else 0.0 for phase in range(3)]
    return PointState(
        state=rng.choice([*State, State.CHARGING, State.CHARGING, State.PLUGGED, State.WITHHELD]),
        measured_a=(drawn[0], drawn[1], drawn[2]) if rng.random() < 0.8 else None,
        measured_at=AT,
        commanded_a=rng.choice([None, 0.0, 16.0]),
        obeys=rng.random() > 0.05,
        max_a=rng.choice([None, None, 16.0, rng.uniform(3, 30)]),
        priority=rng.choice([None, None, 5]),
        weight=rng.choice([None, None, 2.0]),
        unserved_s=rng.choice([0.0, 0.0, 120.0, rng.uniform(0, 3600)]),
        delivered_wh=rng.randrange(0, 20000),
    )


def random_snapshot(rng: random.Random, site: Site) -> Snapshot:
    meters = {c.meter: _reading(rng) for c in site.circuits if c.meter is not None and rng.random() < 0.9}
    limits = [
        ExternalLimit(rng.choice(site.circuits).id, rng.uniform(0, 40000), f"source{number}")
        for number in range(rng.choice([0, 0, 1, 2]))
    ]
    points = {p.id: _state(rng, p) for p in site.points if rng.random() < 0.95}
    return Snapshot(AT, 0.0, meters, tuple(limits), points)


def rated_anew(rng: random.Random, site: Site) -> Site:
    """The same structure, with other ratings throughout."""

    def scaled() -> float:
        return rng.uniform(0.5, 1.5)

    circuits = [
        replace(
            c,
            fuse_a=(c.fuse_a[0] * scaled(), c.fuse_a[1] * scaled(), c.fuse_a[2] * scaled()),
            margin_a=rng.choice([0.0, 2.0]),
            contract_w=rng.choice([None, c.contract_w, rng.uniform(3000, 40000)]),
            base_load_a=rng.choice([c.base_load_a, _phases(rng, 0, 20)]),
        )
        for c in site.circuits
    ]
    points = [
        replace(
            p,
            max_a=p.max_a * scaled(),
            min_a=rng.choice([6.0, 6.0, 0.0, 7.5]),
            fallback_a=rng.choice([0.0, 6.0]),
            priority=rng.choice([0, 0, 1]),
            weight=p.weight * rng.choice([scaled(), scaled(), 1e4 * scaled()]),
        )
        for p in site.points
    ]
    return replace(site, circuits=tuple(circuits), points=tuple(points))
