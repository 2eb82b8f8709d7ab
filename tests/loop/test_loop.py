"""The control loop on hand-made ports: what it hands out, and what it does when something fails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from adapters import loop as module
from adapters.loop import ControlLoop
from controller.plan import Event, Plan
from controller.ports.tick import Tick
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import Advice, PointAdvice, PointState, Reading, Snapshot, State
from tests.support.processes import WITHIN_S
from tests.support.web import HandClock

SITE = Site(
    "s",
    (
        Circuit("main", None, (40.0,) * 3, margin_a=1.0, meter="grid", base_load_a=(30.0,) * 3),
        Circuit("garage", "main", (32.0,) * 3, base_load_a=(2.0,) * 3),
    ),
    (ChargingPoint("P01", "garage", "CP01", 1),),
)


class HandMeter:
    id = "grid"

    def __init__(self) -> None:
        self.current_a: tuple[float, float, float] | None = None
        self.age_s = 0.0

    async def run(self) -> None:
        raise NotImplementedError

    def reading(self, now: datetime, monotonic_s: float) -> Reading | None:  # noqa: ARG002
        if self.current_a is None:
            return None
        return Reading(self.current_a, now - timedelta(seconds=self.age_s))


class HandPoints:
    def __init__(self) -> None:
        self.state = PointState(State.PLUGGED, commanded_a=0.0)
        self.applied: list[Plan] = []

    def states(self, now: datetime, monotonic_s: float) -> Mapping[str, PointState]:  # noqa: ARG002
        return {"P01": self.state}

    def apply(self, plan: Plan) -> None:
        self.applied.append(plan)


class Stage:
    """A loop with everything around it in reach of the test."""

    def __init__(self) -> None:
        self.meter, self.points, self.clock = HandMeter(), HandPoints(), HandClock()
        self.ticks: list[Tick] = []
        self.events: list[Event] = []
        self.loop = ControlLoop(
            site=SITE,
            clock=self.clock,
            meters=[self.meter],
            points=self.points,
            sessions=dict,
            publish=self.ticks.append,
            on_event=self.events.append,
        )


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_turn_reads_decides_hands_out_and_tells(stage: Stage) -> None:
    stage.meter.current_a = (10.0, 12.0, 8.0)
    stage.loop.turn()
    (plan,), (tick,) = stage.points.applied, stage.ticks
    assert plan.setpoints["P01"].limit_a == pytest.approx(26.8), "40 A less margin, 12 A of building and some noise"
    assert tick.plan is plan
    assert tick.circuits["main"].current_a == (10.0, 12.0, 8.0)
    assert tick.circuits["main"].headroom_a == (29.0, 27.0, 31.0)
    assert tick.circuits["main"].fresh
    assert tick.circuits["garage"].current_a == (2.0, 2.0, 2.0), "no meter of its own: what is declared"


def test_a_circuit_whose_meter_is_not_believed_is_shown_as_such(stage: Stage) -> None:
    stage.meter.current_a, stage.meter.age_s = (10.0, 10.0, 10.0), 3.0
    stage.loop.turn()
    assert not stage.ticks[0].circuits["main"].fresh
    assert stage.ticks[0].circuits["main"].background_a == (30.0, 30.0, 30.0)
    assert stage.points.applied[0].setpoints["P01"].limit_a == pytest.approx(9.0)


def test_a_decision_that_fails_is_not_handed_out_and_the_loop_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.meter.current_a = (10.0, 10.0, 10.0)
    with monkeypatch.context() as broken:
        broken.setattr(module, "decide", lambda *_: 1 / 0)
        stage.loop.turn()
        stage.loop.turn()
    assert stage.points.applied == []
    assert [event.kind for event in stage.events] == ["decision_failed"], "told once, not every second"
    stage.loop.turn()
    assert len(stage.points.applied) == 1


async def test_a_meter_that_speaks_is_answered_before_the_second_is_over(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TURN_S", 3600.0)
    monkeypatch.setattr(module, "LEAST_GAP_S", 0.0)
    stage.meter.current_a = (10.0, 10.0, 10.0)
    running = asyncio.create_task(stage.loop.run())
    try:
        await turns(stage, 1)
        stage.loop.wake()
        await turns(stage, 2)
    finally:
        running.cancel()


async def test_the_first_turn_waits_for_a_meter_but_not_for_ever(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_READINGS_S", 0.05)
    running = asyncio.create_task(stage.loop.run())
    try:
        await asyncio.sleep(0)
        assert stage.ticks == []
        await turns(stage, 1)
    finally:
        running.cancel()


async def turns(stage: Stage, count: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        while len(stage.ticks) < count:  # noqa: ASYNC110 - the loop itself is what is watched
            await asyncio.sleep(0.005)


def test_what_is_asked_and_what_is_planned_is_seen_by_the_decision_and_recorded(stage: Stage) -> None:
    stage.meter.current_a = (10.0, 10.0, 10.0)
    seen: list[Snapshot] = []
    advice = Advice(stage.clock.now(), stage.clock.now(), 900.0, {"P01": PointAdvice((0.0,), (8.0,))})
    loop = ControlLoop(
        site=SITE,
        clock=stage.clock,
        meters=[stage.meter],
        points=stage.points,
        sessions=dict,
        wished=lambda states: {name: replace(state, priority=7) for name, state in states.items()},
        advice=lambda: advice,
        publish=stage.ticks.append,
        on_event=stage.events.append,
        record=lambda snapshot, *_: seen.append(snapshot),
    )
    loop.turn()
    assert seen[0].points["P01"].priority == stage.ticks[0].points["P01"].priority == 7
    assert seen[0].advice is advice
    setpoint = stage.points.applied[0].setpoints["P01"]
    assert (setpoint.limit_a, setpoint.because) == (8.0, "plan:price")
