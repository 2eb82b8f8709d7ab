"""A charging station written from the texts of OCPP 2.0.1 and 2.1 alone, as ``strange_charger`` is from that of 1.6."""

from __future__ import annotations

import itertools
from typing import Any

from tests.support.strange_charger import Payload, StrangeCharger, stamp

_NAMES = itertools.count(1)


class StrangeStation(StrangeCharger):
    """One station; an outlet is an EVSE with one plug. Its transactions have names of its own.

    Args:
        endpoint: where stations connect, without the identity.
        identity: as it stands in the URL.
        version: what it speaks.
        options: as for ``StrangeCharger``.
    """

    def __init__(self, endpoint: str, identity: str, version: str = "ocpp2.0.1", **options: Any) -> None:
        super().__init__(endpoint, identity, **options)
        self._options["subprotocols"] = [version]
        self._names: dict[int, str] = {}
        self._numbers: dict[str, itertools.count[int]] = {}

    def running(self, outlet: int = 1) -> str:
        """What the transaction of an outlet is called."""
        return self._names[outlet]

    async def boot(self) -> Payload:
        about = {"reason": "PowerUp", "chargingStation": {"vendorName": "Odd", "model": "Newer"}}
        return await self.told("BootNotification", about)

    async def status(self, status: str, outlet: int = 1, **more: Any) -> None:
        payload = {"timestamp": stamp(), "connectorStatus": status, "evseId": outlet, "connectorId": 1} | more
        assert await self.told("StatusNotification", payload) == {}

    async def event(
        self, kind: str, trigger: str, outlet: int = 1, info: Payload | None = None, **more: Any
    ) -> Payload:
        """Tell of the transaction of an outlet."""
        name = self._names[outlet]
        payload = {
            "eventType": kind,
            "timestamp": stamp(),
            "triggerReason": trigger,
            "seqNo": next(self._numbers[name]),
            "transactionInfo": {"transactionId": name} | (info or {}),
            "evse": {"id": outlet, "connectorId": 1},
        }
        return await self.told("TransactionEvent", payload | more)

    async def start(self, outlet: int = 1, **changes: Any) -> int:
        number = next(_NAMES)
        self._names[outlet] = changes.pop("name", f"own-{number}")
        self._numbers[self._names[outlet]] = itertools.count()
        answer = await self.event(
            "Started",
            "Authorized",
            outlet,
            {"chargingState": "Charging"},
            **({"idToken": {"idToken": "04A2B3C4", "type": "ISO14443"}} | changes),
            meterValue=self._register(outlet, "Transaction.Begin"),
        )
        assert answer["idTokenInfo"]["status"] == "Accepted"
        self.open(outlet, number)
        return number

    async def stop(self, outlet: int = 1, *, delivered_wh: int = 500, **changes: Any) -> Payload:
        place = self.outlets[outlet]
        place.register_wh += delivered_wh
        info = {"stoppedReason": changes.pop("reason", "Local")}
        ended = self._register(outlet, "Transaction.End")
        answer = await self.event("Ended", "StopAuthorized", outlet, info, meterValue=ended, **changes)
        place.transaction = None
        place.profiles = {k: p for k, p in place.profiles.items() if p["chargingProfilePurpose"] != "TxProfile"}
        return answer

    async def measure(self, outlet: int = 1, *samples: Payload, **more: Any) -> None:
        place = self.outlets[outlet]
        drawn = [
            {"value": round(place.drawn_a(), 1), "measurand": "Current.Import", "phase": f"L{phase}"}
            for phase in range(1, place.phases + 1)
        ]
        values = [{"timestamp": stamp(), "sampledValue": list(samples) or drawn}]
        await self.event("Updated", "MeterValuePeriodic", outlet, meterValue=values, **more)

    def _register(self, outlet: int, context: str) -> list[Payload]:
        register_wh = round(self.outlets[outlet].register_wh)
        sample = {"value": register_wh, "context": context, "measurand": "Energy.Active.Import.Register"}
        return [{"timestamp": stamp(), "sampledValue": [sample]}]

    async def obey(self, message_id: str, payload: Payload) -> None:
        """Install a profile and say so; one that K01 forbids is refused."""
        profile = payload["chargingProfile"]
        (schedule,) = profile["chargingSchedule"]
        outlet = payload["evseId"]
        if profile["chargingProfilePurpose"] == "TxProfile" and profile["transactionId"] != self._names.get(outlet):
            await self.answer(message_id, {"status": "Rejected"})
            return
        plain = profile | {"chargingProfileId": profile["id"], "chargingSchedule": schedule}
        self.outlets[outlet].install(plain | {"transactionId": self.outlets[outlet].transaction})
        await self.answer(message_id, {"status": "Accepted"})

    async def _called(self, message_id: str, action: str, payload: Payload) -> None:
        if action == "SetVariables" and action not in self.habits:
            asked = payload["setVariableData"]
            told = [{"component": one["component"], "variable": one["variable"]} for one in asked]
            self.calls.append((action, payload))
            await self.answer(
                message_id, {"setVariableResult": [one | {"attributeStatus": "Accepted"} for one in told]}
            )
        elif action == "RequestStopTransaction" and action not in self.habits:
            self.calls.append((action, payload))
            await self.answer(message_id, {"status": "Accepted"})
        else:
            await super()._called(message_id, action, payload)
