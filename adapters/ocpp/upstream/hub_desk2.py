"""How a hub answers its back office in OCPP 2.0.1 and 2.1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from ocpp.v21.enums import Action as Action21
from ocpp.v201.enums import Action as Action201

from adapters.ocpp.upstream.hub_desk import PAYLOAD, HubDesk, Row
from adapters.ocpp.upstream.profiles import asked_for, reports
from controller.hub_satellite.dialect2 import PLUG
from controller.hub_satellite.dialects import Message, written
from controller.hub_satellite.satellites import STATION

_ROWS_AT_ONCE: Final = 20
"""Settings in one NotifyReport."""

_QUEUE_MOST: Final = 1000
"""Letters that are looked through for one transaction's."""


class HubDesk2(HubDesk):
    """The answers of 2.1 (part 2, by functional block)."""

    known = frozenset(action.value for action in Action21)

    # -- B: provisioning ---------------------------------------------------------------------------------------

    async def _variables(self, asked: PAYLOAD) -> PAYLOAD:
        return {"getVariableResult": [self._counter.settings.read_variable(row) for row in asked["getVariableData"]]}

    async def _set_variables(self, asked: PAYLOAD) -> PAYLOAD:
        results = [self._counter.settings.change_variable(row) for row in asked["setVariableData"]]
        await self._counter.hub.keep_settings()
        return {"setVariableResult": results}

    async def _base_report(self, asked: PAYLOAD) -> PAYLOAD:
        if asked["reportBase"] == "SummaryInventory":
            return {"status": "NotSupported"}
        rows = self._counter.settings.report(changeable_only=asked["reportBase"] == "ConfigurationInventory")
        self._counter.acts.later(self._report(asked["requestId"], rows))
        return {"status": "Accepted"}

    async def _report(self, request: int, rows: Sequence[PAYLOAD]) -> None:
        pages = [rows[begin : begin + _ROWS_AT_ONCE] for begin in range(0, len(rows), _ROWS_AT_ONCE)]
        for number, page in enumerate(pages):
            payload = {
                "requestId": request,
                "generatedAt": written(self._counter.clock.now()),
                "seqNo": number,
                "tbc": number + 1 < len(pages),
                "reportData": page,
            }
            await self._counter.hub.tell(Message("NotifyReport", payload))

    async def _reset(self, asked: PAYLOAD) -> PAYLOAD:
        hard, number = asked["type"] != "OnIdle", asked.get("evseId")
        acts = self._counter.acts
        if number is None:
            busy = not hard and bool(self._counter.book.sessions)
            acts.reset_all(self._counter.hub.restart, hard=hard)
            return {"status": "Scheduled" if busy else "Accepted"}
        result = await acts.reset(number, hard=hard)
        return {
            "status": ("Scheduled" if result.status == "Scheduled" else "Accepted") if result.accepted else "Rejected"
        }

    # -- C and D: authorisation --------------------------------------------------------------------------------

    async def _clear_cache(self, _asked: PAYLOAD) -> PAYLOAD:
        return {"status": "Accepted" if await self._counter.tokens.clear() else "Rejected"}

    async def _list_version(self, _asked: PAYLOAD) -> PAYLOAD:
        return {"versionNumber": self._counter.tokens.list_version}

    async def _list(self, asked: PAYLOAD) -> PAYLOAD:
        return {"status": await self._counter.tokens.take_list(asked, self._counter.clock.now())}

    # -- E and F: transactions, remote control -----------------------------------------------------------------

    async def _transaction(self, asked: PAYLOAD) -> PAYLOAD:
        counter, name = self._counter, asked.get("transactionId")
        waiting = await counter.outbox.head(counter.upstream, counter.identity, _QUEUE_MOST)
        if name is None:
            return {"messagesInQueue": bool(waiting)}
        mine = any(entry.key.startswith(f"{name}#") for entry in waiting)
        return {"ongoingIndicator": counter.book.named(name) is not None, "messagesInQueue": mine}

    async def _start(self, asked: PAYLOAD) -> PAYLOAD:
        profile = asked.get("chargingProfile")
        if profile is not None and profile["chargingProfilePurpose"] != "TxProfile":
            return {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidProfile"}}
        token = asked["idToken"]["idToken"] or asked["idToken"]["type"]
        at = await self._counter.acts.start(asked.get("evseId"), token, request=asked["remoteStartId"], profile=profile)
        return {"status": "Rejected" if at is None else "Accepted"}

    async def _stop(self, asked: PAYLOAD) -> PAYLOAD:
        done = await self._counter.acts.stop(asked["transactionId"])
        return {"status": "Accepted" if done else "Rejected"}

    async def _unlock(self, asked: PAYLOAD) -> PAYLOAD:
        number = asked["evseId"]
        if self._counter.satellites.point(number) is None or asked["connectorId"] != PLUG:
            return {"status": "UnknownConnector"}
        if self._counter.book.at(number) is not None:
            return {"status": "OngoingAuthorizedTransaction"}
        return {"status": "Unlocked" if (await self._counter.acts.unlock(number)).accepted else "UnlockFailed"}

    async def _trigger(self, asked: PAYLOAD) -> PAYLOAD:
        message, evse = asked["requestedMessage"], asked.get("evse") or {}
        counter = self._counter
        connectors = counter.satellites.named(evse.get("id", STATION))
        place = "connectorId" in evse
        if not connectors or (place and evse["connectorId"] != PLUG) or (message == "StatusNotification" and not place):
            return {"status": "Rejected"}
        if message == "StatusNotification":
            counter.acts.later(counter.hub.tell_statuses(connectors))
        elif message in {"MeterValues", "TransactionEvent"}:
            counter.acts.later(counter.hub.tell_values(connectors))
        elif message == "BootNotification":
            counter.acts.later(counter.hub.tell_boot())
        elif message in _TOLD:
            counter.acts.later(counter.hub.tell(Message(message, _TOLD[message])))
        else:
            return {"status": "NotImplemented"}
        return {"status": "Accepted"}

    async def _availability(self, asked: PAYLOAD) -> PAYLOAD:
        evse = asked.get("evse") or {"id": STATION}
        named = self._counter.satellites.named(evse["id"])
        if not named or evse.get("connectorId", PLUG) != PLUG:
            return {"status": "Rejected"}
        operative = asked["operationalStatus"] == "Operative"
        return {"status": await self._counter.acts.in_service(named, in_service=operative)}

    # -- K: smart charging -------------------------------------------------------------------------------------

    async def _profile(self, asked: PAYLOAD) -> PAYLOAD:
        return self._counter.profiles.answer("SetChargingProfile", asked) or {"status": "Rejected"}

    async def _clear_profile(self, asked: PAYLOAD) -> PAYLOAD:
        return self._counter.profiles.answer("ClearChargingProfile", asked) or {"status": "Unknown"}

    async def _composite(self, asked: PAYLOAD) -> PAYLOAD:
        return self._counter.profiles.answer("GetCompositeSchedule", asked) or {"status": "Rejected"}

    async def _profiles(self, asked: PAYLOAD) -> PAYLOAD:
        """K09."""
        found = self._counter.kept.meant(asked_for(asked))
        if not found:
            return {"status": "NoProfiles"}
        self._counter.acts.later(self._report_profiles(asked["requestId"], found))
        return {"status": "Accepted"}

    async def _report_profiles(self, request: int, found: Sequence[tuple[int, PAYLOAD]]) -> None:
        for report in reports(request, found):
            await self._counter.hub.tell(Message("ReportChargingProfiles", report))

    # -- the rest ----------------------------------------------------------------------------------------------

    async def _data(self, _asked: PAYLOAD) -> PAYLOAD:
        return {"status": "UnknownVendorId"}

    async def _rejected(self, _asked: PAYLOAD) -> PAYLOAD:
        return {"status": "Rejected"}

    async def _not_supported(self, _asked: PAYLOAD) -> PAYLOAD:
        return {"status": "NotSupported"}

    async def _not_found(self, _asked: PAYLOAD) -> PAYLOAD:
        return {"status": "NotFound"}

    async def _unknown(self, _asked: PAYLOAD) -> PAYLOAD:
        return {"status": "Unknown"}

    async def _no_monitors(self, asked: PAYLOAD) -> PAYLOAD:
        return {"clearMonitoringResult": [{"status": "NotFound", "id": number} for number in asked["id"]]}

    async def _no_firmware(self, _asked: PAYLOAD) -> PAYLOAD:
        return {"status": "NoFirmware"}

    table: ClassVar[Mapping[str, Row]] = {
        "CancelReservation": Row(_rejected, "`Rejected`: there are no reservations"),
        "CertificateSigned": Row(_rejected, "`Rejected`: a hub's certificate is set in the site file"),
        "ChangeAvailability": Row(
            _availability,
            "passed to the satellite, without an EVSE to all; `Scheduled` where one of them waits for its "
            "transaction; one that is not connected is told when it is again; unknown EVSE: `Rejected`",
        ),
        "ClearCache": Row(_clear_cache, "forgets what the back office answered of tokens; its local list stays"),
        "ClearChargingProfile": Row(_clear_profile, "`Accepted` where a profile was meant, else `Unknown`"),
        "ClearDisplayMessage": Row(_unknown, "`Unknown`: there are no messages"),
        "ClearVariableMonitoring": Row(_no_monitors, "`NotFound` for each: there are no monitors"),
        "CostUpdated": Row(None, "a hub has no display"),
        "CustomerInformation": Row(_rejected, "`Rejected`: people ask the site"),
        "DataTransfer": Row(_data, "`UnknownVendorId`"),
        "DeleteCertificate": Row(_not_found, "`NotFound`"),
        "GetBaseReport": Row(_base_report, "the variables below; `SummaryInventory`: `NotSupported`"),
        "GetChargingProfiles": Row(_profiles, "the profiles that the back office has set; else `NoProfiles`"),
        "GetCompositeSchedule": Row(
            _composite,
            "what the EVSE (or, for 0, the whole) really may draw: the smallest of the back office's profiles, the "
            "satellite's maximum and what the site allows now; unknown EVSE: `Rejected`",
        ),
        "GetDisplayMessages": Row(_unknown, "`Unknown`: there are no messages"),
        "GetInstalledCertificateIds": Row(_not_found, "`NotFound`"),
        "GetLocalListVersion": Row(_list_version, "the version of the list that was sent last; 0: none was"),
        "GetLog": Row(_rejected, "`Rejected`: a hub sends no log"),
        "GetMonitoringReport": Row(_not_supported, "`NotSupported`: there are no monitors"),
        "GetReport": Row(_not_supported, "`NotSupported`: see `GetBaseReport`"),
        "GetTransactionStatus": Row(_transaction, "whether it runs, and whether messages about it wait in the outbox"),
        "GetVariables": Row(_variables, "the variables below"),
        "InstallCertificate": Row(_rejected, "`Rejected`: a hub's certificates are set in the site file"),
        "PublishFirmware": Row(_rejected, "`Rejected`"),
        "RequestStartTransaction": Row(
            _start,
            "passed to the satellite; without an EVSE to one where a car waits, or a free one; `Rejected` where one "
            "charges; a TxProfile with it holds once its transaction begins",
        ),
        "RequestStopTransaction": Row(_stop, "passed to the satellite; unknown transaction: `Rejected`"),
        "ReserveNow": Row(_rejected, "`Rejected`: reservations are not taken"),
        "Reset": Row(
            _reset,
            "with an EVSE: that satellite; without: every satellite, and the hub's connection begins anew with a boot",
        ),
        "SendLocalList": Row(
            _list,
            "kept, and counts while the back office is away; an older version than the one here: `VersionMismatch`; "
            "more than 500 tokens at once: `Failed`",
        ),
        "SetChargingProfile": Row(
            _profile,
            "kept and merged by OCPP's rules; the smaller of it and the site's own limit reaches the satellite; one "
            "that breaks a rule, or is for an unknown EVSE: `Rejected`",
        ),
        "SetDisplayMessage": Row(None, "a hub has no display"),
        "SetMonitoringBase": Row(_not_supported, "`NotSupported`: there are no monitors"),
        "SetMonitoringLevel": Row(_rejected, "`Rejected`: there are no monitors"),
        "SetNetworkProfile": Row(_rejected, "`Rejected`: the way to the back office is set in the site file"),
        "SetVariableMonitoring": Row(None, "there are no monitors"),
        "SetVariables": Row(
            _set_variables,
            "`SampledDataCtrlr.TxUpdatedInterval` and `OCPPCommCtrlr.HeartbeatInterval` take effect at once and are "
            "kept; the others: `Rejected`, `UnknownComponent` or `UnknownVariable`",
        ),
        "TriggerMessage": Row(
            _trigger,
            "`Accepted`, and the message follows; unknown EVSE, and StatusNotification without a connector: "
            "`Rejected`; certificates: `NotImplemented`",
        ),
        "UnlockConnector": Row(
            _unlock,
            "passed to the satellite; `OngoingAuthorizedTransaction` during a session; else `UnknownConnector`",
        ),
        "UnpublishFirmware": Row(_no_firmware, "`NoFirmware`"),
        "UpdateFirmware": Row(_rejected, "`Rejected`: a hub's firmware is updated on site"),
    }


class HubDesk201(HubDesk2):
    """The answers of 2.0.1: the same, but fewer messages are known."""

    known = frozenset(action.value for action in Action201)


_TOLD: Mapping[str, Mapping[str, Any]] = {
    "Heartbeat": {},
    "LogStatusNotification": {"status": "Idle"},
    "FirmwareStatusNotification": {"status": "Idle"},
}
