import random

import pytest

from simulations.cars import EFFICIENCY, Car, CarModel, random_car


def drive(car: Car, seconds: float, offer_a: float, phases: int = 3, start_s: float = 0.0, dt: float = 0.1) -> float:
    now_s = start_s
    while now_s < start_s + seconds - 1e-9:
        now_s += dt
        car.step(now_s, dt, offer_a, phases, 230.0)
    return now_s


def test_a_car_answers_after_its_reaction_and_then_ramps():
    car = Car(CarModel(max_a=16, reaction_s=2.0, rise_a_per_s=4.0), soc=0.3)
    drive(car, 1.9, offer_a=16)
    assert car.current_a == 0.0
    drive(car, 2.1, offer_a=16, start_s=1.9)
    assert 6.0 < car.current_a < 10.0  # two seconds of ramp at 4 A/s
    drive(car, 10, offer_a=16, start_s=4.0)
    assert car.current_a == pytest.approx(16.0)


def test_a_reduction_is_followed_within_five_seconds_by_every_car_there_is():
    rng = random.Random(7)
    for _ in range(200):
        car = random_car(rng)
        now_s = drive(car, 30, offer_a=32)
        drive(car, 5.0, offer_a=8.0, start_s=now_s)
        assert car.current_a <= 8.0 + 1e-6


def test_below_its_own_minimum_a_car_stops_and_above_it_goes_on():
    car = Car(CarModel(min_a=8.0), soc=0.3)
    now_s = drive(car, 20, offer_a=10.0)
    assert car.current_a == pytest.approx(10.0)
    now_s = drive(car, 20, offer_a=7.0, start_s=now_s)
    assert car.current_a == 0.0
    drive(car, 20, offer_a=8.0, start_s=now_s)
    assert car.current_a == pytest.approx(8.0)


def test_current_tapers_near_full_and_ends_when_full():
    car = Car(CarModel(capacity_wh=10_000, taper_from=0.8), soc=0.85)
    now_s = drive(car, 60, offer_a=16, dt=0.5)
    assert 6.0 < car.current_a < 13.0
    drive(car, 4 * 3600, offer_a=16, start_s=now_s, dt=1.0)
    assert car.current_a == 0.0
    assert car.wanted_a == 0.0
    assert 0.98 < car.soc <= 1.0


@pytest.mark.parametrize(("car_phases", "cable_phases", "used"), [(3, 3, 3), (1, 3, 1), (3, 1, 1)])
def test_energy_is_conserved_between_cable_and_battery(car_phases: int, cable_phases: int, used: int):
    car = Car(CarModel(capacity_wh=50_000, phases=car_phases), soc=0.2)
    drive(car, 3600, offer_a=10.0, phases=cable_phases, dt=0.5)
    assert car.drawn_wh == pytest.approx(used * 230 * 10, rel=0.002)
    assert (car.soc - 0.2) * 50_000 == pytest.approx(car.drawn_wh * EFFICIENCY)


def test_an_opened_contactor_ends_the_current_at_once():
    car = Car(CarModel(), soc=0.2)
    drive(car, 20, offer_a=16)
    car.disconnect()
    assert car.current_a == 0.0


def test_a_car_that_never_tapers_takes_its_maximum_until_it_is_full():
    car = Car(CarModel(capacity_wh=1_000.0, taper_from=1.0), soc=0.9)
    drive(car, 20, offer_a=16)
    assert car.current_a == pytest.approx(16.0)
    drive(car, 120, offer_a=16, start_s=20)
    assert car.current_a == 0.0
    assert car.soc == 1.0


def test_a_car_without_an_offer_falls_asleep_and_answers_the_next_one_late():
    car = Car(CarModel(sleep_after_s=60.0, wake_s=20.0, reaction_s=2.0), soc=0.3)
    now_s = drive(car, 50, offer_a=0.0)
    now_s = drive(car, 4, offer_a=16.0, start_s=now_s)
    assert car.current_a > 0.0, "it was still awake"
    now_s = drive(car, 70, offer_a=0.0, start_s=now_s)
    now_s = drive(car, 19, offer_a=16.0, start_s=now_s)
    assert car.current_a == 0.0
    drive(car, 4, offer_a=16.0, start_s=now_s)
    assert car.current_a > 0.0


def test_an_offer_that_ends_too_soon_wakes_no_car():
    car = Car(CarModel(sleep_after_s=60.0, wake_s=20.0), soc=0.3)
    now_s = drive(car, 70, offer_a=0.0)
    for _ in range(3):
        now_s = drive(car, 10, offer_a=16.0, start_s=now_s)
        assert car.current_a == 0.0
        now_s = drive(car, 30, offer_a=0.0, start_s=now_s)
    assert car.current_a == 0.0


def test_a_deep_sleeper_misses_the_first_offer_and_answers_the_next():
    car = Car(CarModel(sleep_after_s=60.0, wake_s=20.0, sleeps_through=1), soc=0.3)
    now_s = drive(car, 70, offer_a=0.0)
    now_s = drive(car, 300, offer_a=6.0, start_s=now_s)
    now_s = drive(car, 300, offer_a=8.0, start_s=now_s)
    assert car.current_a == 0.0, "more of the same offer wakes nobody"
    now_s = drive(car, 25, offer_a=0.0, start_s=now_s)
    now_s = drive(car, 25, offer_a=6.0, start_s=now_s)
    assert car.current_a == pytest.approx(6.0)
    drive(car, 5, offer_a=10.0, start_s=now_s)
    assert car.current_a == pytest.approx(10.0), "awake, it answers at once"


def test_a_full_car_is_warmed_up_before_it_leaves():
    model = CarModel(precondition_a=8.0, precondition_s=600.0)
    car = Car(model, soc=1.0)
    car.leaves_at_s = 1_000.0
    now_s = drive(car, 390, offer_a=16.0, dt=1.0)
    assert car.current_a == 0.0
    now_s = drive(car, 20, offer_a=16.0, start_s=now_s, dt=1.0)
    assert car.current_a == pytest.approx(8.0)
    assert car.soc == 1.0
    drive(car, 10, offer_a=6.0, start_s=now_s, dt=1.0)
    assert car.current_a == pytest.approx(6.0), "the offer bounds it all the same"


def test_what_warms_a_car_does_not_reach_its_battery():
    warm, plain = (Car(CarModel(precondition_a=4.0, precondition_s=1e6, max_a=32.0), soc=0.2) for _ in range(2))
    warm.leaves_at_s = 1e6
    for car in (warm, plain):
        drive(car, 600, offer_a=16.0)
    assert warm.drawn_wh == pytest.approx(plain.drawn_wh)
    assert (warm.soc - 0.2) == pytest.approx((plain.soc - 0.2) * 12 / 16, rel=0.01)


def test_a_car_that_waits_takes_nothing():
    car = Car(CarModel(), soc=0.3)
    now_s = drive(car, 20, offer_a=16.0)
    car.paused = True
    drive(car, 5, offer_a=16.0, start_s=now_s)
    assert car.current_a == 0.0
    assert car.wanted_a == 0.0
