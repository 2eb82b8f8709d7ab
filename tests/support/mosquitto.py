"""A real Mosquitto broker on a port of its own."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import aiomqtt

from tests.support.processes import Program, free_port, program, until


class Mosquitto:
    """A broker that can be stopped and started again on the same port; it forgets everything when stopped.

    Args:
        directory: for its files.
        extra: further lines of its configuration.
        anonymous: whether it lets in clients without a password.
    """

    def __init__(self, directory: Path, extra: str = "", anonymous: bool = True) -> None:
        self.port = free_port()
        configuration = directory / "mosquitto.conf"
        configuration.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous {'true' if anonymous else 'false'}\n"
            f"persistence false\nuser {getpass.getuser()}\n{extra}\n"
        )
        self._program = Program([program("mosquitto", "mosquitto"), "-c", str(configuration)], self.port, directory)

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._program.start()

    def stop(self) -> None:
        self._program.stop()

    def client(self, host: str = "127.0.0.1", **options: Any) -> aiomqtt.Client:
        return aiomqtt.Client(host, self.port, **options)


@contextmanager
def mosquitto(directory: Path, extra: str = "", anonymous: bool = True) -> Iterator[Mosquitto]:
    """Run a broker."""
    broker = Mosquitto(directory, extra, anonymous)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Listener:
    """Everything that arrives below a topic filter, as a client of its own sees it."""

    def __init__(self, broker: Mosquitto, topics: str = "#", **options: Any) -> None:
        self.latest: dict[str, str] = {}
        """Last payload by topic; a topic whose value was withdrawn is gone."""
        self.messages: list[aiomqtt.Message] = []
        self._broker = broker
        self._topics = topics
        self._options = options
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        await until(self._ready.is_set, "the listener's subscription")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def sees(self, condition: Callable[[dict[str, str]], object], what: str) -> None:
        """Wait for values to meet a condition, which a topic that has not come yet does not."""

        def met() -> object:
            try:
                return condition(self.latest)
            except KeyError:
                return False

        await until(met, what)

    def payloads(self, topic: str) -> list[str]:
        return [m.payload.decode() for m in self.messages if m.topic.value == topic and isinstance(m.payload, bytes)]

    async def _run(self) -> None:
        async with self._broker.client(**self._options) as client:
            await client.subscribe(self._topics)
            self._ready.set()
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                self.messages.append(message)
                if message.payload:
                    self.latest[message.topic.value] = message.payload.decode()
                else:
                    self.latest.pop(message.topic.value, None)
