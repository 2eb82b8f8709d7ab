"""How a simulated station answers the central system's requests in OCPP 2.0.1."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from ocpp.routing import on
from ocpp.v201 import ChargePoint, call_result

from simulations.ocpp_answers import Endpoint
from simulations.profiles import ProfileRefusedError

_KEYS: Final = {
    ("SampledDataCtrlr", "TxUpdatedInterval"): "MeterValueSampleInterval",
    ("SampledDataCtrlr", "TxUpdatedMeasurands"): "MeterValuesSampledData",
    ("OCPPCommCtrlr", "HeartbeatInterval"): "HeartbeatInterval",
    ("SecurityCtrlr", "BasicAuthPassword"): "AuthorizationKey",
}
"""Variables of 2.x, as the settings that they are here."""

_FIXED: Final = {
    ("SampledDataCtrlr", "TxStartedMeasurands"): "Energy.Active.Import.Register",
    ("SampledDataCtrlr", "TxEndedMeasurands"): "Energy.Active.Import.Register",
}
"""Variables that hold what they should; other values are refused."""

_CHANGES: Final = {"Accepted": "Accepted", "Rejected": "Rejected", "NotSupported": "UnknownVariable"}
_MESSAGES: Final = frozenset({"BootNotification", "Heartbeat", "MeterValues", "StatusNotification"})
_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def _answers(action: str) -> Callable[[_Handler], _Handler]:
    return cast("Callable[[_Handler], _Handler]", on(action))


class Endpoint2(Endpoint, ChargePoint):  # type: ignore[misc]  # the library carries no types
    """One connection to the central system."""

    @_answers("SetChargingProfile")
    async def on_set_charging_profile_2(self, evse_id: int, charging_profile: dict[str, Any], **_: Any) -> Any:
        """K01; one schedule, as long as no car has said what it needs (K01.FR.34)."""
        await asyncio.sleep(self._firmware.station.temperament.answer_s)
        try:
            self._firmware.install(evse_id, _in_16(charging_profile), self._now())
        except ProfileRefusedError as refusal:
            info = {"reason_code": "InvalidProfile", "additional_info": str(refusal)[:512]}
            return call_result.SetChargingProfile(status="Rejected", status_info=info)
        return call_result.SetChargingProfile(status="Accepted")

    @_answers("ClearChargingProfile")
    def on_clear_charging_profile_2(
        self, charging_profile_id: int | None = None, charging_profile_criteria: dict[str, Any] | None = None, **_: Any
    ) -> Any:
        """K10."""
        criteria = charging_profile_criteria or {}
        removed = self._firmware.station.profiles.clear(
            charging_profile_id,
            criteria.get("evse_id"),
            criteria.get("charging_profile_purpose"),
            criteria.get("stack_level"),
        )
        return call_result.ClearChargingProfile(status="Accepted" if removed else "Unknown")

    @_answers("GetCompositeSchedule")
    def on_get_composite_schedule_2(self, duration: int, evse_id: int, **_: Any) -> Any:
        """K08, for single EVSEs, in amperes."""
        station, now_s = self._firmware.station, self._now()
        if evse_id not in station.connectors:
            return call_result.GetCompositeSchedule(status="Rejected")
        periods = [
            {"start_period": int(start_s), "limit": round(limit_a, 1)}
            for start_s, limit_a in station.composite(evse_id, now_s, duration)
        ]
        schedule = {
            "evse_id": evse_id,
            "duration": duration,
            "schedule_start": self._firmware.timestamp(now_s),
            "charging_rate_unit": "A",
            "charging_schedule_period": periods,
        }
        return call_result.GetCompositeSchedule(status="Accepted", schedule=schedule)

    @_answers("SetVariables")
    def on_set_variables(self, set_variable_data: list[dict[str, Any]], **_: Any) -> Any:
        """B05."""
        return call_result.SetVariables(set_variable_result=[self._set(data) for data in set_variable_data])

    def _set(self, data: dict[str, Any]) -> dict[str, Any]:
        place, value = (data["component"]["name"], data["variable"]["name"]), data["attribute_value"]
        if place in _FIXED:
            status = "Accepted" if value == _FIXED[place] else "Rejected"
        else:
            status = _CHANGES[self._firmware.settings.change(_KEYS.get(place, ""), value)]
        return {"attribute_status": status, "component": data["component"], "variable": data["variable"]}

    @_answers("GetVariables")
    def on_get_variables(self, get_variable_data: list[dict[str, Any]], **_: Any) -> Any:
        """B06."""
        return call_result.GetVariables(get_variable_result=[self._get(data) for data in get_variable_data])

    def _get(self, data: dict[str, Any]) -> dict[str, Any]:
        place = (data["component"]["name"], data["variable"]["name"])
        about = {"component": data["component"], "variable": data["variable"]}
        value = _FIXED.get(place)
        if place in _KEYS:
            rows, _ = self._firmware.settings.listed([_KEYS[place]])
            value = rows[0][2]
        if value is None:
            return about | {"attribute_status": "UnknownVariable"}
        return about | {"attribute_status": "Accepted", "attribute_value": value}

    @_answers("RequestStartTransaction")
    def on_request_start_transaction(
        self,
        id_token: dict[str, Any],
        evse_id: int | None = None,
        charging_profile: dict[str, Any] | None = None,
        **_: Any,
    ) -> Any:
        """F01, F02; refused where no car is plugged in."""
        candidates = [evse_id] if evse_id is not None else list(self._firmware.station.connectors)
        profile = None if charging_profile is None else _in_16(charging_profile)
        for number in candidates:
            if self._firmware.may_start(number):
                self._after_answer.append(self._actions.begin(number, id_token["id_token"], profile))
                return call_result.RequestStartTransaction(status="Accepted")
        return call_result.RequestStartTransaction(status="Rejected")

    @_answers("RequestStopTransaction")
    def on_request_stop_transaction(self, transaction_id: str, **_: Any) -> Any:
        """F03."""
        known = self._firmware.remote_stop(transaction_id, self._now())
        return call_result.RequestStopTransaction(status="Accepted" if known else "Rejected")

    @_answers("UnlockConnector")
    def on_unlock_connector_2(self, evse_id: int, **_: Any) -> Any:
        """F05: not while a transaction runs that somebody was let in for."""
        connector = self._firmware.station.connectors.get(evse_id)
        if connector is None:
            return call_result.UnlockConnector(status="UnknownConnector")
        busy = connector.transaction is not None
        return call_result.UnlockConnector(status="OngoingAuthorizedTransaction" if busy else "Unlocked")

    @_answers("ChangeAvailability")
    def on_change_availability_2(self, operational_status: str, evse: dict[str, Any] | None = None, **_: Any) -> Any:
        """G03, G04."""
        number = 0 if evse is None else evse["id"]
        return call_result.ChangeAvailability(
            status=self._firmware.change_availability(number, operational_status == "Operative")
        )

    @_answers("Reset")
    def on_reset_2(self, type: str, **_: Any) -> Any:  # noqa: A002  (the protocol's name)
        """B11, B12."""
        self._after_answer.append(self._actions.restart(hard=type == "Immediate"))
        return call_result.Reset(status="Accepted")

    @_answers("TriggerMessage")
    def on_trigger_message_2(self, requested_message: str, evse: dict[str, Any] | None = None, **_: Any) -> Any:
        """F06."""
        number = None if evse is None else evse["id"]
        # The state of a transaction is what its EVSE is said to be while it runs.
        message = "StatusNotification" if requested_message == "TransactionEvent" else requested_message
        if message not in _MESSAGES:
            return call_result.TriggerMessage(status="NotImplemented")
        if number not in (None, *self._firmware.station.connectors):
            return call_result.TriggerMessage(status="Rejected")
        self._after_answer.append(self._actions.send_now(message, number))
        return call_result.TriggerMessage(status="Accepted")

    @_answers("CostUpdated")
    def on_cost_updated(self, **_: Any) -> Any:
        """I02; its display is not simulated."""
        return call_result.CostUpdated()

    @_answers("DataTransfer")
    def on_data_transfer_2(self, **_: Any) -> Any:
        """P01; no vendor is known."""
        return call_result.DataTransfer(status="UnknownVendorId")


def _in_16(profile: dict[str, Any]) -> dict[str, Any]:
    """A profile, keys in snake case, as 1.6 has it.

    Raises:
        ProfileRefusedError: it has several schedules.
    """
    if len(profile["charging_schedule"]) != 1:
        raise ProfileRefusedError("a profile needs one schedule")
    return profile | {"charging_profile_id": profile["id"], "charging_schedule": profile["charging_schedule"][0]}
