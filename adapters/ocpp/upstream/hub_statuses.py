"""What a hub's back office knows of the state of its connectors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from adapters.ocpp.upstream.hub_acts import HubActs
from adapters.ocpp.upstream.hub_book import HubBook
from controller.hub_satellite.connector import Status
from controller.hub_satellite.dialects import Dialect, Message
from controller.hub_satellite.satellites import STATION, connector_status, station_status
from controller.ports.common import Clock


class HubStatuses:
    """The statuses of one hub's connectors, as its back office is told of them.

    Args:
        acts: sees the satellites.
        book: the sessions that run there.
        dialect: what is spoken.
        ask: sends a message; None where it was not taken.
        clock: time.
    """

    def __init__(
        self,
        acts: HubActs,
        book: HubBook,
        dialect: Dialect,
        ask: Callable[[Message], Awaitable[Mapping[str, Any] | None]],
        clock: Clock,
    ) -> None:
        self._acts, self._book, self._dialect, self._ask, self._clock = acts, book, dialect, ask, clock
        self._told: dict[int, Status] = {}
        """On this connection, by connector."""

    async def tell_all(self) -> None:
        """Tell all of them: the connection is a new one."""
        self._told.clear()
        await self.tell([STATION, *self._acts.statuses()])

    async def tell_news(self) -> None:
        """Tell those that have changed."""
        said = self._now()
        await self.tell([number for number in said if said[number] is not self._told.get(number)])

    async def tell(self, connectors: Iterable[int]) -> None:
        """Tell these; 0 is the whole."""
        now, said = self._clock.now(), self._now()
        for number in connectors:
            message = self._dialect.status(number, said[number], now)
            if message is None or await self._ask(message) is not None:
                self._told[number] = said[number]

    def _now(self) -> dict[int, Status]:
        """What is to be known of every connector, and of the whole (0)."""
        said: dict[int, Status] = {}
        for number, status in self._acts.statuses().items():
            session = self._book.at(number)
            said[number] = connector_status(status, in_transaction=session is not None and session.announced)
        return {STATION: station_status(said.values()), **said}
