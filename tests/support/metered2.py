"""A metered charger of OCPP 2.0.1."""

from __future__ import annotations

from typing import Any

from tests.support.forwarded import TOKEN, MeteredCharger


class MeteredStation(MeteredCharger):
    """Its transactions are called ``<identity>-T1``, ``-T2`` and so on."""

    def __init__(self, endpoint: str, identity: str, **options: Any) -> None:
        super().__init__(endpoint, identity, **{"subprotocol": "ocpp2.0.1", **options})
        self._transactions = self._seq_no = 0

    async def boot(self) -> Any:
        about = {"chargingStation": {"model": "M2", "vendorName": "V"}, "reason": "PowerUp"}
        return await self.deliver("BootNotification", about)

    async def begin(self, token: str = TOKEN) -> Any:
        self._transactions, self._seq_no = self._transactions + 1, 0
        self.sessions.append((self.register_wh, None))
        id_token = {"idToken": token, "type": "ISO14443"}
        return await self._event("Started", "Authorized", "Transaction.Begin", idToken=id_token)

    async def plug(self) -> Any:
        """A transaction begins when the car is plugged in; whose it is, nobody knows."""
        self._transactions, self._seq_no = self._transactions + 1, 0
        self.sessions.append((self.register_wh, None))
        return await self._event("Started", "CablePluggedIn", "Transaction.Begin")

    async def show(self, token: str) -> Any:
        """A token is shown for the transaction that runs."""
        id_token = {"idToken": token, "type": "ISO14443"}
        return await self._event("Updated", "Authorized", "Sample.Periodic", idToken=id_token)

    async def measure(self, wh: int = 100, *, context: str | None = None) -> Any:
        self.register_wh += wh
        return await self._event("Updated", "MeterValuePeriodic", context or "Sample.Periodic")

    async def end(self, wh: int = 1_000) -> Any:
        self.register_wh += wh
        self.sessions[-1] = (self.sessions[-1][0], self.register_wh)
        return await self._event("Ended", "EVDeparted", "Transaction.End")

    async def _event(self, kind: str, trigger: str, context: str, **more: Any) -> Any:
        at = self.now()
        value = {"value": self.register_wh, "measurand": "Energy.Active.Import.Register", "context": context}
        self._seq_no += 1
        event = {
            "eventType": kind,
            "timestamp": at,
            "triggerReason": trigger,
            "seqNo": self._seq_no - 1,
            "transactionInfo": {"transactionId": f"{self.identity}-T{self._transactions}", "chargingState": "Charging"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": at, "sampledValue": [value]}],
            **more,
        }
        return await self.deliver("TransactionEvent", event)
