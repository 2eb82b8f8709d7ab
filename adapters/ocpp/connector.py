"""What is known of one connector, and what the controller sees of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from adapters.ocpp.default import Default
from adapters.ocpp.limits import Limits
from adapters.ocpp.meter_values import Measured
from adapters.ocpp.pausing import Pausing
from adapters.ocpp.progress import Progress
from adapters.ocpp.remedies import Treatment
from adapters.ocpp.transaction import Transaction
from controller.hub_satellite.connector import DRAWING_A, Status, point_state
from controller.hub_satellite.deadman import Cadence, Schedule, Write
from controller.ports.measurements import MeterSample
from controller.site import ChargingPoint
from controller.snapshot import PointState
from controller.units import TOLERANCE_A, Phases

SAMPLE_INTERVAL_S: Final = 10
"""How often chargers are asked to send MeterValues [s]."""

DRAW_FRESH_S: Final = 3.0 * SAMPLE_INTERVAL_S
"""A draw older than this no longer contradicts the status: some chargers stop measuring when a car pauses."""

PLAN_HOLD_S: Final = 10.0
"""A plan's word older than this is not written any more. So when the control loop stops, renewals stop with it,
and the chargers fall back by themselves, however healthy this end of the connection looks."""

_STALE_TRANSACTION_S: Final = 900.0
"""A connector that stays Available this long with a transaction open has lost its StopTransaction, or delays it."""


_PLUGS: Final = (Status.PREPARING, Status.RESERVED, Status.AVAILABLE, Status.FAULTED, Status.UNAVAILABLE)
"""What a plug may say, the most telling first."""


class Call(Enum):
    """What may be asked of a connector."""

    LIMIT = "write the limit of its transaction"
    DEFAULT = "write its permanent default"
    STOP = "stop its transaction"
    SERVICE = "take it out of service, or put it back"
    COMPARE = "ask what it holds"


@dataclass(frozen=True, slots=True)
class _Draw:
    current_a: Phases
    at_s: float


class Connector:
    """One connector of a station that is a charging point of the site."""

    def __init__(self, point: ChargingPoint, cadence: Cadence) -> None:
        self.point = point
        self.limits = Limits(point.fallback_a, cadence)
        self.pausing = Pausing(point.min_a)
        self.treatment = Treatment()
        self.status = Status.UNKNOWN
        self.transaction: Transaction | None = None
        self.default = Default()
        self.progress: Progress | None = None
        """The report of the plan whose limit for this point is on its way."""
        self._desired_a: float | None = None
        self._desired_at_s = 0.0
        self._draw: _Draw | None = None
        self._register_wh: int | None = None
        self._available_since_s: float | None = None
        self._plugs: dict[int, Status] = {}

    @property
    def register_wh(self) -> int | None:
        """What its register showed last during its transaction [Wh]."""
        return self._register_wh

    @property
    def draws(self) -> bool:
        """Whether current flows, by what was measured last."""
        return self._draw is not None and max(self._draw.current_a) > DRAWING_A

    @property
    def fallback_a(self) -> float:
        """What it is told to draw when nobody tells it anything [A]."""
        return self.pausing.told_a(self.point.fallback_a)

    def target_a(self, monotonic_s: float) -> float | None:
        """Return what its charger should hold [A]; None where nobody says, and while no transaction is open."""
        if self.transaction is None or self.transaction.dormant:
            return None
        if not self.transaction.authorised:
            return self.pausing.told_a(0.0)
        if self._desired_a is None or monotonic_s - self._desired_at_s > PLAN_HOLD_S:
            return None
        return self.pausing.told_a(self._desired_a)

    def desire(self, limit_a: float | None, monotonic_s: float) -> None:
        """Take the plan's word; None where it has none."""
        self._desired_a, self._desired_at_s = limit_a, monotonic_s

    def begin(self, transaction: Transaction, register_wh: int | None = None) -> None:
        """Open a transaction: until a limit of its own is accepted, the default rules."""
        self.transaction = transaction
        self.limits.forget()
        self._desired_a = None
        self._register_wh = register_wh
        self.settle(accepted=False)

    def end(self) -> None:
        """Close the transaction. What was measured during it says nothing of the time after."""
        self.transaction = None
        self.limits.forget()
        self._draw = None
        self.settle(accepted=False)

    def reconnected(self) -> None:
        """Count on nothing that the charger accepted on an earlier connection."""
        self.limits.reconnected()
        self.treatment.reconnected()
        self.default.start_afresh()

    def booted(self) -> None:
        """The charger has started anew."""
        self.limits.start_afresh()
        self.reconnected()

    def doubt(self) -> None:
        """Its charger does not hold what it accepted: everything is to be written again."""
        self.limits.doubted = True
        self.default.doubt()

    def report(self, status: Status, monotonic_s: float) -> None:
        """Take the charger's word on its status."""
        if status is not Status.AVAILABLE:
            self._available_since_s = None
        elif self._available_since_s is None:
            self._available_since_s = monotonic_s
        self.status = status

    def plug(self, number: int, status: Status) -> Status:
        """Take the charger's word on one plug of an EVSE (OCPP 2.x); returns what that makes of the whole."""
        self._plugs[number] = status
        return self.plugs

    @property
    def plugs(self) -> Status:
        """What its plugs come to: one car at a time, and any plug that is free will do."""
        return next((status for status in _PLUGS if status in self._plugs.values()), Status.UNKNOWN)

    def measure(self, measured: Measured, monotonic_s: float) -> None:
        """Take a measurement, dated by its arrival."""
        if measured.current_a is not None:
            self._draw = _Draw(measured.current_a, monotonic_s)
        if measured.register_wh is not None:
            self._register_wh = measured.register_wh

    def recall(self, sample: MeterSample, at_s: float) -> None:
        """Take up what was measured of its transaction before a restart, at ``at_s`` on the monotonic clock."""
        if sample.current_a is not None:
            self._draw = _Draw(sample.current_a, at_s)

    def settle(self, *, accepted: bool) -> None:
        """Tell the plan that waits for this point's limit what became of it."""
        if self.progress is not None:
            self.progress.settle(self.point.id, accepted=accepted)
            self.progress = None

    def wants_default(self, monotonic_s: float, skew_s: float) -> bool:
        """Whether its permanent default should be written now."""
        if not self.default.due(monotonic_s):
            return False
        return self.transaction is None or not self.limits.needs_default(monotonic_s, skew_s)

    def default_answered(self, monotonic_s: float, *, accepted: bool, certain: bool = True) -> None:
        """The charger has taken its permanent default; or it has not, and may draw all it can."""
        self.default.answered(monotonic_s, accepted=accepted)
        if accepted:
            self.pausing.accepted(self.fallback_a)
        elif certain:
            self._refused(self.fallback_a)

    def send(self, limit_a: float, now: datetime, monotonic_s: float, skew_s: float) -> tuple[Write, Schedule]:
        """Count a limit of its transaction from now on, and return it with the schedule to be sent."""
        write, held = self.limits.send(limit_a, now, monotonic_s, skew_s)
        if write.in_default:
            self.default.send(write, monotonic_s, skew_s)
        return write, held

    def accept(self, write: Write) -> None:
        """The charger took a limit."""
        self.limits.accept(write)
        self.pausing.accepted(min(write.limit_a, write.fallback_a))
        if write.in_default:
            self.default.accept(write)

    def refuse(self, write: Write, monotonic_s: float, skew_s: float) -> None:
        """The charger did not take a limit."""
        self.limits.refuse(write, monotonic_s, skew_s)
        self.default.refuse(write)
        self._refused(min(write.limit_a, write.fallback_a))

    def _refused(self, least_a: float) -> None:
        """Where it shows that it cannot be paused, or that this was not the reason, begin anew with what it takes."""
        if self.pausing.refused(least_a):
            self.limits.fallback_a = self.fallback_a
            self.limits.start_afresh()
            self.default.start_afresh()

    def commanded_a(self, monotonic_s: float, skew_s: float) -> float:
        """Return the highest limit that the charger may be acting on [A]."""
        default_a = self.default.highest_a(self.fallback_a, self.point.max_a, monotonic_s, skew_s)
        if self.transaction is None:
            return default_a
        return self.limits.highest_a(monotonic_s, default_a, skew_s)

    def lowers(self, monotonic_s: float, skew_s: float) -> bool:
        """Whether its target is below what the charger may be acting on."""
        target_a = self.target_a(monotonic_s)
        return target_a is not None and target_a < self.commanded_a(monotonic_s, skew_s) - TOLERANCE_A

    def wants(self, monotonic_s: float) -> Call | None:
        """Return what it is to be asked besides limits and default, the most urgent first."""
        transaction, treatment = self.transaction, self.treatment
        if transaction is not None and (treatment.stop or transaction.unwanted):
            return Call.STOP
        if self.wants_service(monotonic_s) is not None:
            return Call.SERVICE
        return Call.COMPARE if treatment.compare else None

    def wants_service(self, monotonic_s: float) -> bool | None:
        """Return whether to tell it to be in service (True) or out of it (False); None: there is nothing to tell."""
        unavailable = self.status is Status.UNAVAILABLE
        return self.treatment.wants_service(unavailable=unavailable, monotonic_s=monotonic_s)

    def went_stale(self, monotonic_s: float) -> bool:
        """Whether its transaction has now, for the first time, been open too long on an empty connector."""
        transaction, since_s = self.transaction, self._available_since_s
        if transaction is None or since_s is None or transaction.stale_reported:
            return False
        drawn_s = -math.inf if self._draw is None or max(self._draw.current_a) <= DRAWING_A else self._draw.at_s
        transaction.stale_reported = monotonic_s - max(since_s, drawn_s) >= _STALE_TRANSACTION_S
        return transaction.stale_reported

    def state(self, *, connected: bool, now: datetime, monotonic_s: float, skew_s: float) -> PointState:
        """Return what the controller sees."""
        commanded_a = self.commanded_a(monotonic_s, skew_s)
        draw = self._draw
        if not connected and self.limits.run_out(monotonic_s, skew_s):
            draw = None  # it is at its fallback by now, whatever it drew when it was last heard
        recent = draw is not None and monotonic_s - draw.at_s <= DRAW_FRESH_S
        transaction = self.transaction
        return PointState(
            state=point_state(
                connected=connected,
                status=self.status,
                in_transaction=transaction is not None and not transaction.dormant,
                drawn_a=max(draw.current_a) if draw is not None and recent else 0.0,
                limit_a=commanded_a,
                min_a=self.point.min_a,
            ),
            measured_a=None if draw is None else draw.current_a,
            measured_at=None if draw is None else now - timedelta(seconds=monotonic_s - draw.at_s),
            commanded_a=commanded_a,
            max_a=None if transaction is None or transaction.authorised or transaction.dormant else 0.0,
            delivered_wh=self._delivered_wh(),
            pausable=self.pausing.pausable,
        )

    def _delivered_wh(self) -> int:
        if self.transaction is None or self._register_wh is None:
            return 0
        return max(0, self._register_wh - self.transaction.start_wh)
