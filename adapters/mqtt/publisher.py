"""Publishes what the site does, for as long as a broker listens and without ever waiting for one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections import deque
from typing import Final

import aiomqtt

from adapters.broker import Broker, Patience
from adapters.cancellation import end_if_cancelled
from adapters.mqtt.discovery import discovery
from adapters.mqtt.topics import (
    EVENT,
    OFFLINE,
    ONLINE,
    STATE,
    STATUS,
    Path,
    Value,
    document,
    event_document,
    text,
    topic,
    values,
)
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.ports.tick import Tick
from controller.site import Site

EVENTS_KEPT: Final = 200
"""Events that wait for a broker that is away; beyond this the oldest are dropped (the ledger has them all)."""
STATE_EVERY_S: Final = 1.0
"""The whole document at most this often: it is the largest message by far."""
STABLE_S: Final = 2.0
"""A connection that has stood this long ends a trouble; one that drops at once does not."""
GOODBYE_S: Final = 1.0
"""What saying goodbye may take when the service ends."""

VALUE_QOS: Final = 0
"""A value that is lost with its connection is sent again after the next one is made; an answer to each would only
cost time."""
ONCE_QOS: Final = 1
"""Events and the status are said once, so they must arrive; an event may arrive twice."""


class MqttPublisher:
    """Publishes below ``loadstar/<site>/``; the topics are those of ``adapters.mqtt.topics``.

    Only values that have changed are sent, and all of them after a new connection. While the broker is away only
    the newest tick and the newest events are kept. ``publish`` and ``publish_event`` return at once; they belong to
    the thread of the event loop in which ``run`` runs.

    Args:
        url: the broker, see ``adapters.broker.Broker.at``.
        site: gives the topics their names.
        clock: paces the whole document and dates events.
        on_event: hears when the broker is lost and when it is back.

    Raises:
        ValueError: the URL is wrong.
    """

    def __init__(self, *, url: str, site: Site, clock: Clock, on_event: EventSink) -> None:
        self._broker = Broker.at(url)
        self._site = site
        self._clock = clock
        self._on_event = on_event
        self._status = topic(site.id, STATUS)
        self._tick: Tick | None = None
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._news = asyncio.Event()
        self._lost = False

    def publish(self, tick: Tick) -> None:
        """Make ``tick`` what is published next."""
        self._tick = tick
        self._news.set()

    def publish_event(self, event: Event) -> None:
        """Publish an event as soon as may be."""
        self._events.append(event)
        self._news.set()

    async def run(self) -> None:
        """Publish until cancelled; then say goodbye. Whatever the broker does becomes an event, never an exception."""
        will = aiomqtt.Will(self._status, OFFLINE, ONCE_QOS, retain=True)
        await self._broker.stay(self._serve, self._report_lost, will)

    async def _serve(self, client: aiomqtt.Client, patience: Patience) -> None:
        connection = _Connection(client, self._site, self._clock)
        since_s = self._clock.monotonic_s()
        await client.publish(self._status, ONLINE, ONCE_QOS, retain=True)
        for where, message in discovery(self._site).items():
            await client.publish(where, message, ONCE_QOS, retain=True)
        self._news.set()
        try:
            while True:
                end_if_cancelled()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(connection.owes_in_s()):
                        await self._news.wait()
                self._news.clear()
                await self._send_events(connection)
                if self._tick is not None:
                    await connection.send(self._tick)
                if self._clock.monotonic_s() - since_s >= STABLE_S:
                    patience.reset()
                    self._report_back()
        except asyncio.CancelledError:
            with contextlib.suppress(aiomqtt.MqttError, OSError, TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await client.publish(self._status, OFFLINE, ONCE_QOS, retain=True)
            raise

    async def _send_events(self, connection: _Connection) -> None:
        while self._events:
            event = self._events.popleft()
            try:
                await connection.send_event(event)
            except (aiomqtt.MqttError, OSError):
                if len(self._events) < EVENTS_KEPT:
                    self._events.appendleft(event)
                raise

    def _report_lost(self, reason: str) -> None:
        if not self._lost:
            self._lost = True
            self._tell("mqtt_lost", f"MQTT broker {self._broker}: {reason}", Severity.WARNING)

    def _report_back(self) -> None:
        if self._lost:
            self._lost = False
            self._tell("mqtt_back", f"MQTT broker {self._broker}: connected", Severity.INFO)

    def _tell(self, kind: str, message: str, severity: Severity) -> None:
        self._on_event(Event(kind, f"mqtt:{self._broker}", message, severity, self._clock.now()))


class _Connection:
    """What one connection has been told so far."""

    def __init__(self, client: aiomqtt.Client, site: Site, clock: Clock) -> None:
        self._client = client
        self._site = site
        self._clock = clock
        self._sent: dict[Path, str] = {}
        self._seen: Tick | None = None
        self._shown: Tick | None = None
        self._state_due_s = -math.inf

    def owes_in_s(self) -> float | None:
        """In how long the document is due that was held back [s]; None when there is none."""
        if self._seen is self._shown:
            return None
        return max(0.0, self._state_due_s - self._clock.monotonic_s())

    async def send(self, tick: Tick) -> None:
        """Send what is new in ``tick``, and the whole document if it is due."""
        self._seen = tick
        found = await asyncio.to_thread(values, self._site, tick)  # the sentences take longer than a decision
        for path, value in (dict.fromkeys(self._sent, None) | found).items():
            await self._send_value(path, value)
        now_s = self._clock.monotonic_s()
        if self._shown is not tick and now_s >= self._state_due_s:
            self._shown, self._state_due_s = tick, now_s + STATE_EVERY_S
            await self._publish((STATE,), json.dumps(document(tick, found)))

    async def send_event(self, event: Event) -> None:
        """Send one event."""
        payload = json.dumps(event_document(event, self._clock.now()))
        await self._client.publish(topic(self._site.id, EVENT), payload, ONCE_QOS, retain=False)

    async def _send_value(self, path: Path, value: Value) -> None:
        payload = text(value)
        if self._sent.get(path) != payload:
            self._sent[path] = payload
            await self._publish(path, payload)

    async def _publish(self, path: Path, payload: str) -> None:
        """An empty payload also makes the broker forget what it retained."""
        await self._client.publish(topic(self._site.id, *path), payload, VALUE_QOS, retain=True)
