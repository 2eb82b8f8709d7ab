"""A hub's settings, as its back office reads and changes them: configuration keys in 1.6, variables in 2.x.

There are few, and each is true: what can be changed has its effect, what cannot is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from controller.hub_satellite.charging_profiles import PERIODS_MOST, PROFILES_MOST, STACK_LEVEL_MOST
from controller.hub_satellite.dialects import MEASURANDS

SAMPLE_S: Final = 60
"""Between two measurements of a session, until the back office asks for another pause [s]."""

HEARTBEAT_S: Final = 300
"""Between two heartbeats, where the back office has no opinion [s]."""

INTERVAL_MOST_S: Final = 86_400

KEYS_AT_ONCE: Final = 50

_SAMPLE, _HEARTBEAT = "sample_s", "heartbeat_s"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, by its names in both versions."""

    key: str | None
    """In 1.6; None: it has no name there."""
    variable: tuple[str, str] | None
    """Component and variable in 2.x; None: it has no name there."""
    value: str
    kind: str = "integer"
    """Its data type in 2.x."""
    changes: str | None = None
    """What changes with it; None: it can only be read."""
    unit: str | None = None


class HubSettings:
    """The settings of one hub."""

    def __init__(self, connectors: int) -> None:
        """Begin with the defaults."""
        self._connectors = connectors
        self._values: dict[str, int] = {}

    @property
    def sample_s(self) -> int:
        """Between two measurements of a session [s]; 0: none are wanted."""
        return self._values.get(_SAMPLE, SAMPLE_S)

    @property
    def heartbeat_s(self) -> int:
        """Between two heartbeats [s]; the answer to a boot sets it as well (1.6 §4.2; 2.0.1 B01.FR.06)."""
        return self._values.get(_HEARTBEAT, HEARTBEAT_S)

    @heartbeat_s.setter
    def heartbeat_s(self, every_s: int) -> None:
        self._values[_HEARTBEAT] = min(every_s, INTERVAL_MOST_S)

    @property
    def changed(self) -> Mapping[str, int]:
        """What the back office has changed, to be kept."""
        return dict(self._values)

    def restore(self, changed: object) -> None:
        """Take up what was kept."""
        for name, value in changed.items() if isinstance(changed, Mapping) else ():
            if name in {_SAMPLE, _HEARTBEAT} and isinstance(value, int):
                self._values[name] = value

    def all(self) -> Sequence[Setting]:
        """Every setting, with its value."""
        every = ",".join(MEASURANDS)
        sample, heartbeat = str(self.sample_s), str(self.heartbeat_s)
        sampled = ("SampledDataCtrlr", "TxUpdatedInterval")
        return [
            Setting("AuthorizeRemoteTxRequests", ("AuthCtrlr", "AuthorizeRemoteStart"), "false", "boolean"),
            Setting("AuthorizationCacheEnabled", ("AuthCacheCtrlr", "Enabled"), "true", "boolean"),
            Setting("LocalAuthListEnabled", ("LocalAuthListCtrlr", "Enabled"), "true", "boolean"),
            Setting("SendLocalListMaxLength", ("LocalAuthListCtrlr", "ItemsPerMessage"), "500"),
            Setting("LocalAuthListMaxLength", None, "100000"),
            Setting("LocalAuthorizeOffline", ("AuthCtrlr", "LocalAuthorizeOffline"), "true", "boolean"),
            Setting("LocalPreAuthorize", ("AuthCtrlr", "LocalPreAuthorize"), "false", "boolean"),
            Setting("ClockAlignedDataInterval", ("AlignedDataCtrlr", "Interval"), "0", unit="s"),
            Setting("ConnectionTimeOut", None, "0"),
            Setting("GetConfigurationMaxKeys", ("DeviceDataCtrlr", "ItemsPerMessage"), str(KEYS_AT_ONCE)),
            Setting(
                "HeartbeatInterval", ("OCPPCommCtrlr", "HeartbeatInterval"), heartbeat, changes=_HEARTBEAT, unit="s"
            ),
            Setting("MeterValueSampleInterval", sampled, sample, changes=_SAMPLE, unit="s"),
            Setting("MeterValuesSampledData", ("SampledDataCtrlr", "TxUpdatedMeasurands"), every, "MemberList"),
            Setting("MeterValuesAlignedData", None, ""),
            Setting("StopTxnAlignedData", None, ""),
            Setting("StopTxnSampledData", None, ""),
            Setting(None, ("SampledDataCtrlr", "TxEndedMeasurands"), MEASURANDS[0], "MemberList"),
            Setting(None, ("SampledDataCtrlr", "TxStartedMeasurands"), MEASURANDS[0], "MemberList"),
            Setting("NumberOfConnectors", None, str(self._connectors)),
            Setting("ConnectorPhaseRotation", None, "NotApplicable"),
            Setting("ResetRetries", ("OCPPCommCtrlr", "ResetRetries"), "0"),
            Setting("StopTransactionOnEVSideDisconnect", ("TxCtrlr", "StopTxOnEVSideDisconnect"), "true", "boolean"),
            Setting("StopTransactionOnInvalidId", ("TxCtrlr", "StopTxOnInvalidId"), "true", "boolean"),
            Setting("UnlockConnectorOnEVSideDisconnect", None, "false"),
            Setting("TransactionMessageAttempts", None, "5"),
            Setting("TransactionMessageRetryInterval", None, "5"),
            Setting("SupportedFeatureProfiles", None, FEATURES),
            Setting("ChargeProfileMaxStackLevel", ("SmartChargingCtrlr", "ProfileStackLevel"), str(STACK_LEVEL_MOST)),
            Setting("ChargingScheduleAllowedChargingRateUnit", None, "Current,Power"),
            Setting(None, ("SmartChargingCtrlr", "RateUnit"), "A,W", "MemberList"),
            Setting("ChargingScheduleMaxPeriods", ("SmartChargingCtrlr", "PeriodsPerSchedule"), str(PERIODS_MOST)),
            Setting("MaxChargingProfilesInstalled", ("SmartChargingCtrlr", "Entries"), str(PROFILES_MOST)),
            Setting(None, ("SmartChargingCtrlr", "Enabled"), "true", "boolean"),
            Setting(None, ("OCPPCommCtrlr", "FileTransferProtocols"), "", "MemberList"),
            Setting(None, ("ChargingStation", "Model"), "Hub", "string"),
            Setting(None, ("ChargingStation", "VendorName"), "Loadstar", "string"),
            Setting(None, ("EVSE", "Count"), str(self._connectors)),
        ]

    # -- 1.6 ---------------------------------------------------------------------------------------------------

    def read_keys(self, names: Sequence[str]) -> dict[str, Any]:
        """Answer a GetConfiguration (§5.8); no names: all keys."""
        every = {one.key.casefold(): one for one in self.all() if one.key is not None}
        if not names:
            return {"configurationKey": [_key(one) for one in every.values()]}
        found = {name: every.get(name.casefold()) for name in names}
        return {
            "configurationKey": [_key(one) for one in found.values() if one is not None],
            "unknownKey": [name for name, one in found.items() if one is None],
        }

    def change_key(self, name: str, value: str) -> str:
        """Answer a ChangeConfiguration (§5.3)."""
        setting = next((one for one in self.all() if one.key and one.key.casefold() == name.casefold()), None)
        return "NotSupported" if setting is None else self._change(setting, value)

    # -- 2.x ---------------------------------------------------------------------------------------------------

    def read_variable(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one row of a GetVariables (B06)."""
        about, setting = _about(asked), self._actual(asked)
        if isinstance(setting, str):
            return {"attributeStatus": setting, **about}
        return {"attributeStatus": "Accepted", "attributeValue": setting.value, **about}

    def change_variable(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one row of a SetVariables (B05)."""
        setting = self._actual(asked)
        status = setting if isinstance(setting, str) else self._change(setting, str(asked["attributeValue"]))
        return {"attributeStatus": status, **_about(asked)}

    def report(self, *, changeable_only: bool) -> list[dict[str, Any]]:
        """The rows of a NotifyReport (B07)."""
        return [
            _reported(one)
            for one in self.all()
            if one.variable is not None and (one.changes is not None or not changeable_only)
        ]

    def _actual(self, asked: Mapping[str, Any]) -> Setting | str:
        """The variable whose actual value is meant; else the status that says why there is none."""
        setting = self._variable(asked)
        if isinstance(setting, Setting) and asked.get("attributeType", "Actual") != "Actual":
            return "NotSupportedAttributeType"
        return setting

    def _variable(self, asked: Mapping[str, Any]) -> Setting | str:
        """The variable that is meant; else the status that says why there is none."""
        component, variable = asked["component"], asked["variable"]
        wanted = (component["name"].casefold(), variable["name"].casefold())
        known = {tuple(name.casefold() for name in one.variable): one for one in self.all() if one.variable}
        plain = "instance" not in component and "instance" not in variable and "evse" not in component
        if plain and wanted in known:
            return known[wanted]
        return "UnknownVariable" if any(wanted[0] == name[0] for name in known) else "UnknownComponent"

    def _change(self, setting: Setting, value: str) -> str:
        if setting.changes is None or not (value.isascii() and value.isdigit()):
            return "Rejected"
        number = int(value)
        if number > INTERVAL_MOST_S or (number == 0 and setting.changes == _HEARTBEAT):
            return "Rejected"
        self._values[setting.changes] = number
        return "Accepted"


FEATURES: Final = "Core,LocalAuthListManagement,SmartCharging,RemoteTrigger"
"""The feature profiles of 1.6 that a hub has (§3.1)."""


def _about(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"component": asked["component"], "variable": asked["variable"]}


def _key(setting: Setting) -> dict[str, Any]:
    return {"key": setting.key, "readonly": setting.changes is None, "value": setting.value}


def _reported(setting: Setting) -> dict[str, Any]:
    assert setting.variable is not None
    component, variable = setting.variable
    mutability = "ReadOnly" if setting.changes is None else "ReadWrite"
    about: dict[str, Any] = {"dataType": setting.kind, "supportsMonitoring": False}
    return {
        "component": {"name": component},
        "variable": {"name": variable},
        "variableAttribute": [{"value": setting.value, "mutability": mutability}],
        "variableCharacteristics": about | ({"unit": setting.unit} if setting.unit else {}),
    }
