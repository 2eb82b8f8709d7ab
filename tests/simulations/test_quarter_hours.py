"""Quarter-hours made of hours: what is kept, what varies, and that a fit finds the model again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simulations.quarter_hours import LBNL59, Variation, fitted, quarters_of, straight

HOURS = 5000
HOURLY_W = 30_000.0 + 20_000.0 * np.sin(np.arange(HOURS) * 2.0 * np.pi / 24.0)


@settings(max_examples=30, deadline=None)
@given(arrays(np.float64, 12, elements=st.floats(0.0, 1e6)))
def test_every_hour_keeps_its_mean_and_nothing_draws_less_than_nothing(hourly: np.ndarray):
    quarters = quarters_of(hourly, np.random.default_rng(1)).reshape(-1, 4)
    assert quarters.mean(axis=1) == pytest.approx(hourly, rel=1e-9)
    assert (quarters >= 0.0).all()
    line = straight(hourly)
    assert (line.max(axis=1) <= 1e-6 + np.maximum.reduce([hourly, np.roll(hourly, 1), np.roll(hourly, -1)])).all()


def test_the_same_seed_gives_the_same_quarters_and_another_seed_others():
    one, same, other = (quarters_of(HOURLY_W[:48], np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1000.0


@pytest.mark.parametrize("told", [LBNL59, Variation(sigma=0.03, rho=0.8, jump=3.0)])
def test_a_fit_to_what_was_generated_finds_the_model(told: Variation):
    found = fitted(quarters_of(HOURLY_W, np.random.default_rng(11), told))
    assert found.sigma == pytest.approx(told.sigma, rel=0.1)
    assert found.rho == pytest.approx(told.rho, abs=0.08)
    assert found.jump == pytest.approx(told.jump, rel=0.2)


def test_loads_that_are_no_powers_are_refused():
    for unusable in (np.ones(7), np.zeros(8), np.full(8, np.nan), np.array([])):
        with pytest.raises(ValueError, match="positive powers of whole hours"):
            fitted(unusable)
