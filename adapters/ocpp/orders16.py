"""People's commands in OCPP 1.6J."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ocpp.v16 import call
from ocpp.v16.enums import AvailabilityType, MessageTrigger, ResetType

from adapters.ocpp.fields import written_time
from controller.commands import (
    Availability,
    Command,
    Diagnostics,
    News,
    ReadSettings,
    Reset,
    StartCharging,
    StopCharging,
    Trigger,
    Unlock,
    UpdateFirmware,
    WriteSetting,
)

_MESSAGES: Final[Mapping[News, MessageTrigger]] = {
    News.BOOT: MessageTrigger.boot_notification,
    News.HEARTBEAT: MessageTrigger.heartbeat,
    News.STATUS: MessageTrigger.status_notification,
    News.METER_VALUES: MessageTrigger.meter_values,
    News.FIRMWARE: MessageTrigger.firmware_status_notification,
    News.LOG: MessageTrigger.diagnostics_status_notification,
}


class Orders16:
    """Fulfils ``adapters.ocpp.orders.Orders``."""

    def request(self, command: Command, connector: int, transaction_id: str | None) -> Any:  # noqa: C901, PLR0911 - a table
        """Return the call (§5); None for a stop where nothing runs."""
        match command:
            case StartCharging(token):
                return call.RemoteStartTransaction(id_tag=token, connector_id=connector)
            case StopCharging():
                known = transaction_id is not None and transaction_id.isdigit()
                return call.RemoteStopTransaction(int(transaction_id or 0)) if known else None
            case Reset(hard):
                return call.Reset(type=ResetType.hard if hard else ResetType.soft)
            case Unlock():
                return call.UnlockConnector(connector_id=connector)
            case Availability(in_service):
                kind = AvailabilityType.operative if in_service else AvailabilityType.inoperative
                return call.ChangeAvailability(connector_id=connector, type=kind)
            case Trigger(news):
                about = connector if news in {News.STATUS, News.METER_VALUES} else None
                return call.TriggerMessage(requested_message=_MESSAGES[news], connector_id=about)
            case ReadSettings(names):
                return call.GetConfiguration(key=list(names) or None)
            case WriteSetting(name, value):
                return call.ChangeConfiguration(key=name, value=value)
            case UpdateFirmware(url, at):
                return call.UpdateFirmware(location=url, retrieve_date=written_time(at))
            case Diagnostics(url):
                return call.GetDiagnostics(location=url)

    def settings(self, answer: Any) -> Mapping[str, str]:
        """Return the keys of a GetConfiguration (§5.8)."""
        listed = getattr(answer, "configuration_key", None) or []
        return {row["key"]: str(row.get("value", "")) for row in listed}
