"""What plants and batteries take and give is told; where their meters are silent, nothing is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.configuration.settings import Resource
from adapters.resources import resource_states
from controller.snapshot import Reading
from tests.support.web import BEGIN, made_tick, small_site

SITE = small_site()
PV = Resource("roof", "pv", "pv", reversed=True)
BATTERY = Resource("cellar", "battery", "bat", reversed=False)


def power_w(resource: Resource, reading: Reading | None) -> float | None:
    tick = made_tick(SITE, 0.0, {})
    if reading is not None:
        tick = replace(tick, meters={**tick.meters, resource.meter: reading})
    state = resource_states(SITE, [resource], tick)[resource.id]
    assert (state.kind, state.meter) == (resource.kind, resource.meter)
    return state.power_w


def test_a_battery_that_charges_takes_and_one_that_discharges_gives() -> None:
    assert power_w(BATTERY, Reading((0.0,) * 3, BEGIN, power_w=(1000.0, 1100.0, 900.0))) == 3000.0
    assert power_w(BATTERY, Reading((0.0,) * 3, BEGIN, power_w=(-1000.0, -1100.0, -900.0))) == -3000.0


def test_an_inverter_counts_what_it_gives_as_positive() -> None:
    assert power_w(PV, Reading((0.0,) * 3, BEGIN, power_w=(2000.0, 2000.0, 2000.0))) == -6000.0


def test_without_powers_the_currents_tell() -> None:
    assert power_w(BATTERY, Reading((10.0, 0.0, -5.0), BEGIN)) == pytest.approx(5.0 * 230.0)
    assert power_w(BATTERY, Reading((10.0, 0.0, 0.0), BEGIN, voltage_v=(240.0, 230.0, 230.0))) == 2400.0
    assert power_w(BATTERY, Reading((10.0, None, 0.0), BEGIN)) is None


def test_what_its_meter_said_long_ago_is_not_told() -> None:
    assert power_w(BATTERY, None) is None
    late = Reading((1.0,) * 3, BEGIN - timedelta(seconds=SITE.control.hold_s))
    assert power_w(BATTERY, late) is None
