"""The static rule: what makes a site safe with nobody in control."""

from dataclasses import replace

import pytest

from controller.site import (
    ChargingPoint,
    Circuit,
    Site,
    Station,
    static_rule,
    structure_problems,
    unattended_limits,
    with_default_fallbacks,
)


def site(points: int, *, base_a: float = 30.0, fallback_a: float = 0.0, stations: tuple[Station, ...] = ()) -> Site:
    circuits = (
        Circuit("main", None, (63.0,) * 3, meter="grid", base_load_a=(base_a,) * 3),
        Circuit("garage", "main", (40.0,) * 3),
    )
    made = (ChargingPoint(f"P{n:02d}", "garage", f"S{n}", 1, fallback_a=fallback_a) for n in range(points))
    return Site("s", circuits, tuple(made), stations)


def worst(of: Site) -> float:
    return max(load.excess_a for load in static_rule(of))


def test_fallbacks_and_the_worst_base_load_must_fit_every_fuse() -> None:
    assert worst(site(5, fallback_a=6)) == pytest.approx(-3)
    assert worst(site(6, fallback_a=6)) == pytest.approx(3)
    assert [load.circuit for load in static_rule(site(6, fallback_a=6)) if load.excess_a > 0] == ["main"] * 3


def test_a_parent_carries_at_least_what_its_children_declare() -> None:
    made = site(1, base_a=5)
    louder = replace(made.circuits[1], base_load_a=(20.0, 0.0, 0.0))
    assert replace(made, circuits=(made.circuits[0], louder)).worst_base_a["main"] == (20.0, 5.0, 5.0)


def test_undecided_fallbacks_become_the_minimum_only_if_everybodys_fits() -> None:
    five, six = site(5), site(6)
    assert {p.fallback_a for p in with_default_fallbacks(five, [p.id for p in five.points]).points} == {6.0}
    assert {p.fallback_a for p in with_default_fallbacks(six, [p.id for p in six.points]).points} == {0.0}


def test_a_point_with_a_write_budget_may_hold_what_the_static_rule_leaves() -> None:
    made = site(3, stations=(Station("S0", writes_per_day=25), Station("S1", writes_per_day=25)))
    held = unattended_limits(made)
    assert held == pytest.approx({"P00": 16.5, "P01": 16.5, "P02": 0.0})
    unattended = replace(made, points=tuple(replace(p, fallback_a=held[p.id]) for p in made.points))
    assert worst(unattended) <= 1e-6


def test_without_room_a_write_budget_leaves_the_fallback() -> None:
    made = site(2, base_a=63, stations=(Station("S0", writes_per_day=25),))
    assert unattended_limits(made) == {"P00": 0.0, "P01": 0.0}


def test_every_structural_problem_is_told_at_once() -> None:
    circuits = [
        Circuit("main", None, (63.0,) * 3),
        Circuit("spare", None, (63.0,) * 3),
        Circuit("a", "nowhere", (16.0,) * 3),
        Circuit("b", "c", (16.0,) * 3),
        Circuit("c", "b", (16.0,) * 3),
    ]
    points = [
        ChargingPoint("P01", "main", "A", 1),
        ChargingPoint("P01", "cellar", "A", 1),
        ChargingPoint("P02", "main", "A", 1),
    ]
    places = [place for place, _ in structure_problems(circuits, points)]
    expected = ["circuits", "circuits[2].parent", "circuits[3].parent", "circuits[4].parent", "points[1].id"]
    assert places[:5] == expected
    assert {"points[1].circuit", "points[2].connector"} <= set(places)
    with pytest.raises(ValueError, match="defined twice"):
        Site("s", tuple(circuits), tuple(points))
