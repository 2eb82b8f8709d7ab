"""How a hub answers its back office in OCPP 1.6."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ocpp.v16.enums import Action

from adapters.ocpp.upstream.hub_desk import PAYLOAD, HubDesk, Row
from controller.hub_satellite.dialects import Message
from controller.hub_satellite.satellites import STATION


class HubDesk16(HubDesk):
    """The answers of 1.6 (§5, and the security extension)."""

    known = frozenset(action.value for action in Action)

    async def _availability(self, asked: PAYLOAD) -> PAYLOAD:
        named = self._counter.satellites.named(asked["connectorId"])
        if not named:
            return {"status": "Rejected"}
        return {"status": await self._counter.acts.in_service(named, in_service=asked["type"] == "Operative")}

    async def _change(self, asked: PAYLOAD) -> PAYLOAD:
        status = self._counter.settings.change_key(asked["key"], asked["value"])
        if status == "Accepted":
            await self._counter.hub.keep_settings()
        return {"status": status}

    async def _clear_cache(self, _asked: PAYLOAD) -> PAYLOAD:
        return {"status": "Accepted" if await self._counter.tokens.clear() else "Rejected"}

    async def _data(self, _asked: PAYLOAD) -> PAYLOAD:
        return {"status": "UnknownVendorId"}

    async def _nothing(self, _asked: PAYLOAD) -> PAYLOAD:
        return {}

    async def _rejected(self, _asked: PAYLOAD) -> PAYLOAD:
        return {"status": "Rejected"}

    async def _keys(self, asked: PAYLOAD) -> PAYLOAD:
        return self._counter.settings.read_keys(asked.get("key") or [])

    async def _list_version(self, _asked: PAYLOAD) -> PAYLOAD:
        return {"listVersion": self._counter.tokens.list_version}

    async def _list(self, asked: PAYLOAD) -> PAYLOAD:
        return {"status": await self._counter.tokens.take_list(asked, self._counter.clock.now())}

    async def _profile(self, asked: PAYLOAD) -> PAYLOAD:
        profile = asked["csChargingProfiles"]
        session = self._counter.book.named(str(profile.get("transactionId")))
        if session is not None:  # by the name that the profiles here go by
            asked = {**asked, "csChargingProfiles": {**profile, "transactionId": session.name}}
        return self._counter.profiles.answer("SetChargingProfile", asked) or {"status": "NotSupported"}

    async def _clear_profile(self, asked: PAYLOAD) -> PAYLOAD:
        return self._counter.profiles.answer("ClearChargingProfile", asked) or {"status": "Unknown"}

    async def _composite(self, asked: PAYLOAD) -> PAYLOAD:
        return self._counter.profiles.answer("GetCompositeSchedule", asked) or {"status": "Rejected"}

    async def _start(self, asked: PAYLOAD) -> PAYLOAD:
        profile = asked.get("chargingProfile")
        wrong = profile is not None and profile["chargingProfilePurpose"] != "TxProfile"
        if wrong or asked.get("connectorId") == STATION:
            return {"status": "Rejected"}
        at = await self._counter.acts.start(asked.get("connectorId"), asked["idTag"], profile=profile)
        return {"status": "Rejected" if at is None else "Accepted"}

    async def _stop(self, asked: PAYLOAD) -> PAYLOAD:
        done = await self._counter.acts.stop(str(asked["transactionId"]))
        return {"status": "Accepted" if done else "Rejected"}

    async def _reset(self, asked: PAYLOAD) -> PAYLOAD:
        self._counter.acts.reset_all(self._counter.hub.restart, hard=asked["type"] == "Hard")
        return {"status": "Accepted"}

    async def _unlock(self, asked: PAYLOAD) -> PAYLOAD:
        number = asked["connectorId"]
        if self._counter.satellites.point(number) is None:
            return {"status": "NotSupported"}
        result = await self._counter.acts.unlock(number)
        if result.accepted:
            return {"status": "Unlocked"}
        return {"status": "NotSupported" if result.status in {"NotSupported", "NotImplemented"} else "UnlockFailed"}

    async def _trigger(self, asked: PAYLOAD) -> PAYLOAD:
        message, number = asked["requestedMessage"], asked.get("connectorId")
        counter = self._counter
        connectors = counter.satellites.named(STATION if number is None else number)
        if not connectors:
            return {"status": "Rejected"}
        if message == "StatusNotification":
            named = [STATION] if number == STATION else [STATION, *connectors] if number is None else connectors
            counter.acts.later(counter.hub.tell_statuses(named))
        elif message == "MeterValues":
            counter.acts.later(counter.hub.tell_values(connectors))
        elif message == "BootNotification":
            counter.acts.later(counter.hub.tell_boot())
        else:
            counter.acts.later(counter.hub.tell(Message(message, _TOLD[message])))
        return {"status": "Accepted"}

    table: ClassVar[Mapping[str, Row]] = {
        "CancelReservation": Row(_rejected, "`Rejected`: there are no reservations"),
        "CertificateSigned": Row(None, "a hub's certificate is set in the site file"),
        "ChangeAvailability": Row(
            _availability,
            "passed to the satellite, connector 0 to all; `Scheduled` where one of them waits for its transaction; "
            "one that is not connected is told when it is again; unknown connector: `Rejected`",
        ),
        "ChangeConfiguration": Row(
            _change,
            "`MeterValueSampleInterval` and `HeartbeatInterval` take effect at once and are kept; "
            "other keys that exist: `Rejected`; unknown ones: `NotSupported`",
        ),
        "ClearCache": Row(_clear_cache, "forgets what the back office answered of tokens; its local list stays"),
        "ClearChargingProfile": Row(_clear_profile, "`Accepted` where a profile was meant, else `Unknown`"),
        "DataTransfer": Row(_data, "`UnknownVendorId`"),
        "DeleteCertificate": Row(None, "a hub's certificates are set in the site file"),
        "ExtendedTriggerMessage": Row(None, "see `TriggerMessage`"),
        "GetCompositeSchedule": Row(
            _composite,
            "what connector (or, for 0, the whole) really may draw: the smallest of the back office's profiles, "
            "the satellite's maximum and what the site allows now; unknown connector: `Rejected`",
        ),
        "GetConfiguration": Row(_keys, "the keys below; unknown ones are named"),
        "GetDiagnostics": Row(_nothing, "no file name: there is no file"),
        "GetInstalledCertificateIds": Row(None, "a hub's certificates are set in the site file"),
        "GetLocalListVersion": Row(_list_version, "the version of the list that was sent last; 0: none was"),
        "GetLog": Row(None, "a hub sends no log"),
        "InstallCertificate": Row(None, "a hub's certificates are set in the site file"),
        "RemoteStartTransaction": Row(
            _start,
            "passed to the satellite; without a connector to one where a car waits, or a free one; `Rejected` where "
            "one charges, and for connector 0; a TxProfile with it holds once its transaction begins",
        ),
        "RemoteStopTransaction": Row(_stop, "passed to the satellite; unknown transaction: `Rejected`"),
        "ReserveNow": Row(_rejected, "`Rejected`: reservations are not taken"),
        "Reset": Row(_reset, "`Accepted`; every satellite is reset, and the hub's connection begins anew with a boot"),
        "SendLocalList": Row(
            _list,
            "kept, and counts while the back office is away; an older version than the one here: `VersionMismatch`; "
            "more than 500 tokens at once: `Failed`",
        ),
        "SetChargingProfile": Row(
            _profile,
            "kept and merged by OCPP's rules; the smaller of it and the site's own limit reaches the satellite; one "
            "that breaks a rule, or is for an unknown connector: `Rejected`",
        ),
        "SignedUpdateFirmware": Row(None, "a hub's firmware is updated on site"),
        "TriggerMessage": Row(_trigger, "`Accepted`, and the message follows; unknown connector: `Rejected`"),
        "UnlockConnector": Row(_unlock, "passed to the satellite; unknown connector: `NotSupported`"),
        "UpdateFirmware": Row(None, "a hub's firmware is updated on site"),
    }


_TOLD: Mapping[str, Mapping[str, Any]] = {
    "Heartbeat": {},
    "DiagnosticsStatusNotification": {"status": "Idle"},
    "FirmwareStatusNotification": {"status": "Idle"},
}
