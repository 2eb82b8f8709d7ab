"""What a station says in OCPP 2.0.1 and 2.1, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import ocpp.v21.call
import ocpp.v201.call
from ocpp import v21, v201
from ocpp.v21.enums import Action as Action21
from ocpp.v201.enums import Action as Action201
from websockets.asyncio.server import ServerConnection

from adapters.ocpp.connector import Connector
from adapters.ocpp.cost_words import CostWords2, amount, message_content
from adapters.ocpp.courtesies2 import Courtesies, Courtesies21, answers, mapping
from adapters.ocpp.fields import Fields, read_time, written_time
from adapters.ocpp.inventory import Inventory
from adapters.ocpp.link import Version
from adapters.ocpp.orders2 import Orders2
from adapters.ocpp.phrases2 import Phrases2
from adapters.ocpp.reception import HEARTBEAT_S, Standing, Verdict
from adapters.ocpp.station import Station
from adapters.ocpp.surroundings import Surroundings
from adapters.ocpp.transaction_event import ENDED, read_token, read_transaction_event
from adapters.ocpp.transactions2 import Transactions
from controller.commands import Command, CommandResult, ReadSettings
from controller.hub_satellite.connector import Status
from controller.plan import Severity

_STATUSES: Final[Mapping[str, Status]] = {
    "Available": Status.AVAILABLE,
    "Occupied": Status.PREPARING,
    "Reserved": Status.RESERVED,
    "Unavailable": Status.UNAVAILABLE,
    "Faulted": Status.FAULTED,
}
"""ConnectorStatusEnumType: whether it charges is a matter of its transaction."""

_MAX_EVENTS: Final = 100
"""Events looked at in one NotifyEvent; a station sends a few."""

_SPELLING: Final = {"FormationViolation": "FormatViolation"}
"""Our own refusals have the spelling of 1.6 (part 4 §4.3)."""


class Session2(Courtesies):
    """Answers a station. Transaction events are recorded first, and always answered.

    What 2.0.1 and 2.1 share; a subclass adds the library's ``ChargePoint`` of its version.
    """

    def __init__(self, station: Station, socket: ServerConnection, around: Surroundings) -> None:
        super().__init__(station, socket, around)
        self._transactions = Transactions(station, around, self._reception)
        self._inventory: Inventory | None = None
        """The settings that are being told."""

    @answers("BootNotification")
    async def _boot_notification(self, /, **payload: Any) -> Any:
        about = Fields(mapping(payload.get("charging_station")))
        vendor, model = about.text("vendor_name", 50)[:50], about.text("model", 20)[:20]
        self._reception.booted(vendor, model, about.optional_text("firmware_version", 50))
        self._display.booted()
        self._give_up()
        now = written_time(self._around.clock.now())
        return self._answer("BootNotification", current_time=now, interval=HEARTBEAT_S, status="Accepted")

    @answers("Heartbeat")
    async def _heartbeat(self, /, **_payload: Any) -> Any:
        return self._answer("Heartbeat", current_time=written_time(self._around.clock.now()))

    @answers("StatusNotification")
    async def _status_notification(self, /, **payload: Any) -> Any:
        fields = Fields(payload)
        status = _STATUSES[fields.word("connector_status", _STATUSES)]
        self._station.clock.hear(read_time(payload.get("timestamp")))
        self._plug(fields.integer("evse_id"), fields.integer("connector_id"), status)
        return self._answer("StatusNotification")

    def _plug(self, evse: int, plug: int, status: Status) -> None:
        """Take a plug's status for its EVSE's, as far as its transaction does not say more."""
        connector = self._station.connectors.get(evse)
        whole = status if connector is None else connector.plug(plug, status)
        charging = connector is not None and connector.transaction is not None and not connector.transaction.dormant
        if not (charging and whole is Status.PREPARING):
            self._reception.status(evse, whole, f"plug {plug}")

    @answers("Authorize")
    async def _authorize(self, /, **payload: Any) -> Any:
        token = read_token(payload.get("id_token"))
        if token is None:
            Fields(mapping(payload.get("id_token"))).text("id_token", 255)  # says what is wrong with it
        if payload.get("certificate") or payload.get("iso15118_certificate_hash_data"):
            # A contract's certificate (C07) cannot be checked here, and without that an eMAID is anybody's word.
            refused = {"status": Standing.INVALID.value}
            return self._answer("Authorize", id_token_info=refused, certificate_status="NoCertificateAvailable")
        verdict = await self._reception.judge(token or "")
        return self._answer("Authorize", id_token_info=await self._id_token_info(verdict, token or ""))

    async def _id_token_info(self, verdict: Verdict, token: str) -> dict[str, Any]:
        """What the site says of a token, and what it pays (I01)."""
        info: dict[str, Any] = {"status": verdict.standing.value}
        if verdict.valid_until is not None:
            info["cache_expiry_date_time"] = written_time(verdict.valid_until)
        text = await self._display.price_text(token) if verdict.accepted else None
        return info if text is None else info | {"personal_message": message_content(text)}

    @answers("TransactionEvent")
    async def _transaction_event(self, /, **payload: Any) -> Any:
        event = read_transaction_event(payload, self._around.clock.now())
        if not event.offline:
            self._station.clock.hear(read_time(payload.get("timestamp")))
        heard = await self._transactions.hear(event)
        info = None
        if heard.verdict is not None:
            info = await self._id_token_info(heard.verdict, event.token or "")
        if event.kind != ENDED:
            connector = self._station.holder(event.transaction_id)
            if connector is not None and not event.offline:
                self._display.measured(connector)
            return self._answer("TransactionEvent", id_token_info=info)
        cost = await self._display.final(heard.session)
        text = None if cost is None or cost.text is None else message_content(cost.text)
        return self._answer(
            "TransactionEvent", id_token_info=info, total_cost=amount(cost), updated_personal_message=text
        )

    @answers("MeterValues")
    async def _meter_values(self, /, **payload: Any) -> Any:
        connector = self._station.connectors.get(Fields(payload).integer("evse_id"))
        if connector is not None:
            await self._transactions.measured(connector, payload.get("meter_value"))
        return self._answer("MeterValues")

    @answers("NotifyEvent")
    async def _notify_event(self, /, **payload: Any) -> Any:
        events = payload.get("event_data")
        for event in events[:_MAX_EVENTS] if isinstance(events, list) else []:
            if isinstance(event, Mapping):
                self._hear_event(event)
        return self._answer("NotifyEvent")

    def _hear_event(self, event: Mapping[str, Any]) -> None:
        """Take a monitored variable: in 2.1 a plug's status may come as one (G01), and a fault comes as an alert."""
        component, variable = mapping(event.get("component")), mapping(event.get("variable"))
        evse, name, told = mapping(component.get("evse")), variable.get("name"), event.get("actual_value")
        status = _STATUSES.get(told) if isinstance(told, str) else None
        number, plug = evse.get("id"), evse.get("connector_id")
        if component.get("name") == "Connector" and name == "AvailabilityState" and status is not None:
            if type(number) is int and type(plug) is int:
                self._plug(number, plug, status)
        elif event.get("trigger") == "Alerting" and event.get("cleared") is not True:
            where = f"{component.get('name')!s:.50} {name!s:.50}"
            message = f"it reports {where}: {told!s:.50}"
            self._around.report("charger_event", self._station.subject, message, Severity.WARNING)

    @answers("NotifyChargingLimit")
    async def _notify_charging_limit(self, /, **payload: Any) -> Any:
        source = Fields(mapping(payload.get("charging_limit"))).optional_text("charging_limit_source", 20)
        message = f"somebody else limits it: {source or 'nobody is named'}"
        self._around.report("charging_limit_set", self._station.subject, message, Severity.WARNING)
        return self._answer("NotifyChargingLimit")

    @answers("ClearedChargingLimit")
    async def _cleared_charging_limit(self, /, **payload: Any) -> Any:
        source = Fields(payload).optional_text("charging_limit_source", 20)
        message = f"somebody else limits it no longer: {source or 'nobody is named'}"
        self._around.report("charging_limit_cleared", self._station.subject, message)
        return self._answer("ClearedChargingLimit")

    @answers("SecurityEventNotification")
    async def _security_event_notification(self, /, **payload: Any) -> Any:
        self._reception.security_event(Fields(payload).optional_text("type", 50))
        return self._answer("SecurityEventNotification")

    @answers("NotifyReport")
    async def _notify_report(self, /, **payload: Any) -> Any:
        if self._inventory is not None:
            self._inventory.hear(payload)
        return self._answer("NotifyReport")

    async def carry_out(self, command: Command, connector: Connector) -> CommandResult:
        """Do what people ask. All its settings a station tells in messages of their own (B07)."""
        if command != ReadSettings():
            return await super().carry_out(command, connector)
        self._inventory = inventory = Inventory()
        result = await super().carry_out(command, connector)
        return replace(result, settings=await inventory.complete()) if result.accepted else result


class Session201(Session2, v201.ChargePoint):  # type: ignore[misc]  # the library has no types
    """Answers a station that speaks OCPP 2.0.1."""

    version = Version(actions=frozenset(action.value for action in Action201), spelling=_SPELLING)
    phrases = Phrases2(ocpp.v201.call)
    orders = Orders2(ocpp.v201.call)
    cost_words = CostWords2(ocpp.v201.call)


class Session21(Session2, Courtesies21, v21.ChargePoint):  # type: ignore[misc]  # the library has no types
    """Answers a station that speaks OCPP 2.1."""

    version = Version(actions=frozenset(action.value for action in Action21), spelling=_SPELLING, one_way=True)
    phrases = Phrases2(ocpp.v21.call)
    orders = Orders2(ocpp.v21.call)
    cost_words = CostWords2(ocpp.v21.call)
