"""What stations are asked in OCPP 2.0.1 and 2.1, which have the same words for it. A connector is an EVSE here."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final

from adapters.ocpp.composite import DURATION_S
from adapters.ocpp.connector import SAMPLE_INTERVAL_S
from adapters.ocpp.fields import written_time
from adapters.ocpp.limits import STACK_LEVEL, profile_id
from adapters.ocpp.phrases import Purpose, Setting
from controller.hub_satellite.deadman import Schedule

_REGISTER: Final = "Energy.Active.Import.Register"
_MEASURANDS: Final = (
    f"Current.Import,Power.Active.Import,{_REGISTER}",
    f"Current.Import,{_REGISTER}",
    f"Power.Active.Import,{_REGISTER}",
)
"""What stations are asked to measure, best first: some refuse a list for one entry that they do not know."""


class Phrases2:
    """Fulfils ``adapters.ocpp.phrases.Phrases``."""

    def __init__(self, call: ModuleType) -> None:
        """Take the library's calls of the version."""
        self._call = call
        sampled = "SampledDataCtrlr"
        self.settings: Sequence[Setting] = (
            Setting(
                "it does not let its sample interval be set",
                [self.variable(sampled, "TxUpdatedInterval", str(SAMPLE_INTERVAL_S))],
            ),
            Setting(
                "it does not let its measurands be set",
                [self.variable(sampled, "TxUpdatedMeasurands", measurands) for measurands in _MEASURANDS],
            ),
            Setting(
                "it does not let the register be asked for at the start of a transaction",
                [self.variable(sampled, "TxStartedMeasurands", _REGISTER)],
            ),
            Setting(
                "it does not let the register be asked for at the end of a transaction",
                [self.variable(sampled, "TxEndedMeasurands", _REGISTER)],
            ),
        )

    def variable(self, component: str, variable: str, value: str) -> Any:
        """SetVariables, one at a time: a station may take no more in a message (B05)."""
        data = {"component": {"name": component}, "variable": {"name": variable}, "attribute_value": value}
        return self._call.SetVariables(set_variable_data=[data])

    def limit(self, connector: int, purpose: Purpose, held: Schedule, transaction_id: str | None = None) -> Any:
        """SetChargingProfile (K01), with one schedule (K01.FR.34). The schedule has the profile's id."""
        number = profile_id(connector, purpose)
        schedule = {
            "id": number,
            "start_schedule": written_time(held.starts_at),
            "charging_rate_unit": "A",
            "charging_schedule_period": [{"start_period": start_s, "limit": limit} for start_s, limit in held.periods],
        }
        profile = {
            "id": number,
            "stack_level": STACK_LEVEL,
            "charging_profile_purpose": purpose.value,
            "charging_profile_kind": "Absolute",
            "charging_schedule": [schedule],
            "transaction_id": transaction_id,
        }
        return self._call.SetChargingProfile(evse_id=connector, charging_profile=profile)

    def way_out(self, connector: int, purpose: Purpose, answer: Any) -> Any:
        """ClearChargingProfile (K10) for a foreign profile in the place of ours.

        It may be one of the whole station (K01.FR.53), or of the same transaction (K01.FR.39).
        """
        reason = (answer.status_info or {}).get("reason_code")
        if reason != "DuplicateProfile":
            return None
        place = {
            "evse_id": 0 if purpose is Purpose.DEFAULT else connector,
            "charging_profile_purpose": purpose.value,
            "stack_level": STACK_LEVEL,
        }
        return self._call.ClearChargingProfile(charging_profile_criteria=place)

    def stop(self, transaction_id: str) -> Any:
        """RequestStopTransaction (F03)."""
        return self._call.RequestStopTransaction(transaction_id=transaction_id)

    def service(self, connector: int, *, in_service: bool) -> Any:
        """ChangeAvailability of an EVSE (G03)."""
        status = "Operative" if in_service else "Inoperative"
        return self._call.ChangeAvailability(operational_status=status, evse={"id": connector})

    def composite(self, connector: int) -> Any:
        """GetCompositeSchedule (K08)."""
        return self._call.GetCompositeSchedule(duration=DURATION_S, evse_id=connector, charging_rate_unit="A")

    def held(self, answer: Any) -> Any:
        """Return the answer's schedule."""
        return getattr(answer, "schedule", None)

    def boot_question(self) -> Any:
        """TriggerMessage (F06)."""
        return self._call.TriggerMessage(requested_message="BootNotification")

    def status_questions(self, connector: int, *, in_transaction: bool) -> Sequence[Any]:
        """TriggerMessage (F06), for a plug and, where a transaction runs, for its charging state."""
        plug = {"id": connector, "connector_id": 1}
        asked = [self._call.TriggerMessage(requested_message="StatusNotification", evse=plug)]
        if in_transaction:
            evse = {"id": connector}
            asked.append(self._call.TriggerMessage(requested_message="TransactionEvent", evse=evse))
        return asked

    def taken(self, answer: Any) -> bool:
        """Whether SetVariables has done it."""
        results = [result.get("attribute_status") for result in answer.set_variable_result]
        return bool(results) and all(status in {"Accepted", "RebootRequired"} for status in results)
