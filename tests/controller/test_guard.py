"""The last gate, handed plans that nobody in their right mind would make."""

import math
import random
from dataclasses import replace

import pytest

from controller.guard import guarded
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import PointState, Reading, Snapshot, State
from tests.support.oracle import Oracle
from tests.support.random_sites import AT, random_site, random_snapshot


def two_points() -> Site:
    circuits = (Circuit("main", None, (40.0,) * 3, meter="grid"),)
    return Site("s", circuits, (ChargingPoint("P01", "main", "A", 1), ChargingPoint("P02", "main", "B", 1, priority=1)))


def snapshot(load_a: float) -> Snapshot:
    charging = PointState(State.CHARGING, (0.0, 0.0, 0.0), AT)
    return Snapshot(AT, 0.0, {"grid": Reading((load_a,) * 3, AT)}, (), {"P01": charging, "P02": charging})


def test_a_plan_that_fits_passes_unchanged() -> None:
    limits = {"P01": 12.0, "P02": 8.0}
    assert guarded(two_points(), snapshot(20), {}, limits) == (limits, ())


def test_a_plan_that_does_not_fit_loses_its_least_entitled_point_and_raises_an_alarm() -> None:
    safe, events = guarded(two_points(), snapshot(20), {}, {"P01": 12.0, "P02": 16.0})
    assert safe == {"P01": 0.0, "P02": 16.0}
    assert [(e.kind, e.subject, e.severity) for e in events] == [("guard_intervened", "point:P01", "alarm")]


def test_a_car_is_not_cut_for_a_phase_that_it_does_not_use() -> None:
    picture = replace(snapshot(0), meters={"grid": Reading((45.0, 10.0, 10.0), AT)})
    limits = {"P01": 12.0, "P02": 8.0}
    safe, events = guarded(two_points(), picture, {}, limits, {"P01": (1,)})
    assert safe == {"P01": 12.0, "P02": 0.0}, "the building alone is too much for L1"
    assert [event.subject for event in events] == ["point:P02"]


def test_a_short_overload_passes_up_to_what_the_fuse_bears_for_ever_whoever_asks_for_more() -> None:
    limits = {"P01": 6.0, "P02": 6.0}
    safe, events = guarded(two_points(), snapshot(33), {}, limits, beyond_a={"main": (5.0, 5.0, 5.0)})
    assert (safe, events) == (limits, ())
    safe, _ = guarded(two_points(), snapshot(33), {}, limits, beyond_a={"main": (5.0, 5.0, 4.9)})
    assert safe == {"P01": 0.0, "P02": 6.0}, "no more than was asked for"
    safe, _ = guarded(two_points(), snapshot(38.1), {}, limits, beyond_a={"main": (math.inf,) * 3})
    assert safe == {"P01": 0.0, "P02": 6.0}, "50 A are what a gG fuse of 40 A bears"
    safe, _ = guarded(two_points(), snapshot(33), {}, limits, beyond_a={"main": (math.nan, -5.0, math.nan)})
    assert safe == {"P01": 0.0, "P02": 6.0}, "nonsense is nothing"


@pytest.mark.parametrize("nonsense", [math.nan, math.inf, -math.inf, -6.0, 3.0])
def test_what_is_no_limit_becomes_zero(nonsense: float) -> None:
    safe, events = guarded(two_points(), snapshot(0), {}, {"P01": nonsense, "P02": 6.0})
    assert safe == {"P01": 0.0, "P02": 6.0}
    assert len(events) == 1


def test_more_than_the_point_can_take_is_cut_to_what_it_can() -> None:
    safe, events = guarded(two_points(), snapshot(0), {}, {"P01": 35.0, "P02": 6.0})
    assert safe["P01"] == 32.0
    assert len(events) == 1


@pytest.mark.parametrize("batch", range(5))
def test_whatever_may_be_exceeded_no_device_gets_more_than_it_bears(batch: int) -> None:
    bears = {"gG": 1.25, "B": 1.13, "C": 1.13, "D": 1.13}
    for number in range(batch * 40, batch * 40 + 40):
        rng = random.Random(number)
        site = random_site(rng)
        curves = [replace(circuit, fuse_curve=rng.choice(list(bears))) for circuit in site.circuits]
        site = replace(site, circuits=tuple(curves))
        picture = random_snapshot(rng, site)
        oracle = Oracle(site, picture)
        wild = {p.id: rng.uniform(0, 32) for p in site.points if not oracle.offline(p)}
        draws = {name: state.measured_a for name, state in picture.points.items() if state.measured_a}
        beyond = {c.id: (rng.uniform(-5, 50), math.inf, math.nan) for c in site.circuits}
        safe, _ = guarded(site, picture, draws, wild, beyond_a=beyond)
        for circuit in site.circuits:
            for phase, fuse in enumerate(circuit.fuse_a):
                members = [p for p in oracle.below(circuit.id) if phase in p.phases and safe.get(p.id)]
                total = oracle.background(circuit.id, phase)
                total += sum(
                    max(oracle.reserve(p, phase), safe.get(p.id, 0.0) if phase in p.phases else 0.0)
                    for p in oracle.below(circuit.id)
                )
                assert not members or total <= bears[circuit.fuse_curve] * fuse + 0.01, f"seed {number}"


@pytest.mark.parametrize("batch", range(10))
def test_no_violating_plan_ever_passes(batch: int) -> None:
    for number in range(batch * 100, batch * 100 + 100):
        rng = random.Random(number)
        site = random_site(rng)
        picture = random_snapshot(rng, site)
        oracle = Oracle(site, picture)
        wild = {p.id: rng.choice([0.0, rng.uniform(0, 60), math.nan]) for p in site.points if not oracle.offline(p)}
        draws = {name: state.measured_a for name, state in picture.points.items() if state.measured_a}
        safe, _ = guarded(site, picture, draws, wild)
        assert all(
            limit == 0 or site.point[name].min_a - 0.01 <= limit <= site.point[name].max_a
            for name, limit in safe.items()
        )
        for circuit in site.circuits:
            for phase in range(3):
                members = [p for p in oracle.below(circuit.id) if phase in p.phases and safe.get(p.id)]
                load = oracle.background(circuit.id, phase)
                load += sum(max(0.0, oracle.reserve(p, phase) - (safe.get(p.id, 0.0) if phase in p.phases else 0.0))
                            for p in oracle.below(circuit.id))  # fmt: skip
                total = load + sum(safe[p.id] for p in members)
                assert not members or total <= circuit.fuse_a[phase] - circuit.margin_a + 0.01, f"seed {number}"
