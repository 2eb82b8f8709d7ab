"""What the site makes of what a station says, in whatever version of the protocol it says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from adapters.ocpp.connector import Connector
from adapters.ocpp.meter_values import Measured, read_meter_values
from adapters.ocpp.station import Station
from adapters.ocpp.surroundings import Surroundings
from adapters.ocpp.transaction import Transaction
from controller.hub_satellite.connector import Status
from controller.plan import Severity
from controller.ports import tokens
from controller.ports.measurements import MeterSample
from controller.ports.transactions import Outcome, Started

HEARTBEAT_S: Final = 300
"""Only the charger's clock needs it; pings tell whether the connection lives."""

MISSING_REGISTER_WH: Final = 2**31 - 1
"""What some chargers send when their meter has not answered yet."""


class Standing(StrEnum):
    """What the site says of a token (AuthorizationStatus of OCPP 1.6 §7.2, AuthorizationStatusEnumType of 2.x)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"


_STANDINGS: Final = {
    tokens.Verdict.ACCEPTED: Standing.ACCEPTED,
    tokens.Verdict.UNKNOWN: Standing.INVALID,
    tokens.Verdict.BLOCKED: Standing.BLOCKED,
    tokens.Verdict.NOT_YET_VALID: Standing.INVALID,
    tokens.Verdict.EXPIRED: Standing.EXPIRED,
    tokens.Verdict.CONTRACT_ENDED: Standing.EXPIRED,
    tokens.Verdict.USED_UP: Standing.BLOCKED,
}
"""Neither version of the protocol knows a word for each; 1.6 has only these four."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the site says of a token now."""

    standing: Standing
    valid_until: datetime | None = None

    @property
    def accepted(self) -> bool:
        """Whether it may charge."""
        return self.standing is Standing.ACCEPTED


class Reception:
    """Takes down what one station says on one connection."""

    def __init__(self, station: Station, around: Surroundings) -> None:
        self._station = station
        self._around = around

    def booted(self, vendor: str, model: str, firmware: str | None) -> None:
        """It has started anew."""
        self._station.vendor, self._station.model, self._station.firmware = vendor, model, firmware
        self._station.booted()

    async def judge(self, uid: str, connector: Connector | None = None) -> Verdict:
        """Whether a token may charge: at a connector, or where that is not known, at any of the station's."""
        if self._around.lab:
            return Verdict(Standing.ACCEPTED)
        asked = self._station.connectors.values() if connector is None else (connector,)
        points = [one.point.id for one in asked]
        answer = await self._around.ledger.authorise(uid, points, self._around.clock.now())
        if answer.verdict is tokens.Verdict.UNKNOWN:
            message = "a token that the site does not know was presented"
            self._around.report("unknown_token", self._station.subject, message, Severity.WARNING)
        standing = _STANDINGS[answer.verdict]
        dated = standing in {Standing.ACCEPTED, Standing.EXPIRED}
        return Verdict(standing, answer.valid_until if dated else None)

    def status(self, number: int, status: Status, fault: str | None = None) -> None:
        """Take its word on a connector."""
        connector = self._station.connectors.get(number)
        if connector is not None:
            connector.report(status, self._around.clock.monotonic_s())
        if status is Status.FAULTED:
            message = f"connector {number} is faulted: {fault or 'no code'}"
            self._around.report("connector_faulted", self._station.subject, message, Severity.WARNING)

    def unknown_connector(self, number: int) -> None:
        """A transaction has started where the site has no point."""
        message = f"a transaction started on connector {number}, which the site does not know"
        self._around.report("unknown_connector", self._station.subject, message, Severity.WARNING)

    def take_up(self, connector: Connector, started: Started, transaction: Transaction) -> None:
        """Open a transaction that the ledger has recorded; one that is repeated only if it was cut off before."""
        is_open = connector.transaction is not None and connector.transaction.id == transaction.id
        recorded = started.outcome in {Outcome.RECORDED, Outcome.REPEATED}
        if recorded and started.running and not is_open:
            self._station.begin(connector, transaction)

    def values(self, connector: Connector, meter_value: Any, *, live: bool = True) -> Measured:
        """Take down a measurement; one that is not live is history only."""
        now = self._around.clock.now()
        measured = read_meter_values(meter_value, connector.point, self._around.site.nominal_voltage_v)
        self._station.values_unreadable += measured.unreadable
        if live:
            connector.measure(measured, self._around.clock.monotonic_s())
            self._station.clock.hear(measured.at)
        sample = MeterSample(
            point=connector.point.id,
            at=min(measured.at or now, now),
            current_a=measured.current_a,
            power_w=measured.power_w,
            register_wh=measured.register_wh,
            session=None if connector.transaction is None else connector.transaction.session,
        )
        self._around.measurements.record(sample)
        return measured

    def abnormal(self, reason: str | None) -> None:
        """It reports that something happened in a transaction which should not."""
        message = f"it reports an abnormal condition in a transaction: {reason or 'no reason'}"
        self._around.report("charger_event", self._station.subject, message, Severity.WARNING)

    def security_event(self, kind: str | None) -> None:
        """It reports something that concerns its security."""
        message = f"it reports {kind or 'an event without a type'}"
        self._around.report("charger_security_event", self._station.subject, message, Severity.WARNING)
