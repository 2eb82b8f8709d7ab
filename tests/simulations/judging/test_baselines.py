"""The rules that a run is compared with, told as stories and held against slow, literal versions of themselves."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulations.judging.baselines import BASELINES
from simulations.judging.policy import Floats, Picture

V = 230.0
HOUR_S = 3600.0


def picture(**changes: Any) -> Picture:
    """Three single-phase cars on one phase of 30 A, with all the time and hunger in the world."""
    plain = Picture(
        now_s=0.0,
        step_s=300.0,
        rows=np.ones((1, 3)),
        free_a=np.array([[30.0]]),
        active=np.array([[True, True, True]]),
        arrived_s=np.array([[0.0, 100.0, 200.0]]),
        leaves_s=np.array([[9 * HOUR_S, 8 * HOUR_S, 7 * HOUR_S]]),
        left_wh=np.full((1, 3), 20_000.0),
        max_a=np.full((1, 3), 16.0),
        min_a=np.full(3, 6.0),
        w_per_a=np.full((1, 3), V),
    )
    return replace(plain, **changes)


def limits(name: str, **changes: Any) -> list[float]:
    return BASELINES[name].limits(picture(**changes))[0].tolist()


def test_uncontrolled_looks_at_no_fuse():
    assert limits("uncontrolled") == [16.0, 16.0, 16.0]


def test_an_equal_share_each():
    assert limits("equal_split") == [10.0, 10.0, 10.0]


def test_what_one_car_cannot_use_no_other_gets():
    assert limits("equal_split", max_a=np.array([[7.0, 16.0, 16.0]])) == [7.0, 10.0, 10.0]


def test_where_shares_fall_below_the_minimum_the_last_to_come_gets_nothing():
    assert limits("equal_split", free_a=np.array([[15.0]])) == [7.5, 7.5, 0.0]


def test_an_inner_circuit_binds_only_those_below_it():
    rows, free_a = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]]), np.array([[48.0, 13.0]])
    assert limits("equal_split", rows=rows, free_a=free_a) == [6.5, 6.5, 16.0]


def test_the_first_to_come_is_served_first():
    assert limits("first_come") == [16.0, 14.0, 0.0]


def test_the_first_to_leave_is_served_first():
    assert limits("earliest_deadline") == [0.0, 14.0, 16.0]


def test_the_least_laxity_is_served_first():
    # 16 A for an hour are 3680 Wh: the second car, though it leaves later, has no hour to lose.
    left_wh = np.array([[3_680.0, 7 * 3_680.0, 3_680.0]])
    assert limits("least_laxity", left_wh=left_wh) == [0.0, 16.0, 14.0]


def test_a_small_rest_of_need_leaves_current_to_others():
    # 161 Wh in 5 min are 8.4 A.
    assert limits("first_come", left_wh=np.array([[161.0, 9e3, 9e3]])) == pytest.approx([8.4, 16.0, 0.0])


def test_a_rest_below_the_minimum_still_gets_the_minimum():
    assert limits("first_come", left_wh=np.array([[20.0, 9e3, 9e3]])) == [6.0, 16.0, 8.0]


def test_a_car_that_has_what_was_stated_comes_last():
    assert limits("first_come", left_wh=np.array([[0.0, 9e3, 9e3]])) == [0.0, 16.0, 14.0]


def test_in_turns_the_one_ampere_left_over_goes_to_who_came_first():
    assert limits("round_robin", free_a=np.array([[31.0]])) == [11.0, 10.0, 10.0]


def test_in_turns_the_minimum_goes_to_as_many_as_it_fits():
    assert limits("round_robin", free_a=np.array([[17.5]])) == [9.0, 8.0, 0.0]


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "uncontrolled"])
def test_where_the_building_overloads_a_phase_only_points_on_other_phases_charge(name: str):
    rows, free_a = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]), np.array([[-3.0, 14.0]])
    got = limits(name, rows=rows, free_a=free_a)
    assert got[0] == 0.0
    assert sum(got) == pytest.approx(14.0)


@pytest.mark.parametrize("name", BASELINES)
def test_an_empty_site_gets_nothing(name: str):
    assert limits(name, active=np.zeros((1, 3), dtype=bool)) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("name", BASELINES)
def test_a_car_that_cannot_take_the_minimum_gets_nothing(name: str):
    assert limits(name, max_a=np.array([[5.0, 16.0, 16.0]]))[0] == 0.0


def random_picture(rng: np.random.Generator, sites: int = 5, phasors: bool = False) -> Picture:
    """Up to eight points on nested circuits; some rows crowded, one now and then overloaded by the building."""
    points, rows = int(rng.integers(1, 9)), int(rng.integers(1, 6))
    use = (rng.random((rows, points)) < 0.6) * rng.choice([1.0, 1.0, 230.0 * 3], (rows, 1))
    free_a = use.max(axis=1) * rng.uniform(-2.0, 16.0 * points, (sites, rows))
    if phasors:
        use = use * np.exp(1j * np.deg2rad(rng.choice([30.0, -90.0, 150.0], points)))
        free_a = np.abs(free_a)
    return Picture(
        now_s=1_000.0,
        step_s=300.0,
        rows=use,
        free_a=free_a,
        active=rng.random((sites, points)) < 0.8,
        arrived_s=rng.permuted(np.tile(np.arange(points) * 60.0, (sites, 1)), axis=1),
        leaves_s=1_000.0 + rng.uniform(0.0, 9 * HOUR_S, (sites, points)),
        left_wh=rng.choice([0.0, 1.0, 1.0, 1.0], (sites, points)) * rng.uniform(0.0, 20_000.0, (sites, points)),
        max_a=rng.choice([10.0, 16.0, 32.0], (sites, points)),
        min_a=rng.choice([0.0, 6.0, 8.0], points),
        w_per_a=np.full((sites, points), 3 * V),
    )


def site_of(batch: Picture, index: int) -> Picture:
    one = {
        name: getattr(batch, name)[index : index + 1]
        for name in ("free_a", "active", "arrived_s", "leaves_s", "left_wh", "max_a", "w_per_a")
    }
    return replace(batch, **one)


@pytest.mark.parametrize("phasors", [False, True])
@pytest.mark.parametrize("name", BASELINES)
def test_limits_fit_and_are_0_or_at_least_the_minimum_and_a_batch_equals_its_sites(name: str, phasors: bool):
    rng = np.random.default_rng(7)
    for _ in range(40):
        batch = random_picture(rng, phasors=phasors)
        got = BASELINES[name].limits(batch)
        assert (got[~batch.active] == 0.0).all()
        assert ((got == 0.0) | ((got >= batch.min_a - 1e-6) & (got <= batch.max_a + 1e-6))).all()
        if name != "uncontrolled":
            load = np.abs(got @ batch.rows.T)
            assert (load <= np.maximum(batch.free_a, 0.0) + 1e-5).all()
        for index in range(len(got)):
            assert np.allclose(BASELINES[name].limits(site_of(batch, index))[0], got[index], rtol=0, atol=1e-9)


def most_a(site: Picture, place: int) -> float:
    if not site.active[0, place] or site.max_a[0, place] < site.min_a[place]:
        return 0.0
    left_wh = site.left_wh[0, place]
    to_end_a = left_wh * HOUR_S / site.step_s / site.w_per_a[0, place] if left_wh > 0 else np.inf
    return float(min(site.max_a[0, place], max(site.min_a[place], to_end_a)))


def fits(site: Picture, limit_a: Floats, place: int) -> bool:
    used = np.abs(site.rows @ limit_a)
    return bool(((used <= site.free_a[0] + 1e-6) | (site.rows[:, place] == 0)).all())


def by_bisection(site: Picture, order: list[int]) -> Floats:
    """The sorted rules, literally: the most that fits, found by halving."""
    limit_a = np.zeros(site.active.shape[1])
    for place in order:
        low, high = 0.0, most_a(site, place)
        for trial in [high, *([None] * 60)]:
            limit_a[place] = (low + high) / 2 if trial is None else trial
            low, high = (limit_a[place], high) if fits(site, limit_a, place) else (low, limit_a[place])
        limit_a[place] = low if low >= site.min_a[place] - 1e-6 else 0.0
    return limit_a


@pytest.mark.parametrize("phasors", [False, True])
def test_the_closed_form_finds_what_halving_finds(phasors: bool):
    rng = np.random.default_rng(8)
    for _ in range(40):
        site = random_picture(rng, sites=1, phasors=phasors)
        waiting = sorted(range(site.active.shape[1]), key=lambda p: (site.left_wh[0, p] <= 0, site.arrived_s[0, p]))
        assert np.allclose(BASELINES["first_come"].limits(site)[0], by_bisection(site, waiting), rtol=0, atol=1e-4)


def turn_by_turn(site: Picture) -> Floats:
    """Round robin, literally: one increment at a time."""
    limit_a = np.zeros(site.active.shape[1])
    most = [most_a(site, place) for place in range(limit_a.size)]
    queue = [p for p in np.argsort(site.arrived_s[0]).tolist() if most[p] > 0]
    first = True
    while queue:
        stay = []
        for place in queue:
            step_a = site.min_a[place] if first and site.min_a[place] > 0 else 1.0
            whole = site.min_a[place] + np.ceil(most[place] - site.min_a[place] - 1e-6)
            limit_a[place] += step_a
            if limit_a[place] <= min(site.max_a[0, place], whole) + 1e-6 and fits(site, limit_a, place):
                stay.append(place)
            else:
                limit_a[place] -= step_a
        queue, first = stay, False
    return limit_a


def test_whole_rounds_at_once_end_where_single_turns_end():
    rng = np.random.default_rng(9)
    for _ in range(60):
        site = random_picture(rng, sites=1)
        assert np.allclose(BASELINES["round_robin"].limits(site)[0], turn_by_turn(site), rtol=0, atol=1e-6)
