"""On random sites the split is what an independent program makes of its definition; ``make campaign`` tries more."""

import math
import random

import pytest

from controller.engine import exact_limits, split
from tests.support.oracle import Oracle
from tests.support.random_sites import random_site, random_snapshot
from tests.support.thorough import thorough

BATCHES = 10
SITES = thorough(1000, 2000)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_split_equals_the_oracle_on_random_sites(batch: int) -> None:
    for number in range(batch * SITES // BATCHES, (batch + 1) * SITES // BATCHES):
        rng = random.Random(number)
        site = random_site(rng)
        snapshot = random_snapshot(rng, site)
        oracle = Oracle(site, snapshot)
        expected = oracle.limits()
        plan, exact = split(site, snapshot), exact_limits(site, snapshot)
        assert exact == pytest.approx(expected, abs=1e-6), f"seed {number}"
        assert not plan.events, f"seed {number}: the guard had to intervene: {plan.events}"
        for name, setpoint in plan.setpoints.items():
            floored = math.floor((exact[name] + 1e-6) * 10) / 10
            allowed = floored if floored >= site.point[name].min_a else 0.0
            assert setpoint.limit_a == pytest.approx(allowed), f"seed {number}, {name}"


@pytest.mark.parametrize("seed", range(0, 400, 7))
def test_no_row_is_ever_overdrawn(seed: int) -> None:
    rng = random.Random(seed)
    site = random_site(rng)
    snapshot = random_snapshot(rng, site)
    limits = {name: s.limit_a for name, s in split(site, snapshot).setpoints.items()}
    oracle = Oracle(site, snapshot)
    for row in oracle.rows:
        drawn = sum(use * limits.get(name, 0.0) for name, use in row.use.items())
        assert drawn <= max(row.free, 0.0) + 1e-3
