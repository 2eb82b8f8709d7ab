"""Commands from MQTT, through a real Mosquitto."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.clock import SystemClock
from adapters.mqtt.commands import MqttCommands, limit_commands
from tests.support.meters import Events
from tests.support.mosquitto import Mosquitto, mosquitto
from tests.support.processes import until
from tests.support.web import small_site

SITE = small_site()
MAIN = "loadstar/hq/circuit/main/limit_w/set"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


class Taken:
    """What the service would have been told."""

    def __init__(self, broker: Mosquitto) -> None:
        self.limits: list[tuple[str, float | None]] = []
        self.events = Events()
        self._commands = MqttCommands(
            url=broker.url,
            topics=limit_commands(SITE, lambda circuit, limit_w: self.limits.append((circuit, limit_w))),
            clock=SystemClock(),
            on_event=self.events,
        )

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._commands.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def say(broker: Mosquitto, topic: str, *payloads: str | bytes) -> None:
    async with broker.client() as client:
        for payload in payloads:
            await client.publish(topic, payload, 1, retain=True)


async def test_limits_are_taken_in_order_and_none_clears(broker: Mosquitto):
    taken = Taken(broker)
    async with taken.listening():
        await say(broker, MAIN, "20000")
        await until(lambda: taken.limits == [("main", 20_000.0)], "the first limit")
        await say(broker, MAIN, " 15000.5 ", "None")
        await say(broker, "loadstar/hq/circuit/garage/limit_w/set", "0")
        await until(lambda: len(taken.limits) == 4, "all limits")
    assert taken.limits[1:] == [("main", 15_000.5), ("main", None), ("garage", 0.0)]


async def test_what_is_no_number_is_refused_with_an_event_and_what_follows_is_taken(broker: Mosquitto):
    taken = Taken(broker)
    async with taken.listening():
        await say(broker, MAIN, "1")
        await until(lambda: bool(taken.limits), "the connection")
        await say(broker, MAIN, "", "a lot", b"\xff\xfe", '{"limit_w": 5}', "2")
        await say(broker, "loadstar/hq/circuit/attic/limit_w/set", "3")
        await until(lambda: len(taken.limits) == 2, "the good one")
    assert taken.limits == [("main", 1.0), ("main", 2.0)]
    assert [event.kind for event in taken.events] == ["command_refused"] * 4
    assert taken.events[1].message == f"{MAIN}: expected a number or none, found 'a lot'"
    assert taken.events[1].subject == "circuit:main"


async def test_a_standing_word_is_heard_after_the_broker_was_away(broker: Mosquitto):
    taken = Taken(broker)
    async with taken.listening():
        await say(broker, MAIN, "1")
        await until(lambda: bool(taken.limits), "the connection")
        broker.stop()
        broker.start()
        await say(broker, MAIN, "2")
        await until(lambda: ("main", 2.0) in taken.limits, "what was said before we were back")
