"""Cars that the plan has put off for the price charge with what the site would otherwise export."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from controller.engine import Memory, decide
from controller.explain import Turn, sentence
from controller.loadbalance.surplus import Surplus
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import Advice, PointAdvice, PointState, Reading, Snapshot, State

NOON = datetime(2026, 6, 2, 10, 0, tzinfo=UTC)
SITE = Site(
    "S",
    (Circuit("main", None, (100.0, 100.0, 100.0), meter="grid"),),
    tuple(ChargingPoint(f"P{n}", "main", f"CP{n}", 1) for n in range(1, 4)),
)
W_PER_A = 690.0


def advice(*caps_a: float | None, because: str = "price") -> Advice:
    points = {f"P{n}": PointAdvice((0.0,), (cap,), because) for n, cap in enumerate(caps_a, 1)}
    return Advice(NOON, NOON, 86_400.0, points)


class Roof:
    """A site with a plant on its roof, whose cars draw what their caps allow at once."""

    def __init__(self, told: Advice, late_s: int = 0) -> None:
        """``late_s``: so much later than it is believed do cars follow their caps."""
        self.told, self.surplus, self.now_s = told, Surplus(SITE), 0.0
        self.flows_w = deque([0.0] * (late_s + 1), maxlen=late_s + 1)
        self.states = {name: PointState(State.WITHHELD) for name in told.points}
        self.drawn_w = dict.fromkeys(told.points, 0.0)
        self.exported_w: list[float] = []
        self.told_caps: list[list[float | None]] = []

    def caps(self) -> list[float | None]:
        return [one.cap_a[0] for one in self.lifted().points.values()]

    def lifted(self) -> Advice:
        return self.surplus.lifted(self.told, NOON + timedelta(seconds=self.now_s))

    def run(self, seconds: float, sun_w: float, *, metered: bool = True) -> list[float | None]:
        """What the caps are in the end, with so much sun beyond what the building takes."""
        for _ in range(round(seconds)):
            caps = self.caps()
            self.drawn_w = {name: W_PER_A * (cap or 0.0) for name, cap in zip(self.told.points, caps, strict=True)}
            self.flows_w.append(sum(self.drawn_w.values()))
            power_w = self.flows_w[0] - sun_w
            self.told_caps.append(caps)
            self.exported_w.append(-power_w)
            self.surplus.see(self.now_s, power_w if metered else None, self.drawn_w, self.states)
            self.now_s += 1.0
        return self.caps()


def test_what_is_exported_for_a_minute_lifts_the_cap_and_no_more_than_that() -> None:
    roof = Roof(advice(0.0))
    assert roof.run(59, 8_000.0) == [0.0]
    assert roof.run(3, 8_000.0) == [11.0], "8 kW are 11.6 A"
    assert roof.run(600, 8_000.0) == [11.0], "what it draws itself is not taken for a smaller surplus"
    assert all(0.0 <= exported_w < W_PER_A for exported_w in roof.exported_w[70:])


def test_less_than_a_minimum_is_no_surplus() -> None:
    assert Roof(advice(0.0)).run(300, 6 * W_PER_A - 10.0) == [0.0]
    assert Roof(advice(0.0)).run(300, 6 * W_PER_A + 10.0) == [6.0]
    assert Roof(advice(8.0)).run(300, 9 * W_PER_A + 10.0) == [9.0], "one that charges slowly is given the little more"


def test_a_short_sun_lifts_nothing_and_a_cloud_lowers_soon() -> None:
    roof = Roof(advice(0.0))
    for _ in range(5):
        roof.run(50, 8_000.0)
        assert roof.run(10, 1_000.0) == [0.0]
    assert roof.run(70, 8_000.0) == [11.0]
    assert roof.run(7, 5_000.0) == [7.0], "once the car has followed the change before"
    assert roof.run(50, 8_000.0) == [7.0]
    assert roof.run(30, 8_000.0) == [11.0]


@pytest.mark.parametrize("late_s", [3, 10])
def test_cars_that_follow_late_are_not_hunted(late_s: int) -> None:
    roof = Roof(advice(0.0, 0.0), late_s)
    roof.run(200, 12_000.0)
    roof.run(200, 9_000.0)
    roof.run(400, 12_000.0)
    changes = [after for before, after in pairwise(roof.told_caps) if before != after]
    assert changes == [[17.0, 0.0], [13.0, 0.0], [17.0, 0.0]]


def test_who_charges_with_it_keeps_it() -> None:
    roof = Roof(advice(0.0, 0.0, 0.0))
    roof.states["P1"] = PointState(State.EV_IDLE)
    assert roof.run(70, 5_000.0) == [0.0, 7.0, 0.0], "one that asks for nothing gets nothing"
    roof.states["P1"] = PointState(State.WITHHELD)
    assert roof.run(70, 5_000.0) == [0.0, 7.0, 0.0]
    assert roof.run(70, 30_000.0) == [11.0, 32.0, 0.0]
    roof.states["P2"] = PointState(State.WITHHELD, max_a=16.0)
    assert roof.run(70, 30_000.0) == [27.0, 16.0, 0.0]


@pytest.mark.parametrize("told", [advice(0.0, because="peak"), advice(None), advice()], ids=["peak", "free", "nobody"])
def test_only_what_is_put_off_for_the_price_is_lifted(told: Advice) -> None:
    roof = Roof(told)
    roof.run(70, 20_000.0)
    assert roof.lifted() == told


def test_a_silent_meter_ends_it() -> None:
    roof = Roof(advice(0.0))
    assert roof.run(70, 8_000.0) == [11.0]
    assert roof.run(1, 8_000.0, metered=False) == [0.0]
    assert roof.run(59, 8_000.0) == [0.0]
    roof.run(3, 8_000.0)
    roof.now_s += 30.0
    assert roof.run(1, 8_000.0) == [0.0], "nobody looked for half a minute"


def test_advice_that_has_run_out_is_left_as_it_is() -> None:
    roof = Roof(replace(advice(0.0), slot_s=30.0))
    roof.run(70, 8_000.0)
    assert roof.lifted() == roof.told


def test_the_car_charges_and_says_with_what() -> None:
    memory: Memory | None = None
    surplus, told, limit_a = Surplus(SITE), advice(0.0), 0.0
    for second in range(120):
        at = NOON + timedelta(seconds=second)
        drawn_a = (limit_a,) * 3
        state = PointState(State.CHARGING if limit_a else State.WITHHELD, drawn_a, at, limit_a)
        grid_a = limit_a - 12.0
        points = {"P1": state}
        reading = Reading((grid_a,) * 3, at)
        snapshot = Snapshot(at, float(second), {"grid": reading}, (), points, surplus.lifted(told, at))
        before = memory
        decision = decide(SITE, memory, snapshot)
        memory, limit_a = decision.memory, decision.plan.setpoints["P1"].limit_a
        drawn_w = {name: 230.0 * sum(phases) for name, phases in decision.draw_a.items()}
        surplus.see(float(second), 690.0 * grid_a, drawn_w, points)
        if second < 58:
            assert decision.plan.setpoints["P1"].because == "plan:price"
    setpoint = decision.plan.setpoints["P1"]
    assert (setpoint.limit_a, setpoint.because) == (12.0, "plan:surplus")
    said = sentence(SITE, Turn(before, snapshot, decision), "P1")
    assert said == "P1 charges at 12.0 A, with what the site would otherwise export."
