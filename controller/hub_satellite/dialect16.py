"""What happens at a hub's satellites, in OCPP 1.6."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from controller.hub_satellite.connector import Status
from controller.hub_satellite.dialects import Identity, Message, sampled, written
from controller.hub_satellite.hub_sessions import Ending, HubSession, Measurement
from controller.site import ChargingPoint

OURS: Final = "-1"
"""Stands for the id of a transaction until the back office has given it one."""

_TOKEN: Final = 20
"""Longest idTag (CiString20Type)."""

_REASONS: Final[Mapping[str, str]] = {
    "ImmediateReset": "HardReset",
    "StoppedByEV": "EVDisconnected",
} | {
    reason: reason
    for reason in (
        "DeAuthorized",
        "EmergencyStop",
        "EVDisconnected",
        "HardReset",
        "Local",
        "PowerLoss",
        "Reboot",
        "Remote",
        "SoftReset",
        "UnlockCommand",
    )
}
"""Reasons of either version in the words of 1.6 (§7.36); every other is ``Other``."""


class Dialect16:
    """Fulfils ``controller.hub_satellite.dialects.Dialect``."""

    needs_complete_start = True

    def boot(self, identity: Identity, _reason: str) -> Message:
        """BootNotification (§4.2)."""
        payload = {
            "chargePointVendor": identity.vendor[:20],
            "chargePointModel": identity.model[:20],
            "firmwareVersion": identity.firmware[:50],
            "chargePointSerialNumber": identity.serial[:25],
        }
        return Message("BootNotification", payload)

    def status(self, connector: int, status: Status, at: datetime) -> Message:
        """StatusNotification (§4.9)."""
        error = "OtherError" if status is Status.FAULTED else "NoError"
        payload = {"connectorId": connector, "errorCode": error, "status": status.value, "timestamp": written(at)}
        return Message("StatusNotification", payload)

    def start(self, session: HubSession, *, offline: bool) -> Message:  # noqa: ARG002 - 1.6 tells by the time alone
        """StartTransaction (§4.8)."""
        payload = {
            "connectorId": session.connector,
            "idTag": session.token[:_TOKEN],
            "meterStart": session.start_wh or 0,
            "timestamp": written(session.started_at),
        }
        return Message("StartTransaction", payload)

    def authorised(self, _session: HubSession, _at: datetime, *, offline: bool) -> None:
        """1.6 has no word for it: the start waits for the token."""

    def changed(self, _session: HubSession, _state: Status, _at: datetime, *, offline: bool) -> None:
        """1.6 tells it in the status of the connector."""

    def measured(
        self,
        session: HubSession,
        point: ChargingPoint,
        sample: Measurement,
        *,
        triggered: bool,
        offline: bool,  # noqa: ARG002 - 1.6 tells by the time alone
    ) -> Message:
        """MeterValues of a transaction (§4.7)."""
        message = self._values(session.connector, point, sample, "Trigger" if triggered else "Sample.Periodic")
        return Message(message.action, {**message.payload, "transactionId": int(OURS)})

    def measured_outside(self, connector: int, point: ChargingPoint, sample: Measurement) -> Message:
        """MeterValues without one."""
        return self._values(connector, point, sample, "Trigger")

    def stop(self, session: HubSession, end: Ending, *, offline: bool) -> Message:  # noqa: ARG002 - see start
        """StopTransaction (§4.10)."""
        payload: dict[str, Any] = {
            "transactionId": int(OURS),
            "meterStop": max(0, end.register_wh or 0, session.start_wh or 0),
            "timestamp": written(end.at),
            "reason": _REASONS.get(end.reason, "Other"),
        }
        return Message("StopTransaction", payload | ({"idTag": end.token[:_TOKEN]} if end.token else {}))

    def _values(self, connector: int, point: ChargingPoint, sample: Measurement, context: str) -> Message:
        values = [
            {"value": f"{value:.0f}" if unit == "Wh" else f"{value:.1f}", "measurand": measurand, "unit": unit}
            | {"context": context}
            | ({"phase": phase} if phase else {})
            for measurand, unit, value, phase in sampled(point, sample)
        ]
        payload = {
            "connectorId": connector,
            "meterValue": [{"timestamp": written(sample.at), "sampledValue": values}],
        }
        return Message("MeterValues", payload)
