"""What stations say in OCPP 2.0.1 and 2.1 that needs no more than an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar, cast

from ocpp.routing import on

from adapters.ocpp.conversation import Conversation
from adapters.ocpp.fields import Fields, written_time

_CHAIN_UNKNOWN_FOR: Final = timedelta(days=1)
"""How long a certificate's status need not be asked again: we know none."""

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def answers(action: str) -> Callable[[_Handler], _Handler]:
    """Answer an action. Whatever its schema says of the payload, the handler reads it with care."""
    return cast("Callable[[_Handler], _Handler]", on(action, skip_schema_validation=True))


class Courtesies(Conversation):
    """Answers what is nothing to us."""

    def _answer(self, action: str, **fields: Any) -> Any:
        """The answer to an action in the words of the version."""
        return getattr(self._call_result, action)(**fields)

    @answers("DataTransfer")
    async def _data_transfer(self, /, **_payload: Any) -> Any:
        return self._answer("DataTransfer", status="UnknownVendorId")

    @answers("NotifyEVChargingNeeds")
    async def _notify_ev_charging_needs(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyEVChargingNeeds", status="Accepted")  # its TxProfile comes in any case (K15)

    @answers("NotifyEVChargingSchedule")
    async def _notify_ev_charging_schedule(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyEVChargingSchedule", status="Accepted")

    @answers("SignCertificate")
    async def _sign_certificate(self, /, **_payload: Any) -> Any:
        return self._answer("SignCertificate", status="Rejected")

    @answers("Get15118EVCertificate")
    async def _get_15118_ev_certificate(self, /, **_payload: Any) -> Any:
        return self._answer("Get15118EVCertificate", status="Failed", exi_response="")

    @answers("GetCertificateStatus")
    async def _get_certificate_status(self, /, **_payload: Any) -> Any:
        return self._answer("GetCertificateStatus", status="Failed")

    @answers("FirmwareStatusNotification")
    async def _firmware_status_notification(self, /, **_payload: Any) -> Any:
        return self._answer("FirmwareStatusNotification")

    @answers("LogStatusNotification")
    async def _log_status_notification(self, /, **_payload: Any) -> Any:
        return self._answer("LogStatusNotification")

    @answers("NotifyMonitoringReport")
    async def _notify_monitoring_report(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyMonitoringReport")

    @answers("NotifyCustomerInformation")
    async def _notify_customer_information(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyCustomerInformation")

    @answers("NotifyDisplayMessages")
    async def _notify_display_messages(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyDisplayMessages")

    @answers("PublishFirmwareStatusNotification")
    async def _publish_firmware_status_notification(self, /, **_payload: Any) -> Any:
        return self._answer("PublishFirmwareStatusNotification")

    @answers("ReportChargingProfiles")
    async def _report_charging_profiles(self, /, **_payload: Any) -> Any:
        return self._answer("ReportChargingProfiles")

    @answers("ReservationStatusUpdate")
    async def _reservation_status_update(self, /, **_payload: Any) -> Any:
        return self._answer("ReservationStatusUpdate")


class Courtesies21(Courtesies):
    """Answers what 2.1 adds to that."""

    @answers("BatterySwap")
    async def _battery_swap(self, /, **_payload: Any) -> Any:
        return self._answer("BatterySwap")

    @answers("GetCertificateChainStatus")
    async def _get_certificate_chain_status(self, /, **payload: Any) -> Any:
        until = written_time(self._around.clock.now() + _CHAIN_UNKNOWN_FOR)
        unknown = {"source": "OCSP", "status": "Unknown", "next_update": until}
        asked = [mapping(request.get("certificate_hash_data")) for request in _mappings(payload)]
        statuses = [{"certificate_hash_data": dict(certificate)} | unknown for certificate in asked]
        return self._answer("GetCertificateChainStatus", certificate_status=statuses)

    @answers("NotifyDERAlarm")
    async def _notify_der_alarm(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyDERAlarm")

    @answers("NotifyDERStartStop")
    async def _notify_der_start_stop(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyDERStartStop")

    @answers("NotifyPriorityCharging")
    async def _notify_priority_charging(self, /, **_payload: Any) -> Any:
        return self._answer("NotifyPriorityCharging")

    @answers("NotifySettlement")
    async def _notify_settlement(self, /, **_payload: Any) -> Any:
        return self._answer("NotifySettlement")

    @answers("OpenPeriodicEventStream")
    async def _open_periodic_event_stream(self, /, **_payload: Any) -> Any:
        return self._answer("OpenPeriodicEventStream", status="Rejected")

    @answers("ClosePeriodicEventStream")
    async def _close_periodic_event_stream(self, /, **_payload: Any) -> Any:
        return self._answer("ClosePeriodicEventStream")

    @answers("PullDynamicScheduleUpdate")
    async def _pull_dynamic_schedule_update(self, /, **_payload: Any) -> Any:
        return self._answer("PullDynamicScheduleUpdate", status="Rejected")  # no profile of ours is dynamic

    @answers("ReportDERControl")
    async def _report_der_control(self, /, **_payload: Any) -> Any:
        return self._answer("ReportDERControl")

    @answers("VatNumberValidation")
    async def _vat_number_validation(self, /, **payload: Any) -> Any:
        number = Fields(payload).text("vat_number", 20)[:20]
        return self._answer("VatNumberValidation", vat_number=number, status="Rejected")


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object of a payload; an empty one where there is none."""
    return value if isinstance(value, Mapping) else {}


def _mappings(payload: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The requests of a GetCertificateChainStatus, which holds up to four."""
    requests = payload.get("certificate_status_requests")
    return [one for one in requests[:4] if isinstance(one, Mapping)] if isinstance(requests, list) else []
