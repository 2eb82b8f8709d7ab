"""A central system on a free port, and a strict OCPP 1.6 charger to hold against it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from ocpp.messages import Call, CallResult, _validate_payload
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from websockets.asyncio.client import ClientConnection, connect

from adapters.ocpp import CentralSystem
from controller.plan import Plan, Remedy, Setpoint
from controller.ports.devices import Applied
from controller.ports.measurements import HeldLimit
from controller.site import ChargingPoint, Circuit, Control, Site, Station
from controller.snapshot import PointState
from tests.support.ledger import EventLog, FakeLedger, FakeMeasurements, SteppedClock

TIMEOUT_S = 60.0
PASSWORD = "correct horse battery"
TOKEN = "04A2B3C4"


async def until(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds, and return what it returned."""
    async with asyncio.timeout(TIMEOUT_S):
        while not (found := condition()):  # noqa: ASYNC110 - what is watched has no event of its own
            await asyncio.sleep(0.01)
    return found


def site_of(*points: ChargingPoint, stations: tuple[Station, ...] = (), control: Control | None = None) -> Site:
    """A site with one large circuit."""
    circuits = (Circuit("main", None, (1000.0, 1000.0, 1000.0)),)
    return Site("test", circuits, points, stations, control=control or Control())


def point(name: str = "P01", station: str = "CP01", connector: int = 1, **options: Any) -> ChargingPoint:
    return ChargingPoint(name, "main", station, connector, **({"fallback_a": 6.0} | options))


@dataclass
class Bench:
    """A central system with everything around it."""

    central: CentralSystem
    ledger: FakeLedger
    measurements: FakeMeasurements
    clock: SteppedClock
    events: EventLog
    applied: list[Applied] = field(default_factory=list)

    def url(self, identity: str = "CP01") -> str:
        return f"ws://127.0.0.1:{self.central.port}/ocpp/{identity}"

    def state(self, name: str = "P01") -> PointState:
        return self.central.states(self.clock.now(), self.clock.monotonic_s())[name]

    def plan(self, remedies: dict[str, Remedy] | None = None, **limits_a: float) -> None:
        now = self.clock.now()
        setpoints = {name: Setpoint(limit_a, "test", now) for name, limit_a in limits_a.items()}
        self.central.apply(Plan(now, setpoints, remedies=remedies or {}))

    def said(self, kind: str) -> list[str]:
        """What events of a kind say."""
        return [event.message for event in self.events.events if event.kind == kind]

    def limits_of(self, charger: Charger, connector: int = 1) -> list[float]:
        """First limits of the TxProfiles that a charger was sent."""
        return [periods[0][1] for periods in charger.periods("TxProfile", connector)]


@asynccontextmanager
async def bench(
    site: Site | None = None,
    *,
    ledger: FakeLedger | None = None,
    held: dict[str, HeldLimit] | None = None,
    clock: SteppedClock | None = None,
    lab: bool = False,
    call_timeout_s: float = 15.0,
    **options: Any,
) -> AsyncIterator[Bench]:
    """A central system that listens; CP01 and CP02 have a password, one token is known."""
    site = site or site_of(point())
    if ledger is None:
        ledger = FakeLedger()
        ledger.add_token(TOKEN)
        for identity in ("CP01", "CP02"):
            ledger.add_password(identity, PASSWORD)
    applied: list[Applied] = []
    measurements, clock, events = FakeMeasurements(), clock or SteppedClock(), EventLog()
    central = CentralSystem(
        site=site,
        ledger=ledger,
        measurements=measurements,
        clock=clock,
        on_event=events,
        on_applied=applied.append,
        port=0,
        lab=lab,
        held=held or {},
        call_timeout_s=call_timeout_s,
        **options,
    )
    await central.start()
    try:
        yield Bench(central, ledger, measurements, clock, events, applied)
    finally:
        await central.stop()


def basic(user: str, password: str | bytes) -> dict[str, str]:
    """The header of HTTP Basic authentication."""
    secret = password.encode() if isinstance(password, str) else password
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + secret).decode()}


@asynccontextmanager
async def socket(
    bench: Bench, identity: str = "CP01", password: str | bytes | None = PASSWORD, **options: Any
) -> AsyncIterator[ClientConnection]:
    """A raw connection of a station."""
    headers = {} if password is None else basic(identity, password)
    options = {"subprotocols": ["ocpp1.6"], "additional_headers": headers} | options
    async with connect(bench.url(identity), open_timeout=TIMEOUT_S, **options) as connection:
        yield connection


class Charger(ChargePoint):  # type: ignore[misc]  # the library has no types
    """A charger that validates everything by the schemas and does what it is told, unless told otherwise."""

    def __init__(self, identity: str, connection: ClientConnection) -> None:
        super().__init__(identity, connection, TIMEOUT_S)
        self.profiles: list[dict[str, Any]] = []
        self.settings: list[tuple[str, str]] = []
        self.triggers: list[tuple[str, int | None]] = []
        self.stopped: list[int] = []
        self.stop_answer = "Accepted"
        self.asked: list[int] = []
        self.composite: dict[str, Any] = {"status": "Rejected"}
        """What it answers when it is asked what it holds."""
        self.service: list[tuple[int, str]] = []
        self.service_answer = "Accepted"
        self.order: list[str] = []
        self.profile_answer: Callable[[dict[str, Any]], str] = lambda _profile: "Accepted"
        self.setting_answer: Callable[[str, str], str] = lambda _key, _value: "Accepted"
        self.gate = asyncio.Event()
        self.gate.set()

    def periods(self, purpose: str, connector: int = 1) -> list[list[tuple[int, float]]]:
        """The periods of every profile of a purpose that a connector was sent."""
        return [
            [(p["start_period"], float(p["limit"])) for p in profile["charging_schedule"]["charging_schedule_period"]]
            for profile in self.profiles
            if profile["charging_profile_purpose"] == purpose and profile["connector_id"] == connector
        ]

    async def ask(self, request: Any) -> Any:
        """Make a call; an error as answer is raised."""
        return await self.call(request, suppress=False)

    async def boot(self) -> Any:
        return await self.ask(call.BootNotification(charge_point_model="M", charge_point_vendor="V"))

    async def heartbeat(self) -> Any:
        return await self.ask(call.Heartbeat())

    async def say(self, status: str, connector: int = 1, **options: Any) -> Any:
        return await self.ask(call.StatusNotification(connector, "NoError", status, **options))

    async def begin(self, connector: int = 1, token: str = TOKEN, start_wh: int = 1000, at: str | None = None) -> Any:
        at = at or "2026-11-20T09:00:00Z"
        return await self.ask(call.StartTransaction(connector, token, start_wh, at))

    async def end(self, transaction_id: int, stop_wh: int = 2000, at: str = "2026-11-20T10:00:00Z") -> Any:
        return await self.ask(call.StopTransaction(stop_wh, at, transaction_id))

    async def measure(
        self, *currents_a: float, register_wh: int | None = None, connector: int = 1, at: str = "2026-11-20T09:00:00Z"
    ) -> Any:
        sampled = [
            {"value": str(current), "measurand": "Current.Import", "unit": "A", "phase": f"L{phase}"}
            for phase, current in enumerate(currents_a, start=1)
        ]
        if register_wh is not None:
            sampled.append({"value": str(register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"})
        return await self.ask(
            call.MeterValues(connector_id=connector, meter_value=[{"timestamp": at, "sampledValue": sampled}])
        )

    @on("SetChargingProfile")
    async def _set_charging_profile(self, connector_id: int, cs_charging_profiles: dict[str, Any]) -> Any:
        profile = {"connector_id": connector_id} | cs_charging_profiles
        self.profiles.append(profile)
        self.order.append(profile["charging_profile_purpose"])
        answer = self.profile_answer(profile)
        await self.gate.wait()
        return call_result.SetChargingProfile(answer)

    @on("ChangeConfiguration")
    def _change_configuration(self, key: str, value: str) -> Any:
        self.settings.append((key, value))
        self.order.append(key)
        return call_result.ChangeConfiguration(self.setting_answer(key, value))

    @on("TriggerMessage")
    def _trigger_message(self, requested_message: str, connector_id: int | None = None) -> Any:
        self.triggers.append((requested_message, connector_id))
        return call_result.TriggerMessage("Accepted")

    @on("RemoteStopTransaction")
    def _remote_stop_transaction(self, transaction_id: int) -> Any:
        self.stopped.append(transaction_id)
        return call_result.RemoteStopTransaction(self.stop_answer)

    @on("GetCompositeSchedule")
    def _get_composite_schedule(self, connector_id: int, **_: Any) -> Any:
        self.asked.append(connector_id)
        return call_result.GetCompositeSchedule(**self.composite)

    @on("ChangeAvailability")
    def _change_availability(self, connector_id: int, type: str) -> Any:  # noqa: A002 - the protocol's name
        self.service.append((connector_id, type))
        return call_result.ChangeAvailability(self.service_answer)


@asynccontextmanager
async def charger(bench: Bench, identity: str = "CP01", **options: Any) -> AsyncIterator[Charger]:
    """A charger that is connected and listens; it has said nothing yet."""
    async with socket(bench, identity, **options) as connection:
        client = Charger(identity, connection)
        listening = asyncio.create_task(client.start())
        try:
            yield client
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


@asynccontextmanager
async def charging(bench: Bench, identity: str = "CP01", connector: int = 1) -> AsyncIterator[tuple[Charger, int]]:
    """A charger that has booted and runs a transaction; its default profile is in place."""
    async with charger(bench, identity) as client:
        await client.boot()
        await client.say("Preparing", connector)
        transaction_id = (await client.begin(connector)).transaction_id
        await until(lambda: client.periods("TxDefaultProfile", connector))
        yield client, transaction_id


async def rpc(connection: ClientConnection, action: str, payload: Any, message_id: str | None = None) -> list[Any]:
    """Send one raw call and return its answer, checked against the schema."""
    message_id = message_id or str(uuid4())
    await connection.send(json.dumps([2, message_id, action, payload]))
    answer = await answer_to(connection, message_id)
    if answer[0] == 3:
        _validate_payload(CallResult(message_id, answer[2], action), "1.6")
    return answer


async def answer_to(connection: ClientConnection, message_id: str) -> list[Any]:
    """Return the answer to one of our calls; calls to us are answered NotImplemented meanwhile."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            frame: list[Any] = json.loads(await connection.recv())
            if frame[0] == 2:
                _validate_payload(Call(*frame[1:]), "1.6")
                await connection.send(json.dumps([4, frame[1], "NotImplemented", "", {}]))
            elif frame[1] == message_id:
                return frame
