"""People's commands in OCPP 2.0.1 and 2.1."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

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

PLUG: Final = 1
"""The plug of an EVSE that is meant where one must be named: nearly all have one."""

_MESSAGES: Final[Mapping[News, str]] = {
    News.BOOT: "BootNotification",
    News.HEARTBEAT: "Heartbeat",
    News.STATUS: "StatusNotification",
    News.METER_VALUES: "MeterValues",
    News.FIRMWARE: "FirmwareStatusNotification",
    News.LOG: "LogStatusNotification",
}
_NUMBERS: Final = itertools.count(1)
"""Ids of requests whose consequences come in messages of their own."""


class Orders2:
    """Fulfils ``adapters.ocpp.orders.Orders``."""

    def __init__(self, call: ModuleType) -> None:
        """Take the library's calls of the version."""
        self._call = call

    def request(self, command: Command, connector: int, transaction_id: str | None) -> Any:  # noqa: C901, PLR0911 - a table
        """Return the call; None for a stop where nothing runs, and for settings that are named otherwise."""
        call, evse = self._call, {"id": connector}
        match command:
            case StartCharging(token):
                uid = {"id_token": token, "type": "Central"}
                return call.RequestStartTransaction(id_token=uid, remote_start_id=next(_NUMBERS), evse_id=connector)
            case StopCharging():
                return None if transaction_id is None else call.RequestStopTransaction(transaction_id=transaction_id)
            case Reset(hard):
                return call.Reset(type="Immediate" if hard else "OnIdle")
            case Unlock():
                return call.UnlockConnector(evse_id=connector, connector_id=PLUG)
            case Availability(in_service):
                status = "Operative" if in_service else "Inoperative"
                return call.ChangeAvailability(operational_status=status, evse=evse)
            case Trigger(news):
                plug = {News.STATUS: evse | {"connector_id": PLUG}, News.METER_VALUES: evse}.get(news)
                return call.TriggerMessage(requested_message=_MESSAGES[news], evse=plug)
            case ReadSettings(()):
                return call.GetBaseReport(request_id=next(_NUMBERS), report_base="FullInventory")
            case ReadSettings(names):
                places = [_place(name) for name in names]
                return None if None in places else call.GetVariables(get_variable_data=places)
            case WriteSetting(name, value):
                place = _place(name)
                return place and call.SetVariables(set_variable_data=[place | {"attribute_value": value}])
            case UpdateFirmware(url, at):
                firmware = {"location": url, "retrieve_date_time": written_time(at)}
                return call.UpdateFirmware(request_id=next(_NUMBERS), firmware=firmware)
            case Diagnostics(url):
                log = {"remote_location": url}
                return call.GetLog(log=log, log_type="DiagnosticsLog", request_id=next(_NUMBERS))

    def settings(self, answer: Any) -> Mapping[str, str]:
        """Return the variables of a GetVariables (B06)."""
        results = getattr(answer, "get_variable_result", None) or []
        return {name_of(result): str(result["attribute_value"]) for result in results if "attribute_value" in result}


def name_of(place: Mapping[str, Any]) -> str:
    """Return the name of a variable, keys in snake case.

    >>> name_of({"component": {"name": "EVSE", "evse": {"id": 2}}, "variable": {"name": "Power"}})
    'EVSE#2.Power'
    """
    component, variable = place["component"], place["variable"]
    evse = component.get("evse", {}).get("id")
    return f"{component['name']}{'' if evse is None else f'#{evse}'}.{variable['name']}"


def _place(name: str) -> dict[str, Any] | None:
    """Return the component and the variable that a name stands for; None where it is no such name."""
    component, dot, variable = name.partition(".")
    component, _, evse = component.partition("#")
    if not (component and dot and variable) or (evse and not evse.isdigit()):
        return None
    about: dict[str, Any] = {"name": component} | ({"evse": {"id": int(evse)}} if evse else {})
    return {"component": about, "variable": {"name": variable}}
