"""What is known of one charging station, for as long as the service runs, whichever connection it speaks on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from adapters.ocpp.clock_watch import ClockWatch
from adapters.ocpp.composite import compare
from adapters.ocpp.connector import Call, Connector
from adapters.ocpp.progress import Progress
from adapters.ocpp.surroundings import Premises
from adapters.ocpp.transaction import Transaction
from controller.hub_satellite.deadman import WriteCount, cadence
from controller.plan import Plan, Severity
from controller.ports.measurements import HeldLimit, MeterSample
from controller.ports.transactions import RunningSession
from controller.snapshot import PointState
from controller.units import floored

_WHEN_IDLE: Final = "Scheduled"
"""It does so when its transaction has ended."""

_REMEMBERED_ENDS: Final = 32
"""Transactions whose last message may come again, because its answer was lost."""


class Conversation(Protocol):
    """A live connection with a station."""

    def wake(self) -> None:
        """There may be something to tell the station."""
        ...


@dataclass(frozen=True, slots=True)
class StationView:
    """A station as pages and metrics see it."""

    id: str
    online: bool
    vendor: str | None
    model: str | None
    firmware: str | None
    writes_today: int
    """Charging profiles sent since midnight UTC."""
    writes_per_day: int | None
    profiles_rejected: int
    values_unreadable: int
    frames_refused: int
    clock_skew_s: float
    """How far its clock is ahead (+) or behind (-) [s]; 0 while within what is allowed for."""
    protocol: str | None = None
    """The subprotocol that it spoke last, e.g. ``ocpp2.0.1``; None: it has not been here."""


class Station:
    """One OCPP identity with its connectors."""

    def __init__(self, identity: str, around: Premises) -> None:
        self.id = identity
        self.subject = f"station:{identity}"
        points = [point for point in around.site.points if point.station == identity]
        budget = around.site.writes_per_day.get(identity)
        pace = cadence(around.site.control, budget, max(1, len(points)))
        self.connectors: Mapping[int, Connector] = {point.connector: Connector(point, pace) for point in points}
        self.conversation: Conversation | None = None
        self.protocol: str | None = None
        self.vendor: str | None = None
        self.model: str | None = None
        self.firmware: str | None = None
        self.configured = False
        """Whether its settings were sent since it last started."""
        self.costs_refused = False
        """Whether it has shown since it last started that it shows no costs."""
        self.profiles_rejected = 0
        self.values_unreadable = 0
        self.frames_refused = 0
        self._around = around
        self._ended: OrderedDict[str, str] = OrderedDict()
        self._writes = WriteCount(budget)
        self.clock = ClockWatch(around, self.subject)

    @property
    def skew_s(self) -> float:
        """By how much its schedules may end late [s]."""
        return self.clock.late_s

    def view(self) -> StationView:
        """Return what pages and metrics show."""
        return StationView(
            id=self.id,
            online=self.conversation is not None,
            vendor=self.vendor,
            model=self.model,
            firmware=self.firmware,
            writes_today=self._writes.today,
            writes_per_day=self._writes.budget,
            profiles_rejected=self.profiles_rejected,
            values_unreadable=self.values_unreadable,
            frames_refused=self.frames_refused,
            clock_skew_s=self.clock.ahead_s,
            protocol=self.protocol,
        )

    def states(self, now: datetime, monotonic_s: float) -> dict[str, PointState]:
        """Return its points as the controller sees them."""
        connected = self.conversation is not None
        return {
            connector.point.id: connector.state(
                connected=connected, now=now, monotonic_s=monotonic_s, skew_s=self.skew_s
            )
            for connector in self.connectors.values()
        }

    def connected(self, conversation: Conversation) -> Conversation | None:
        """Speak on this connection from now on; returns the one that it replaces."""
        replaced, self.conversation = self.conversation, conversation
        self.clock.connected()
        for connector in self.connectors.values():
            connector.reconnected()
            connector.settle(accepted=False)
        kind, severity = ("station_replaced", Severity.WARNING) if replaced else ("station_online", Severity.INFO)
        message = "a newer connection took the place of the old one" if replaced else "connected"
        self._around.report(kind, self.subject, message, severity)
        return replaced

    def disconnected(self, conversation: Conversation) -> None:
        """A connection has ended. Only the one that is spoken on counts: a replaced one changes nothing."""
        if self.conversation is not conversation:
            return
        self.conversation = None
        for connector in self.connectors.values():
            connector.settle(accepted=False)
        self._around.report("station_offline", self.subject, "the connection has ended", Severity.WARNING)

    def booted(self) -> None:
        """It has started anew: nothing that it was told before counts."""
        self.configured = self.costs_refused = False
        for connector in self.connectors.values():
            connector.booted()

    def resume(
        self, running: RunningSession, held: HeldLimit | None, measured: MeterSample | None, authorised: bool
    ) -> None:
        """Take up a session that was running when the service went down: its charger does not announce it again."""
        connector = self.connectors.get(running.connector)
        if connector is None:
            return
        transaction = Transaction(
            running.transaction_id,
            running.id,
            running.start_wh,
            authorised,
            started_at=running.started_at,
            token=running.token,
            dormant=not authorised and not running.token,
        )
        connector.begin(transaction, running.last_wh)
        if held is not None:
            connector.limits.recall(held.limit_a, self._monotonic_s(held.written_at))
        # Else its draw would be taken for the building's as well, and everybody cut to make room for it twice.
        if measured is not None and measured.at >= running.started_at:
            connector.recall(measured, self._monotonic_s(measured.at))

    def _monotonic_s(self, moment: datetime) -> float:
        """Return when a moment of the past was, on the monotonic clock."""
        age_s = max(0.0, (self._around.clock.now() - moment).total_seconds())
        return self._around.clock.monotonic_s() - age_s

    def measured(self, number: int, transaction_id: str | None) -> Connector | None:
        """Return the connector that a measurement is about; None where it is no point of the site.

        Number 0 is the station's own meter, unless the message names a transaction: some chargers with a single
        connector number it so.
        """
        return self.connectors.get(number) if number else self.holder(transaction_id or "")

    def holder(self, transaction_id: str) -> Connector | None:
        """Return the connector on which a transaction is open."""
        held = (c for c in self.connectors.values() if c.transaction and c.transaction.id == transaction_id)
        return next(held, None)

    def begin(self, connector: Connector, transaction: Transaction) -> None:
        """Open a transaction that the ledger has recorded."""
        older = connector.transaction
        if older is not None and older.id != transaction.id:
            message = f"transaction {transaction.id} started before the end of {older.id} was reported"
            self.tell(connector, "transaction_superseded", message, Severity.WARNING)
        connector.begin(transaction)

    def end(self, transaction_id: str) -> None:
        """Close a transaction, wherever it is open."""
        connector = self.holder(transaction_id)
        if connector is None or connector.transaction is None:
            return
        self._ended[transaction_id] = connector.transaction.session
        if len(self._ended) > _REMEMBERED_ENDS:
            self._ended.popitem(last=False)
        connector.end()

    def ended_session(self, transaction_id: str) -> str | None:
        """Return the session of a transaction that has ended not long ago."""
        return self._ended.get(transaction_id)

    def desire(self, plan: Plan, progress: Progress) -> None:
        """Take the plan's limits for its points, and name to ``progress`` those that must travel now."""
        now_s = self._around.clock.monotonic_s()
        for connector in self.connectors.values():
            setpoint = plan.setpoints.get(connector.point.id)
            before_a = connector.target_a(now_s)
            connector.desire(None if setpoint is None else floored(setpoint.limit_a), now_s)
            target_a = connector.target_a(now_s)
            if connector.treatment.call_for(plan.remedies.get(connector.point.id)):
                connector.limits.doubted = True
            self._notice(connector, now_s)
            if connector.progress is not None and before_a == target_a:
                continue  # on its way already
            connector.settle(accepted=False)
            if self.conversation is None or target_a is None or not connector.limits.differs(target_a):
                continue
            if connector.limits.due(target_a, now_s):
                connector.progress = progress
                progress.expect(connector.point.id)

    def _notice(self, connector: Connector, monotonic_s: float) -> None:
        """Report what a connector has shown by now."""
        if connector.went_stale(monotonic_s):
            message = "the connector is available, and the end of its transaction was never reported"
            self.tell(connector, "transaction_stale", message, Severity.WARNING)
        if connector.pausing.news():
            message = f"its charger refuses 0 A: it is told {connector.point.min_a:g} A in its place"
            self.tell(connector, "not_pausable", message, Severity.WARNING)

    def lowers(self, monotonic_s: float) -> bool:
        """Whether one of its points is to get less than its charger may be acting on."""
        return any(connector.lowers(monotonic_s, self.skew_s) for connector in self.connectors.values())

    def next_call(self, monotonic_s: float) -> tuple[Call, Connector] | None:
        """Choose the most urgent call. Each either brings what it is for or is put off, so this comes to an end."""
        connectors = self.connectors.values()
        due = [c for c in connectors if (to := c.target_a(monotonic_s)) is not None and c.limits.due(to, monotonic_s)]
        lower = [c for c in due if c.lowers(monotonic_s, self.skew_s)]
        if lower:
            return Call.LIMIT, lower[0]
        for connector in connectors:
            if connector.wants_default(monotonic_s, self.skew_s):
                return Call.DEFAULT, connector
        if due:
            return Call.LIMIT, due[0]
        return next(((call, c) for c in connectors if (call := c.wants(monotonic_s)) is not None), None)

    def wake(self) -> None:
        """Let the connection look for something to send."""
        if self.conversation is not None:
            self.conversation.wake()

    def count_write(self) -> None:
        """Count one profile write against the day's budget."""
        if self._writes.add(self._around.clock.now()):
            message = f"more than {self._writes.budget} charging profiles were written today"
            self._around.report("write_budget_exceeded", self.subject, message, Severity.WARNING)

    def rejected(self, connector: Connector, purpose: str, reason: str) -> None:
        """A charging profile was not accepted."""
        self.profiles_rejected += 1
        message = f"its charger has not accepted a {purpose}: {reason}"
        self.tell(connector, "profile_rejected", message, Severity.WARNING)

    def stop_answered(self, connector: Connector, status: str) -> None:
        """It was asked to end a transaction, and has answered."""
        if status != "Accepted":
            message = f"its charger does not end its transaction: {status}"
            self.tell(connector, "remote_stop_rejected", message, Severity.WARNING)

    def service_answered(self, connector: Connector, status: str, *, in_service: bool) -> None:
        """It was told to be in service or out of it, and has answered."""
        accepted = status in {"Accepted", _WHEN_IDLE}
        now_s = self._around.clock.monotonic_s()
        connector.treatment.service_answered(in_service=in_service, accepted=accepted, monotonic_s=now_s)
        if not accepted:
            words = f"does not go {'into' if in_service else 'out of'} service: {status}"
            self.tell(connector, "availability_rejected", f"its connector {words}", Severity.WARNING)
        elif in_service:
            self.tell(connector, "connector_in_service", "its connector is in service again")
        else:
            later = ", when its transaction has ended" if status == _WHEN_IDLE else ""
            self.tell(connector, "connector_out_of_service", f"its connector is out of service{later}")

    def compared(self, connector: Connector, status: str, schedule: Any) -> None:
        """It was asked what it holds, and has answered."""
        told_a = connector.commanded_a(self._around.clock.monotonic_s(), self.skew_s)
        found = compare(status, schedule, told_a, self._around.site.nominal_voltage_v)
        severity = Severity.WARNING if found.kind == "differs" else Severity.INFO
        self.tell(connector, f"composite_{found.kind}", found.message, severity)
        if found.kind == "differs":
            connector.doubt()

    def tell(self, connector: Connector, kind: str, message: str, severity: Severity = Severity.INFO) -> None:
        """Report something about one of its points."""
        self._around.report(kind, f"point:{connector.point.id}", message, severity)
