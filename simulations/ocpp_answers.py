"""How a simulated station answers the central system's requests (OCPP 1.6 §5), as handlers of the ``ocpp`` library."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, TypeVar, cast

from ocpp import v16
from ocpp.charge_point import ChargePoint
from ocpp.routing import on
from ocpp.v16 import call_result
from ocpp.v16.enums import Action

from adapters.cancellation import end_if_cancelled
from simulations.firmware import Firmware
from simulations.profiles import ProfileRefusedError

RESPONSE_TIMEOUT_S: Final = 30
ID_WAIT_S: Final = 1.0
"""A profile may arrive with the answer that gives its transaction an id; the answer is worked in within this time."""
_LOG = logging.getLogger("simulations.ocpp")


_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def _answers(action: Action) -> Callable[[_Handler], _Handler]:
    """The library's ``on``, with the handler's type kept."""
    return cast("Callable[[_Handler], _Handler]", on(action))


class Actions(Protocol):
    """What the handlers cause to happen after they have answered."""

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this beside the connection."""
        ...

    async def begin(self, number: int, tag: str, profile: dict[str, Any] | None = None) -> None:
        """Start a transaction."""
        ...

    async def restart(self, hard: bool) -> None:
        """End all transactions and boot again."""
        ...

    async def send_now(self, message: str, number: int | None) -> None:
        """Send what TriggerMessage asks for."""
        ...


TRIGGERS: Final = frozenset({"BootNotification", "Heartbeat", "MeterValues", "StatusNotification"})


class Endpoint(ChargePoint):  # type: ignore[misc]  # the library carries no types
    """One connection to the central system, in whatever version."""

    def __init__(self, connection: Any, firmware: Firmware, actions: Actions, now: Callable[[], float]) -> None:
        super().__init__(firmware.station.identity, connection, RESPONSE_TIMEOUT_S, _LOG)
        self._firmware = firmware
        self._actions = actions
        self._now = now
        self._after_answer: list[Coroutine[Any, Any, None]] = []

    async def call(self, payload: Any, **options: Any) -> Any:
        """Send a request and return its answer, as the library does, but end when told to meanwhile."""
        answer = await super().call(payload, **options)
        end_if_cancelled()
        return answer

    async def route_message(self, raw_msg: str) -> None:
        """Handle one frame; what a request causes begins after its answer has been sent (1.6 §5.14, §5.17)."""
        await super().route_message(raw_msg)
        while self._after_answer:
            self._actions.later(self._after_answer.pop(0))


class Endpoint16(Endpoint, v16.ChargePoint):  # type: ignore[misc]  # the library carries no types
    """One connection to the central system in OCPP 1.6J."""

    @_answers(Action.set_charging_profile)
    async def on_set_charging_profile(
        self, connector_id: int, cs_charging_profiles: dict[str, Any], **_: Any
    ) -> call_result.SetChargingProfile:
        """1.6 §5.16."""
        await asyncio.sleep(self._firmware.station.temperament.answer_s)
        await self._id_known(connector_id, cs_charging_profiles.get("transaction_id"))
        try:
            self._firmware.install(connector_id, cs_charging_profiles, self._now())
        except ProfileRefusedError as refusal:
            _LOG.warning("%s: profile refused: %s", self.id, refusal)
            return call_result.SetChargingProfile(status="Rejected")
        return call_result.SetChargingProfile(status="Accepted")

    async def _id_known(self, number: int, transaction_id: int | None) -> None:
        connector = self._firmware.station.connectors.get(number)
        if transaction_id is None or connector is None:
            return
        for _ in range(20):
            transaction = connector.transaction
            if transaction is None or transaction.id is not None:
                return
            await asyncio.sleep(ID_WAIT_S / 20)

    @_answers(Action.clear_charging_profile)
    def on_clear_charging_profile(
        self,
        id: int | None = None,  # noqa: A002  (the protocol's name)
        connector_id: int | None = None,
        charging_profile_purpose: str | None = None,
        stack_level: int | None = None,
        **_: Any,
    ) -> call_result.ClearChargingProfile:
        """1.6 §5.5."""
        removed = self._firmware.station.profiles.clear(id, connector_id, charging_profile_purpose, stack_level)
        return call_result.ClearChargingProfile(status="Accepted" if removed else "Unknown")

    @_answers(Action.get_composite_schedule)
    def on_get_composite_schedule(
        self, connector_id: int, duration: int, charging_rate_unit: str = "A", **_: Any
    ) -> call_result.GetCompositeSchedule:
        """1.6 §5.7, for single connectors; the sum over a station (connector 0) is refused."""
        station, now_s = self._firmware.station, self._now()
        connector = station.connectors.get(connector_id)
        if connector is None:
            return call_result.GetCompositeSchedule(status="Rejected")
        factor = 1.0 if charging_rate_unit == "A" else station.voltage_v * len(connector.wiring)
        periods = [
            {"start_period": int(start_s), "limit": round(factor * limit_a, 1), "number_phases": len(connector.wiring)}
            for start_s, limit_a in station.composite(connector_id, now_s, duration)
        ]
        schedule = {
            "duration": duration,
            "charging_rate_unit": charging_rate_unit,
            "charging_schedule_period": periods,
        }
        return call_result.GetCompositeSchedule(
            status="Accepted",
            connector_id=connector_id,
            schedule_start=self._firmware.timestamp(now_s),
            charging_schedule=schedule,
        )

    @_answers(Action.change_configuration)
    def on_change_configuration(self, key: str, value: str, **_: Any) -> call_result.ChangeConfiguration:
        """1.6 §5.3."""
        return call_result.ChangeConfiguration(status=self._firmware.settings.change(key, value))

    @_answers(Action.get_configuration)
    def on_get_configuration(self, key: list[str] | None = None, **_: Any) -> call_result.GetConfiguration:
        """1.6 §5.8."""
        rows, unknown = self._firmware.settings.listed(key)
        listed = [{"key": name, "readonly": readonly, "value": value} for name, readonly, value in rows]
        return call_result.GetConfiguration(
            configuration_key=[{k: v for k, v in row.items() if v is not None} for row in listed], unknown_key=unknown
        )

    @_answers(Action.remote_start_transaction)
    def on_remote_start_transaction(
        self,
        id_tag: str,
        connector_id: int | None = None,
        charging_profile: dict[str, Any] | None = None,
        **_: Any,
    ) -> call_result.RemoteStartTransaction:
        """1.6 §5.11; refused where no car is plugged in."""
        candidates = [connector_id] if connector_id is not None else list(self._firmware.station.connectors)
        for number in candidates:
            if self._firmware.may_start(number):
                self._after_answer.append(self._actions.begin(number, id_tag, charging_profile))
                return call_result.RemoteStartTransaction(status="Accepted")
        return call_result.RemoteStartTransaction(status="Rejected")

    @_answers(Action.remote_stop_transaction)
    def on_remote_stop_transaction(self, transaction_id: int, **_: Any) -> call_result.RemoteStopTransaction:
        """1.6 §5.12."""
        known = self._firmware.remote_stop(transaction_id, self._now())
        return call_result.RemoteStopTransaction(status="Accepted" if known else "Rejected")

    @_answers(Action.unlock_connector)
    def on_unlock_connector(self, connector_id: int, **_: Any) -> call_result.UnlockConnector:
        """1.6 §5.18: it ends a running transaction."""
        if connector_id not in self._firmware.station.connectors:
            return call_result.UnlockConnector(status="NotSupported")
        self._firmware.stop(connector_id, "UnlockCommand", self._now())
        return call_result.UnlockConnector(status="Unlocked")

    @_answers(Action.change_availability)
    def on_change_availability(
        self,
        connector_id: int,
        type: str,  # noqa: A002  (the protocol's name)
        **_: Any,
    ) -> call_result.ChangeAvailability:
        """1.6 §5.2."""
        status = self._firmware.change_availability(connector_id, type == "Operative")
        return call_result.ChangeAvailability(status=status)

    @_answers(Action.reset)
    def on_reset(self, type: str, **_: Any) -> call_result.Reset:  # noqa: A002  (the protocol's name)
        """1.6 §5.14."""
        self._after_answer.append(self._actions.restart(hard=type == "Hard"))
        return call_result.Reset(status="Accepted")

    @_answers(Action.trigger_message)
    def on_trigger_message(
        self, requested_message: str, connector_id: int | None = None, **_: Any
    ) -> call_result.TriggerMessage:
        """1.6 §5.17."""
        if requested_message not in TRIGGERS:
            return call_result.TriggerMessage(status="NotImplemented")
        if connector_id not in (None, 0, *self._firmware.station.connectors):
            return call_result.TriggerMessage(status="Rejected")
        self._after_answer.append(self._actions.send_now(requested_message, connector_id))
        return call_result.TriggerMessage(status="Accepted")

    @_answers(Action.clear_cache)
    def on_clear_cache(self, **_: Any) -> call_result.ClearCache:
        """1.6 §5.4; there is no cache to clear."""
        return call_result.ClearCache(status="Accepted")

    @_answers(Action.data_transfer)
    def on_data_transfer(self, **_: Any) -> call_result.DataTransfer:
        """1.6 §5.6; no vendor is known."""
        return call_result.DataTransfer(status="UnknownVendorId")
