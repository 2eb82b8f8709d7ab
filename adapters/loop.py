"""The control loop: picture the site, decide, hand out, tell; every second, and at once when a meter has spoken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from time import perf_counter
from typing import Final

import structlog

from controller.engine import Decision, Memory, decide
from controller.explain import Turn
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.ports.devices import ChargingPoints, Meter
from controller.ports.ledger import SessionRecord
from controller.ports.tick import CircuitState, Tick
from controller.site import Circuit, Site
from controller.snapshot import Advice, ExternalLimit, PointState, Reading, Snapshot, StationLimit

TURN_S: Final = 1.0
LEAST_GAP_S: Final = 0.25
"""Several meters may speak at nearly the same time: one turn serves them all."""
FIRST_READINGS_S: Final = 3.0
"""As long as a last reading would be held: a meter that can be read is read by then, also on a machine that is busy
starting. Chargers hold what they were told before anyway."""
STALLED_S: Final = 3.0
"""A loop this late has broken the promise of three seconds from overload to command, and must say so."""

RecordSink = Callable[[Snapshot, Memory | None, Decision | None], None]
"""Takes a snapshot, what was remembered, and the decision; None where it failed."""

Wished = Callable[[Mapping[str, PointState]], Mapping[str, PointState]]

log = structlog.get_logger(__name__)


class ControlLoop:
    """Runs ``controller.engine.decide`` on the real world.

    Args:
        site: the site.
        clock: time.
        meters: every meter; whoever reads them calls ``wake`` when there is something new.
        points: the charging points.
        sessions: running sessions by point, for those who watch.
        wished: adds to the points' states what is asked for their sessions; it must neither block nor raise.
        limits: what others limit power to at a moment; it must neither block nor raise.
        advice: the newest plan of the coming hours, where there is one; it must neither block nor raise.
        publish: receives every turn's ``Tick``.
        on_event: receives what the decisions say, and what goes wrong here.
        record: receives every decision with all that it was made from; it must neither block nor raise.
    """

    def __init__(
        self,
        *,
        site: Site,
        clock: Clock,
        meters: Sequence[Meter],
        points: ChargingPoints,
        sessions: Callable[[], Mapping[str, SessionRecord]],
        publish: Callable[[Tick], None],
        on_event: EventSink,
        wished: Wished = lambda states: states,
        limits: Callable[[datetime], tuple[ExternalLimit, ...]] = lambda _at: (),
        advice: Callable[[], Advice | None] = lambda: None,
        stations: Callable[[], tuple[StationLimit, ...]] = lambda: (),
        record: RecordSink | None = None,
    ) -> None:
        self._site, self._clock, self._meters, self._points = site, clock, meters, points
        self._sessions, self._publish, self._on_event = sessions, publish, on_event
        self._wished, self._limits, self._advice, self._stations = wished, limits, advice, stations
        self._record = record
        self._memory: Memory | None = None
        self._news = asyncio.Event()
        self._failing = False

    def wake(self) -> None:
        """Take the next turn now instead of at the end of the second."""
        self._news.set()

    async def run(self) -> None:
        """Turn until cancelled."""
        await self._first_readings()
        before = self._clock.monotonic_s()
        while True:
            self._news.clear()
            self.turn()
            started, before = before, self._clock.monotonic_s()
            if before - started > STALLED_S:
                text = f"{before - started:.1f} s between two turns of the control loop"
                self._on_event(Event("loop_stalled", "service", text, Severity.ALARM, self._clock.now()))
            await asyncio.sleep(LEAST_GAP_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(TURN_S - LEAST_GAP_S):
                    await self._news.wait()

    async def _first_readings(self) -> None:
        """Let every meter speak before the first turn: for want of a reading, cars that charge would be interrupted."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_READINGS_S):
                while any(m.reading(self._clock.now(), self._clock.monotonic_s()) is None for m in self._meters):
                    self._news.clear()
                    await self._news.wait()

    def turn(self) -> None:
        """Decide once. A failed decision is not handed out: the chargers' own schedules then make the site safe."""
        try:
            self._publish(self._decide())
            self._failing = False
        except Exception:
            log.exception("decision_failed")
            self._memory = None
            if not self._failing:
                self._failing = True
                text = "the controller could not decide; chargers keep their last limits until these run out"
                self._on_event(Event("decision_failed", "service", text, Severity.ALARM, self._clock.now()))

    def _decide(self) -> Tick:
        now, monotonic_s = self._clock.now(), self._clock.monotonic_s()
        readings = {meter.id: reading for meter in self._meters if (reading := meter.reading(now, monotonic_s))}
        points = self._wished(self._points.states(now, monotonic_s))
        limits, advice, stations = self._limits(now), self._advice(), self._stations()
        snapshot = Snapshot(now, monotonic_s, readings, limits, points, advice, stations)
        began = perf_counter()
        decision = self._decided(snapshot)
        took = perf_counter() - began
        turn = Turn(self._memory, snapshot, decision)
        self._memory = decision.memory
        self._points.apply(decision.plan)
        for event in decision.plan.events:
            self._on_event(replace(event, at=now))
        return Tick(
            at=now,
            plan=decision.plan,
            meters=readings,
            points=snapshot.points,
            circuits={c.id: circuit_state(self._site, c, snapshot, decision) for c in self._site.circuits},
            sessions=self._sessions(),
            decide_s=took,
            turn=turn,
        )

    def _decided(self, snapshot: Snapshot) -> Decision:
        decision = None
        try:
            decision = decide(self._site, self._memory, snapshot)
            return decision
        finally:  # what it failed on is worth most
            if self._record is not None:
                self._record(snapshot, self._memory, decision)


def circuit_state(site: Site, circuit: Circuit, snapshot: Snapshot, decision: Decision) -> CircuitState:
    """What is known of one circuit at this turn."""
    background = decision.background_a[circuit.id]
    warmth = decision.memory.warmth.state[site.circuits.index(circuit)].tolist()
    reading = _believed(site, circuit, snapshot)
    draws = [decision.draw_a[p.id] for p in site.points_below[circuit.id]]
    estimated = [sum(phase) for phase in zip(background, *draws, strict=True)]
    said = reading.current_a if reading is not None else (None, None, None)
    one, two, three = (guess if value is None else value for value, guess in zip(said, estimated, strict=True))
    room = [f - circuit.margin_a - c for f, c in zip(circuit.fuse_a, (one, two, three), strict=True)]
    return CircuitState(
        current_a=(one, two, three),
        background_a=background,
        headroom_a=(room[0], room[1], room[2]),
        fresh=circuit.meter is None or reading is not None,
        warmth=(warmth[0], warmth[1], warmth[2]),
    )


def _believed(site: Site, circuit: Circuit, snapshot: Snapshot) -> Reading | None:
    reading = snapshot.meters.get(circuit.meter) if circuit.meter is not None else None
    if reading is None or (snapshot.at - reading.measured_at).total_seconds() >= site.control.hold_s:
        return None
    return reading
