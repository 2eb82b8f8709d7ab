"""A strict OCPP 2.0.1 or 2.1 charging station to hold against the central system."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ocpp import v21, v201
from ocpp.charge_point import ChargePoint
from ocpp.exceptions import NotSupportedError
from ocpp.routing import on
from websockets.asyncio.client import ClientConnection

from tests.support.ocpp import TIMEOUT_S, TOKEN, Bench, socket, until

VERSIONS = {"ocpp2.0.1": v201, "ocpp2.1": v21}
REGISTER = "Energy.Active.Import.Register"
NINE = "2026-11-20T09:00:00Z"
LATER = "2026-11-20T09:04:00Z"


def sample(value: float, measurand: str, context: str = "Sample.Periodic", **more: Any) -> dict[str, Any]:
    """One sampledValue."""
    return {"value": value, "measurand": measurand, "context": context} | more


def register(wh: int, context: str = "Sample.Periodic", at: str = NINE) -> list[dict[str, Any]]:
    """The meterValue of a register."""
    return [{"timestamp": at, "sampledValue": [sample(wh, REGISTER, context, unitOfMeasure={"unit": "Wh"})]}]


def currents(*amperes: float, wh: int | None = None, at: str = NINE) -> list[dict[str, Any]]:
    """The meterValue of currents per phase, and a register."""
    sampled = [sample(a, "Current.Import", phase=f"L{phase}") for phase, a in enumerate(amperes, start=1)]
    sampled += [] if wh is None else [sample(wh / 1000, REGISTER, unitOfMeasure={"unit": "kWh"})]
    return [{"timestamp": at, "sampledValue": sampled}]


class Station(ChargePoint):  # type: ignore[misc]  # the library has no types
    """A station that validates everything by the schemas and does what it is told, unless told otherwise."""

    def __init__(self, identity: str, connection: ClientConnection) -> None:
        spoken = VERSIONS[connection.subprotocol or ""]
        self._call, self._call_result = spoken.call, spoken.call_result
        self._ocpp_version = (connection.subprotocol or "").removeprefix("ocpp")
        super().__init__(identity, connection, TIMEOUT_S)
        self.profiles: list[dict[str, Any]] = []
        self.variables: list[tuple[str, str, str]] = []
        self.triggers: list[tuple[str, dict[str, Any] | None]] = []
        self.stopped: list[str] = []
        self.cleared: list[dict[str, Any]] = []
        self.asked: list[int] = []
        self.service: list[tuple[int, str]] = []
        self.order: list[str] = []
        self.costs: list[tuple[str, float]] = []
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.tariffs: list[dict[str, Any]] = []
        self.shows_costs = True
        self.composite: dict[str, Any] = {"status": "Rejected"}
        """What it answers when it is asked what it holds."""
        self.profile_answer: Callable[[dict[str, Any]], Any] = lambda _profile: "Accepted"
        """A status, or a status with the reason for it."""
        self.variable_answer: Callable[[str, str], str] = lambda _variable, _value: "Accepted"
        self.gate = asyncio.Event()
        self.gate.set()
        self._numbers: dict[str, itertools.count[int]] = {}

    def periods(self, purpose: str, evse: int = 1) -> list[list[tuple[int, float]]]:
        """The periods of every profile of a purpose that an EVSE was sent."""
        return [
            [
                (p["start_period"], float(p["limit"]))
                for p in profile["charging_schedule"][0]["charging_schedule_period"]
            ]
            for profile in self.profiles
            if profile["charging_profile_purpose"] == purpose and profile["evse_id"] == evse
        ]

    def limits(self, evse: int = 1) -> list[float]:
        """First limits of the TxProfiles that an EVSE was sent."""
        return [periods[0][1] for periods in self.periods("TxProfile", evse)]

    def limited(self) -> str | None:
        """The transaction of the newest TxProfile."""
        return next((p["transaction_id"] for p in reversed(self.profiles) if "transaction_id" in p), None)

    async def ask(self, action: str, **fields: Any) -> Any:
        """Make a call; an error as answer is raised."""
        return await self.call(getattr(self._call, action)(**fields), suppress=False)

    async def boot(self, reason: str = "PowerUp") -> Any:
        return await self.ask("BootNotification", charging_station={"model": "M", "vendorName": "V"}, reason=reason)

    async def say(self, status: str, evse: int = 1, plug: int = 1, at: str = NINE) -> Any:
        return await self.ask(
            "StatusNotification", timestamp=at, connector_status=status, evse_id=evse, connector_id=plug
        )

    async def event(
        self,
        kind: str,
        transaction: str = "TX-1",
        *,
        at: str = NINE,
        trigger: str = "ChargingStateChanged",
        state: str | None = None,
        number: int | None = None,
        token: str | None = None,
        evse: int | None = 1,
        reason: str | None = None,
        **more: Any,
    ) -> Any:
        """A TransactionEvent; numbered one after the other, unless a number is given."""
        numbers = self._numbers.setdefault(transaction, itertools.count())
        about = {"transactionId": transaction, "chargingState": state, "stoppedReason": reason}
        return await self.ask(
            "TransactionEvent",
            event_type=kind,
            timestamp=at,
            trigger_reason=trigger,
            seq_no=next(numbers) if number is None else number,
            transaction_info={name: value for name, value in about.items() if value is not None},
            evse=None if evse is None else {"id": evse, "connectorId": 1},
            id_token=None if token is None else {"idToken": token, "type": "ISO14443"},
            **more,
        )

    async def begin(self, transaction: str = "TX-1", *, evse: int = 1, token: str = TOKEN, wh: int = 1000) -> Any:
        """A transaction that is authorised and charges at once."""
        await self.say("Occupied", evse)
        return await self.event(
            "Started",
            transaction,
            trigger="Authorized",
            state="Charging",
            token=token,
            evse=evse,
            meter_value=register(wh, "Transaction.Begin"),
        )

    async def end(self, transaction: str = "TX-1", *, wh: int = 2000, at: str = LATER, **more: Any) -> Any:
        return await self.event(
            "Ended",
            transaction,
            at=at,
            trigger="EVDeparted",
            reason="EVDisconnected",
            state="Idle",
            meter_value=register(wh, "Transaction.End", at),
            **more,
        )

    @on("SetChargingProfile")
    async def _set_charging_profile(self, evse_id: int, charging_profile: dict[str, Any]) -> Any:
        profile = {"evse_id": evse_id} | charging_profile
        self.profiles.append(profile)
        self.order.append(profile["charging_profile_purpose"])
        answer = self.profile_answer(profile)
        await self.gate.wait()
        fields = {"status": answer} if isinstance(answer, str) else answer
        return self._call_result.SetChargingProfile(**fields)

    @on("ClearChargingProfile")
    def _clear_charging_profile(self, charging_profile_criteria: dict[str, Any]) -> Any:
        self.cleared.append(charging_profile_criteria)
        return self._call_result.ClearChargingProfile("Accepted")

    @on("SetVariables")
    def _set_variables(self, set_variable_data: list[dict[str, Any]]) -> Any:
        results = []
        for data in set_variable_data:
            variable = data["variable"]["name"]
            self.variables.append((data["component"]["name"], variable, data["attribute_value"]))
            self.order.append(variable)
            status = self.variable_answer(variable, data["attribute_value"])
            results.append({"attributeStatus": status, "component": data["component"], "variable": data["variable"]})
        return self._call_result.SetVariables(results)

    @on("TriggerMessage")
    def _trigger_message(self, requested_message: str, evse: dict[str, Any] | None = None) -> Any:
        self.triggers.append((requested_message, evse))
        return self._call_result.TriggerMessage("Accepted")

    @on("RequestStopTransaction")
    def _request_stop_transaction(self, transaction_id: str) -> Any:
        self.stopped.append(transaction_id)
        return self._call_result.RequestStopTransaction("Accepted")

    @on("GetCompositeSchedule")
    def _get_composite_schedule(self, evse_id: int, **_: Any) -> Any:
        self.asked.append(evse_id)
        return self._call_result.GetCompositeSchedule(**self.composite)

    @on("ChangeAvailability")
    def _change_availability(self, operational_status: str, evse: dict[str, Any]) -> Any:
        self.service.append((evse["id"], operational_status))
        return self._call_result.ChangeAvailability("Accepted")

    @on("CostUpdated")
    def _cost_updated(self, total_cost: float, transaction_id: str) -> Any:
        self.costs.append((transaction_id, float(total_cost)))
        if not self.shows_costs:
            raise NotSupportedError
        return self._call_result.CostUpdated()

    @on("SetDefaultTariff")
    def _set_default_tariff(self, evse_id: int, tariff: dict[str, Any]) -> Any:
        self.tariffs.append({"evse_id": evse_id} | tariff)
        return self._call_result.SetDefaultTariff("Accepted")

    def _done(self, action: str, fields: dict[str, Any], **answer: Any) -> Any:
        self.commands.append((action, fields))
        return getattr(self._call_result, action)(**answer)

    @on("RequestStartTransaction")
    def _request_start_transaction(self, **fields: Any) -> Any:
        return self._done("RequestStartTransaction", fields, status="Accepted")

    @on("Reset")
    def _reset(self, **fields: Any) -> Any:
        return self._done("Reset", fields, status="Scheduled")

    @on("UnlockConnector")
    def _unlock_connector(self, **fields: Any) -> Any:
        return self._done("UnlockConnector", fields, status="UnlockFailed")

    @on("UpdateFirmware")
    def _update_firmware(self, **fields: Any) -> Any:
        return self._done("UpdateFirmware", fields, status="Accepted")

    @on("GetLog")
    def _get_log(self, **fields: Any) -> Any:
        return self._done("GetLog", fields, status="Accepted", filename="log.txt")

    @on("GetVariables")
    def _get_variables(self, get_variable_data: list[dict[str, Any]]) -> Any:
        results = [data | {"attributeStatus": "Accepted", "attributeValue": "7"} for data in get_variable_data]
        return self._done("GetVariables", {}, get_variable_result=results)

    @on("GetBaseReport")
    def _get_base_report(self, **fields: Any) -> Any:
        return self._done("GetBaseReport", fields, status="Accepted")


@asynccontextmanager
async def station(bench: Bench, version: str = "ocpp2.0.1", identity: str = "CP01") -> AsyncIterator[Station]:
    """A station that is connected and listens; it has said nothing yet."""
    async with socket(bench, identity, subprotocols=[version]) as connection:
        assert connection.subprotocol == version
        client = Station(identity, connection)
        listening = asyncio.create_task(client.start())
        try:
            yield client
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


@asynccontextmanager
async def charging(bench: Bench, version: str = "ocpp2.0.1", identity: str = "CP01") -> AsyncIterator[Station]:
    """A station that has booted and runs TX-1; its default profile is in place."""
    async with station(bench, version, identity) as client:
        await client.boot()
        await client.begin()
        await until(lambda: client.periods("TxDefaultProfile"))
        yield client
