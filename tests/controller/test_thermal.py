import math

import pytest

from controller.peakshave.thermal import advance, opening_time_s


@pytest.mark.parametrize(
    ("rating_a", "ratio", "melting_s"), [(25, 1.6, 4000), (63, 2.5, 357), (63, 5.0, 8), (100, 3.0, 146), (160, 4.0, 36)]
)
def test_a_fuse_opens_after_half_the_mean_melting_time_on_record(rating_a: float, ratio: float, melting_s: float):
    assert opening_time_s(rating_a * ratio, rating_a) == pytest.approx(melting_s / 2)


@pytest.mark.parametrize(("curve", "never"), [("gG", 1.25), ("B", 1.13), ("C", 1.13), ("D", 1.13)])
def test_no_device_opens_at_its_conventional_non_tripping_current(curve: str, never: float):
    assert opening_time_s(63 * never, 63, curve) == math.inf
    assert opening_time_s(63 * (never + 0.02), 63, curve) < math.inf


@pytest.mark.parametrize("curve", ["gG", "B", "C", "D"])
@pytest.mark.parametrize("rating_a", [10, 25, 40, 63, 80, 125, 160, 250])
def test_more_current_never_takes_longer(curve: str, rating_a: float):
    times_s = [opening_time_s(rating_a * (1.0 + 0.05 * n), rating_a, curve) for n in range(200)]
    assert times_s == sorted(times_s, reverse=True)
    assert times_s[-1] > 0.0


def test_between_two_sizes_on_record_the_faster_one_counts():
    for ratio in (1.6, 2.0, 3.0, 5.0):
        neighbours_s = [opening_time_s(size * ratio, size) for size in (25, 63)]
        assert opening_time_s(40 * ratio, 40) == pytest.approx(min(neighbours_s))


@pytest.mark.parametrize(("curve", "instantaneous"), [("B", 3.0), ("C", 5.0), ("D", 10.0)])
def test_a_breaker_opens_at_once_from_the_lower_edge_of_its_band(curve: str, instantaneous: float):
    assert opening_time_s(16 * instantaneous, 16, curve) == 0.1
    assert opening_time_s(16 * (instantaneous - 0.1), 16, curve) > 0.1


def test_a_breaker_stays_within_the_standards_times():
    assert 1.0 < opening_time_s(32 * 2.55, 32, "C") < 60.0
    assert 1.0 < opening_time_s(63 * 2.55, 63, "C") < 120.0
    assert opening_time_s(32 * 1.45, 32, "C") < 3600.0


def test_overloads_add_up_rest_at_the_rating_and_cool_below_it():
    state = 0.0
    for _ in range(10):
        state = advance(state, 126.0, 63.0, 10.0)
    assert state == pytest.approx(100.0 / opening_time_s(126.0, 63.0))
    assert advance(state, 75.0, 63.0, 3600.0) == state
    assert advance(state, 63.0, 63.0, 3600.0) < 0.01 * state


@pytest.mark.parametrize(("rating_a", "curve", "message"), [(0, "gG", "rating_a"), (16, "K", "curve")])
def test_impossible_devices_are_refused(rating_a: float, curve: str, message: str):
    with pytest.raises(ValueError, match=message):
        opening_time_s(100.0, rating_a, curve)
