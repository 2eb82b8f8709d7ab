"""A batch of sites gets what each of its members gets alone: the same limits and the same reasons."""

import random
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest

from controller.engine import exact_limits, split
from controller.loadbalance.capacity import PowerLimit
from controller.loadbalance.division import instant, split_arrays
from controller.loadbalance.facts import Facts, facts_of
from controller.loadbalance.layout import layout_of, layout_of_many
from controller.site import Site
from controller.snapshot import Snapshot
from tests.support.random_sites import random_site, random_snapshot, rated_anew

FEW, MANY = 3, 40
"""Below and above the number of members from which on they are worked out all at once."""


def stacked(single: Sequence[Facts]) -> Facts:
    return Facts(*(np.concatenate([getattr(one, field.name) for one in single]) for field in fields(Facts)))


def common_limits(sites: Sequence[Site], snapshots: Sequence[Snapshot]) -> list[PowerLimit]:
    """The limits of all members side by side; infinite where a member has none."""
    limits = []
    for number in range(max(len(s.limits) for s in snapshots)):
        for circuit in sites[0].circuit:
            own = [s.limits[number : number + 1] for s in snapshots]
            watts = [x[0].limit_w if x and x[0].circuit == circuit else np.inf for x in own]
            limits.append(PowerLimit(circuit, np.array(watts), f"source{number}"))
    return limits


@pytest.mark.parametrize("members", [1, FEW, MANY])
@pytest.mark.parametrize("seed", range(30))
def test_a_batch_equals_its_members_alone(seed: int, members: int) -> None:
    rng = random.Random(seed)
    model = random_site(rng)
    sites = [rated_anew(rng, model) for _ in range(members)]
    snapshots = [random_snapshot(rng, site) for site in sites]
    layout, limits = layout_of_many(sites), common_limits(sites, snapshots)
    facts = stacked([facts_of(layout_of(site), snapshot) for site, snapshot in zip(sites, snapshots, strict=True)])
    together = split_arrays(layout, facts, limits)
    exact = instant(layout, facts, limits)
    for number, (site, snapshot) in enumerate(zip(sites, snapshots, strict=True)):
        alone, unrounded = split(site, snapshot).setpoints, exact_limits(site, snapshot)
        for place, point in enumerate(layout.point_ids):
            said = together.limit_a[number, place], together.names[together.reason[number, place]]
            if point in alone:
                assert said == (alone[point].limit_a, alone[point].because), f"member {number}, {point}"
                assert exact.target_a[number, place] == pytest.approx(unrounded[point], abs=1e-9)
            else:
                assert said == (0.0, "not_admitted:offline")
