"""What a back office allows a station is for its points together: divided as a fuse is, and explained as one."""

from __future__ import annotations

import json
import random

import pytest

from adapters.documents import DocumentError, read_snapshot, snapshot_document
from controller.engine import exact_limits, split
from controller.explain import explain, sentence
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import PointState, Snapshot, State, StationLimit
from tests.support.closed_loop import START
from tests.support.oracle import Oracle, Row
from tests.support.random_sites import random_site, random_snapshot
from tests.support.turns import charging, point, site_of, turn

TWENTY = tuple(f"P{number:02}" for number in range(20))
CARS = PointState(State.CHARGING, (6.0,) * 3)


def hub(*, phases: tuple[int, ...] = (0, 1, 2)) -> Site:
    points = (ChargingPoint(name, "main", f"C{name}", 1, phases=phases, fallback_a=0.0) for name in TWENTY)
    return Site("s", (Circuit("main", None, (1000.0,) * 3),), tuple(points))


def given(site: Site, limit_a: float, points: dict[str, PointState], of: tuple[str, ...] = TWENTY) -> dict[str, float]:
    snapshot = Snapshot(START, 0.0, points=points, stations=(StationLimit(of, limit_a, "office"),))
    return {name: one.limit_a for name, one in split(site, snapshot).setpoints.items()}


def test_as_many_charge_as_there_is_room_for():
    limits = given(hub(), 100.0, dict.fromkeys(TWENTY, CARS))
    assert sorted(limits.values()) == pytest.approx([0.0] * 4 + [6.2] * 16)
    assert sum(limits.values()) <= 100.0


def test_what_some_do_not_take_the_others_get():
    idle = PointState(State.EV_IDLE, (0.2,) * 3)
    points = dict.fromkeys(TWENTY, idle) | {"P00": CARS, "P01": PointState(State.CHARGING, (6.0,) * 3, max_a=8.0)}
    limits = given(hub(), 40.0, points)
    assert limits["P01"] == 8.0
    assert limits["P00"] == pytest.approx(40.0 - 8.0 - 18 * 0.2, abs=0.1)


def test_who_is_no_part_of_the_station_has_the_rest_of_the_fuse():
    limits = given(hub(), 10.0, dict.fromkeys(("P00", "P01", "P02"), CARS), ("P00", "P01"))
    assert sorted((limits["P00"], limits["P01"])) == [0.0, 10.0]
    assert limits["P02"] == 32.0


def test_a_phase_has_the_whole_of_it():
    site = Site(
        "s",
        (Circuit("main", None, (1000.0,) * 3),),
        tuple(ChargingPoint(name, "main", "C", n, phases=(n - 1,)) for n, name in enumerate("ABC", start=1)),
    )
    assert given(site, 16.0, dict.fromkeys("ABC", CARS), ("A", "B", "C")) == dict.fromkeys("ABC", 16.0)


@pytest.mark.parametrize("seed", range(60))
def test_the_division_is_what_an_independent_program_makes_of_it(seed: int):
    rng = random.Random(seed)
    site = random_site(rng)
    names = [one.id for one in site.points]
    limit = StationLimit(tuple(rng.sample(names, rng.randint(1, len(names)))), rng.uniform(0.0, 80.0), "office")
    snapshot = random_snapshot(rng, site)
    limited = Snapshot(
        snapshot.at, snapshot.monotonic_s, snapshot.meters, snapshot.limits, snapshot.points, stations=(limit,)
    )
    oracle = Oracle(site, snapshot)
    members = [one for one in site.points if one.id in limit.points]
    for phase in range(3):
        use = {one.id: 1.0 for one in members if phase in one.phases}
        oracle.rows.append(Row(use, limit.limit_a - sum(oracle.reserve(one, phase) for one in members)))
    assert exact_limits(site, limited) == pytest.approx(oracle.limits(), abs=1e-6)
    split(site, limited)


def test_it_is_said_in_a_sentence_and_explained():
    site = site_of(point("P1"), point("P2"), point("P3"))
    stations = (StationLimit(("P1", "P2"), 13.0, "office"),)
    made = turn(site, {"P1": charging(6.5), "P2": charging(6.5)}, stations=stations)
    assert sentence(site, made, "P1") == (
        "P1 charges at 6.5 A, its fair share among 2 cars of the 13.0 A on a phase that the back office office leaves "
        "the station."
    )
    explanation = explain(site, made, "P1")
    assert explanation.because == "station:office"
    (room,) = (reason.text for reason in explanation.reasons if reason.topic == "room")
    assert room == (
        "What the back office office allows the station was 13.0 A on each phase, for 2 points together. "
        "What of them is not steered took 0.0 A: 13.0 A to share."
    )


def test_a_limit_that_comes_while_cars_charge_is_kept_at_once():
    site, cars = site_of(point("P1"), point("P2")), {"P1": charging(16.0), "P2": charging(16.0)}
    before = turn(site, cars, meter_a=32.0)
    assert sum(one.limit_a for one in before.decision.plan.setpoints.values()) >= 31.0
    stations = (StationLimit(("P1", "P2"), 20.0, "office"),)
    after = turn(site, cars, meter_a=32.0, after=before, stations=stations)
    assert [one.limit_a for one in after.decision.plan.setpoints.values()] == [10.0, 10.0]


def test_it_is_a_part_of_what_is_recorded():
    site = site_of(point("P1"), point("P2"))
    snapshot = Snapshot(START, 0.0, stations=(StationLimit(("P1", "P2"), 13.0, "office"),))
    document = snapshot_document(snapshot)
    assert read_snapshot(json.dumps(document).encode(), site) == snapshot
    document["stations"][0]["points"] = ["P1", "P3"]
    with pytest.raises(DocumentError, match=r"stations\[0\].points\[1\]: the site has no point 'P3'"):
        read_snapshot(json.dumps(document).encode(), site)
