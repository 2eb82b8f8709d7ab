"""Sockets that have not opened a conversation yet: strangers, until shown otherwise."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Final

from websockets.asyncio.server import ServerConnection

MAX_WAITING: Final = 64
MAX_WAITING_OF_ADDRESS: Final = 48
"""A site's chargers may all share an address (a gateway, a test) and all come back at once. The number of
conversations needs no bound of its own: there is one per station of the site."""


class Lobby:
    """Bounds the sockets in their opening handshake.

    Where there are too many, the one that has waited longest goes: a charger opens its conversation at once, so
    those that wait are the ones that only hold a place.
    """

    def __init__(self) -> None:
        self._waiting: dict[_Guest, str] = {}

    def connection(self, *arguments: Any, **options: Any) -> ServerConnection:
        """Return a new connection that waits here from its first moment."""
        guest = _Guest(*arguments, **options)
        guest.lobby = self
        return guest

    def enter(self, guest: _Guest, address: str) -> None:
        """A socket was opened."""
        self._waiting[guest] = address
        of_address = Counter(self._waiting.values())[address]
        if of_address > MAX_WAITING_OF_ADDRESS:
            self._dismiss(next(other for other, its in self._waiting.items() if its == address))
        elif len(self._waiting) > MAX_WAITING:
            self._dismiss(next(iter(self._waiting)))

    def leave(self, guest: ServerConnection) -> None:
        """A socket has opened its conversation, or has gone."""
        if isinstance(guest, _Guest):
            self._waiting.pop(guest, None)

    def _dismiss(self, guest: _Guest) -> None:
        self.leave(guest)
        guest.transport.abort()


class _Guest(ServerConnection):
    """A connection that tells the lobby when its socket opens and closes."""

    lobby: Lobby

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer: Any = transport.get_extra_info("peername")
        self.lobby.enter(self, str(peer[0]) if isinstance(peer, tuple) and peer else "unknown")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lobby.leave(self)
        super().connection_lost(exc)
