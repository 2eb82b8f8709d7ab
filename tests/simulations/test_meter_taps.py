from dataclasses import replace
from pathlib import Path

import pytest

from adapters.configuration import load_configuration
from simulations.equipment import world_of
from simulations.meter_taps import Tap, simulated_meters
from simulations.wire.site_file import Addresses, site_file
from tests.support.fine_scenarios import START_S, garage, load, story


def test_a_meter_shows_what_was_true_a_moment_ago():
    world = world_of(story(garage(1), [], load((0, 10), (1, 20)), 10.0))
    world.open(START_S)
    tap = Tap(world, world.site.circuit["main"], latency_s=0.3)
    assert tap.last_read_s is None
    assert tap.read(START_S) == ((10.0, 10.0, 10.0), 0.0)
    for step in range(1, 11):
        now_s = START_S + 0.2 * step
        world.step(now_s, 0.2)
        tap.step(now_s, 0.2)
    assert tap.read(START_S + 1.2)[0] == (10.0, 10.0, 10.0)
    currents_a, imported_wh = tap.read(START_S + 1.3)
    assert currents_a == (20.0, 20.0, 20.0)
    assert imported_wh == pytest.approx((0.8 * 10 + 0.2 * 20) * 3 * 230 / 3600, rel=1e-3)
    assert tap.last_read_s == START_S + 1.3


def test_the_meter_of_the_grid_connection_comes_first_and_each_is_there_once(tmp_path: Path):
    main, cellar = garage(1).circuits
    circuits = (replace(cellar, meter="cellar"), replace(cellar, id="attic", meter="cellar"), main)
    path = tmp_path / "site.toml"
    addresses = Addresses(8080, 9000, {"cellar": 5020, "grid": 5021})
    path.write_text(site_file(replace(garage(1), circuits=circuits), addresses, poll_s=1.0))
    found = simulated_meters(load_configuration(path, {}))
    assert [(name, place.port, circuit.id) for name, (place, circuit) in found.items()] == [
        ("grid", 5021, "main"),
        ("cellar", 5020, "garage"),
    ]
