"""A limit on the power of each charging point by itself, alone and in a batch of sites; and what is on record of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adapters.limits.power import power_of
from controller.engine import split
from controller.loadbalance.capacity import PowerLimit
from controller.loadbalance.division import split_arrays
from controller.loadbalance.facts import STATES, blank_facts
from controller.loadbalance.layout import layout_of
from controller.plan import Plan
from controller.ports.tick import Tick
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import ExternalLimit, PointState, Snapshot, State
from tests.support.closed_loop import START

SITE = Site(
    "s",
    (Circuit("main", None, (63.0,) * 3), Circuit("garage", "main", (40.0,) * 3)),
    (
        ChargingPoint("A", "garage", "CA", 1),
        ChargingPoint("B", "garage", "CB", 1, phases=(1,)),
        ChargingPoint("C", "main", "CC", 1),
    ),
)
EACH = ExternalLimit("garage", 4_200.0, "dso", charging_only=True, per_point=True)
CARS = dict.fromkeys("ABC", PointState(State.CHARGING, (6.0,) * 3))


def given(*limits: ExternalLimit) -> dict[str, tuple[float, str]]:
    plan = split(SITE, Snapshot(START, 0.0, limits=limits, points=CARS))
    return {name: (one.limit_a, one.because) for name, one in plan.setpoints.items()}


def test_each_point_below_the_circuit_has_the_whole_of_it_and_all_others_are_as_before():
    free, limited = given(), given(EACH)
    assert limited["A"] == (6.0, "limit:dso")
    assert limited["B"] == (18.2, "limit:dso"), "on one phase 4.2 kW are three times as many amperes"
    assert limited["C"][0] >= free["C"][0] > 20.0


def test_less_than_a_minimum_lets_nobody_charge_and_says_why():
    assert given(replace(EACH, limit_w=1_000.0))["A"] == (0.0, "not_admitted:limit:dso")


def test_a_tighter_limit_of_all_together_comes_on_top():
    assert given(EACH, ExternalLimit("garage", 2_000.0, "market", charging_only=True))["B"][1] == "limit:market"


def test_in_a_batch_each_member_gets_what_it_would_get_alone():
    layout = layout_of(SITE)
    facts = blank_facts(layout, 2)
    facts.state[:] = STATES.index(State.CHARGING)
    facts.uses[1, 0] = (True, False, False)
    limit = PowerLimit("garage", np.array([4_200.0, 6_900.0]), "dso", charging_only=True, per_point=True)
    found = split_arrays(layout, facts, (limit,)).limit_a
    assert found[:, 0] == pytest.approx([6.0, 30.0]), "4.2 kW on three phases, 6.9 kW on one"
    assert found[:, 1] == pytest.approx([18.2, 30.0])


def test_on_record_is_what_the_point_draws_that_draws_most():
    states = {"A": PointState(State.CHARGING, (6.0,) * 3), "B": PointState(State.CHARGING, (0.0, 20.0, 0.0))}
    tick = Tick(START, Plan(START, {}), points=states)
    assert power_of(SITE, tick, ("garage", True, True)).drawn_w == pytest.approx(20.0 * 230.0)
    assert power_of(SITE, tick, ("garage", True, False)).drawn_w == pytest.approx((18.0 + 20.0) * 230.0)
    assert power_of(SITE, Tick(START, Plan(START, {})), ("garage", True, True)).drawn_w == 0.0
