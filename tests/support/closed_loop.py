"""A site in virtual time with the controller in the loop, and the words to tell a story with it.

Physics comes from ``simulations``: cars with delays, ramps and tapers, chargers that look at their limit every few
seconds. Messages arrive at once unless a test says otherwise; chargers report every ``report_s``.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from controller.engine import Decision, Memory, decide
from controller.plan import Event
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import PointState, Reading, Snapshot, State
from controller.units import Phases
from simulations.cars import Car, CarModel, random_car
from simulations.connectors import Connector, ConnectorModel, Status, Transaction

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
WIRINGS_3 = [(0, 1, 2), (1, 2, 0), (2, 0, 1)]

STATES = {
    Status.CHARGING: State.CHARGING,
    Status.SUSPENDED_EV: State.EV_IDLE,
    Status.SUSPENDED_EVSE: State.WITHHELD,
}


def garage(points: int = 20, *, fuse_a: float = 63.0, single_phase: bool = False, margin_a: float = 1.0) -> Site:
    """A main fuse with a garage of ``points`` behind it, wirings rotated."""
    circuits = (
        Circuit("main", None, (fuse_a,) * 3, margin_a=margin_a, meter="grid", base_load_a=(30.0,) * 3),
        Circuit("garage", "main", (fuse_a,) * 3),
    )
    wiring = [(n % 3,) if single_phase else WIRINGS_3[n % 3] for n in range(points)]
    return Site(
        "garage", circuits, tuple(ChargingPoint(f"P{n:02d}", "garage", f"S{n}", 1, w) for n, w in enumerate(wiring))
    )


@dataclass
class ClosedLoop:
    site: Site
    seed: int = 1
    noise_a: float = 0.2
    report_s: float = 10.0
    building: Callable[[float], Phases] = lambda _: (10.0, 10.0, 10.0)
    meter_works: bool = True
    silent: bool = False
    """No charger ever sends MeterValues."""
    accepts: dict[str, bool] = field(default_factory=dict)
    """Points whose charger does not accept new limits for the moment."""
    deaf: dict[str, float] = field(default_factory=dict)
    """Points whose charger accepts every limit and goes on with this one."""
    now_s: float = 0.0
    overload_as: float = 0.0
    longest_overload_s: float = 0.0
    changes: list[tuple[float, str, float, float]] = field(default_factory=list)
    """(time, point, limit before, limit after)"""
    events: list[Event] = field(default_factory=list)
    phase_a: Phases = (0.0, 0.0, 0.0)
    decision: Decision | None = None

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.memory: Memory | None = None
        self.connectors = {p.id: self._connector(p) for p in self.site.points}
        self.limit = {p.id: p.fallback_a for p in self.site.points}
        self.report: dict[str, tuple[float, Phases]] = {}
        self._phase = {p.id: self.rng.uniform(0, self.report_s) for p in self.site.points}
        self._unbroken_s = 0.0
        self._last_reading: Reading | None = None

    def _connector(self, point: ChargingPoint) -> Connector:
        model = ConnectorModel(max_a=point.max_a, update_s=self.rng.uniform(1, 4), noise_a=self.noise_a)
        return Connector(1, point.phases, model, self.rng)

    # the story's verbs

    def plug_in(self, *points: str, car: Car | None = None) -> None:
        for name in points or tuple(self.connectors):
            connector = self.connectors[name]
            connector.plug_in(car or random_car(self.rng))
            connector.begin(Transaction("tag", self.now_s, round(connector.register_wh), 1))

    def unplug(self, *points: str) -> None:
        for name in points:
            self.connectors[name].unplug()
            self.connectors[name].transaction = None
            self.limit[name] = self.site.point[name].fallback_a
            self.report.pop(name, None)

    def load(self, l1: float, l2: float | None = None, l3: float | None = None) -> None:
        phases = (l1, l1 if l2 is None else l2, l1 if l3 is None else l3)
        self.building = lambda _: phases

    def after(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            for _ in range(4):
                self._physics(0.25)
            self._decide()

    # what to look at

    def serving(self) -> list[str]:
        return [name for name, limit in self.limit.items() if limit > 0 and self.connectors[name].transaction]

    def changes_since(self, since_s: float) -> Counter[str]:
        return Counter(point for at, point, _, _ in self.changes if at >= since_s)

    def raises_between(self, begin_s: float, end_s: float) -> list[tuple[float, str, float, float]]:
        return [c for c in self.changes if begin_s <= c[0] < end_s and c[3] > c[2]]

    def handed_out(self, phase: int) -> float:
        """The part of what is free on a phase of the grid connection that was handed out as limits."""
        main = self.site.circuits[0]
        free = main.fuse_a[phase] - main.margin_a - self.building(self.now_s)[phase]
        given = sum(
            self.limit[p.id] for p in self.site.points if phase in p.phases and self.connectors[p.id].transaction
        )
        return given / free

    # the machinery

    def _physics(self, dt: float) -> None:
        self.now_s += dt
        phases = list(self.building(self.now_s))
        for name, connector in self.connectors.items():
            connector.step(self.now_s, dt, self.deaf.get(name, self.limit[name]), self.site.nominal_voltage_v)
            for phase, current in enumerate(connector.grid_a):
                phases[phase] += current
        self.phase_a = (phases[0], phases[1], phases[2])
        excess = max(current - fuse for current, fuse in zip(phases, self.site.circuits[0].fuse_a, strict=True))
        self._unbroken_s = self._unbroken_s + dt if excess > 0 else 0.0
        self.longest_overload_s = max(self.longest_overload_s, self._unbroken_s)
        self.overload_as += max(0.0, excess) * dt

    def _decide(self) -> None:
        at = START + timedelta(seconds=self.now_s)
        noisy = [current + self.rng.gauss(0, self.noise_a) for current in self.phase_a]
        if self.meter_works:
            self._last_reading = Reading((noisy[0], noisy[1], noisy[2]), at)
        meters = {"grid": self._last_reading} if self._last_reading else {}
        points = {name: self._state(name, at) for name in self.connectors}
        self.decision = decide(self.site, self.memory, Snapshot(at, self.now_s, meters, (), points))
        self.memory = self.decision.memory
        self.events += self.decision.plan.events
        for name, setpoint in self.decision.plan.setpoints.items():
            running = self.connectors[name].transaction is not None
            if running and self.accepts.get(name, True) and abs(setpoint.limit_a - self.limit[name]) > 0.05:
                self.changes.append((self.now_s, name, self.limit[name], setpoint.limit_a))
                self.limit[name] = setpoint.limit_a

    def _state(self, name: str, at: datetime) -> PointState:
        connector = self.connectors[name]
        if self.now_s >= self._phase[name] and not self.silent:
            self._phase[name] += self.report_s
            own = connector.measured_a()
            grid = [0.0, 0.0, 0.0]
            for phase, current in zip(connector.wiring, own, strict=True):
                grid[phase] = current
            self.report[name] = (self.now_s, (grid[0], grid[1], grid[2]))
        if connector.transaction is None:
            return PointState(State.AVAILABLE)
        report = self.report.get(name)
        return PointState(
            state=STATES.get(connector.status, State.PLUGGED),
            measured_a=report[1] if report else None,
            measured_at=at - timedelta(seconds=self.now_s - report[0]) if report else None,
            commanded_a=self.limit[name],
        )


def hungry_car(*, phases: int = 3, max_a: float = 32.0, reaction_s: float = 2.0) -> Car:
    """A car that is far from full for as long as any test lasts."""
    return Car(CarModel(capacity_wh=500_000.0, max_a=max_a, phases=phases, reaction_s=reaction_s), soc=0.05)
