"""The few calls of a back office that do not reach the charger as they are; docs/reference/forwarding.md lists them.

Charging profiles are kept here, because the controller writes its own; the charger's way to us stays as it is; and its
measurements stay as dense as the controller needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from adapters.ocpp.fields import written_time
from adapters.ocpp.upstream.profiles import (
    KeptProfiles,
    asked_for,
    read_criteria,
    read_profile,
    reports,
    written_schedule,
)
from controller.hub_satellite.charging_profiles import STATION, ProfileRefused, Purpose, RateUnit
from controller.hub_satellite.composite import Evse, composite

OUR_WAY_16: Final = frozenset({"authorizationkey", "securityprofile"})
"""Configuration keys of 1.6, in lower case, by which a charger would be lost to us."""

OUR_WAY_2: Final = frozenset(
    {
        ("securityctrlr", "basicauthpassword"),
        ("securityctrlr", "identity"),
        ("ocppcommctrlr", "networkconfigurationpriority"),
    }
)
"""Components and variables of 2.x, likewise."""

SAMPLING_16: Final = ("MeterValueSampleInterval", "MeterValuesSampledData")
"""What is measured, and how often: the controller's need comes first, the back office gets what it asked for."""

INTERVAL: Final = SAMPLING_16[0]
SAMPLING_2: Final = {
    ("sampleddatactrlr", "txupdatedinterval"): INTERVAL,
    ("sampleddatactrlr", "txupdatedmeasurands"): SAMPLING_16[1],
}
"""Components and variables of 2.x for the same, with what stands for them here."""


UNLOCK: Final = "UnlockConnector"
NOT_ITS_OWN: Final[Mapping[str, Mapping[str, Any]]] = {
    "RemoteStopTransaction": {"status": "Rejected"},
    "RequestStopTransaction": {"status": "Rejected"},
    "GetTransactionStatus": {"messagesInQueue": False},
    "CostUpdated": {},
    UNLOCK: {"status": "UnlockFailed"},
}
"""What is answered to a back office that asks this of a transaction which is another's."""

STARTS: Final = frozenset({"RemoteStartTransaction", "RequestStartTransaction"})
PROFILES: Final = frozenset(
    {"SetChargingProfile", "ClearChargingProfile", "GetCompositeSchedule", "GetChargingProfiles"}
)

OF_TRANSACTIONS: Final = frozenset({Purpose.TX, Purpose.TX_DEFAULT})
"""What profiles are for that limit transactions, and not the station as a whole."""

_DURATION_MOST_S: Final = 7 * 24 * 3600


class Interventions:
    """What is answered, or changed, of what one back office asks of one station."""

    def __init__(
        self,
        *,
        legacy: bool,
        kept: KeptProfiles,
        settings: Mapping[str, str],
        remember: Callable[[str, str], None],
        evses: Callable[[], Sequence[Evse]],
        now: Callable[[], datetime],
        voltage_v: float,
        later: Callable[[str, dict[str, Any]], None] = lambda _action, _payload: None,
        guest: bool = False,
    ) -> None:
        """Set up for a version of the protocol.

        Args:
            legacy: whether it is 1.6.
            kept: the profiles of this back office for this station.
            settings: what the back office has set and the charger was not told, by name.
            remember: told of such a setting.
            evses: the station's, with what they may draw now.
            now: the time.
            voltage_v: phase to neutral [V].
            later: tells the back office something, by action and payload, after the answer.
            guest: whether the station is for another back office to set up, so that this one sets nothing but how
                often it hears of measurements, and limits nothing but its own transactions.
        """
        self.legacy, self._kept, self._settings, self._remember = legacy, kept, settings, remember
        self._guest, self._later, self._evses, self._now, self._voltage_v = guest, later, evses, now, voltage_v
        self.awaited: dict[int, Any] = {}
        """Profiles for transactions that the back office has asked to begin, by EVSE."""

    def answer(self, action: str, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        """What is answered here; None: the charger is to answer."""
        about_profiles = {
            "SetChargingProfile": self._set,
            "ClearChargingProfile": self._clear,
            "GetCompositeSchedule": self._composite,
            "GetChargingProfiles": self._report,
        }
        if action in about_profiles:
            return about_profiles[action](asked)
        if action == "ChangeConfiguration" and self.legacy:
            return self._change(str(asked.get("key")), str(asked.get("value")))
        if action == "SetNetworkProfile":
            return {"status": "Rejected"}
        return None

    def for_charger(self, action: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the charger is asked; the same object where nothing is to be changed."""
        if action in STARTS and "chargingProfile" in asked:
            return {name: value for name, value in asked.items() if name != "chargingProfile"}
        if action == "SetVariables":
            rows = [row for row in _rows(asked, "setVariableData") if not self._ours(row)]
            return asked if len(rows) == len(_rows(asked, "setVariableData")) else {**asked, "setVariableData": rows}
        return asked

    def spared(self, action: str, for_charger: Mapping[str, Any]) -> bool:
        """Whether nothing is left to ask of the charger."""
        return action == "SetVariables" and not _rows(for_charger, "setVariableData")

    def for_office(self, action: str, asked: Mapping[str, Any], told: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the back office is answered; the same object where nothing is to be changed."""
        if action in STARTS:
            evse = asked.get("connectorId", asked.get("evseId"))
            if told.get("status") == "Accepted" and isinstance(evse, int) and "chargingProfile" in asked:
                self.awaited[evse] = asked["chargingProfile"]
            return told
        if action == "SetVariables":
            return self._variables_set(asked, told)
        if action == "GetVariables":
            return self._shown(told, "getVariableResult", _shown_name, "attributeValue")
        if action == "GetConfiguration" and self.legacy:
            return self._shown(told, "configurationKey", lambda row: row.get("key"), "value")
        return told

    def began(self, evse: int) -> None:
        """A transaction has begun: what the back office wanted for it holds from now on."""
        profile = self.awaited.pop(evse, None)
        if profile is not None:
            with suppress(ProfileRefused):  # the transaction is what was asked for; what is no profile limits nothing
                self._kept.set(evse, profile, self._now())

    # -- profiles ----------------------------------------------------------------------------------------------

    def _set(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        evse = asked.get("connectorId" if self.legacy else "evseId")
        profile = asked.get("csChargingProfiles" if self.legacy else "chargingProfile")
        if evse != STATION and evse not in {one.number for one in self._evses()}:
            return self._refused("InvalidEvse" if not self.legacy else None, "there is no such EVSE")
        try:
            self._keep(int(evse), profile)
        except ProfileRefused as refused:
            return self._refused("InvalidProfile" if not self.legacy else None, str(refused))
        return {"status": "Accepted"}

    def _keep(self, evse: int, profile: object) -> None:
        if self._guest and read_profile(profile).purpose not in OF_TRANSACTIONS:
            raise ProfileRefused("the station as a whole is for another back office to limit")
        self._kept.set(evse, profile, self._now())

    def _report(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """2.0.1 K09."""
        try:
            found = self._kept.meant(asked_for(asked))
        except (KeyError, AttributeError, TypeError):
            found = []
        for report in reports(asked.get("requestId", 0), found):
            self._later("ReportChargingProfiles", report)
        return {"status": "Accepted" if found else "NoProfiles"}

    def _refused(self, code: str | None, why: str) -> dict[str, Any]:
        if code is None:
            return {"status": "Rejected"}
        return {"status": "Rejected", "statusInfo": {"reasonCode": code, "additionalInfo": why[:512]}}

    def _clear(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        try:
            criteria = read_criteria(asked)
        except ValueError:
            return {"status": "Unknown"}
        return {"status": "Accepted" if self._kept.clear(criteria) else "Unknown"}

    def _composite(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """1.6 §5.7; 2.0.1 K08."""
        number, duration_s = asked.get("connectorId" if self.legacy else "evseId"), asked.get("duration")
        unit = asked.get("chargingRateUnit", RateUnit.AMPERE.value)
        evses = [one for one in self._evses() if number in {STATION, one.number}]
        if not evses or not isinstance(duration_s, int) or unit not in {"A", "W"}:
            return {"status": "Rejected"}
        begins_at, duration_s = self._now(), max(0, min(duration_s, _DURATION_MOST_S))
        steps = composite(self._kept.profiles, evses, begins_at, duration_s, self._voltage_v)
        periods = written_schedule(steps, unit, self._voltage_v)
        start = written_time(begins_at)
        if self.legacy:
            schedule = {"duration": duration_s, "chargingRateUnit": unit, "chargingSchedulePeriod": periods}
            schedule["startSchedule"] = start
            return {
                "status": "Accepted",
                "connectorId": number,
                "scheduleStart": start,
                "chargingSchedule": schedule,
            }
        schedule = {"evseId": number, "duration": duration_s, "scheduleStart": start}
        schedule |= {"chargingRateUnit": unit, "chargingSchedulePeriod": periods}
        return {"status": "Accepted", "schedule": schedule}

    # -- settings ----------------------------------------------------------------------------------------------

    def _change(self, key: str, value: str) -> dict[str, Any] | None:
        if key.casefold() in OUR_WAY_16 or (self._guest and key not in SAMPLING_16):
            return {"status": "Rejected"}
        if key not in SAMPLING_16:
            return None
        if key == INTERVAL and not (value.isascii() and value.isdigit()):
            return {"status": "Rejected"}
        self._remember(key, value)
        return {"status": "Accepted"}

    def _shown(
        self, told: Mapping[str, Any], of: str, name: Callable[[Mapping[str, Any]], object], value: str
    ) -> Mapping[str, Any]:
        """What a charger says of its settings, with what the back office has set itself."""
        rows = _rows(told, of)
        changed = [
            {**row, value: self._settings[str(name(row))]} if name(row) in self._settings else row for row in rows
        ]
        return told if changed == rows else {**told, of: changed}

    def _ours(self, row: Mapping[str, Any]) -> bool:
        return self._guest or _variable(row) in OUR_WAY_2 or _variable(row) in SAMPLING_2

    def _variables_set(self, asked: Mapping[str, Any], told: Mapping[str, Any]) -> Mapping[str, Any]:
        rows = _rows(asked, "setVariableData")
        if not any(self._ours(row) for row in rows):
            return told
        answers = iter(_rows(told, "setVariableResult"))
        results = []
        for row in rows:
            if not self._ours(row):
                if (answer := next(answers, None)) is not None:
                    results.append(answer)
                continue
            name = _variable_name(row)
            answer = {"status": "Rejected"} if name is None else self._change(name, str(row.get("attributeValue")))
            status = "Rejected" if answer is None else answer["status"]
            results.append(
                {"attributeStatus": status, "component": row.get("component"), "variable": row.get("variable")}
            )
        return {**told, "setVariableResult": results}


def _variable(row: Mapping[str, Any]) -> tuple[str, str]:
    component, variable = row.get("component"), row.get("variable")
    names = [part.get("name") if isinstance(part, Mapping) else "" for part in (component, variable)]
    return str(names[0]).casefold(), str(names[1]).casefold()


def _variable_name(row: Mapping[str, Any]) -> str | None:
    """What stands here for a variable that the charger is not told."""
    return SAMPLING_2.get(_variable(row))


def _shown_name(row: Mapping[str, Any]) -> str | None:
    shown = "attributeValue" in row and row.get("attributeType", "Actual") == "Actual"
    return _variable_name(row) if shown else None


def _rows(document: Mapping[str, Any], name: str) -> list[Any]:
    rows = document.get(name)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
