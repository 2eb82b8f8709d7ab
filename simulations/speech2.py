"""What a simulated station says in OCPP 2.0.1: its transactions in numbered events, under ids of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from ocpp.v201 import call

from simulations.connectors import Connector, Status, Transaction
from simulations.firmware import Firmware
from simulations.outbox import Kind, Message
from simulations.speech import FIRMWARE, MODEL, VENDOR

_STATES: Final[Mapping[Status, str]] = {
    Status.CHARGING: "Charging",
    Status.SUSPENDED_EV: "SuspendedEV",
    Status.SUSPENDED_EVSE: "SuspendedEVSE",
}
"""ChargingStateEnumType; every other status has none of its own."""

_OCCUPIED: Final = frozenset({*_STATES, Status.PREPARING, Status.FINISHING})
_REASONS: Final = {"HardReset": "ImmediateReset", "SoftReset": "Reboot", "UnlockCommand": "Other"}
"""ReasonEnumType, where it differs from the reasons of 1.6."""

_TRIGGERS: Final = {
    "EVDisconnected": "EVDeparted",
    "DeAuthorized": "Deauthorized",
    "Remote": "RemoteStop",
    "UnlockCommand": "UnlockCommand",
    "HardReset": "ResetCommand",
    "SoftReset": "ResetCommand",
}
_REGISTER: Final = "Energy.Active.Import.Register"


class Speech2:
    """Fulfils ``simulations.speech.Speech``."""

    subprotocol = "ocpp2.0.1"

    def __init__(self) -> None:
        self._numbers: defaultdict[str, int] = defaultdict(int)
        """The next number of each transaction's events."""
        self._told: set[str] = set()
        """The transactions whose start was answered."""

    def boot(self, identity: str) -> Any:
        """BootNotification (B01)."""
        about = {
            "vendor_name": VENDOR,
            "model": MODEL,
            "serial_number": identity,
            "firmware_version": FIRMWARE,
        }
        return call.BootNotification(charging_station=about, reason="PowerUp")

    def heartbeat(self) -> Any:
        """Heartbeat (G02)."""
        return call.Heartbeat()

    def authorise(self, tag: str) -> Any:
        """Authorize (C01)."""
        return call.Authorize(id_token=_token(tag))

    def lets_in(self, answer: Any) -> bool:
        """Whether the idTokenInfo says Accepted; one that is not there says nothing against it."""
        return answer.id_token_info is None or answer.id_token_info["status"] == "Accepted"

    def status(self, number: int, status: str, connector: Connector | None, stamp: str) -> Any:
        """StatusNotification (G01); of a transaction that runs, its charging state (E02)."""
        if connector is None:
            return None
        transaction = connector.transaction
        if transaction is not None and transaction.id in self._told:
            return self._event(transaction, "Updated", "ChargingStateChanged", stamp, connector, number)
        plug = "Occupied" if status in _OCCUPIED else status
        return call.StatusNotification(timestamp=stamp, connector_status=plug, evse_id=number, connector_id=1)

    def transaction(self, message: Message, connector: Connector, since: str) -> Any:
        """TransactionEvent (E01, E02, E06)."""
        fields, about = message.fields, (message.transaction, connector, message.connector)
        if message.kind is Kind.VALUES:
            (meter_value,) = fields["meter_value"]
            stamp, kind, trigger = meter_value["timestamp"], "Updated", "MeterValuePeriodic"
            more: dict[str, Any] = {"meter_value": [_in_2x(meter_value)]}
        elif message.kind is Kind.START:
            stamp, kind, trigger = fields["timestamp"], "Started", "Authorized"
            more = {
                "meter_value": [_register(fields["meter_start"], stamp, "Transaction.Begin")],
                "id_token": _token(fields["id_tag"]),
            }
        else:
            stamp, kind = fields["timestamp"], "Ended"
            trigger = _TRIGGERS.get(fields["reason"], "AbnormalCondition")
            more = {"meter_value": [_register(fields["meter_stop"], stamp, "Transaction.End")]}
            more["reason"] = _REASONS.get(fields["reason"], fields["reason"])
        return self._event(about[0], kind, trigger, stamp, *about[1:], message=message, offline=stamp < since, **more)

    def answered(self, message: Message, answer: Any, firmware: Firmware, now_s: float) -> None:
        """A start may be refused."""
        if message.kind is not Kind.START or message.transaction.id is None:
            return
        self._told.add(str(message.transaction.id))
        firmware.start_answered(message, message.transaction.id, self.lets_in(answer), now_s)

    def values(self, number: int, connector: Connector, meter_value: dict[str, Any]) -> Any:  # noqa: ARG002
        """MeterValues (J01)."""
        return call.MeterValues(evse_id=number, meter_value=[_in_2x(meter_value)])

    def _event(
        self,
        transaction: Transaction,
        kind: str,
        trigger: str,
        stamp: str,
        connector: Connector,
        number: int,
        *,
        message: Message | None = None,
        offline: bool = False,
        reason: str | None = None,
        **more: Any,
    ) -> Any:
        """One event; a message that is sent again keeps its number."""
        transaction_id = str(transaction.id)
        if message is None or message.number is None:
            seq_no = self._numbers[transaction_id]
            self._numbers[transaction_id] += 1
            if message is not None:
                message.number = seq_no
        else:
            seq_no = message.number
        about: dict[str, Any] = {"transaction_id": transaction_id, "stopped_reason": reason}
        if connector.transaction is transaction:
            about["charging_state"] = _STATES.get(connector.status, "EVConnected")
        return call.TransactionEvent(
            event_type=kind,
            timestamp=stamp,
            trigger_reason=trigger,
            seq_no=seq_no,
            transaction_info=about,
            evse={"id": number, "connector_id": 1},
            offline=offline or None,
            **more,
        )


def _token(tag: str) -> dict[str, str]:
    return {"id_token": tag, "type": "ISO14443"}


def _register(register_wh: int, stamp: str, context: str) -> dict[str, Any]:
    sample = {"value": register_wh, "measurand": _REGISTER, "context": context, "unit_of_measure": {"unit": "Wh"}}
    return {"timestamp": stamp, "sampled_value": [sample]}


def _in_2x(meter_value: Mapping[str, Any]) -> dict[str, Any]:
    """A MeterValue of 1.6, keys in snake case, as 2.x has it: numbers are numbers, and units objects."""
    sampled = [
        {name: value for name, value in row.items() if name not in {"value", "unit"}}
        | {"value": float(row["value"]), "unit_of_measure": {"unit": row["unit"]}}
        for row in meter_value["sampled_value"]
    ]
    return {"timestamp": meter_value["timestamp"], "sampled_value": sampled}
