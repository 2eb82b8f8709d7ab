"""Takes commands from MQTT: what is published on a topic of ours with ``/set`` behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import aiomqtt
import structlog
from paho.mqtt.reasoncodes import ReasonCode

from adapters.broker import Broker, Patience
from adapters.cancellation import end_if_cancelled
from adapters.mqtt.topics import topic
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.site import Site

SET: Final = "set"
NONE: Final = "none"
"""Clears what was set."""
COMMAND_QOS: Final = 1
"""A command that is lost is never said again; one that comes twice changes nothing."""

log = structlog.get_logger(__name__)

LimitSink = Callable[[str, float | None], None]
"""Takes a limit for a circuit [W] or a point [A]; None: there is none any more. Never blocks.

What it refuses it reports, or raises as a ``ValueError``.
"""


@dataclass(frozen=True, slots=True)
class Commanded:
    """One topic that may be set."""

    subject: str
    """What events call it."""
    take: Callable[[bytes], None]
    """Takes a payload, or refuses it with a ``ValueError``. Never blocks."""


def limit_commands(site: Site, on_limit: LimitSink) -> dict[str, Commanded]:
    """The topics by which the power of circuits is limited."""
    return {
        topic(site.id, "circuit", circuit.id, "limit_w", SET): Commanded(
            f"circuit:{circuit.id}", partial(_take_limit, on_limit, circuit.id)
        )
        for circuit in site.circuits
    }


def point_commands(site: Site, on_limit: LimitSink) -> dict[str, Commanded]:
    """The topics by which the current of charging points is limited."""
    return {
        topic(site.id, "point", point.id, "limit_a", SET): Commanded(
            f"point:{point.id}", partial(_take_limit, on_limit, point.id)
        )
        for point in site.points
    }


def price_command(site: Site, on_prices: Callable[[bytes], None]) -> dict[str, Commanded]:
    """The topic by which prices are published, as JSON."""
    return {topic(site.id, "price", SET): Commanded("price", on_prices)}


def _take_limit(on_limit: LimitSink, name: str, payload: bytes) -> None:
    on_limit(name, _number(payload))


class MqttCommands:
    """Listens for commands for as long as ``run`` runs.

    A retained command is taken like any other: it is its sender's standing word, also for one who was away.

    Args:
        url: the broker, see ``adapters.broker.Broker.at``.
        topics: what may be set, by topic.
        clock: dates events.
        on_event: hears what cannot be understood. That the broker is away, others tell.

    Raises:
        ValueError: the URL is wrong.
    """

    def __init__(self, *, url: str, topics: Mapping[str, Commanded], clock: Clock, on_event: EventSink) -> None:
        self._broker = Broker.at(url)
        self._clock, self._on_event, self._topics = clock, on_event, topics

    async def run(self) -> None:
        """Listen until cancelled. Whatever broker and senders do becomes an event, never an exception."""
        await self._broker.stay(self._listen, self._lost)

    async def _listen(self, client: aiomqtt.Client, patience: Patience) -> None:
        await self._subscribe(client)
        end_if_cancelled()
        patience.reset()
        async for message in client.messages:
            self._hear(str(message.topic), message.payload)

    def _lost(self, reason: str) -> None:
        log.info("commands_away", broker=str(self._broker), reason=reason)

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        granted = await client.subscribe([(name, COMMAND_QOS) for name in self._topics])
        for name, code in zip(self._topics, granted, strict=True):
            if isinstance(code, ReasonCode) and code.is_failure:
                text = f"{self._broker} refuses the subscription to {name}: nobody can set it"
                self._on_event(
                    Event("commands_refused", f"mqtt:{self._broker}", text, Severity.ALARM, self._clock.now())
                )

    def _hear(self, name: str, payload: object) -> None:
        commanded = self._topics[name]
        try:
            commanded.take(bytes(payload) if isinstance(payload, bytes | bytearray) else str(payload).encode())
        except ValueError as error:
            text = f"{name}: {error}"
            self._on_event(Event("command_refused", commanded.subject, text, Severity.WARNING, self._clock.now()))


def _number(payload: bytes) -> float | None:
    """The number that a payload says; None for ``none``.

    Raises:
        ValueError: it says neither.
    """
    text = payload.decode("utf-8", "replace").strip()
    if text.lower() == NONE:
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"expected a number or {NONE}, found {text[:40]!r}") from None
