"""A charging station written from the OCPP-J 1.6 text alone: plain frames on a socket, and any bad habit.

It shares no code with the service, with the simulator or with an OCPP library. What the station is allowed to draw
follows from the profiles that it accepted, so a test can compare the service's word with what would really flow.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

WITHIN_S = 60.0
LEAST_A = 6.0
"""Below this a control pilot cannot offer anything (IEC 61851-1)."""

_VISITS = itertools.count(1)
"""Every charger is another one: nothing that it announces is what another has announced."""

Payload = dict[str, Any]
Habit = Callable[["StrangeCharger", str, Payload], Awaitable[None]]
"""What it does with a call: it is given itself, the message id and the payload, and answers as it likes."""


def stamp(seconds: float = 0.0) -> str:
    """The time, so many seconds from now, as chargers write it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Outlet:
    """One connector: its car, its transaction and its profiles."""

    most_a: float
    """What the hardware gives without any profile."""
    car_a: float
    """What the car takes at most; 0 while there is none."""
    phases: int = 3
    transaction: int | None = None
    register_wh: float = field(default_factory=lambda: 1000.0 * next(_VISITS))
    profiles: dict[int, Payload] = field(default_factory=dict)
    latched: Payload | None = None
    """The default profile as it was when the transaction began, for a station that reads it only then."""

    def install(self, profile: Payload) -> None:
        """OCPP 1.6 §5.16.3: replaces by id; §3.13.2: and by stack level and purpose."""
        place = (profile["chargingProfilePurpose"], profile["stackLevel"])
        alike = [k for k, p in self.profiles.items() if (p["chargingProfilePurpose"], p["stackLevel"]) == place]
        for key in alike:
            del self.profiles[key]
        self.profiles[profile["chargingProfileId"]] = profile

    def allowed_a(self, ahead_s: float = 0.0) -> float:
        """What may flow per phase, now or so many seconds ahead by the same clock."""
        at = time.time() + ahead_s
        own = [limit_of(p, at) for p in self._of("TxProfile") if p.get("transactionId") == self.transaction]
        default = [limit_of(p, at) for p in ([self.latched] if self.latched else self._of("TxDefaultProfile"))]
        most = [limit_of(p, at) for p in self._of("ChargePointMaxProfile")]
        ruling = next((limits for limits in (_said(own), _said(default)) if limits), [self.most_a])
        return min(self.most_a, *ruling, *_said(most))

    def drawn_a(self) -> float:
        allowed_a = self.allowed_a()
        return 0.0 if allowed_a < LEAST_A else min(allowed_a, self.car_a)

    def _of(self, purpose: str) -> list[Payload]:
        found = [p for p in self.profiles.values() if p["chargingProfilePurpose"] == purpose]
        return sorted(found, key=lambda p: -int(p["stackLevel"]))[:1]


def _said(limits: Iterable[float | None]) -> list[float]:
    return [limit for limit in limits if limit is not None]


def limit_of(profile: Payload, at: float) -> float | None:
    """The limit of an absolute profile [A]; None where it says nothing (OCPP 1.6 §7.13)."""
    schedule = profile["chargingSchedule"]
    assert (profile["chargingProfileKind"], schedule["chargingRateUnit"]) == ("Absolute", "A")
    age_s = at - datetime.fromisoformat(schedule["startSchedule"]).timestamp()
    begun = [p for p in schedule["chargingSchedulePeriod"] if p["startPeriod"] <= age_s]
    over = "duration" in schedule and age_s >= schedule["duration"]
    return float(begun[-1]["limit"]) if begun and not over else None


class StrangeCharger:
    """One station. Connect it with ``async with``; what it was told is in ``calls``.

    Args:
        endpoint: where stations connect, without the identity.
        identity: as it stands in the URL (percent-encode it yourself).
        outlets: how many connectors it has.
        habits: how it answers calls, by action, instead of well.
        options: of the WebSocket connection.
    """

    def __init__(
        self,
        endpoint: str,
        identity: str,
        *,
        outlets: int = 1,
        most_a: float = 32.0,
        car_a: float = 32.0,
        habits: dict[str, Habit] | None = None,
        **options: Any,
    ) -> None:
        self.url = f"{endpoint}/{identity}"
        self.outlets = {number: Outlet(most_a, car_a) for number in range(1, outlets + 1)}
        self.habits = habits or {}
        self.calls: list[tuple[str, Payload]] = []
        self.called_at: list[float] = []
        self.unasked: list[Any] = []
        """Answers to nothing that it said."""
        self.hung_up = asyncio.Event()
        self._options: dict[str, Any] = {"subprotocols": ["ocpp1.6"], "open_timeout": WITHIN_S} | options
        self._ids = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[list[Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.socket: ClientConnection

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def connect(self) -> None:
        """Open a connection; what is installed stays."""
        self.hung_up.clear()
        self.socket = await connect(self.url, **self._options)
        self._begin(self._read(self.socket))

    async def close(self) -> None:
        await self.socket.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- saying something --------------------------------------------------------------------------------------

    async def say(self, action: str, payload: Any, message_id: str | None = None) -> list[Any]:
        """Make a call and return the whole answering frame."""
        return await self.post(action, payload, message_id)

    def post(self, action: str, payload: Any, message_id: str | None = None) -> asyncio.Task[list[Any]]:
        """Make a call without waiting; the task returns the answer."""
        message_id = message_id or f"m{next(self._ids)}"
        return asyncio.create_task(self.send(json.dumps([2, message_id, action, payload]), message_id))

    async def send(self, frame: str | bytes | Sequence[str], message_id: str) -> list[Any]:
        """Send a frame, in fragments if it is a sequence, and return the answer to its message id."""
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting[message_id] = answer
        await self.socket.send(frame)
        async with asyncio.timeout(WITHIN_S):
            await answer
        return answer.result()

    async def told(self, action: str, payload: Any, message_id: str | None = None) -> Payload:
        """Make a call that must be answered by a result, and return it."""
        frame = await self.say(action, payload, message_id)
        assert frame[0] == 3, frame
        assert len(frame) == 3
        result: Payload = frame[2]
        return result

    async def boot(self) -> Payload:
        return await self.told("BootNotification", {"chargePointVendor": "Odd", "chargePointModel": "One"})

    async def status(self, status: str, outlet: int = 1, **more: Any) -> None:
        payload = {"connectorId": outlet, "errorCode": "NoError", "status": status} | more
        assert await self.told("StatusNotification", payload) == {}

    async def start(self, outlet: int = 1, **changes: Any) -> int:
        """Start a transaction; changes with the value None leave a field out."""
        answer = await self.told("StartTransaction", without_none(self.start_payload(outlet) | changes))
        assert answer["idTagInfo"]["status"] == "Accepted"
        self.open(outlet, answer["transactionId"])
        return int(answer["transactionId"])

    def start_payload(self, outlet: int = 1) -> Payload:
        register_wh = round(self.outlets[outlet].register_wh)
        return {"connectorId": outlet, "idTag": "04A2B3C4", "meterStart": register_wh, "timestamp": stamp()}

    def open(self, outlet: int, transaction: int) -> None:
        self.outlets[outlet].transaction = transaction

    async def stop(self, outlet: int = 1, *, delivered_wh: int = 500, **changes: Any) -> Payload:
        place = self.outlets[outlet]
        place.register_wh += delivered_wh
        payload = {"transactionId": place.transaction, "meterStop": round(place.register_wh), "timestamp": stamp()}
        answer = await self.told("StopTransaction", without_none(payload | changes))
        place.transaction, place.latched = None, None
        place.profiles = {k: p for k, p in place.profiles.items() if p["chargingProfilePurpose"] != "TxProfile"}
        return answer

    async def measure(self, outlet: int = 1, *samples: Payload, **more: Any) -> None:
        """Report what it draws on each phase, or what it is told to report."""
        place = self.outlets[outlet]
        drawn = [
            {"value": f"{place.drawn_a():.1f}", "measurand": "Current.Import", "phase": f"L{phase}", "unit": "A"}
            for phase in range(1, place.phases + 1)
        ]
        values = [{"timestamp": stamp(), "sampledValue": list(samples) or drawn}]
        payload = {"connectorId": outlet, "transactionId": place.transaction, "meterValue": values} | more
        assert await self.told("MeterValues", without_none(payload)) == {}

    def keep_measuring(self, every_s: float = 0.5) -> None:
        """Report by itself from now on, as long as it is connected and a transaction runs."""

        async def report() -> None:
            while not self.hung_up.is_set():
                for outlet in [number for number, place in self.outlets.items() if place.transaction is not None]:
                    await self.measure(outlet)
                await asyncio.sleep(every_s)

        self._begin(report())

    # -- being told something ----------------------------------------------------------------------------------

    def profiles(self, purpose: str, outlet: int = 1) -> list[Payload]:
        """Every profile of a purpose that an outlet was sent, whatever became of it."""
        sent = [p for action, p in self.calls if action == "SetChargingProfile" and p["connectorId"] == outlet]
        found = [p["csChargingProfiles"] for p in sent]
        return [p for p in found if p["chargingProfilePurpose"] == purpose]

    async def has(self, what: Callable[[], Any], why: str) -> Any:
        """Wait until something is true, and return it."""
        deadline = time.monotonic() + WITHIN_S
        while not (found := what()):
            assert time.monotonic() < deadline, f"waited in vain for {why}; was told {self.calls}"
            await asyncio.sleep(0.02)
        return found

    async def answer(self, message_id: str, payload: Payload) -> None:
        await self.socket.send(json.dumps([3, message_id, payload]))

    async def obey(self, message_id: str, payload: Payload) -> None:
        """Install a profile and say so."""
        outlets = [payload["connectorId"]] if payload["connectorId"] else list(self.outlets)
        for outlet in outlets:
            self.outlets[outlet].install(payload["csChargingProfiles"])
        await self.answer(message_id, {"status": "Accepted"})

    async def _read(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in socket:
                frame = json.loads(text)
                if frame[0] == 2:
                    self._begin(self._called(*frame[1:]))
                elif (waiting := self._waiting.pop(frame[1], None)) is not None:
                    if not waiting.done():
                        waiting.set_result(frame)
                else:
                    self.unasked.append(frame)
        self.hung_up.set()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("hung up"))
                waiting.exception()  # whoever waits sees it; where nobody does, nobody need be told

    async def _called(self, message_id: str, action: str, payload: Payload) -> None:
        self.calls.append((action, payload))
        self.called_at.append(time.monotonic())
        with suppress(ConnectionClosed):
            if action in self.habits:
                await self.habits[action](self, message_id, payload)
            elif action == "SetChargingProfile":
                await self.obey(message_id, payload)
            elif action in {"ChangeConfiguration", "TriggerMessage", "RemoteStopTransaction"}:
                await self.answer(message_id, {"status": "Accepted"})
            else:
                await self.socket.send(json.dumps([4, message_id, "NotImplemented", "", {}]))

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def without_none(payload: Payload) -> Payload:
    return {key: value for key, value in payload.items() if value is not None}


# -- habits ----------------------------------------------------------------------------------------------------


def late(seconds: float) -> Habit:
    """It does what it is told at once, and says so late."""

    async def habit(charger: StrangeCharger, message_id: str, payload: Payload) -> None:
        charger.outlets[payload["connectorId"]].install(payload["csChargingProfiles"])
        await asyncio.sleep(seconds)
        await charger.answer(message_id, {"status": "Accepted"})

    return habit


def refusing(*purposes: str, status: str = "Rejected") -> Habit:
    """It refuses profiles of these purposes, and takes the others."""

    async def habit(charger: StrangeCharger, message_id: str, payload: Payload) -> None:
        if payload["csChargingProfiles"]["chargingProfilePurpose"] in purposes:
            await charger.answer(message_id, {"status": status})
        else:
            await charger.obey(message_id, payload)

    return habit


def failing(code: str, *purposes: str) -> Habit:
    """It answers with an error, to every call or to profiles of these purposes."""

    async def habit(charger: StrangeCharger, message_id: str, payload: Payload) -> None:
        if purposes and payload["csChargingProfiles"]["chargingProfilePurpose"] not in purposes:
            await charger.obey(message_id, payload)
        else:
            await charger.socket.send(json.dumps([4, message_id, code, "", {}]))

    return habit


async def deaf(_charger: StrangeCharger, _message_id: str, _payload: Payload) -> None:
    """It does nothing and says nothing."""


def saying(frame: str, *, obeying: bool = False) -> Habit:
    """It answers with this frame, in which %s stands for the message id."""

    async def habit(charger: StrangeCharger, message_id: str, payload: Payload) -> None:
        if obeying:
            charger.outlets[payload["connectorId"]].install(payload["csChargingProfiles"])
        await charger.socket.send(frame.replace("%s", message_id))

    return habit


async def hanging_up(charger: StrangeCharger, _message_id: str, _payload: Payload) -> None:
    """It closes the connection instead of answering."""
    await charger.socket.close()
