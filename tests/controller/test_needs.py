"""What is due to a driver who leaves, and what a plan's advice changes about it."""

from datetime import timedelta

import pytest

from controller.engine import Memory, decide
from controller.plan import Plan
from controller.site import ChargingPoint, Circuit, Control, Site
from controller.snapshot import Advice, PointAdvice, PointState, Reading, Snapshot, State
from tests.support.closed_loop import START

NEED_WH, HOURS = 8_280, 1.0
"""12 A on three phases at 230 V for an hour."""


def site(fuse_a: float = 40.0, points: int = 2) -> Site:
    circuits = (Circuit("main", None, (fuse_a,) * 3, meter="grid"),)
    return Site("needs", circuits, tuple(ChargingPoint(f"P{n}", "main", f"S{n}", 1) for n in range(points)))


def car(held_a: float = 0.0, **known: object) -> PointState:
    state = State.CHARGING if held_a else State.PLUGGED
    drawn = (held_a,) * 3
    return PointState(state, drawn, START, held_a, **known)  # type: ignore[arg-type]


def leaving(held_a: float = 0.0, need_wh: int = NEED_WH, in_h: float = HOURS) -> PointState:
    return car(held_a, energy_needed_wh=need_wh, departs_at=START + timedelta(hours=in_h))


def picture(
    points: dict[str, PointState], building_a: float = 20.0, advice: Advice | None = None, now_s: float = 0.0
) -> Snapshot:
    at = START + timedelta(seconds=now_s)
    drawn = sum((state.measured_a or (0.0,))[0] for state in points.values())
    return Snapshot(at, now_s, {"grid": Reading((building_a + drawn,) * 3, at)}, (), points, advice)


def advised(shift_s: float = 0.0, slot_s: float = 900.0, **points: PointAdvice) -> Advice:
    begins = START + timedelta(seconds=shift_s)
    return Advice(begins, begins, slot_s, points)


def due_a(state: PointState, fuse_a: float = 40.0) -> float:
    return float(decide(site(fuse_a), None, picture({"P0": state})).basis.facts.target_a[0, 0])


def plan(points: dict[str, PointState], advice: Advice | None = None, **options: float) -> Plan:
    return decide(site(**options), None, picture(points, advice=advice)).plan  # type: ignore[arg-type]


def targets(points: dict[str, PointState], advice: Advice | None = None) -> list[float]:
    """Where the limits belong, before pacing [A]."""
    targets: list[float] = decide(site(), None, picture(points, advice=advice)).basis.division.target_a[0].tolist()
    return targets


def limits(plan: Plan) -> dict[str, float]:
    return {name: setpoint.limit_a for name, setpoint in plan.setpoints.items()}


def test_what_is_due_is_the_mean_current_over_the_time_that_is_left():
    assert due_a(leaving()) == pytest.approx(12.0 * 1.05)
    assert due_a(leaving(in_h=2.0)) == pytest.approx(6.0 * 1.05)


@pytest.mark.parametrize(
    "state",
    [car(), car(energy_needed_wh=5000), car(departs_at=START + timedelta(hours=1)), leaving(need_wh=0)],
    ids=["nothing said", "no departure", "no energy", "all received"],
)
def test_nothing_is_due_to_who_has_not_said_both_or_has_it(state: PointState):
    assert due_a(state) == 0.0


@pytest.mark.parametrize("in_h", [0.0, -3.0, 1 / 3600])
def test_a_departure_that_is_over_is_as_much_as_possible_and_no_more(in_h: float):
    assert due_a(leaving(in_h=in_h)) == 32.0


def test_a_contradicting_wish_takes_everything_but_the_minimum_of_who_is_running():
    """40 A less the building's 20 A, and 0.2 A for noise."""
    impossible = {"need_wh": 60_000, "in_h": 1 / 6}
    assert targets({"P0": leaving(9.9, **impossible), "P1": car(9.9)}) == pytest.approx([13.8, 6.0])
    assert targets({"P0": leaving(9.9, **impossible), "P1": car()}) == pytest.approx([19.8, 0.0]), "who is not, waits"


def test_who_leaves_comes_before_comfort():
    assert limits(plan({"P0": car(), "P1": leaving()})) == {"P0": 6.6, "P1": 13.2}, "12.6 A, and half of what is left"
    assert limits(plan({"P0": car(), "P1": car()})) == {"P0": 9.9, "P1": 9.9}


def test_a_need_below_the_minimum_changes_nothing_in_the_order():
    assert limits(plan({"P0": car(), "P1": leaving(need_wh=500)})) == {"P0": 9.9, "P1": 9.9}


def test_where_there_is_room_for_one_it_is_the_one_who_leaves():
    given = plan({"P0": car(), "P1": leaving()}, fuse_a=28.0)
    assert limits(given) == {"P0": 0.0, "P1": 7.8}


def test_a_cap_says_why():
    advice = advised(P0=PointAdvice((0.0,), (8.0,)), P1=PointAdvice((0.0,), (7.0,), "peak"))
    given = plan({"P0": car(), "P1": car()}, advice, fuse_a=63.0)
    assert {name: (s.limit_a, s.because) for name, s in given.setpoints.items()} == {
        "P0": (8.0, "plan:price"),
        "P1": (7.0, "plan:peak"),
    }


def test_a_cap_below_the_minimum_lets_nobody_begin():
    given = plan({"P0": car()}, advised(P0=PointAdvice((0.0,), (5.0,))))
    assert (given.setpoints["P0"].limit_a, given.setpoints["P0"].because) == (0.0, "plan:price")


def test_a_cap_above_what_is_free_changes_nothing():
    advice = advised(P0=PointAdvice((0.0,), (1e9,)))
    assert plan({"P0": car(), "P1": car()}, advice) == plan({"P0": car(), "P1": car()})


def test_the_plans_target_stands_in_place_of_the_mean():
    advice = advised(P0=PointAdvice((9.0,), (None,)))
    facts = decide(site(), None, picture({"P0": leaving(), "P1": leaving()}, advice=advice)).basis.facts
    assert facts.target_a[0].tolist() == pytest.approx([9.0, 12.6])


def test_a_target_beyond_every_fuse_is_cut_to_what_there_is():
    advice = advised(P0=PointAdvice((1e9,), (None,)))
    assert targets({"P0": car(9.9), "P1": car(9.9)}, advice) == pytest.approx([13.8, 6.0])


@pytest.mark.parametrize("shift_s", [-900.0, 1.0], ids=["over", "not begun"])
def test_advice_out_of_its_time_is_ignored(shift_s: float):
    advice = advised(shift_s, P0=PointAdvice((20.0,), (0.0,)))
    assert plan({"P0": car(), "P1": car()}, advice) == plan({"P0": car(), "P1": car()})


def test_advice_for_a_point_that_does_not_exist_is_ignored():
    advice = advised(P9=PointAdvice((20.0,), (0.0,)))
    assert plan({"P0": car(), "P1": car()}, advice) == plan({"P0": car(), "P1": car()})


def test_who_leaves_within_a_slot_is_not_held_back_by_the_plan():
    advice = advised(P0=PointAdvice((0.0,), (0.0,)))
    leaves_in_time, leaves_at_once = leaving(need_wh=500, in_h=0.26), leaving(need_wh=500, in_h=0.24)
    assert targets({"P0": leaves_in_time}, advice)[0] == 0.0
    assert targets({"P0": leaves_at_once}, advice)[0] == targets({"P0": leaves_at_once})[0] > 0.0


def test_in_the_last_slot_of_a_plan_what_is_needed_comes_before_comfort():
    points = {"P0": car(), "P1": leaving(need_wh=500, in_h=0.24)}
    advice = advised(P1=PointAdvice((0.0,), (0.0,)))
    assert limits(plan(points, advice, fuse_a=30.0))["P1"] >= 6.0
    assert limits(plan(points, fuse_a=30.0))["P0"] >= 6.0


def test_each_slot_has_its_own_cap():
    advice = advised(slot_s=60.0, P0=PointAdvice((0.0, 0.0), (8.0, None)))
    first = decide(site(63.0), None, picture({"P0": car()}, advice=advice))
    second = decide(site(63.0), None, picture({"P0": car()}, advice=advice, now_s=60.0))
    assert first.plan.setpoints["P0"].limit_a == 8.0
    assert second.plan.setpoints["P0"].limit_a == 32.0


def test_a_cap_leaves_a_running_car_its_minimum_until_its_turn_is_over():
    one = Site("turn", site().circuits, site().points, control=Control(dwell_s=60.0))
    memory: Memory | None = decide(one, None, picture({"P0": car()})).memory
    advice = advised(P0=PointAdvice((0.0,), (0.0,)))
    told = {}
    for now_s in (30.0, 59.0, 61.0):
        held = told.get(30.0, 19.8) if now_s > 30.0 else 19.8
        state = car(held)
        at = START + timedelta(seconds=now_s)
        state = PointState(state.state, state.measured_a, at, held)
        decision = decide(one, memory, picture({"P0": state}, advice=advice, now_s=now_s))
        memory = decision.memory
        told[now_s] = decision.plan.setpoints["P0"].limit_a
    assert told == {30.0: 6.0, 59.0: 6.0, 61.0: 0.0}
