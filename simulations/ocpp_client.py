"""A simulated charging station on the wire: a real OCPP client around a station's firmware."""

from __future__ import annotations

import asyncio
import base64
import logging
import random
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from ocpp.exceptions import OCPPError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from simulations.cars import Car
from simulations.firmware import Firmware
from simulations.ocpp_answers import Endpoint, Endpoint16
from simulations.ocpp_answers2 import Endpoint2
from simulations.outbox import Message
from simulations.profiles import ProfileRefusedError
from simulations.speech import Speech
from simulations.speech2 import Speech2
from simulations.speech16 import Speech16

FIRST_RETRY_S: Final = 0.5
LONGEST_RETRY_S: Final = 8.0
"""Redialling slows down to this; real stations take up to minutes, which only makes a demonstration longer."""
MAX_FRAME_BYTES: Final = 128 * 1024
PING_S: Final = 20.0
GOODBYE_S: Final = 2.0
_LOG = logging.getLogger("simulations.ocpp")


class _Refused(Exception):  # noqa: N818  (not an error: an answer)
    """The central system answered a transaction message with a CALLERROR, or not at all."""


class OcppClient:
    """One station's connection, kept up for as long as ``run`` runs.

    Args:
        firmware: the station's logic.
        url: of the central system; ``/<identity>`` is appended.
        now: the world's time [Unix s].
        rng: spreads the redialling of many stations.
        password: for HTTP Basic authentication; None: none is sent.
        tls: for ``wss`` URLs.
        version: of OCPP, ``1.6`` or ``2.0.1``; the firmware of the latter names its transactions.
    """

    def __init__(
        self,
        firmware: Firmware,
        url: str,
        now: Callable[[], float],
        rng: random.Random,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
        version: str = "1.6",
    ) -> None:
        self.firmware = firmware
        self._speech: Speech = Speech16() if version == "1.6" else Speech2()
        self._ears: type[Endpoint] = Endpoint16 if version == "1.6" else Endpoint2
        self.registered = asyncio.Event()
        """Set while the central system has accepted the station's BootNotification."""
        self.reachable = asyncio.Event()
        """Cleared to take the station off the network (see ``disconnect``)."""
        self.reachable.set()
        self.refused_tokens = 0
        self._url = f"{url.rstrip('/')}/{firmware.station.identity}"
        self._now = now
        self._rng = rng
        self._password = password
        self._tls = tls
        self._endpoint: Endpoint | None = None
        self._socket: ClientConnection | None = None
        self._news = asyncio.Event()
        self._reported: dict[int, str] = {}
        self._since = ""
        """When it was registered, by its own clock."""
        self._heartbeat_s = 300.0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        wait_s = FIRST_RETRY_S
        try:
            while True:
                await self.reachable.wait()
                if await self._connected():
                    wait_s = FIRST_RETRY_S
                await asyncio.sleep(wait_s * self._rng.uniform(0.7, 1.3))
                wait_s = min(2 * wait_s, LONGEST_RETRY_S)
        finally:
            for task in self._tasks:
                task.cancel()

    def observe(self) -> None:
        """Look at the station after a step of the world: queue what is due, report what has changed."""
        self.firmware.sample(self._now())
        if len(self.firmware.outbox) or self._changed():
            self._news.set()

    async def arrive(self, number: int, car: Car, tag: str) -> None:
        """A driver plugs in and presents a token; without a connection the station starts on its own word."""
        self.firmware.plug_in(number, car)
        accepted = True
        if self._endpoint is not None and self.registered.is_set():
            with suppress(OCPPError, TimeoutError, WebSocketException):
                answer = await self._endpoint.call(self._speech.authorise(tag), suppress=False)
                accepted = self._speech.lets_in(answer)
        if accepted:
            await self.begin(number, tag)
        else:
            self.refused_tokens += 1

    async def begin(self, number: int, tag: str, profile: dict[str, Any] | None = None) -> None:
        """Start a transaction where one may start, with the profile that a remote start may bring."""
        if not self.firmware.may_start(number):
            return
        self.firmware.start(number, tag, self._now())
        if profile is not None:
            with suppress(ProfileRefusedError):
                self.firmware.install(number, profile, self._now())
        self._news.set()

    def leave(self, number: int) -> None:
        """A driver unplugs."""
        self.firmware.unplug(number, self._now())
        self._news.set()

    async def restart(self, hard: bool) -> None:
        """End all transactions and boot again."""
        for number in self.firmware.station.connectors:
            self.firmware.stop(number, "HardReset" if hard else "SoftReset", self._now())
        if self._socket is not None:
            await self._socket.close()

    async def disconnect(self, seconds: float) -> None:
        """Vanish from the network for a while, without a goodbye."""
        self.reachable.clear()
        if self._socket is not None:
            self._socket.transport.abort()
        await asyncio.sleep(seconds)
        self.reachable.set()

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work beside the connection; it ends with the client at the latest."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.warning("%s: %r", self.firmware.station.identity, error)

    async def _connected(self) -> bool:
        """One connection from dialling to its end; returns whether the station was registered in it."""
        registered = False
        try:
            async with connect(
                self._url,
                subprotocols=[self._speech.subprotocol],  # type: ignore[list-item]  # NewType of str
                additional_headers=self._credentials(),
                ssl=self._tls,
                compression=None,
                max_size=MAX_FRAME_BYTES,
                ping_interval=PING_S,
                close_timeout=GOODBYE_S,
                proxy=None,
            ) as socket:
                self._socket = socket
                self._endpoint = self._ears(socket, self.firmware, self, self._now)
                try:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._endpoint.start())
                        group.create_task(self._talk(self._endpoint, group))
                finally:
                    registered = self.registered.is_set()
                    self.registered.clear()
                    self.firmware.station.connection_lost()
                    self._endpoint = self._socket = None
                    await socket.close()
        except* (WebSocketException, OSError, TimeoutError, OCPPError) as problems:
            reasons = "; ".join(str(problem) for problem in problems.exceptions)
            _LOG.info("%s: connection ended: %s", self.firmware.station.identity, reasons)
        return registered

    def _credentials(self) -> dict[str, str]:
        # The security white paper has the key set over OCPP as hexadecimal digits; it counts from the next connection.
        key = self.firmware.settings["AuthorizationKey"]
        password = bytes.fromhex(key) if key else (self._password or "").encode()
        if not password:
            return {}
        token = base64.b64encode(self.firmware.station.identity.encode() + b":" + password)
        return {"Authorization": f"Basic {token.decode()}"}

    async def _talk(self, endpoint: Endpoint, group: asyncio.TaskGroup) -> None:
        await self._boot(endpoint)
        self._reported.clear()
        self._since = self.firmware.timestamp(self._now())
        self.registered.set()
        self._news.set()
        group.create_task(self._beat(endpoint))
        while True:
            await self._news.wait()
            self._news.clear()
            await self._report(endpoint)
            await self._deliver(endpoint)

    async def _boot(self, endpoint: Endpoint) -> None:
        while True:
            request = self._speech.boot(self.firmware.station.identity)
            answer = await endpoint.call(request, suppress=False)
            self.firmware.set_clock(answer.current_time, self._now())
            if answer.interval > 0:
                self._heartbeat_s = float(answer.interval)
            if answer.status == "Accepted":
                return
            await asyncio.sleep(min(self._heartbeat_s, LONGEST_RETRY_S))

    async def _beat(self, endpoint: Endpoint) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            answer = await endpoint.call(self._speech.heartbeat(), suppress=False)
            self.firmware.set_clock(answer.current_time, self._now())

    def _statuses(self) -> dict[int, str]:
        connectors = self.firmware.station.connectors
        return {0: "Available"} | {number: connector.status.value for number, connector in connectors.items()}

    def _changed(self) -> bool:
        return self.registered.is_set() and self._statuses() != self._reported

    async def _report(self, endpoint: Endpoint) -> None:
        for number, status in self._statuses().items():
            if self._reported.get(number) != status:
                await self._send_status(endpoint, number, status)
                self._reported[number] = status

    async def _send_status(self, endpoint: Endpoint, number: int, status: str) -> None:
        connector = self.firmware.station.connectors.get(number)
        request = self._speech.status(number, status, connector, self.firmware.timestamp(self._now()))
        if request is not None:
            await endpoint.call(request, suppress=False)

    async def _deliver(self, endpoint: Endpoint) -> None:
        """Send the transaction messages in order; the head stays until it is answered, or has failed too often."""
        outbox, settings = self.firmware.outbox, self.firmware.settings
        while (message := outbox.head()) is not None:
            try:
                await self._send(endpoint, message)
            except _Refused as refusal:
                message.attempts += 1
                identity, failures = self.firmware.station.identity, message.attempts
                _LOG.warning("%s: %s failed %d times: %s", identity, message.kind, failures, refusal)
                if message.attempts < settings.number("TransactionMessageAttempts"):
                    await asyncio.sleep(settings.number("TransactionMessageRetryInterval") * message.attempts)
                    continue
            outbox.done(message)

    async def _send(self, endpoint: Endpoint, message: Message) -> None:
        connector = self.firmware.station.connectors[message.connector]
        request = self._speech.transaction(message, connector, self._since)
        if request is None:
            _LOG.warning("%s: %s of a lost start", self.firmware.station.identity, message.kind)
            return
        try:
            answer = await endpoint.call(request, suppress=False)
        except (OCPPError, TimeoutError) as error:
            raise _Refused(str(error)) from error
        self._speech.answered(message, answer, self.firmware, self._now())

    async def send_now(self, message: str, number: int | None) -> None:
        """Send what TriggerMessage asks for (1.6 §5.17)."""
        endpoint = self._endpoint
        if endpoint is None:
            return
        connectors = [number] if number else list(self.firmware.station.connectors)
        if message == "BootNotification":
            await self._boot(endpoint)
        elif message == "Heartbeat":
            await endpoint.call(self._speech.heartbeat(), suppress=False)
        elif message == "StatusNotification":
            for each in connectors:
                await self._send_status(endpoint, each, self._statuses()[each])
        else:
            for each in connectors:
                await self._send_values(endpoint, each)

    async def _send_values(self, endpoint: Endpoint, number: int) -> None:
        connector = self.firmware.station.connectors[number]
        meter_value = self.firmware.meter_value(number, "Trigger", self._now())
        await endpoint.call(self._speech.values(number, connector, meter_value), suppress=False)
