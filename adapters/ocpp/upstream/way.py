"""How a back office is reached: its address, what it is shown, whom to trust, and what is wrong when it is not."""

from __future__ import annotations

import base64
import logging
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from adapters.ocpp.wire import MAX_FRAME_BYTES

OPEN_TIMEOUT_S: Final = 20.0
CLOSE_TIMEOUT_S: Final = 3.0
PING_INTERVAL_S: Final = 30.0
PING_TIMEOUT_S: Final = 60.0
"""A back office behind a mobile network that has gone without a word is noticed after a minute and a half."""

_LIBRARY_LOG: Final = logging.getLogger("loadstar.websockets")
_LIBRARY_LOG.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Way:
    """How a back office is reached as one station."""

    url: str
    """ws:// or wss://; the identity is appended."""
    identity: str
    subprotocol: str
    """``ocpp1.6``, ``ocpp2.0.1`` or ``ocpp2.1``."""
    password: str | None = field(default=None, repr=False)
    """For HTTP Basic authentication, with the identity as the user name."""
    tls: ssl.SSLContext | None = None
    """For wss; None: the system's authorities are trusted, and no certificate of ours is shown."""

    @property
    def address(self) -> str:
        """The whole URL.

        >>> Way("ws://office/ocpp/", "CP 01", "ocpp1.6").address
        'ws://office/ocpp/CP%2001'
        """
        return f"{self.url.rstrip('/')}/{quote(self.identity, safe='')}"

    def connection(self) -> connect:
        """A connection that is yet to be opened: ``async with``, as of the websockets library."""
        headers = {}
        if self.password is not None:
            pair = base64.b64encode(f"{self.identity}:{self.password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        return connect(
            self.address,
            subprotocols=[Subprotocol(self.subprotocol)],
            additional_headers=headers,
            ssl=self.tls if self.url.startswith("wss:") else None,
            proxy=None,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_FRAME_BYTES,
            user_agent_header="Loadstar",
            logger=_LIBRARY_LOG,
        )


def client_tls(authorities: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """What a TLS connection to a back office rests on.

    Args:
        authorities: whom to trust (PEM); None: whom the system trusts.
        certificate: what we show (PEM); None: nothing.
        key: its key.

    Raises:
        OSError: a file cannot be read, or holds something else.
    """
    context = ssl.create_default_context(cafile=None if authorities is None else str(authorities))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


def trouble_of(error: Exception) -> str:
    """Why there is no connection, for people; no library's text repeats a password."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        return "the back office refuses our name or password" if status in {401, 403} else f"it answers HTTP {status}"
    if isinstance(error, TimeoutError):
        return "it does not answer"
    return str(error) or type(error).__name__
