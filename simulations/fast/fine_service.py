"""The service in virtual time: the same decision on the same pictures, handed out by the same rules."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from adapters.loop import FIRST_READINGS_S, LEAST_GAP_S, TURN_S
from adapters.ocpp.meter_values import Measured
from adapters.ocpp.progress import Progress
from adapters.ocpp.station import Station
from adapters.ocpp.surroundings import Premises
from adapters.ocpp.transaction import Transaction
from controller.engine import Decision, Memory, decide
from controller.hub_satellite.connector import Status
from controller.loadbalance.horizon.history import Stay
from controller.peak import Peak
from controller.peakshave.filling import HOLD_S
from controller.peakshave.peak_facts import ClosedWindow
from controller.peakshave.windows import Filling
from controller.plan import Event, Plan
from controller.ports.measurements import HeldLimit, MeterSample
from controller.ports.transactions import RunningSession
from controller.snapshot import Advice, ExternalLimit, PointState, Snapshot
from simulations import connectors
from simulations.clock import VirtualClock
from simulations.drivers import needs_back_office
from simulations.fast.fine_charger import FineCharger
from simulations.fast.fine_line import Line
from simulations.fast.fine_meter import FineMeter
from simulations.fast.fine_planning import FinePlanning
from simulations.fast.moment import in_force
from simulations.fast.shaving import peak_terms
from simulations.scenario.model import Scenario
from simulations.visits import Visit

REDIAL_S: Final = 8.0
"""Within this time chargers find a service that was away."""
_LATER_S: Final = 0.001
"""A reading that comes in time is not overtaken by the turn that does without it."""

DecisionSink = Callable[[Snapshot, Memory | None, Decision], None]
"""Takes what a decision saw, what it remembered, and the decision."""


class FineService:
    """The service of a scenario's site; fulfils ``fine_charger.Hub``.

    Args:
        scenario: its site, limits, steps and seed.
        clock: virtual time.
        equipment: the site's chargers by identity.
        meters: the site's meters.
        visits: who stands at each point, for what drivers have stated.
        on_decision: told every decision, with what it saw and remembered.
    """

    def __init__(
        self,
        scenario: Scenario,
        clock: VirtualClock,
        equipment: Mapping[str, FineCharger],
        meters: Sequence[FineMeter],
        visits: Mapping[str, Visit],
        on_decision: DecisionSink,
    ) -> None:
        self.events: list[Event] = []
        self.back_office_away = False
        self._scenario, self._site, self._clock = scenario, scenario.site, clock
        self._equipment, self._meters, self._visits = equipment, meters, visits
        self._on_decision = on_decision
        self._slower_s = max(0.0, scenario.step_s - TURN_S)
        self._premises = Premises(self._site, clock, self.events.append)
        self._stations: dict[str, Station] = {}
        self._lines: dict[str, Line] = {}
        self._memory: Memory | None = None
        self._last_s, self._next_s, self._turn = 0.0, 0.0, 0
        self._zone = ZoneInfo(self._site.time_zone)
        self._planning: FinePlanning | None = None
        self._peak: Peak | None = None
        self._filling: Mapping[str, Any] | None = None
        self.windows: list[ClosedWindow] = []
        """The demand windows that have ended: on record, as is the running one."""
        self._sessions: dict[tuple[str, int], RunningSession] = {}
        """The ledger: what outlives a restart."""
        self._stays: dict[str, list[Stay]] = defaultdict(list)
        self._held: dict[str, HeldLimit] = {}
        self._samples: dict[str, MeterSample] = {}
        self._transactions = 0

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return bool(self._stations)

    def lets_in(self, token: str) -> bool:
        """Whether a token may charge."""
        return not (self.back_office_away and needs_back_office(token))

    def start(self) -> None:
        """Begin without a memory, but with the ledger; the chargers find it by themselves."""
        if self.running:
            return
        restarted = self._clock.monotonic_s() > 0.0
        identities = dict.fromkeys(point.station for point in self._site.points)
        self._stations = {identity: Station(identity, self._premises) for identity in identities}
        for session in self._sessions.values():
            point = session.point or ""
            held, measured = self._held.get(point), self._samples.get(point)
            self._stations[session.station].resume(session, held, measured, authorised=True)
        self._memory = None
        if (terms := peak_terms(self._scenario)) is not None:
            stored = None if self._filling is None else Filling.from_dict(self._filling)
            hold_s = HOLD_S + self._slower_s
            self._peak = Peak(self._site, terms, self.windows, stored, hold_s)
        self._planning = FinePlanning(self._scenario, self._scenario.plan, self._peak) if self._scenario.plan else None
        for meter in self._meters:
            meter.listen(self.events.append, self._wake)
        for identity in identities:
            dice = random.Random(f"redial-{self._scenario.seed}-{identity}")
            wait_s = dice.uniform(0.0, REDIAL_S) if restarted else 0.0
            self._clock.at(self._clock.monotonic_s() + wait_s, partial(self.connect, identity))
        self._last_s = self._clock.monotonic_s()
        self._turn_at(self._last_s + FIRST_READINGS_S)

    def stop(self) -> None:
        """Be away: nobody decides, renews or listens."""
        for identity, line in self._lines.items():
            line.close()
            self._equipment[identity].disconnect()
        for meter in self._meters:
            meter.leave()
        self._stations, self._lines = {}, {}
        self._turn += 1

    def connect(self, identity: str) -> None:
        """A charger has found the service, and starts anew in it."""
        charger = self._equipment[identity]
        if not self.running or not charger.reachable or identity in self._lines:
            return
        station = self._stations[identity]
        line = self._lines[identity] = Line(station, charger, self._clock, self._held)
        station.connected(line)
        station.booted()
        charger.connect(self)
        line.wake()

    def disconnect(self, identity: str) -> None:
        """A charger's connection ends."""
        line = self._lines.pop(identity, None)
        if line is not None:
            line.close()
            self._stations[identity].disconnected(line)
        self._equipment[identity].disconnect()

    # -- what chargers say --------------------------------------------------------------------------------------

    def started(self, station: str, number: int, transaction: connectors.Transaction) -> None:
        """Record a transaction and give it its id."""
        self._transactions += 1
        transaction.id = self._transactions
        connector = self._stations[station].connectors[number]
        session = f"S{transaction.id}"
        opened = Transaction(str(transaction.id), session, transaction.start_wh, self.lets_in(transaction.tag))
        self._sessions[station, number] = RunningSession(
            id=session,
            station=station,
            connector=number,
            point=connector.point.id,
            transaction_id=str(transaction.id),
            token=transaction.tag,
            started_at=self._clock.now(),
            start_wh=transaction.start_wh,
            last_wh=None,
        )
        self._stations[station].begin(connector, opened)
        self._lines[station].wake()

    def stopped(self, station: str, transaction: connectors.Transaction) -> None:
        """Close a transaction."""
        for place, session in list(self._sessions.items()):
            if session.station == station and session.transaction_id == str(transaction.id):
                del self._sessions[place]
                self._keep(session)
        if transaction.id is not None:
            self._stations[station].end(str(transaction.id))

    def _keep(self, session: RunningSession) -> None:
        """Remember a session that has ended, as far as a charger has told its energy."""
        point = session.point or ""
        sample = self._samples.get(point)
        if sample is not None and sample.register_wh is not None:
            began, ended = session.started_at.astimezone(self._zone), self._clock.now().astimezone(self._zone)
            self._stays[point].append(Stay(began, ended, float(max(0, sample.register_wh - session.start_wh))))

    def status(self, station: str, number: int, status: connectors.Status, told_at: datetime) -> None:
        """Take a charger's word on a connector."""
        self._stations[station].clock.hear(told_at)
        self._stations[station].connectors[number].report(Status(status.value), self._clock.monotonic_s())

    def measured(self, station: str, number: int, measured: Measured) -> None:
        """Take a measurement."""
        connector = self._stations[station].connectors[number]
        connector.measure(measured, self._clock.monotonic_s())
        self._stations[station].clock.hear(measured.at)
        point = connector.point.id
        self._samples[point] = MeterSample(point, self._clock.now(), measured.current_a, None, measured.register_wh)

    # -- the loop -----------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        """A meter has spoken: take the next turn now, unless the last was a moment ago."""
        due_s = max(self._clock.monotonic_s(), self._last_s + LEAST_GAP_S + self._slower_s)
        if due_s < self._next_s:
            self._turn_at(due_s)

    def _turn_at(self, time_s: float) -> None:
        self._next_s = time_s
        self._turn += 1
        self._clock.at(time_s, partial(self._decide, self._turn))

    def _decide(self, turn: int) -> None:
        """Turn once, as ``adapters.loop.ControlLoop`` does, unless another turn was called for instead."""
        if turn != self._turn:
            return
        self._last_s = self._clock.monotonic_s()
        snapshot = self._snapshot()
        decision = decide(self._site, self._memory, snapshot)
        memory, self._memory = self._memory, decision.memory
        self._apply(decision.plan)
        self.events.extend(replace(event, at=snapshot.at) for event in decision.plan.events)
        self._on_decision(snapshot, memory, decision)
        if self._peak is not None:
            self.windows += self._peak.see(snapshot, decision)
            self._filling = None if self._peak.filling is None else self._peak.filling.to_dict()
        if self._planning is not None:
            running = {session.point: session for session in self._sessions.values() if session.point is not None}
            self._planning.decided(snapshot, decision, running, self._stays)
        self._turn_at(self._last_s + TURN_S + self._slower_s + _LATER_S)

    def _snapshot(self) -> Snapshot:
        now, now_s = self._clock.now(), self._clock.monotonic_s()
        points: dict[str, PointState] = {}
        for station in self._stations.values():
            points |= station.states(now, now_s)
        for point, visit in self._visits.items():
            if visit.stated_energy_wh is not None or visit.stated_leaves_s is not None:
                points[point] = self._stated(points[point], visit)
        advice = None if self._planning is None else self._planning.advice
        return Snapshot(
            at=now,
            monotonic_s=now_s,
            meters={meter.id: reading for meter in self._meters if (reading := meter.reading(self._clock))},
            limits=in_force(self._scenario, now_s) + self._peak_limit(now, advice),
            points=points,
            advice=advice,
        )

    def _peak_limit(self, now: datetime, advice: Advice | None) -> tuple[ExternalLimit, ...]:
        return () if self._peak is None else self._peak.limits(now, advice)

    def _stated(self, state: PointState, visit: Visit) -> PointState:
        """The point with what its driver has said."""
        needed_wh, leaves_s = visit.stated_energy_wh, visit.stated_leaves_s
        return PointState(  # not dataclasses.replace, which takes five times as long
            state=state.state,
            measured_a=state.measured_a,
            measured_at=state.measured_at,
            commanded_a=state.commanded_a,
            max_a=state.max_a,
            energy_needed_wh=None if needed_wh is None else max(0, round(needed_wh) - state.delivered_wh),
            departs_at=None if leaves_s is None else datetime.fromtimestamp(self._scenario.start_s + leaves_s, UTC),
            delivered_wh=state.delivered_wh,
            pausable=state.pausable,
        )

    def _apply(self, plan: Plan) -> None:
        progress = Progress(self._clock, None)
        for station in self._stations.values():
            station.desire(plan, progress)
        for line in self._lines.values():
            line.wake()
