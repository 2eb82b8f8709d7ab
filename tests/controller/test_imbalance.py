"""The currents handed out on any two phases of a circuit differ by at most what the circuit allows."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.site import Site
from tests.support.closed_loop import ClosedLoop, garage


def alike(site: Site, most_a: float) -> Site:
    main, inner = site.circuits
    return replace(site, circuits=(replace(main, max_imbalance_a=most_a), inner))


def per_phase(loop: ClosedLoop) -> list[float]:
    """What is handed out on each phase."""
    assert loop.decision is not None
    handed = [0.0, 0.0, 0.0]
    for name, setpoint in loop.decision.plan.setpoints.items():
        for phase in loop.site.point[name].phases:
            handed[phase] += setpoint.limit_a
    return handed


def reasons(loop: ClosedLoop) -> dict[str, str]:
    assert loop.decision is not None
    return {name: setpoint.because for name, setpoint in loop.decision.plan.setpoints.items()}


def test_a_lonely_phase_gets_no_more_than_the_difference():
    loop = ClosedLoop(alike(garage(3, single_phase=True), 10.0), noise_a=0.0)
    loop.plug_in("P00")
    loop.after(120)
    assert per_phase(loop) == [10.0, 0.0, 0.0]
    assert reasons(loop)["P00"] == "imbalance:main:L1"


def test_a_car_on_each_phase_frees_them_all():
    loop = ClosedLoop(alike(garage(3, single_phase=True), 10.0), noise_a=0.0)
    loop.plug_in("P00", "P01", "P02")
    loop.after(240)
    assert min(per_phase(loop)) == 32.0


def test_when_the_car_on_the_other_phase_leaves_the_first_comes_down_in_the_same_decision():
    loop = ClosedLoop(alike(garage(3, single_phase=True), 10.0), noise_a=0.0)
    loop.plug_in("P00", "P01", "P02")
    loop.after(240)
    loop.unplug("P02")
    loop.after(1)
    assert per_phase(loop) == [10.0, 10.0, 0.0]


def test_cars_on_three_phases_are_not_what_it_limits():
    loop = ClosedLoop(alike(garage(3), 5.0), noise_a=0.0)
    loop.plug_in("P00")
    loop.after(120)
    assert per_phase(loop) == [32.0, 32.0, 32.0]


def test_where_not_even_the_minimum_may_be_lopsided_nobody_charges_alone():
    loop = ClosedLoop(alike(garage(6, single_phase=True), 5.0), noise_a=0.0)
    loop.plug_in("P00")
    loop.after(60)
    assert per_phase(loop) == [0.0, 0.0, 0.0]
    assert reasons(loop)["P00"] == "not_admitted:imbalance:main:L1"


def test_where_the_minimum_is_more_than_the_difference_cars_on_all_phases_begin_together():
    loop = ClosedLoop(alike(garage(6, single_phase=True), 5.0), noise_a=0.0)
    loop.plug_in("P00", "P01", "P02")
    loop.after(60)
    assert min(per_phase(loop)) >= 6.0


@settings(max_examples=15, deadline=None)
@given(
    most_a=st.floats(6.0, 30.0),
    seed=st.integers(0, 10_000),
    visits=st.lists(st.integers(0, 8), min_size=4, max_size=12),
)
def test_it_holds_at_every_decision_of_a_lively_day(most_a: float, seed: int, visits: list[int]):
    loop = ClosedLoop(alike(garage(9, single_phase=True), most_a), seed=seed)
    for number in visits:
        name = f"P{number:02d}"
        if loop.connectors[name].transaction:
            loop.unplug(name)
        else:
            loop.plug_in(name)
        for _ in range(20):
            loop.after(1)
            handed = per_phase(loop)
            assert max(handed) - min(handed) <= most_a + 1e-6
    assert not [event for event in loop.events if event.kind == "guard_intervened"]
