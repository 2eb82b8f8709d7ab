from dataclasses import replace

import pytest

from simulations.cars import CarModel
from simulations.drivers import car_of, needs_back_office, waits
from simulations.visits import Visit

VISIT = Visit("V", "P", arrives_s=100.0, leaves_s=7_300.0, energy_wh=6_000.0, car=CarModel(), price_limit=0.25)


@pytest.mark.parametrize("taper_from", [0.6, 0.8, 0.95, 1.0])
@pytest.mark.parametrize("phases", [1, 3])
@pytest.mark.parametrize("energy_wh", [2_000.0, 20_000.0, 50_000.0])
def test_a_visits_car_takes_just_its_energy_at_the_meter_and_stops(taper_from: float, phases: int, energy_wh: float):
    model = CarModel(capacity_wh=60_000.0, taper_from=taper_from, phases=phases)
    car = car_of(replace(VISIT, energy_wh=energy_wh, car=model), begins_s=0.0)
    now_s = 0.0
    while now_s < 60.0 or car.current_a > 0.0:
        now_s += 5.0
        car.step(now_s, 5.0, 32.0, 3, 230.0)
        assert now_s < 100 * 3600, "it stops by itself"
    assert car.drawn_wh == pytest.approx(energy_wh, rel=0.01)
    assert car.wanted_a == 0.0


def test_a_visits_car_knows_when_it_leaves():
    assert car_of(VISIT, begins_s=1_000_000.0).leaves_at_s == 1_007_300.0


def test_a_driver_waits_only_for_a_better_price_and_only_while_there_is_time():
    full_w = 6_000.0  # an hour for what is needed
    assert waits(VISIT, 0.0, full_w, price=0.30, now_s=200.0)
    assert not waits(VISIT, 0.0, full_w, price=0.25, now_s=200.0)
    assert not waits(VISIT, 0.0, full_w, price=0.30, now_s=3_800.0)
    assert waits(VISIT, 3_000.0, full_w, price=0.30, now_s=3_800.0)
    assert not waits(replace(VISIT, price_limit=None), 0.0, full_w, price=9.99, now_s=200.0)


def test_only_guests_need_the_back_office():
    assert needs_back_office("GUEST-007")
    assert not needs_back_office("staff-001")
    assert not needs_back_office("")
