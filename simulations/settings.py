"""The configuration keys of a simulated station: OCPP 1.6 §9, and AuthorizationKey from the security white paper."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from simulations.profiles import MAX_PERIODS, MAX_PROFILES, MAX_STACK_LEVEL

MEASURANDS: Final = (
    "Current.Import",
    "Current.Offered",
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Voltage",
)


class Change(StrEnum):
    """The answers to ChangeConfiguration (OCPP 1.6 §7.22)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_SUPPORTED = "NotSupported"


@dataclass(slots=True)
class _Key:
    value: str
    readonly: bool = False
    secret: bool = False


class Settings:
    """Keys with their values, for one station of ``connectors`` connectors."""

    def __init__(self, connectors: int) -> None:
        self._keys = {
            "AllowOfflineTxForUnknownId": _Key("true"),
            "AuthorizationKey": _Key("", secret=True),
            "AuthorizeRemoteTxRequests": _Key("false", readonly=True),
            "ChargeProfileMaxStackLevel": _Key(str(MAX_STACK_LEVEL), readonly=True),
            "ChargingScheduleAllowedChargingRateUnit": _Key("Current,Power", readonly=True),
            "ChargingScheduleMaxPeriods": _Key(str(MAX_PERIODS), readonly=True),
            "ClockAlignedDataInterval": _Key("0", readonly=True),
            "ConnectionTimeOut": _Key("60"),
            "HeartbeatInterval": _Key("300"),
            "MaxChargingProfilesInstalled": _Key(str(MAX_PROFILES), readonly=True),
            "MeterValueSampleInterval": _Key("60"),
            "MeterValuesSampledData": _Key("Energy.Active.Import.Register,Current.Import,Power.Active.Import"),
            "NumberOfConnectors": _Key(str(connectors), readonly=True),
            "StopTransactionOnEVSideDisconnect": _Key("true", readonly=True),
            "StopTransactionOnInvalidId": _Key("true"),
            "SupportedFeatureProfiles": _Key("Core,SmartCharging,RemoteTrigger", readonly=True),
            "TransactionMessageAttempts": _Key("3"),
            "TransactionMessageRetryInterval": _Key("5"),
        }

    def __getitem__(self, key: str) -> str:
        return self._keys[key].value

    def number(self, key: str) -> int:
        """A key that holds a whole number, e.g. of seconds."""
        return int(self._keys[key].value)

    def is_true(self, key: str) -> bool:
        """A key that holds a boolean."""
        return self._keys[key].value.lower() == "true"

    def change(self, name: str, value: str) -> Change:
        """Set a key, as ChangeConfiguration asks."""
        key = self._keys.get(name)
        if key is None:
            return Change.NOT_SUPPORTED
        if key.readonly or not _fits(key.value, value):
            return Change.REJECTED
        if name == "MeterValuesSampledData" and not set(value.split(",")) <= {*MEASURANDS, ""}:
            return Change.REJECTED
        key.value = value
        return Change.ACCEPTED

    def listed(self, names: Iterable[str] | None) -> tuple[list[tuple[str, bool, str | None]], list[str]]:
        """(key, read-only, value) for each name, or for all; and the names that are not known. No secrets."""
        wanted = list(names or ()) or list(self._keys)
        rows = [
            (name, key.readonly, None if key.secret else key.value)
            for name in wanted
            if (key := self._keys.get(name)) is not None
        ]
        return rows, [name for name in wanted if name not in self._keys]


def _fits(old: str, new: str) -> bool:
    if old.isdigit():
        return new.isascii() and new.isdigit()
    if old.lower() in ("true", "false"):
        return new.lower() in ("true", "false")
    return True
