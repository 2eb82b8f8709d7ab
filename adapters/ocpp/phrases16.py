"""What stations are asked in OCPP 1.6J."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ocpp.v16 import call
from ocpp.v16.datatypes import ChargingProfile, ChargingSchedule, ChargingSchedulePeriod
from ocpp.v16.enums import (
    AvailabilityType,
    ChargingProfileKindType,
    ChargingProfilePurposeType,
    ChargingRateUnitType,
    ConfigurationStatus,
    MessageTrigger,
)

from adapters.ocpp.composite import DURATION_S
from adapters.ocpp.connector import SAMPLE_INTERVAL_S
from adapters.ocpp.fields import written_time
from adapters.ocpp.limits import STACK_LEVEL, profile_id
from adapters.ocpp.phrases import Purpose, Setting
from controller.hub_satellite.deadman import Schedule

MEASURANDS: Final = (
    "Current.Import,Power.Active.Import,Energy.Active.Import.Register",
    "Current.Import,Energy.Active.Import.Register",
    "Power.Active.Import,Energy.Active.Import.Register",
)
"""What chargers are asked to measure, best first: some refuse a list for one entry that they do not know."""


class Phrases16:
    """Fulfils ``adapters.ocpp.phrases.Phrases``."""

    settings: Sequence[Setting] = (
        Setting(
            "it does not let its sample interval be set",
            [call.ChangeConfiguration(key="MeterValueSampleInterval", value=str(SAMPLE_INTERVAL_S))],
        ),
        Setting(
            "it does not let its measurands be set",
            [call.ChangeConfiguration(key="MeterValuesSampledData", value=value) for value in MEASURANDS],
        ),
    )

    def limit(self, connector: int, purpose: Purpose, held: Schedule, transaction_id: str | None = None) -> Any:
        """SetChargingProfile (§5.16)."""
        profile = charging_profile(connector, purpose, held, transaction_id)
        return call.SetChargingProfile(connector_id=connector, cs_charging_profiles=profile)

    def way_out(self, connector: int, purpose: Purpose, answer: Any) -> Any:  # noqa: ARG002
        """Nothing: a charger does not say why it refuses."""
        return None

    def stop(self, transaction_id: str) -> Any:
        """RemoteStopTransaction (§5.12)."""
        return call.RemoteStopTransaction(transaction_id=_number(transaction_id) or 0)

    def service(self, connector: int, *, in_service: bool) -> Any:
        """ChangeAvailability (§5.2)."""
        kind = AvailabilityType.operative if in_service else AvailabilityType.inoperative
        return call.ChangeAvailability(connector_id=connector, type=kind)

    def composite(self, connector: int) -> Any:
        """GetCompositeSchedule (§5.7)."""
        return call.GetCompositeSchedule(connector, DURATION_S, ChargingRateUnitType.amps)

    def held(self, answer: Any) -> Any:
        """Return the answer's chargingSchedule."""
        return getattr(answer, "charging_schedule", None)

    def boot_question(self) -> Any:
        """TriggerMessage (§5.17)."""
        return call.TriggerMessage(requested_message=MessageTrigger.boot_notification)

    def status_questions(self, connector: int, *, in_transaction: bool) -> Sequence[Any]:  # noqa: ARG002
        """TriggerMessage (§5.17)."""
        return [call.TriggerMessage(requested_message=MessageTrigger.status_notification, connector_id=connector)]

    def taken(self, answer: Any) -> bool:
        """Whether ChangeConfiguration has done it (§5.3)."""
        return answer.status in {ConfigurationStatus.accepted, ConfigurationStatus.reboot_required}


def charging_profile(
    connector: int, purpose: Purpose, held: Schedule, transaction_id: str | None = None
) -> ChargingProfile:
    """Return a charging profile (§7.8) in amperes, without an end."""
    schedule = ChargingSchedule(
        charging_rate_unit=ChargingRateUnitType.amps,
        start_schedule=written_time(held.starts_at),
        charging_schedule_period=[
            ChargingSchedulePeriod(start_period=start_s, limit=limit_a) for start_s, limit_a in held.periods
        ],
    )
    return ChargingProfile(
        charging_profile_id=profile_id(connector, purpose),
        transaction_id=None if transaction_id is None else _number(transaction_id),
        stack_level=STACK_LEVEL,
        charging_profile_purpose=ChargingProfilePurposeType(purpose.value),
        charging_profile_kind=ChargingProfileKindType.absolute,
        charging_schedule=schedule,
    )


def _number(transaction_id: str) -> int | None:
    """The id as 1.6 has it; None for one that the station has chosen in another version, before an update."""
    try:
        return int(transaction_id)
    except ValueError:
        return None
