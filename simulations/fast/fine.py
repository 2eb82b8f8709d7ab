"""The fine fast depth: the core against simulated ports on a virtual clock, in the object world of the wire depth.

What the service does is done by the service's own pure parts; what its wires, sockets and sleeps do is simulated:
requests and answers take their time, connections end, meters are late and noisy.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

import numpy as np

from adapters.ocpp.limits import permanent
from adapters.ocpp.phrases import Purpose
from adapters.ocpp.phrases16 import charging_profile
from controller.engine import Decision, Memory
from controller.site import ChargingPoint
from controller.snapshot import Snapshot
from controller.units import Phases
from simulations.building import AdjustableBuilding
from simulations.clock import Action, VirtualClock
from simulations.drivers import PRICE_LOOK_S, car_of, highest_w, waits
from simulations.equipment import LEAD_S, meter_error_a, world_of
from simulations.fast.fine_charger import FineCharger
from simulations.fast.fine_meter import METER_FAULTS, FineMeter
from simulations.fast.fine_recorder import Recorder, Stay, is_invalid
from simulations.fast.fine_service import DecisionSink, FineService
from simulations.results import Results, SessionResult
from simulations.scenario.model import Scenario, TimedFault
from simulations.visits import Visit

WORLD_STEP_S: Final = 0.5
"""The world moves at least so often [s]."""


def run_fine(
    scenario: Scenario,
    *,
    progress: Callable[[float], None] | None = None,
    on_decision: DecisionSink | None = None,
) -> Results:
    """Run a scenario in short steps; the same scenario gives the same results, byte for byte.

    Args:
        scenario: with a ``step_s`` of at most 5 s. The loop turns every second, as the service's does, and at most
            once in ``step_s``; the world moves every ``WORLD_STEP_S``, or every ``step_s`` where that is less.
        progress: told the part that is done, from 0 to 1, now and then.
        on_decision: told every decision with what it saw and remembered; ``RecordingFile.decided`` records it.

    Raises:
        KeyError: a fault or a temperament that does not exist.
    """
    return _Run(scenario, on_decision).results(progress)


class _Run:
    def __init__(self, scenario: Scenario, on_decision: DecisionSink | None) -> None:
        self._scenario = scenario
        self._on_decision = on_decision
        self._clock = VirtualClock(scenario.start_s, -LEAD_S)
        self._world = world_of(scenario)
        self._building = AdjustableBuilding(self._world.building)
        self._world.building = self._building
        self._world.open(scenario.start_s)
        self._recorder = Recorder(scenario, self._world)
        self._chargers = {
            identity: FineCharger(station, self._clock, scenario.start_s)
            for identity, station in self._world.stations.items()
        }
        self._meters = self._wired_meters()
        self._visits: dict[str, Visit] = {}
        """Who stands at each point."""
        self._stays: dict[str, Stay] = {}
        self._here: dict[str, Stay] = {}
        self._service = FineService(scenario, self._clock, self._chargers, self._meters, self._visits, self._decided)
        self._invalid = 0

    def results(self, progress: Callable[[float], None] | None) -> Results:
        """Live through the scenario."""
        scenario, world = self._scenario, self._world
        self._commission()
        self._service.start()
        for point in scenario.site.points:
            self._expect(iter([visit for visit in scenario.visits if visit.point == point.id]))
        for fault in scenario.faults:
            begin, end = self._acts(fault)
            self._clock.at(fault.begins_s, begin)
            self._clock.at(fault.ends_s, end)
        steps = max(1, round(scenario.duration_s / min(WORLD_STEP_S, scenario.step_s)))
        dt = scenario.duration_s / steps
        for step in range(1, steps + 1):
            time_s = step * dt
            self._clock.run_until(time_s)
            world.step(scenario.start_s + time_s, dt)
            self._observe(time_s, dt)
            if progress is not None and step * 100 // steps != (step - 1) * 100 // steps:
                progress(step / steps)
        return Results(
            scenario=scenario,
            policy="loadstar",
            series=self._recorder.series(),
            sessions=tuple(self._result(visit) for visit in scenario.visits),
            truth=world.truth(),
            invalid_setpoints=self._invalid,
            events=tuple(self._service.events),
            windows=tuple(one for one in self._service.windows if one.window.begins_at.timestamp() >= scenario.start_s),
            violations=world.violations_as(),
        )

    # -- equipment ----------------------------------------------------------------------------------------------

    def _wired_meters(self) -> list[FineMeter]:
        """A meter for each name that a circuit gives to one, in the first circuit that names it."""
        scenario, world = self._scenario, self._world
        circuits: dict[str, str] = {}
        for circuit in scenario.site.circuits:
            if circuit.meter is not None:
                circuits.setdefault(circuit.meter, circuit.id)
        fuse_a = max(max(circuit.fuse_a) for circuit in scenario.site.circuits if circuit.parent is None)

        def source(circuit: str) -> Callable[[], Phases]:
            return lambda: world.circuit_a[circuit]

        return [
            FineMeter(
                name,
                scenario.meter,
                source(circuit),
                partial(meter_error_a, scenario.seed, name, noise_a=scenario.meter.noise_a),
                self._clock,
                random.Random(f"meter-{scenario.seed}-{name}"),
                fuse_a,
                scenario.site.nominal_voltage_v,
            )
            for name, circuit in circuits.items()
        ]

    def _commission(self) -> None:
        """Every charger holds its permanent default from the day on which it was installed, if it takes it."""
        for point in self._scenario.site.points:
            profile = charging_profile(point.connector, Purpose.DEFAULT, permanent(point.fallback_a))
            self._chargers[point.station].install(point.connector, profile)

    def _observe(self, time_s: float, dt: float) -> None:
        for charger in self._chargers.values():
            charger.observe()
        self._recorder.step(time_s, dt)
        for stay in self._here.values():
            stay.step(time_s, dt)

    def _decided(self, snapshot: Snapshot, memory: Memory | None, decision: Decision) -> None:
        self._recorder.decided(snapshot.points, decision.plan)
        site = self._scenario.site
        self._invalid += sum(event.kind == "guard_intervened" for event in decision.plan.events)
        self._invalid += sum(is_invalid(site.point[name], told) for name, told in decision.plan.setpoints.items())
        if self._on_decision is not None:
            self._on_decision(snapshot, memory, decision)

    # -- people -------------------------------------------------------------------------------------------------

    def _expect(self, visits: Iterator[Visit]) -> None:
        """The next car at a point comes when it is due, and the one before it has gone."""
        visit = next(visits, None)
        if visit is not None:
            self._clock.at(visit.arrives_s, partial(self._arrive, visit, visits))

    def _arrive(self, visit: Visit, others: Iterator[Visit]) -> None:
        point = self._scenario.site.point[visit.point]
        charger = self._chargers[point.station]
        car = car_of(visit, self._scenario.start_s)
        stay = Stay(visit, car, self._world.connector(point.id))
        self._visits[point.id] = visit
        self._stays[visit.id] = self._here[point.id] = stay
        if visit.price_limit is not None:
            self._look_at_price(stay, point)
        # A charger that can ask nobody lets everybody in.
        allowed = self._service.lets_in(visit.token) or not charger.connected
        charger.plug_in(point.connector, car, visit.token, allowed=allowed)
        self._clock.at(visit.leaves_s, partial(self._leave, point, others))

    def _leave(self, point: ChargingPoint, others: Iterator[Visit]) -> None:
        self._chargers[point.station].leave(point.connector)
        del self._visits[point.id], self._here[point.id]
        self._expect(others)

    def _look_at_price(self, stay: Stay, point: ChargingPoint) -> None:
        visit, car, now_s = stay.visit, stay.car, self._clock.monotonic_s()
        if now_s >= visit.leaves_s:
            return
        full_w = highest_w(car.model, point, self._scenario.site.nominal_voltage_v)
        price = float(self._scenario.price.at(np.array([now_s]))[0])
        car.paused = waits(visit, car.drawn_wh, full_w, price, now_s)
        self._clock.at(now_s + PRICE_LOOK_S, partial(self._look_at_price, stay, point))

    def _result(self, visit: Visit) -> SessionResult:
        stay = self._stays.get(visit.id)
        return SessionResult(visit, 0.0, None, 0.0) if stay is None else stay.result()

    # -- faults -------------------------------------------------------------------------------------------------

    def _acts(self, fault: TimedFault) -> tuple[Action, Action]:
        """How a fault begins and ends."""
        if fault.kind in METER_FAULTS:
            return partial(self._fail_meters, fault.kind), partial(self._fail_meters, None)
        if fault.kind in ("charger_offline", "charger_deaf"):
            station = self._scenario.site.point[fault.point or ""].station
            act = self._reach if fault.kind == "charger_offline" else self._obey
            return partial(act, station, False), partial(act, station, True)  # noqa: FBT003
        acts: Mapping[str, tuple[Action, Action]] = {
            "building_step": (partial(self._add, fault.current_a, 1.0), partial(self._add, fault.current_a, -1.0)),
            "controller_down": (self._go_down, self._service.start),
            "back_office_away": (partial(self._cut_off, True), partial(self._cut_off, False)),  # noqa: FBT003
        }
        return acts[fault.kind]

    def _fail_meters(self, kind: str | None) -> None:
        for meter in self._meters:
            meter.fault = kind

    def _reach(self, station: str, reachable: bool) -> None:
        self._chargers[station].reachable = reachable
        if reachable:
            self._service.connect(station)
        else:
            self._service.disconnect(station)

    def _obey(self, identity: str, obeys: bool) -> None:
        self._world.stations[identity].deaf = not obeys

    def _add(self, current_a: Phases, sign: float) -> None:
        one, two, three = (was + sign * more for was, more in zip(self._building.extra_a, current_a, strict=True))
        self._building.extra_a = (one, two, three)

    def _go_down(self) -> None:
        self._service.stop()
        self._recorder.silent()

    def _cut_off(self, away: bool) -> None:
        self._service.back_office_away = away
