"""What a station says in OCPP 2.0.1 and 2.1, and what it is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar, cast

import ocpp.v21.call
import ocpp.v201.call
from ocpp import v21, v201
from ocpp.exceptions import PropertyConstraintViolationError
from ocpp.routing import on
from ocpp.v21.enums import Action as Action21
from ocpp.v201.enums import Action as Action201
from websockets.asyncio.server import ServerConnection

from adapters.ocpp.conversation import Conversation
from adapters.ocpp.fields import Fields, read_time, written_time
from adapters.ocpp.link import Version
from adapters.ocpp.phrases2 import Phrases2
from adapters.ocpp.reception import HEARTBEAT_S, Verdict
from adapters.ocpp.station import Station
from adapters.ocpp.surroundings import Surroundings
from adapters.ocpp.transaction_event import read_token, read_transaction_event
from adapters.ocpp.transactions2 import Transactions
from controller.hub_satellite.connector import Status
from controller.plan import Severity

_STATUSES: Final[Mapping[str, Status]] = {
    "Available": Status.AVAILABLE,
    "Occupied": Status.PREPARING,
    "Reserved": Status.RESERVED,
    "Unavailable": Status.UNAVAILABLE,
    "Faulted": Status.FAULTED,
}
"""ConnectorStatusEnumType: whether it charges is a matter of its transaction."""

_MAX_EVENTS: Final = 100
"""Events looked at in one NotifyEvent; a station sends a few."""

_SPELLING: Final = {"FormationViolation": "FormatViolation"}
"""Our own refusals have the spelling of 1.6 (part 4 §4.3)."""

_CHAIN_UNKNOWN_FOR: Final = timedelta(days=1)
"""How long a certificate's status need not be asked again: we know none."""

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def _answers(action: str) -> Callable[[_Handler], _Handler]:
    """Answer an action. Whatever its schema says of the payload, the handler reads it with care."""
    return cast("Callable[[_Handler], _Handler]", on(action, skip_schema_validation=True))


class Session2(Conversation):
    """Answers a station. Transaction events are recorded first, and always answered.

    What 2.0.1 and 2.1 share; a subclass adds the library's ``ChargePoint`` of its version.
    """

    def __init__(self, station: Station, socket: ServerConnection, around: Surroundings) -> None:
        super().__init__(station, socket, around)
        self._transactions = Transactions(station, around, self._reception)

    def _answer(self, action: str, **fields: Any) -> Any:
        """The answer to an action in the words of the version."""
        return getattr(self._call_result, action)(**fields)

    @_answers("BootNotification")
    async def _boot_notification(self, /, **payload: Any) -> Any:
        about = Fields(_mapping(payload.get("charging_station")))
        vendor, model = about.text("vendor_name", 50)[:50], about.text("model", 20)[:20]
        self._reception.booted(vendor, model, about.optional_text("firmware_version", 50))
        self._give_up()
        now = written_time(self._around.clock.now())
        return self._answer("BootNotification", current_time=now, interval=HEARTBEAT_S, status="Accepted")

    @_answers("Heartbeat")
    async def _heartbeat(self, /, **_payload: Any) -> Any:
        return self._answer("Heartbeat", current_time=written_time(self._around.clock.now()))

    @_answers("StatusNotification")
    async def _status_notification(self, /, **payload: Any) -> Any:
        fields = Fields(payload)
        status = _STATUSES.get(fields.text("connector_status", 20))
        if status is None:
            raise PropertyConstraintViolationError("connectorStatus is none of ConnectorStatusEnumType")
        self._station.hear_time(read_time(payload.get("timestamp")))
        self._plug(fields.integer("evse_id"), fields.integer("connector_id"), status)
        return self._answer("StatusNotification")

    def _plug(self, evse: int, plug: int, status: Status) -> None:
        """Take a plug's status for its EVSE's, as far as its transaction does not say more."""
        connector = self._station.connectors.get(evse)
        whole = status if connector is None else connector.plug(plug, status)
        charging = connector is not None and connector.transaction is not None and not connector.transaction.dormant
        if not (charging and whole is Status.PREPARING):
            self._reception.status(evse, whole, f"plug {plug}")

    @_answers("Authorize")
    async def _authorize(self, /, **payload: Any) -> Any:
        token = read_token(payload.get("id_token"))
        if token is None:
            Fields(_mapping(payload.get("id_token"))).text("id_token", 255)  # says what is wrong with it
        verdict = await self._reception.judge(token or "")
        return self._answer("Authorize", id_token_info=_id_token_info(verdict))

    @_answers("TransactionEvent")
    async def _transaction_event(self, /, **payload: Any) -> Any:
        event = read_transaction_event(payload, self._around.clock.now())
        if not event.offline:
            self._station.hear_time(read_time(payload.get("timestamp")))
        heard = await self._transactions.hear(event)
        info = None if heard.verdict is None else _id_token_info(heard.verdict)
        return self._answer("TransactionEvent", id_token_info=info)

    @_answers("MeterValues")
    async def _meter_values(self, /, **payload: Any) -> Any:
        connector = self._station.connectors.get(Fields(payload).integer("evse_id"))
        if connector is not None:
            await self._transactions.measured(connector, payload.get("meter_value"))
        return self._answer("MeterValues")

    @_answers("NotifyEvent")
    async def _notify_event(self, /, **payload: Any) -> Any:
        events = payload.get("event_data")
        for event in events[:_MAX_EVENTS] if isinstance(events, list) else []:
            if isinstance(event, Mapping):
                self._hear_event(event)
        return self._answer("NotifyEvent")

    def _hear_event(self, event: Mapping[str, Any]) -> None:
        """Take a monitored variable: in 2.1 a plug's status may come as one (G01), and a fault comes as an alert."""
        component, variable = _mapping(event.get("component")), _mapping(event.get("variable"))
        evse, name, told = _mapping(component.get("evse")), variable.get("name"), event.get("actual_value")
        status = _STATUSES.get(told) if isinstance(told, str) else None
        number, plug = evse.get("id"), evse.get("connector_id")
        if component.get("name") == "Connector" and name == "AvailabilityState" and status is not None:
            if type(number) is int and type(plug) is int:
                self._plug(number, plug, status)
        elif event.get("trigger") == "Alerting" and event.get("cleared") is not True:
            where = f"{component.get('name')!s:.50} {name!s:.50}"
            message = f"it reports {where}: {told!s:.50}"
            self._around.report("charger_event", self._station.subject, message, Severity.WARNING)

    @_answers("NotifyChargingLimit")
    async def _notify_charging_limit(self, /, **payload: Any) -> Any:
        source = Fields(_mapping(payload.get("charging_limit"))).optional_text("charging_limit_source", 20)
        message = f"somebody else limits it: {source or 'nobody is named'}"
        self._around.report("charging_limit_set", self._station.subject, message, Severity.WARNING)
        return self._answer("NotifyChargingLimit")

    @_answers("ClearedChargingLimit")
    async def _cleared_charging_limit(self, /, **payload: Any) -> Any:
        source = Fields(payload).optional_text("charging_limit_source", 20)
        message = f"somebody else limits it no longer: {source or 'nobody is named'}"
        self._around.report("charging_limit_cleared", self._station.subject, message)
        return self._answer("ClearedChargingLimit")

    @_answers("SecurityEventNotification")
    async def _security_event_notification(self, /, **payload: Any) -> Any:
        self._reception.security_event(Fields(payload).optional_text("type", 50))
        return self._answer("SecurityEventNotification")

    @_answers("DataTransfer")
    async def _data_transfer(self, /, **_payload: Any) -> Any:
        return self._answer("DataTransfer", status="UnknownVendorId")

    @_answers("NotifyEVChargingNeeds")
    async def _notify_ev_charging_needs(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyEVChargingNeeds", status="Accepted")  # its TxProfile comes in any case (K15)

    @_answers("NotifyEVChargingSchedule")
    async def _notify_ev_charging_schedule(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyEVChargingSchedule", status="Accepted")

    @_answers("SignCertificate")
    async def _sign_certificate(self, /, **_payload: Any) -> Any:
        return self._answer("SignCertificate", status="Rejected")

    @_answers("Get15118EVCertificate")
    async def _get_15118_ev_certificate(self, /, **_payload: Any) -> Any:
        return self._answer("Get15118EVCertificate", status="Failed", exi_response="")

    @_answers("GetCertificateStatus")
    async def _get_certificate_status(self, /, **_payload: Any) -> Any:
        return self._answer("GetCertificateStatus", status="Failed")

    @_answers("FirmwareStatusNotification")
    async def _firmware_status_notification(self, /, **_payload: Any) -> Any:
        return self._answer("FirmwareStatusNotification")

    @_answers("LogStatusNotification")
    async def _log_status_notification(self, /, **_payload: Any) -> Any:
        return self._answer("LogStatusNotification")

    @_answers("NotifyReport")
    async def _notify_report(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyReport")

    @_answers("NotifyMonitoringReport")
    async def _notify_monitoring_report(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyMonitoringReport")

    @_answers("NotifyCustomerInformation")
    async def _notify_customer_information(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyCustomerInformation")

    @_answers("NotifyDisplayMessages")
    async def _notify_display_messages(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyDisplayMessages")

    @_answers("PublishFirmwareStatusNotification")
    async def _publish_firmware_status_notification(self, /, **_payload: Any) -> Any:
        return self._answer("PublishFirmwareStatusNotification")

    @_answers("ReportChargingProfiles")
    async def _report_charging_profiles(self, /, **_payload: Any) -> Any:
        return self._answer("ReportChargingProfiles")

    @_answers("ReservationStatusUpdate")
    async def _reservation_status_update(self, /, **_payload: Any) -> Any:
        return self._answer("ReservationStatusUpdate")


class Session201(Session2, v201.ChargePoint):  # type: ignore[misc]  # the library has no types
    """Answers a station that speaks OCPP 2.0.1."""

    version = Version(actions=frozenset(action.value for action in Action201), spelling=_SPELLING)
    phrases = Phrases2(ocpp.v201.call)


class Session21(Session2, v21.ChargePoint):  # type: ignore[misc]  # the library has no types
    """Answers a station that speaks OCPP 2.1."""

    version = Version(actions=frozenset(action.value for action in Action21), spelling=_SPELLING, one_way=True)
    phrases = Phrases2(ocpp.v21.call)

    @_answers("BatterySwap")
    async def _battery_swap(self, /, **_payload: Any) -> Any:
        return self._answer("BatterySwap")

    @_answers("GetCertificateChainStatus")
    async def _get_certificate_chain_status(self, /, **payload: Any) -> Any:
        until = written_time(self._around.clock.now() + _CHAIN_UNKNOWN_FOR)
        unknown = {"source": "OCSP", "status": "Unknown", "next_update": until}
        asked = [_mapping(request.get("certificate_hash_data")) for request in _mappings(payload)]
        statuses = [{"certificate_hash_data": dict(certificate)} | unknown for certificate in asked]
        return self._answer("GetCertificateChainStatus", certificate_status=statuses)

    @_answers("NotifyDERAlarm")
    async def _notify_der_alarm(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyDERAlarm")

    @_answers("NotifyDERStartStop")
    async def _notify_der_start_stop(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyDERStartStop")

    @_answers("NotifyPriorityCharging")
    async def _notify_priority_charging(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyPriorityCharging")

    @_answers("NotifySettlement")
    async def _notify_settlement(self, /, **_payload: Any) -> Any:
        return self._answer("NotifySettlement")

    @_answers("OpenPeriodicEventStream")
    async def _open_periodic_event_stream(self, /, **_payload: Any) -> Any:
        return self._answer("OpenPeriodicEventStream", status="Rejected")

    @_answers("ClosePeriodicEventStream")
    async def _close_periodic_event_stream(self, /, **_payload: Any) -> Any:
        return self._answer("ClosePeriodicEventStream")

    @_answers("PullDynamicScheduleUpdate")
    async def _pull_dynamic_schedule_update(self, /, **_payload: Any) -> Any:
        return self._answer("PullDynamicScheduleUpdate", status="Rejected")  # no profile of ours is dynamic

    @_answers("ReportDERControl")
    async def _report_der_control(self, /, **_payload: Any) -> Any:
        return self._answer("ReportDERControl")

    @_answers("VatNumberValidation")
    async def _vat_number_validation(self, /, **payload: Any) -> Any:
        number = Fields(payload).text("vat_number", 20)[:20]
        return self._answer("VatNumberValidation", vat_number=number, status="Rejected")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(payload: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The requests of a GetCertificateChainStatus, which holds up to four."""
    requests = payload.get("certificate_status_requests")
    return [one for one in requests[:4] if isinstance(one, Mapping)] if isinstance(requests, list) else []


def _id_token_info(verdict: Verdict) -> dict[str, Any]:
    until = verdict.valid_until
    expiry = {} if until is None else {"cache_expiry_date_time": written_time(until)}
    return {"status": verdict.standing.value} | expiry
