"""What is promised over time: turns come, order is nobody's advantage, the loop is calm, advice is followed.

``LOADSTAR_CAMPAIGN=1`` (``make campaign``) tries more of each.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.engine import Decision, Memory, decide
from controller.site import ChargingPoint, Circuit, Control, Site
from controller.snapshot import Advice, PointAdvice, Snapshot
from simulations.temperaments import TEMPERAMENTS
from tests.support.closed_loop import START, ClosedLoop, garage, hungry_car
from tests.support.thorough import thorough

HANDOVER_S = 45.0
"""15 s between two reductions on a circuit, 12 s to settle, 10 s to the next report, and the answers' delay."""


def room_for(shares: int, cars: int, dwell_s: float) -> Site:
    """Three-phase points, and a connection with room for so many minimums beside a building of 10 A."""
    main = Circuit("main", None, (10.0 + 2.0 + 6.0 * shares,) * 3, meter="grid", base_load_a=(10.0,) * 3)
    points = tuple(ChargingPoint(f"P{n}", "main", f"S{n}", 1) for n in range(cars))
    return Site("turns", (main,), points, control=Control(dwell_s=dwell_s))


@settings(max_examples=thorough(4, 6), deadline=None, derandomize=True)
@given(
    shares=st.integers(1, 3),
    more=st.integers(1, 4),
    dwell_s=st.sampled_from([60.0, 120.0]),
    noise_a=st.sampled_from([0.0, 0.2]),
    answer_s=st.sampled_from([0.0, 2.0]),
    seed=st.integers(0, 999),
)
def test_nobody_waits_longer_than_the_rotation_promises(
    shares: int, more: int, dwell_s: float, noise_a: float, answer_s: float, seed: int
) -> None:
    """As docs/explanation/fairness.md states it."""
    site = room_for(shares, shares + more, dwell_s)
    loop = ClosedLoop(site, seed=seed, noise_a=noise_a, answer_s=answer_s, step_s=0.5)
    for point in site.points:
        loop.plug_in(point.id, car=hungry_car(reaction_s=loop.rng.uniform(1.0, 3.5)))
    promise_s = math.ceil(more / shares) * (dwell_s + HANDOVER_S)
    waits_since = dict.fromkeys(loop.limit, 0.0)
    served = set()
    for _ in range(round(2 * promise_s + 60.0)):
        loop.after(1)
        for name, limit in loop.limit.items():
            if limit > 0:
                waits_since[name] = loop.now_s
                served.add(name)
            assert loop.now_s - waits_since[name] <= promise_s, f"{name} waits for {promise_s} s and more"
    assert served == set(loop.limit)


@settings(max_examples=thorough(4, 6), deadline=None, derandomize=True)
@given(seed=st.integers(0, 9999))
def test_the_order_of_points_in_the_site_file_makes_no_difference(seed: int) -> None:
    """Two services see the same pictures of one site whose points are listed in another order."""
    rng = random.Random(seed)
    site = replace(garage(7, fuse_a=rng.choice([32.0, 50.0])), control=Control(dwell_s=60.0))
    shuffled = replace(site, points=tuple(rng.sample(site.points, len(site.points))))
    memory: Memory | None = None

    def both(snapshot: Snapshot, decision: Decision) -> None:
        nonlocal memory
        other = decide(shuffled, memory, snapshot)
        memory = other.memory
        assert other.plan.setpoints == decision.plan.setpoints
        assert set(other.plan.events) == set(decision.plan.events)

    loop = ClosedLoop(site, seed=seed, watch=both, step_s=0.5)
    for _ in range(6):
        loop.load(*(rng.uniform(5.0, 20.0) for _ in range(3)))
        for name, connector in loop.connectors.items():
            if connector.car is None and rng.random() < 0.6:
                loop.plug_in(name)
            elif connector.car is not None and rng.random() < 0.15:
                loop.unplug(name)
        loop.after(40)


CHANGES_PER_HOUR = 30
"""Of one point whose car stays, beside a building that is noisy and still: docs/explanation/control-loop.md."""


@settings(max_examples=thorough(4, 6), deadline=None, derandomize=True)
@given(
    noise_a=st.sampled_from([0.1, 0.3]),
    late_s=st.sampled_from([0.0, 1.0]),
    answer_s=st.sampled_from([0.0, 2.0]),
    kind=st.sampled_from(["obedient", "slow", "slow_reports"]),
    seed=st.integers(0, 999),
)
def test_changes_are_few_under_noise_delay_and_cars_that_answer_late(
    noise_a: float, late_s: float, answer_s: float, kind: str, seed: int
) -> None:
    site = garage(5, fuse_a=50.0)
    chargers = {point.id: TEMPERAMENTS[kind] for point in site.points}
    loop = ClosedLoop(
        site, seed=seed, noise_a=noise_a, meter_late_s=late_s, answer_s=answer_s, chargers=chargers, step_s=0.5
    )
    for point in site.points:
        loop.plug_in(point.id, car=hungry_car(reaction_s=loop.rng.uniform(1.0, 3.5)))
    loop.after(120)
    since_s = loop.now_s
    loop.after(600)
    most = max(loop.changes_since(since_s).values(), default=0)
    assert most <= CHANGES_PER_HOUR * 600 / 3600
    assert loop.overload_as == 0.0


@settings(max_examples=thorough(4, 6), deadline=None, derandomize=True)
@given(target_a=st.floats(7.0, 14.0), seed=st.integers(0, 999))
def test_a_target_is_met_while_there_is_room(target_a: float, seed: int) -> None:
    """Four cars on 40 A less 10 A: one of them needs more than its fair share of 7.5 A."""
    site = garage(4, fuse_a=41.0)
    loop = ClosedLoop(site, seed=seed, noise_a=0.1, step_s=0.5)
    for point in site.points:
        loop.plug_in(point.id, car=hungry_car())
    loop.after(30)
    begins = START
    loop.advice = Advice(begins, begins, 3600.0, {"P02": PointAdvice((target_a,), (None,))})
    loop.after(90)
    room_a = 30.0 - 3 * 6.0 - 1.0
    assert loop.limit["P02"] >= min(target_a, room_a) - 0.6
    assert min(loop.limit.values()) >= 6.0
    assert loop.overload_as == 0.0


@settings(max_examples=thorough(4, 6), deadline=None, derandomize=True)
@given(caps=st.lists(st.sampled_from([0.0, 3.0, 6.0, 9.0, 20.0]), min_size=3, max_size=3), seed=st.integers(0, 999))
def test_a_cap_is_kept_from_the_end_of_the_dwell_time_on(caps: list[float], seed: int) -> None:
    site = replace(garage(3, fuse_a=63.0), control=Control(dwell_s=60.0))
    loop = ClosedLoop(site, seed=seed, noise_a=0.1, step_s=0.5)
    for point in site.points:
        loop.plug_in(point.id, car=hungry_car())
    loop.after(20)
    begins = START + timedelta(seconds=loop.now_s)
    points = {p.id: PointAdvice((0.0,), (cap,)) for p, cap in zip(site.points, caps, strict=True)}
    loop.advice = Advice(begins, begins, 900.0, points)
    loop.after(30)
    for point, cap in zip(site.points, caps, strict=True):
        assert loop.limit[point.id] <= max(cap, 6.0) + site.control.raise_step_a, "a turn goes on at the minimum"
    loop.after(90)
    for point, cap in zip(site.points, caps, strict=True):
        assert loop.limit[point.id] <= (cap if cap >= 6.0 else 0.0) + site.control.raise_step_a
