"""What a simulated station says in OCPP 1.6J."""

from __future__ import annotations

from typing import Any

from ocpp.v16 import call

from simulations.connectors import Connector
from simulations.firmware import Firmware
from simulations.outbox import Kind, Message
from simulations.speech import FIRMWARE, MODEL, VENDOR


class Speech16:
    """Fulfils ``simulations.speech.Speech``."""

    subprotocol = "ocpp1.6"

    def boot(self, identity: str) -> Any:
        """BootNotification (§4.2)."""
        return call.BootNotification(
            charge_point_vendor=VENDOR,
            charge_point_model=MODEL,
            charge_point_serial_number=identity,
            firmware_version=FIRMWARE,
        )

    def heartbeat(self) -> Any:
        """Heartbeat (§4.6)."""
        return call.Heartbeat()

    def authorise(self, tag: str) -> Any:
        """Authorize (§4.1)."""
        return call.Authorize(id_tag=tag)

    def lets_in(self, answer: Any) -> bool:
        """Whether the idTagInfo says Accepted."""
        return bool(answer.id_tag_info["status"] == "Accepted")

    def status(self, number: int, status: str, connector: Connector | None, stamp: str) -> Any:  # noqa: ARG002
        """StatusNotification (§4.9)."""
        return call.StatusNotification(connector_id=number, error_code="NoError", status=status, timestamp=stamp)

    def transaction(self, message: Message, connector: Connector, since: str) -> Any:  # noqa: ARG002
        """StartTransaction, MeterValues or StopTransaction (§4.8, §4.7, §4.10)."""
        number, fields = message.connector, message.fields
        if message.kind is Kind.START:
            return call.StartTransaction(connector_id=number, **fields)
        transaction_id = message.transaction.id
        if transaction_id is None:
            return None
        if message.kind is Kind.STOP:
            return call.StopTransaction(transaction_id=transaction_id, **fields)
        return call.MeterValues(connector_id=number, transaction_id=transaction_id, **fields)

    def answered(self, message: Message, answer: Any, firmware: Firmware, now_s: float) -> None:
        """A start gets its id, or is refused."""
        if message.kind is Kind.START:
            firmware.start_answered(message, answer.transaction_id, self.lets_in(answer), now_s)

    def values(self, number: int, connector: Connector, meter_value: dict[str, Any]) -> Any:
        """MeterValues (§4.7)."""
        transaction = connector.transaction
        return call.MeterValues(
            connector_id=number,
            transaction_id=None if transaction is None else transaction.id,
            meter_value=[meter_value],
        )
