"""What a station says in OCPP 1.6J, and what it is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.datatypes import IdTagInfo
from ocpp.v16.enums import (
    Action,
    AuthorizationStatus,
    DataTransferStatus,
    GenericStatus,
    RegistrationStatus,
)

from adapters.ocpp.conversation import Conversation
from adapters.ocpp.cost_words import CostWords16
from adapters.ocpp.fields import Fields, read_time, written_time
from adapters.ocpp.link import Version
from adapters.ocpp.orders16 import Orders16
from adapters.ocpp.phrases16 import Phrases16
from adapters.ocpp.reception import HEARTBEAT_S, MISSING_REGISTER_WH, Verdict
from adapters.ocpp.signed import signed_texts
from adapters.ocpp.transaction import Transaction
from controller.hub_satellite.connector import Status
from controller.ports.transactions import TransactionStart, TransactionStop

_STATUSES: Final = frozenset(status.value for status in Status if status is not Status.UNKNOWN)

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def _answers(action: Action, *, lenient: bool = False) -> Callable[[_Handler], _Handler]:
    """Answer an action. Lenient: whatever its schema says of the payload, the handler reads it with care."""
    return cast("Callable[[_Handler], _Handler]", on(action, skip_schema_validation=lenient))


class Session16(Conversation, ChargePoint):  # type: ignore[misc]  # the library has no types
    """Answers a station. Transaction messages are recorded first, and always answered."""

    version = Version(
        actions=frozenset(action.value for action in Action),
        spelling={"FormatViolation": "FormationViolation"},  # the library has that of later versions (OCPP-J §4.2.3)
    )
    phrases = Phrases16()
    orders = Orders16()
    cost_words = CostWords16()

    @_answers(Action.boot_notification, lenient=True)
    async def _boot_notification(self, /, **payload: Any) -> Any:
        fields = Fields(payload)
        vendor, model = fields.text("charge_point_vendor", 20)[:20], fields.text("charge_point_model", 20)[:20]
        self._reception.booted(vendor, model, fields.optional_text("firmware_version", 50))
        self._display.booted()
        self._give_up()
        return call_result.BootNotification(
            current_time=written_time(self._around.clock.now()),
            interval=HEARTBEAT_S,
            status=RegistrationStatus.accepted,
        )

    @_answers(Action.heartbeat, lenient=True)
    async def _heartbeat(self, /, **_payload: Any) -> Any:
        return call_result.Heartbeat(current_time=written_time(self._around.clock.now()))

    @_answers(Action.status_notification, lenient=True)
    async def _status_notification(self, /, **payload: Any) -> Any:
        fields = Fields(payload)
        number, status = fields.integer("connector_id"), fields.word("status", _STATUSES)
        self._station.clock.hear(read_time(payload.get("timestamp")))
        self._reception.status(number, Status(status), fields.optional_text("error_code", 40))
        return call_result.StatusNotification()

    @_answers(Action.authorize, lenient=True)
    async def _authorize(self, /, **payload: Any) -> Any:
        token = Fields(payload).text("id_tag", 20)
        verdict = await self._reception.judge(token)
        if verdict.accepted:
            self._display.presented(token)
        return call_result.Authorize(id_tag_info=_id_tag_info(verdict))

    @_answers(Action.start_transaction, lenient=True)
    async def _start_transaction(self, /, **payload: Any) -> Any:
        fields = Fields(payload)
        number, token = fields.integer("connector_id"), fields.text("id_tag", 20)
        start_wh = fields.integer("meter_start")
        connector = self._station.connectors.get(number)
        if not 0 <= start_wh < MISSING_REGISTER_WH:
            fields.flag("meter_start_implausible")
        if connector is None:
            fields.flag("unknown_connector")
            self._reception.unknown_connector(number)
        verdict = await self._reception.judge(token, connector)
        if not verdict.accepted:
            fields.flag("unauthorised_token")
        start = TransactionStart(
            station=self._station.id,
            connector=number,
            point=None if connector is None else connector.point.id,
            token=token,
            started_at=fields.timestamp(self._around.clock.now()),
            start_wh=start_wh,
            flags=fields.flags,
        )
        started = await self._around.ledger.start_transaction(start)
        if connector is not None:
            transaction = Transaction(str(started.transaction_id), started.session_id, start_wh, verdict.accepted)
            self._reception.take_up(connector, started, transaction)
        return call_result.StartTransaction(transaction_id=started.transaction_id, id_tag_info=_id_tag_info(verdict))

    @_answers(Action.stop_transaction, lenient=True)
    async def _stop_transaction(self, /, **payload: Any) -> Any:
        fields = Fields(payload)
        transaction_id, end_wh = fields.integer("transaction_id"), fields.integer("meter_stop")
        if not 0 <= end_wh < MISSING_REGISTER_WH:
            fields.flag("meter_stop_implausible")
        token = fields.optional_text("id_tag", 255)
        stop = TransactionStop(
            station=self._station.id,
            transaction_id=str(transaction_id),
            ended_at=fields.timestamp(self._around.clock.now()),
            end_wh=end_wh,
            reason=fields.optional_text("reason", 30) or "Local",
            token=token,
            flags=fields.flags,
        )
        await self._keep_signed(str(transaction_id), payload.get("transaction_data"))
        await self._around.ledger.stop_transaction(stop)
        holder = self._station.holder(str(transaction_id))
        if holder is not None and holder.transaction is not None:
            self._display.ended(holder.transaction)
        self._station.end(str(transaction_id))
        info = None if token is None else _id_tag_info(await self._reception.judge(token))
        return call_result.StopTransaction(id_tag_info=info)

    @_answers(Action.meter_values, lenient=True)
    async def _meter_values(self, /, **payload: Any) -> Any:
        await self._keep_signed(str(payload.get("transaction_id")), payload.get("meter_value"))
        connector = self._station.measured(Fields(payload).integer("connector_id"), str(payload.get("transaction_id")))
        if connector is not None:
            self._reception.values(connector, payload.get("meter_value"))
            self._display.measured(connector)
        return call_result.MeterValues()

    async def _keep_signed(self, transaction_id: str, meter_value: Any) -> None:
        if texts := signed_texts(meter_value):
            await self._around.ledger.keep_signed(self._station.id, transaction_id, texts)

    @_answers(Action.data_transfer)
    async def _data_transfer(self, /, **_payload: Any) -> Any:
        return call_result.DataTransfer(status=DataTransferStatus.unknown_vendor_id)

    @_answers(Action.diagnostics_status_notification, lenient=True)
    async def _diagnostics_status_notification(self, /, **_payload: Any) -> Any:
        return call_result.DiagnosticsStatusNotification()

    @_answers(Action.firmware_status_notification, lenient=True)
    async def _firmware_status_notification(self, /, **_payload: Any) -> Any:
        return call_result.FirmwareStatusNotification()

    @_answers(Action.security_event_notification, lenient=True)  # kept by the charger until it is accepted
    async def _security_event_notification(self, /, **payload: Any) -> Any:
        self._reception.security_event(Fields(payload).optional_text("type", 50))
        return call_result.SecurityEventNotification()

    @_answers(Action.log_status_notification, lenient=True)
    async def _log_status_notification(self, /, **_payload: Any) -> Any:
        return call_result.LogStatusNotification()

    @_answers(Action.signed_firmware_status_notification, lenient=True)
    async def _signed_firmware_status_notification(self, /, **_payload: Any) -> Any:
        return call_result.SignedFirmwareStatusNotification()

    @_answers(Action.sign_certificate)
    async def _sign_certificate(self, /, **_payload: Any) -> Any:
        return call_result.SignCertificate(status=GenericStatus.rejected)


def _id_tag_info(verdict: Verdict) -> IdTagInfo:
    until = verdict.valid_until
    status = AuthorizationStatus(verdict.standing.value)
    return IdTagInfo(status=status, expiry_date=None if until is None else written_time(until))
