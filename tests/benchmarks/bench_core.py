"""The core alone: the division of one instant, and the whole decision with its objects."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np
from scipy.optimize import linprog

from controller.engine import decide
from controller.loadbalance.admission import Queue, admit
from controller.loadbalance.capacity import used
from controller.loadbalance.division import split_arrays
from controller.loadbalance.facts import STATES, Facts, blank_facts
from controller.loadbalance.layout import Layout, layout_of_many
from controller.loadbalance.sharing import fill
from controller.site import WIRINGS, ChargingPoint, Circuit, Site
from controller.snapshot import Snapshot, State
from controller.units import Phases
from tests.benchmarks.registry import Measurement, benchmark, percentile, seconds_per_call
from tests.support.closed_loop import ClosedLoop, Need


def nested_site(points: int = 20) -> Site:
    """Five circuits in a tree, so 15 caps, and points of every wiring on them."""
    rng = random.Random(1)
    circuits = [Circuit("main", None, (100.0,) * 3, margin_a=1.0, meter="grid", base_load_a=(20.0,) * 3)]
    circuits += [Circuit(f"C{n}", "main" if n < 3 else "C1", (40.0,) * 3) for n in range(1, 5)]
    wirings = list(WIRINGS.values())
    made = [
        ChargingPoint(f"P{n:02d}", f"C{1 + n % 4}", f"S{n}", 1, wirings[n % 9], weight=rng.uniform(0.5, 2))
        for n in range(points)
    ]
    return Site("bench", tuple(circuits), tuple(made))


def building(second: float) -> Phases:
    """Slow waves on uneven phases, and a lift every two minutes [A]."""
    load = 20.0 + 6.0 * math.sin(second / 90.0) + (5.0 if second % 120.0 < 40.0 else 0.0)
    return (load, load + 2.0 * math.sin(second / 37.0), load - 3.0)


def snapshots(site: Site) -> Iterator[Snapshot]:
    """One second after the other, of a loop whose chargers and cars follow the decisions, late.

    Some twelve of twenty points are taken, by cars that come and go; every third driver has said when to leave.
    """
    rng, seen = random.Random(2), list[Snapshot]()
    loop = ClosedLoop(
        site, seed=2, building=building, answer_s=1.0, step_s=1.0, watch=lambda snapshot, _: seen.append(snapshot)
    )

    def visited(point: str) -> None:
        if loop.connectors[point].car is None:
            loop.plug_in(point)
            if rng.random() < 1 / 3:
                loop.needs[point] = Need(rng.randrange(4_000, 20_000), loop.now_s + rng.uniform(1_800, 14_400))
        elif rng.random() < 1 / 3:
            loop.unplug(point)

    for point in site.points:
        if rng.random() < 2 / 3:
            visited(point.id)
    while True:
        loop.after(20)
        yield from seen
        seen.clear()
        visited(rng.choice(site.points).id)


@benchmark
def split_20x15() -> dict[str, Measurement]:
    """Admission and weighted max-min fair sharing on arrays, beside one LP of the same size as a yardstick."""
    site = nested_site()
    rng = np.random.default_rng(3)
    rows = np.array(
        [
            [float(c.id in site.path[p.circuit] and ph in p.phases) for p in site.points]
            for c in site.circuits
            for ph in range(3)
        ]
    )
    need, most, weight = np.full((1, 20), 6.0), np.full((1, 20), 26.0), np.array([[p.weight for p in site.points]])
    same = np.zeros((1, 20), dtype=np.int64)
    queue = Queue(np.arange(20), same, np.zeros((1, 20)), same)
    everybody = np.ones((1, 20), dtype=bool)
    rooms = [rng.uniform(20, 70, (1, 15)) for _ in range(2000)]
    feed = iter(rooms)

    def once() -> None:
        free = next(feed)
        admitted = admit(queue, everybody, need, rows, free).admitted
        floor = np.where(admitted, need, 0.0)
        fill(rows, free - used(rows, floor), np.where(admitted, most, 0.0), weight)

    ours = seconds_per_call(once, n=1900)
    lp = seconds_per_call(lambda: linprog(-np.ones(20), rows, rooms[0][0], bounds=(0, 32)), n=100)
    return {
        "split_20x15_us": Measurement(1e6 * statistics.median(ours), "us", len(ours), at_most=100),
        "split_vs_one_lp": Measurement(statistics.median(lp) / statistics.median(ours), "times faster", len(lp)),
    }


def busy_sites(members: int, fuses: float) -> tuple[Layout, Facts]:
    """Sites like the nested one with fuses around so many times as large, each with most of its points in use."""
    rng = np.random.default_rng(4)
    site = nested_site()
    sizes = fuses * rng.uniform(0.8, 1.2, members)
    layout = layout_of_many(
        [replace(site, circuits=tuple(replace(c, fuse_a=(c.fuse_a[0] * s,) * 3) for c in site.circuits)) for s in sizes]
    )
    facts = blank_facts(layout, members)
    states = [STATES.index(state) for state in (State.CHARGING, State.WITHHELD, State.EV_IDLE, State.AVAILABLE)]
    facts.state = rng.choice(states, p=[0.6, 0.1, 0.05, 0.25], size=facts.state.shape)
    facts.commanded_a = np.where(facts.state == states[0], rng.uniform(6, 20, facts.state.shape), 0.0)
    facts.measured_a = facts.commanded_a[:, :, None] * layout.wired
    facts.max_a = rng.choice([16.0, 20.0, 32.0], size=facts.state.shape)
    facts.unserved_s = np.where(facts.state == states[1], rng.uniform(0, 3600, facts.state.shape), 0.0)
    facts.delivered_wh = rng.integers(0, 20000, facts.state.shape)
    facts.meter_a[:, 0] = layout.circuit_flow(facts.measured_a)[:, 0] + rng.uniform(10, 30, (members, 1))
    return layout, facts


@benchmark
def split_batch_256() -> dict[str, Measurement]:
    """The whole split on arrays, 256 sites at once: where almost every fuse binds, and where none does."""
    results = {}
    for name, fuses in (("split_batch_us_per_site", 1.5), ("split_batch_free_us_per_site", 10.0)):
        layout, facts = busy_sites(256, fuses)
        durations = seconds_per_call(partial(split_arrays, layout, facts), n=200)
        results[name] = Measurement(1e6 * statistics.median(durations) / 256, "us", len(durations))
    return results


@benchmark
def decision() -> dict[str, Measurement]:
    """``decide`` from snapshot objects to plan objects, memory carried on, in a loop that follows it."""
    site, memory = nested_site(), None
    prepared = list(islice(snapshots(site), 1100))
    feed = iter(prepared)

    def once() -> None:
        nonlocal memory
        memory = decide(site, memory, next(feed)).memory

    durations = seconds_per_call(once, n=1000, warm_up=100)
    return {
        "decide_us": Measurement(1e6 * statistics.median(durations), "us", len(durations), at_most=500),
        "decide_p95_us": Measurement(1e6 * percentile(durations, 95), "us", len(durations)),
        "decide_p99_us": Measurement(1e6 * percentile(durations, 99), "us", len(durations)),
    }
