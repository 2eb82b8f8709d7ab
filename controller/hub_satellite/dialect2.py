"""What happens at a hub's satellites, in OCPP 2.0.1 and 2.1."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from controller.hub_satellite.connector import Status
from controller.hub_satellite.dialects import Identity, Message, sampled, written
from controller.hub_satellite.hub_sessions import Ending, HubSession, Measurement
from controller.hub_satellite.satellites import EVSE_STATUSES, STATION
from controller.site import ChargingPoint

PLUG: Final = 1
"""Each EVSE of a hub has one connector."""

_TOKEN: Final = 36
_UID_LENGTHS: Final = frozenset({8, 14, 20})
"""Hexadecimal digits of the uid of an ISO 14443 card."""

_STATES: Final[Mapping[Status, str]] = {
    Status.PREPARING: "EVConnected",
    Status.CHARGING: "Charging",
    Status.SUSPENDED_EV: "SuspendedEV",
    Status.SUSPENDED_EVSE: "SuspendedEVSE",
    Status.FINISHING: "EVConnected",
}
"""What a car does, of what its charger says; nothing else says anything of it."""

_ENDS: Final[Mapping[str, tuple[str, str]]] = {
    "DeAuthorized": ("DeAuthorized", "Deauthorized"),
    "EmergencyStop": ("EmergencyStop", "AbnormalCondition"),
    "EnergyLimitReached": ("EnergyLimitReached", "EnergyLimitReached"),
    "EVDisconnected": ("EVDisconnected", "EVCommunicationLost"),
    "GroundFault": ("GroundFault", "AbnormalCondition"),
    "HardReset": ("ImmediateReset", "ResetCommand"),
    "ImmediateReset": ("ImmediateReset", "ResetCommand"),
    "Local": ("Local", "StopAuthorized"),
    "LocalOutOfCredit": ("LocalOutOfCredit", "StopAuthorized"),
    "MasterPass": ("MasterPass", "StopAuthorized"),
    "OvercurrentFault": ("OvercurrentFault", "AbnormalCondition"),
    "PowerLoss": ("PowerLoss", "AbnormalCondition"),
    "PowerQuality": ("PowerQuality", "AbnormalCondition"),
    "Reboot": ("Reboot", "ResetCommand"),
    "Remote": ("Remote", "RemoteStop"),
    "SOCLimitReached": ("SOCLimitReached", "EnergyLimitReached"),
    "SoftReset": ("Reboot", "ResetCommand"),
    "StoppedByEV": ("StoppedByEV", "EVDeparted"),
    "TimeLimitReached": ("TimeLimitReached", "TimeLimitReached"),
    "Timeout": ("Timeout", "EVConnectTimeout"),
    "UnlockCommand": ("Other", "UnlockCommand"),
}
"""Reasons of either version as ReasonEnumType and TriggerReasonEnumType; every other is ``Other``."""


class Dialect2:
    """Fulfils ``controller.hub_satellite.dialects.Dialect``."""

    needs_complete_start = False

    def boot(self, identity: Identity, reason: str) -> Message:
        """BootNotification (B01)."""
        station = {
            "vendorName": identity.vendor[:50],
            "model": identity.model[:20],
            "firmwareVersion": identity.firmware[:50],
            "serialNumber": identity.serial[:25],
        }
        return Message("BootNotification", {"reason": reason, "chargingStation": station})

    def status(self, connector: int, status: Status, at: datetime) -> Message | None:
        """StatusNotification of an EVSE's connector (G01); the station as a whole has none."""
        if connector == STATION:
            return None
        said = {"connectorStatus": EVSE_STATUSES[status], "evseId": connector, "connectorId": PLUG}
        return Message("StatusNotification", {"timestamp": written(at), **said})

    def start(self, session: HubSession, *, offline: bool) -> Message:
        """TransactionEvent Started (E01, E02)."""
        reason = "Authorized" if session.token else "CablePluggedIn"
        if session.remote_start_id is not None:
            reason = "RemoteStart"
        begin = _register(session.start_wh, session.started_at, "Transaction.Begin")
        token = {"idToken": id_token(session.token)} if session.token else {}
        return _event("Started", session, session.started_at, reason, offline, token | begin)

    def authorised(self, session: HubSession, at: datetime, *, offline: bool) -> Message:
        """TransactionEvent Updated with the token (E03)."""
        token = {"idToken": id_token(session.token)}
        return _event("Updated", session, at, "Authorized", offline, token)

    def changed(self, session: HubSession, state: Status, at: datetime, *, offline: bool) -> Message | None:
        """TransactionEvent Updated with the charging state."""
        if state not in _STATES:
            return None
        return _event("Updated", session, at, "ChargingStateChanged", offline, state=state)

    def measured(
        self, session: HubSession, point: ChargingPoint, sample: Measurement, *, triggered: bool, offline: bool
    ) -> Message:
        """TransactionEvent Updated with a measurement (J02)."""
        context, reason = ("Trigger", "Trigger") if triggered else ("Sample.Periodic", "MeterValuePeriodic")
        values = {"meterValue": [_values(point, sample, context)]}
        return _event("Updated", session, sample.at, reason, offline, values)

    def measured_outside(self, connector: int, point: ChargingPoint, sample: Measurement) -> Message:
        """MeterValues (J01)."""
        return Message("MeterValues", {"evseId": connector, "meterValue": [_values(point, sample, "Trigger")]})

    def stop(self, session: HubSession, end: Ending, *, offline: bool) -> Message:
        """TransactionEvent Ended (E06 to E12)."""
        stopped, trigger = _ENDS.get(end.reason, ("Other", "AbnormalCondition"))
        register = _register(end.register_wh, end.at, "Transaction.End")
        token = {"idToken": id_token(end.token)} if end.token else {}
        return _event("Ended", session, end.at, trigger, offline, token | register, stopped=stopped)


def id_token(uid: str) -> dict[str, str]:
    """An IdTokenType; chargers of 1.6 do not say of what kind a token is.

    >>> id_token("04A2B3C4")
    {'idToken': '04A2B3C4', 'type': 'ISO14443'}
    >>> id_token("NoAuthorization")
    {'idToken': '', 'type': 'NoAuthorization'}
    """
    if uid == "NoAuthorization":
        return {"idToken": "", "type": uid}
    card = len(uid) in _UID_LENGTHS and all(letter in "0123456789abcdefABCDEF" for letter in uid)
    return {"idToken": uid[:_TOKEN], "type": "ISO14443" if card else "Central"}


def _event(
    kind: str,
    session: HubSession,
    at: datetime,
    trigger: str,
    offline: bool,
    more: Mapping[str, Any] | None = None,
    *,
    state: Status | None = None,
    stopped: str | None = None,
) -> Message:
    about: dict[str, Any] = {"transactionId": session.name}
    if (doing := _STATES.get(state or session.state or Status.UNKNOWN)) is not None and stopped is None:
        about["chargingState"] = doing
    if stopped is not None:
        about["stoppedReason"] = stopped
    if session.remote_start_id is not None and kind == "Started":
        about["remoteStartId"] = session.remote_start_id
    payload = {
        "eventType": kind,
        "timestamp": written(at),
        "triggerReason": trigger,
        "seqNo": session.told,
        "offline": offline,
        "transactionInfo": about,
        "evse": {"id": session.connector, "connectorId": PLUG},
        **(more or {}),
    }
    return Message("TransactionEvent", payload)


def _register(register_wh: int | None, at: datetime, context: str) -> dict[str, Any]:
    if register_wh is None:
        return {}
    value = {"value": register_wh, "context": context, "measurand": "Energy.Active.Import.Register"}
    unit = {"unitOfMeasure": {"unit": "Wh"}}
    return {"meterValue": [{"timestamp": written(at), "sampledValue": [value | unit]}]}


def _values(point: ChargingPoint, sample: Measurement, context: str) -> dict[str, Any]:
    values = [
        {"value": value, "context": context, "measurand": measurand, "unitOfMeasure": {"unit": unit}}
        | ({"phase": phase} if phase else {})
        for measurand, unit, value, phase in sampled(point, sample)
    ]
    return {"timestamp": written(sample.at), "sampledValue": values}
