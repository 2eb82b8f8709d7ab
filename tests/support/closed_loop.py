"""A site in virtual time with the controller in the loop, and the words to tell a story with it.

Physics comes from ``simulations``: cars with delays, ramps and tapers, chargers that look at their limit every few
seconds. Messages arrive at once unless a test says otherwise; chargers report every ``report_s``.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from controller.engine import Decision, Memory, decide
from controller.plan import Event, Remedy
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import Advice, ExternalLimit, PointState, Reading, Snapshot, State
from controller.units import Phases
from simulations.cars import Car, CarModel, random_car
from simulations.connectors import Connector, ConnectorModel, Status, Transaction
from simulations.temperaments import OBEDIENT, Temperament
from simulations.world import FuseBook

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


@dataclass(frozen=True)
class Need:
    """What a driver has said."""

    energy_wh: int
    """From the beginning of the session."""
    departs_s: float
    least_wh: int | None = None


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
    cured_by: dict[str, Remedy] = field(default_factory=dict)
    """The remedy that ends the deafness; without one, only the end of the transaction does."""
    chargers: dict[str, Temperament] = field(default_factory=dict)
    """Obedient unless it says otherwise here."""
    answer_s: float = 0.0
    """From a decision until a charger has accepted its limit, and that is known."""
    meter_late_s: float = 0.0
    """Age of the meter's readings when they arrive."""
    step_s: float = 0.25
    """Of the physics."""
    needs: dict[str, Need] = field(default_factory=dict)
    priority: dict[str, int] = field(default_factory=dict)
    limits: tuple[ExternalLimit, ...] = ()
    advice: Advice | None = None
    watch: Callable[[Snapshot, Decision], None] = lambda *_: None
    """Sees every decision, and what it was made from."""
    now_s: float = 0.0
    overload_as: float = 0.0
    longest_overload_s: float = 0.0
    changes: list[tuple[float, str, float, float]] = field(default_factory=list)
    """(time, point, limit before, limit after)"""
    events: list[Event] = field(default_factory=list)
    remedies: list[tuple[float, str, Remedy]] = field(default_factory=list)
    phase_a: Phases = (0.0, 0.0, 0.0)
    decision: Decision | None = None

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.memory: Memory | None = None
        self.connectors = {p.id: self._connector(p) for p in self.site.points}
        self.limit = {p.id: p.fallback_a for p in self.site.points}
        """What each charger was told last."""
        self.report: dict[str, tuple[float, Phases]] = {}
        self.books = {c.id: [FuseBook(fuse, c.fuse_curve) for fuse in c.fuse_a] for c in self.site.circuits}
        self.circuit_a = {c.id: (0.0, 0.0, 0.0) for c in self.site.circuits}
        self._phase = {p.id: self.rng.uniform(0, self.report_s) for p in self.site.points}
        self._accepted = dict(self.limit)
        self._answers: list[tuple[float, str, float]] = []
        """What chargers were told and have not confirmed: (when they will, point, limit)."""
        self._readings: deque[dict[str, Reading]] = deque()
        self._unbroken_s = 0.0
        self._root = next(c for c in self.site.circuits if c.parent is None)

    def _connector(self, point: ChargingPoint) -> Connector:
        model = ConnectorModel(max_a=point.max_a, update_s=self.rng.uniform(1, 4), noise_a=self.noise_a)
        return Connector(1, point.phases, model, self.rng, self.chargers.get(point.id, OBEDIENT))

    # the story's verbs

    def plug_in(self, *points: str, car: Car | None = None) -> None:
        for name in points or tuple(self.connectors):
            connector = self.connectors[name]
            connector.plug_in(car or random_car(self.rng))
            connector.begin(Transaction("tag", self.now_s, round(connector.register_wh), 1))

    def unplug(self, *points: str) -> None:
        for name in points:
            self._end(name)
            self.connectors[name].unplug()
            self.needs.pop(name, None)
            self.priority.pop(name, None)

    def load(self, l1: float, l2: float | None = None, l3: float | None = None) -> None:
        phases = (l1, l1 if l2 is None else l2, l1 if l3 is None else l3)
        self.building = lambda _: phases

    def after(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            for _ in range(round(1.0 / self.step_s)):
                self._physics(self.step_s)
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

    def delivered_wh(self, name: str) -> int:
        """What the session at a point has received; 0 without one."""
        connector = self.connectors[name]
        return round(connector.register_wh) - connector.transaction.start_wh if connector.transaction else 0

    @property
    def violation_as(self) -> float:
        """Overload of any fuse beyond the time to relief [A s]."""
        return sum(book.violation_as for books in self.books.values() for book in books)

    # the machinery

    def _physics(self, dt: float) -> None:
        self.now_s += dt
        for name, connector in self.connectors.items():
            if connector.transaction is not None:
                connector.step(self.now_s, dt, self._obeyed_a(name), self.site.nominal_voltage_v)
                if connector.gives_up:
                    self._end(name)
        for circuit in self.site.circuits:
            phases = list(self.building(self.now_s)) if circuit is self._root else [0.0, 0.0, 0.0]
            for point in self.site.points_below[circuit.id]:
                for phase, current in enumerate(self.connectors[point.id].grid_a):
                    phases[phase] += current
            self.circuit_a[circuit.id] = (phases[0], phases[1], phases[2])
            for book, current in zip(self.books[circuit.id], phases, strict=True):
                book.step(current, dt)
        self.phase_a = self.circuit_a[self._root.id]
        excess = max(current - fuse for current, fuse in zip(self.phase_a, self._root.fuse_a, strict=True))
        self._unbroken_s = self._unbroken_s + dt if excess > 0 else 0.0
        self.longest_overload_s = max(self.longest_overload_s, self._unbroken_s)
        self.overload_as += max(0.0, excess) * dt

    def _obeyed_a(self, name: str) -> float | None:
        if self.connectors[name].temperament.deaf:
            return None
        return self.deaf.get(name, self._accepted[name])

    def _end(self, name: str) -> None:
        """The session ends; what its charger was told for it goes with it."""
        self.connectors[name].end()
        self.limit[name] = self._accepted[name] = self.site.point[name].fallback_a
        self._answers = [answer for answer in self._answers if answer[1] != name]
        self.report.pop(name, None)

    def _decide(self) -> None:
        at = START + timedelta(seconds=self.now_s)
        for due_s, name, limit in self._answers:
            if due_s <= self.now_s:
                self._accepted[name] = limit
        self._answers = [answer for answer in self._answers if answer[0] > self.now_s]
        meters = self._read_meters(at)
        points = {name: self._state(name, at) for name in self.connectors}
        snapshot = Snapshot(at, self.now_s, meters, self.limits, points, self.advice)
        self.decision = decide(self.site, self.memory, snapshot)
        self.memory = self.decision.memory
        self.events += self.decision.plan.events
        self.watch(snapshot, self.decision)
        for name, setpoint in self.decision.plan.setpoints.items():
            if self.connectors[name].transaction is not None and abs(setpoint.limit_a - self.limit[name]) > 0.05:
                self._tell(name, setpoint.limit_a)
        for name, remedy in self.decision.plan.remedies.items():
            self._treat(name, remedy)

    def _read_meters(self, at: datetime) -> dict[str, Reading]:
        """What has arrived: of every circuit with a meter, the last reading that is old enough."""
        if self.meter_works:
            reading = {}
            for circuit in self.site.circuits:
                if circuit.meter is not None:
                    a, b, c = (current + self.rng.gauss(0, self.noise_a) for current in self.circuit_a[circuit.id])
                    reading[circuit.meter] = Reading((a, b, c), at)
            self._readings.append(reading)
        arrived = at - timedelta(seconds=self.meter_late_s)
        while len(self._readings) > 1 and next(iter(self._readings[1].values())).measured_at <= arrived:
            self._readings.popleft()
        first = self._readings[0] if self._readings else {}
        return {name: reading for name, reading in first.items() if reading.measured_at <= arrived}

    def _tell(self, name: str, limit_a: float) -> None:
        temperament = self.connectors[name].temperament
        if not self.accepts.get(name, True) or limit_a < temperament.least_limit_a:
            return
        self.changes.append((self.now_s, name, self.limit[name], limit_a))
        self.limit[name] = limit_a
        wait_s = max(self.answer_s, temperament.answer_s)
        if wait_s > 0.0:
            self._answers.append((self.now_s + wait_s, name, limit_a))
        else:
            self._accepted[name] = limit_a

    def _treat(self, name: str, remedy: Remedy) -> None:
        self.remedies.append((self.now_s, name, remedy))
        if self.cured_by.get(name) is remedy:
            self.deaf.pop(name, None)
            if remedy is Remedy.STOP:
                self._end(name)

    def _state(self, name: str, at: datetime) -> PointState:
        connector = self.connectors[name]
        temperament = connector.temperament
        if self.now_s >= self._phase[name] and not self.silent:
            self._phase[name] += self.report_s if temperament.report_s is None else temperament.report_s
            own = connector.measured_a()
            grid = [0.0, 0.0, 0.0]
            for phase, current in zip(connector.wiring, own, strict=True):
                grid[phase] = current
            self.report[name] = (self.now_s, (grid[0], grid[1], grid[2]))
        if connector.transaction is None:
            return PointState(State.AVAILABLE if connector.car is None else State.OCCUPIED)
        report, need = self.report.get(name), self.needs.get(name)
        delivered_wh = self.delivered_wh(name)
        return PointState(
            state=STATES.get(connector.status, State.PLUGGED),
            measured_a=report[1] if report else None,
            measured_at=at - timedelta(seconds=self.now_s - report[0]) if report else None,
            commanded_a=max(self._accepted[name], *(a for _, point, a in self._answers if point == name), 0.0),
            energy_needed_wh=None if need is None else max(0, need.energy_wh - delivered_wh),
            least_needed_wh=None if need is None or need.least_wh is None else max(0, need.least_wh - delivered_wh),
            departs_at=None if need is None else START + timedelta(seconds=need.departs_s),
            priority=self.priority.get(name),
            delivered_wh=delivered_wh,
            pausable=temperament.least_limit_a <= 0.0 and not temperament.ends_at_zero,
        )


def hungry_car(*, phases: int = 3, max_a: float = 32.0, reaction_s: float = 2.0, min_a: float = 6.0) -> Car:
    """A car that is far from full for as long as any test lasts."""
    model = CarModel(capacity_wh=500_000.0, max_a=max_a, phases=phases, reaction_s=reaction_s, min_a=min_a)
    return Car(model, soc=0.05)
