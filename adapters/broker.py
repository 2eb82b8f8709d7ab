"""How to reach an MQTT broker: one URL, and the patience to try again."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiomqtt

from adapters.cancellation import end_if_cancelled

KEEPALIVE_S: Final = 10
"""A broker that vanished without a word is noticed within one and a half times this, and so are we by it."""
TIMEOUT_S: Final = 5.0
"""For each step of talking to the broker."""
RETRY_FIRST_S: Final = 0.25
RETRY_LAST_S: Final = 2.0
"""A broker restarts within seconds, and the meters behind it are missed from the third second on."""
PENDING_MESSAGES: Final = 1000
"""Messages that may wait in either direction; more than any site sends in the seconds that a stall can last."""

_DEFAULT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


class Patience:
    """Waits between attempts: twice as long each time up to ``RETRY_LAST_S``, and never in step with others."""

    def __init__(self) -> None:
        self._next_s = RETRY_FIRST_S

    def reset(self) -> None:
        """The attempt succeeded."""
        self._next_s = RETRY_FIRST_S

    async def wait(self) -> None:
        """Wait before the next attempt."""
        wait_s, self._next_s = self._next_s, min(2 * self._next_s, RETRY_LAST_S)
        await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, keeps no secret


@dataclass(frozen=True, slots=True)
class Broker:
    """An MQTT broker's address."""

    host: str
    port: int
    tls: bool = False
    """Verified against the system's certificate authorities; ``SSL_CERT_FILE`` names a private one."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def at(cls, url: str) -> Self:
        """Read ``mqtt://[user[:password]@]host[:port]``, or ``mqtts://`` for TLS.

        Raises:
            ValueError: it is not such a URL. The message does not repeat the password.
        """
        parts = urlsplit(url)
        expected = "expected mqtt://host:port or mqtts://host:port, with user:password@ where needed"
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError(expected)
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(f"{expected}, and nothing behind the port")
        try:
            parts.hostname.encode("idna")
            port = parts.port or _DEFAULT_PORTS[parts.scheme]
        except ValueError as error:
            raise ValueError(f"{expected}: {error}") from error
        return cls(
            host=parts.hostname,
            port=port,
            tls=parts.scheme == "mqtts",
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def client(self, will: aiomqtt.Will | None = None) -> aiomqtt.Client:
        """A client for one connection; call inside a running event loop."""
        return aiomqtt.Client(
            self.host,
            self.port,
            username=self.username,
            password=self.password,
            tls_context=ssl.create_default_context() if self.tls else None,
            will=will,
            timeout=TIMEOUT_S,
            keepalive=KEEPALIVE_S,
            max_queued_incoming_messages=PENDING_MESSAGES,
            max_queued_outgoing_messages=PENDING_MESSAGES,
        )

    async def stay(
        self,
        talk: Callable[[aiomqtt.Client, Patience], Awaitable[None]],
        on_lost: Callable[[str], None],
        will: aiomqtt.Will | None = None,
    ) -> None:
        """Talk with the broker until cancelled, on one connection after the other.

        Args:
            talk: on one connection, for as long as it holds; resets the patience when it has succeeded.
            on_lost: hears why there is none.
            will: what the broker says when a connection breaks.
        """
        patience = Patience()
        while True:
            try:
                async with self.client(will) as client:
                    await talk(client, patience)
            except (aiomqtt.MqttError, OSError) as error:
                on_lost(str(error))
            end_if_cancelled()
            await patience.wait()
