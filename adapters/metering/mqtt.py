"""A meter whose values arrive on MQTT topics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from adapters.broker import Broker, Patience
from adapters.cancellation import end_if_cancelled
from adapters.metering.intake import HOLD_S, Intake
from adapters.metering.messages import Collector, PayloadError, Quantity, StaleError, problems
from adapters.metering.plausibility import Bounds, Judge
from adapters.metering.said import SaidReadings
from adapters.metering.sample import PHASE_CURRENTS
from controller.ports.common import Clock, EventSink
from controller.ports.devices import Meter
from controller.snapshot import Reading


class MqttMeter(Meter):
    """Listens to one meter for as long as ``run`` runs, and to nothing else on the broker.

    Args:
        id: the meter's name in the site.
        url: the broker, see ``adapters.broker.Broker.at``.
        quantities: where each quantity comes from; names as in ``adapters.metering.sample.QUANTITIES``. None: whole
            readings are said on ``said_on`` (``adapters.metering.said.SaidReadings``).
        said_on: the topic of whole readings, where there are no quantities.
        timestamp_path: where each payload has its own time (ISO 8601, or seconds or milliseconds since 1970).
            None: a message counts from its arrival, and retained ones are ignored, for they may be of any age.
        clock: where times come from.
        on_event: hears of troubles when they begin and when they are over.
        on_reading: called after each good reading, e.g. to decide at once.
        ceiling_a: no current can be larger than this, e.g. ten times the fuse [A].
        nominal_voltage_v: of the site [V].
        max_age_s: a part of a reading that is older than this is missing [s].

    Raises:
        ValueError: the URL or the quantities are wrong; lists all problems.
    """

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the port's name for it
        url: str,
        quantities: Mapping[str, Quantity] | None,
        clock: Clock,
        on_event: EventSink,
        ceiling_a: float,
        said_on: str = "",
        on_reading: Callable[[], None] | None = None,
        timestamp_path: str | None = None,
        nominal_voltage_v: float = 230.0,
        max_age_s: float = HOLD_S,
    ) -> None:
        found = [] if quantities is None else problems(quantities, timestamp_path)
        if found:
            raise ValueError("; ".join(f"{place}: {message}" for place, message in found))
        self.id = id
        self._broker = Broker.at(url)
        self._clock = clock
        self._collector: Collector | SaidReadings = (
            SaidReadings(said_on, max_age_s) if quantities is None else Collector(quantities, timestamp_path, max_age_s)
        )
        phases = tuple(n for n, name in enumerate(PHASE_CURRENTS) if quantities is None or name in quantities)
        self._intake = Intake(id, Judge(Bounds(ceiling_a, nominal_voltage_v), phases), clock, on_event, on_reading)
        self._silent_because = "not connected yet"

    def reading(self, now: datetime, monotonic_s: float) -> Reading | None:
        """The last good reading, dated ``now`` minus its age; None when there has been none."""
        return self._intake.reading(now, monotonic_s)

    async def run(self) -> None:
        """Listen until cancelled. Whatever meter and broker do becomes an event, never an exception."""
        await self._intake.attend(self._broker.stay(self._listen, self._lost), lambda: self._silent_because)

    async def _listen(self, client: aiomqtt.Client, patience: Patience) -> None:
        await self._subscribe(client)
        end_if_cancelled()
        patience.reset()
        self._silent_because = f"no message from {self._broker}"
        async for message in client.messages:
            self._hear(message)

    def _lost(self, reason: str) -> None:
        self._silent_because = f"broker {self._broker}: {reason}"

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        granted = await client.subscribe([(topic, 0) for topic in self._collector.topics])
        for topic, code in zip(self._collector.topics, granted, strict=True):
            if isinstance(code, ReasonCode) and code.is_failure:
                raise aiomqtt.MqttError(f"it refuses the subscription to {topic}")

    def _hear(self, message: aiomqtt.Message) -> None:
        topic = message.topic.value
        payload = message.payload if isinstance(message.payload, bytes) else b""
        now, monotonic_s = self._clock.now(), self._clock.monotonic_s()
        try:
            complete = self._collector.add(topic, payload, retained=message.retain, now=now, monotonic_s=monotonic_s)
        except PayloadError as error:
            self._intake.refuse(f"{topic}: {error}")
        except StaleError as error:
            self._silent_because = f"{topic}: {error}"
        else:
            if complete is not None:
                self._intake.take(*complete)
