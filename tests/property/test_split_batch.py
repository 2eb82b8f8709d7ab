"""A batch of sites gets what each of its members gets alone: the same limits and the same reasons."""

import random
from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import pytest

from controller.engine import exact_limits, split
from controller.loadbalance.admission import FEW
from controller.loadbalance.capacity import PowerLimit
from controller.loadbalance.division import instant, split_arrays
from controller.loadbalance.facts import STATES, Facts, blank_facts, facts_of
from controller.loadbalance.layout import layout_of, layout_of_many
from controller.loadbalance.sharing import MOST_ROWS
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import PointState, Snapshot, State
from tests.support.random_sites import AT, random_site, random_snapshot, rated_anew

MANY = 8 * FEW
"""So many that most rows bind for more members than are worked out one by one."""


def stacked(alone: Sequence[Facts]) -> Facts:
    return Facts(*(np.concatenate([getattr(one, field.name) for one in alone]) for field in fields(Facts)))


def side_by_side(sites: Sequence[Site], snapshots: Sequence[Snapshot]) -> list[PowerLimit]:
    """The limits of all members; infinite where a member has none."""
    limits = []
    for number in range(max(len(s.limits) for s in snapshots)):
        for circuit in sites[0].circuit:
            own = [s.limits[number : number + 1] for s in snapshots]
            watts = [x[0].limit_w if x and x[0].circuit == circuit else np.inf for x in own]
            limits.append(PowerLimit(circuit, np.array(watts), f"source{number}"))
    return limits


@pytest.mark.parametrize(("seed", "members"), [(n, size) for size in (1, 3, MANY) for n in range(15)])
def test_a_batch_equals_its_members_alone(seed: int, members: int) -> None:
    rng = random.Random(f"{seed} {members}")
    model = random_site(rng)
    sites = [rated_anew(rng, model) for _ in range(members)]
    snapshots = [random_snapshot(rng, site) for site in sites]
    layout, limits = layout_of_many(sites), side_by_side(sites, snapshots)
    facts = stacked([facts_of(layout_of(site), snapshot) for site, snapshot in zip(sites, snapshots, strict=True)])
    together, exact = split_arrays(layout, facts, limits), instant(layout, facts, limits)
    for number, (site, snapshot) in enumerate(zip(sites, snapshots, strict=True)):
        alone, unrounded = split(site, snapshot).setpoints, exact_limits(site, snapshot)
        for place, point in enumerate(layout.point_ids):
            said = together.limit_a[number, place], together.names[together.reason[number, place]]
            if point in alone:
                assert said == (alone[point].limit_a, alone[point].because), f"member {number}, {point}"
                assert exact.target_a[number, place] == pytest.approx(unrounded[point], abs=1e-9)
            else:
                assert said == (0.0, "not_admitted:offline")


@pytest.mark.parametrize("seed", range(10))
def test_so_it_does_where_some_keep_their_admission(seed: int) -> None:
    rng = random.Random(seed)
    site = random_site(rng)
    layout, snapshots = layout_of(site), [random_snapshot(rng, site) for _ in range(MANY)]
    alone = [facts_of(layout, replace(snapshot, limits=())) for snapshot in snapshots]
    dwelling = np.array([[rng.random() < 0.5 for _ in site.points] for _ in snapshots])
    together = split_arrays(layout, stacked(alone), dwelling=dwelling)
    for number, facts in enumerate(alone):
        single = split_arrays(layout, facts, dwelling=dwelling[number : number + 1])
        assert single.limit_a[0].tolist() == together.limit_a[number].tolist()
        assert single.reason[0].tolist() == together.reason[number].tolist()


def three_cars(fuse_a: float) -> Site:
    points = tuple(ChargingPoint(f"P{n}", "main", f"S{n}", 1) for n in range(3))
    return Site("three", (Circuit("main", None, (fuse_a,) * 3),), points)


def test_who_is_dwelling_is_admitted_before_who_has_waited_longest() -> None:
    layout = layout_of_many([three_cars(fuse_a) for fuse_a in (13.0, 40.0)])
    facts = blank_facts(layout, 2)
    facts.state[:] = STATES.index(State.CHARGING)
    facts.unserved_s[:, 2] = 600.0
    dwelling = np.array([[True, True, False]] * 2)
    assert split_arrays(layout, facts).limit_a.tolist() == [[6.5, 0.0, 6.5], [13.3, 13.3, 13.3]]
    kept = split_arrays(layout, facts, dwelling=dwelling)
    assert kept.limit_a.tolist() == [[6.5, 6.5, 0.0], [13.3, 13.3, 13.3]]
    assert kept.names[kept.reason[0, 2]] == "not_admitted:circuit:main:L1"


@pytest.mark.parametrize("count", [150, MOST_ROWS // 3 + 1])
def test_the_first_of_hundreds_of_full_rows_is_named(count: int) -> None:
    """Every point has a circuit of its own, and all of these are full at the same moment."""
    circuits = [Circuit("main", None, (6.0 * count + 1,) * 3)]
    circuits += [Circuit(f"C{n:03d}", "main", (10.0,) * 3) for n in range(count)]
    points = [ChargingPoint(f"P{n:03d}", f"C{n:03d}", f"S{n}", 1) for n in range(count)]
    roomy = Site("wide", (replace(circuits[0], fuse_a=(2000.0,) * 3), *circuits[1:]), tuple(points))
    tight = replace(roomy, circuits=tuple(circuits))
    layout = layout_of_many([roomy, tight] * MANY)
    facts = blank_facts(layout, 2 * MANY)
    facts.state[:] = STATES.index(State.CHARGING)
    together = split_arrays(layout, facts)
    for number, site in enumerate([roomy, tight]):
        alone = split(site, Snapshot(AT, 0.0, {}, (), {p.id: PointState(State.CHARGING) for p in points}))
        for member in range(number, 2 * MANY, 2):
            because = [together.names[reason] for reason in together.reason[member]]
            assert because == [alone.setpoints[p.id].because for p in points]


def test_sites_at_rest_get_nothing_whatever_their_number() -> None:
    layout = layout_of(three_cars(20.0))
    nothing = split_arrays(layout, blank_facts(layout, 5))
    assert nothing.limit_a.tolist() == [[0.0] * 3] * 5
    assert {nothing.names[reason] for reason in nothing.reason.ravel()} == {"not_admitted:available"}


def test_sites_of_different_structure_make_no_batch() -> None:
    site = three_cars(20.0)
    rewired = replace(site, points=(replace(site.points[0], phases=(1,)), *site.points[1:]))
    with pytest.raises(ValueError, match="site 1 of the batch differs from the first in points, their circuits"):
        layout_of_many([site, rewired])
    metered = replace(site, circuits=(replace(site.circuits[0], meter="grid"),))
    with pytest.raises(ValueError, match="site 2 of the batch differs from the first in circuits, their parents"):
        layout_of_many([site, site, metered])
    with pytest.raises(ValueError, match="at least one site"):
        layout_of_many([])
