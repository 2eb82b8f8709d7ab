"""What a hub does for its back office, in the words of no version: it has its satellites do it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from adapters.ocpp.upstream.hub_book import REMOTE_START, HubBook, RemoteStart
from adapters.ocpp.upstream.hub_tokens import HubTokens
from controller.commands import Availability, Command, CommandResult, Reset, StartCharging, StopCharging, Unlock
from controller.hub_satellite.connector import Status
from controller.hub_satellite.satellites import Satellites
from controller.ports.common import Clock
from controller.snapshot import PointState

OFFLINE: Final = "Offline"
"""Of a command to a charger that is not connected."""

_FREE: Final = (Status.PREPARING, Status.FINISHING, Status.AVAILABLE, Status.UNKNOWN)
"""Connectors at which a session may begin, the likeliest first: a car is there already."""


class Chargers(Protocol):
    """The central system, as far as a hub needs it."""

    def statuses(self) -> Mapping[str, Status | None]:
        """What each point's charger says of its connector; None while it is not connected."""
        ...

    def states(self, now: datetime, monotonic_s: float) -> Mapping[str, PointState]:
        """Every point as the controller sees it."""
        ...

    async def command(self, point: str, command: Command) -> CommandResult:
        """Have a point's charger do something."""
        ...

    async def hang_up(self, stations: Collection[str], reason: str) -> None:
        """End the connections of some chargers."""
        ...


class HubActs:
    """Acts of one hub."""

    def __init__(
        self,
        satellites: Satellites,
        book: HubBook,
        tokens: HubTokens,
        clock: Clock,
        keep: Callable[[Sequence[int]], Awaitable[None]],
    ) -> None:
        """Begin with everything in service; ``keep`` is told what is not, whenever that changes."""
        self.out_of_service: set[int] = set()
        """Connectors that the back office has taken out of service."""
        self._satellites, self._book, self._tokens, self._clock = satellites, book, tokens, clock
        self._keep = keep
        self._chargers: Chargers | None = None
        self._owed: set[int] = set()
        """Connectors whose chargers have still to be told whether they are in service."""
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, chargers: Chargers) -> None:
        """Take the central system; once, before anything else."""
        self._chargers = chargers

    def restore(self, out_of_service: Iterable[int]) -> None:
        """Take up what was kept; the chargers are told again, for they may have been away when it was asked."""
        self.out_of_service = set(out_of_service)
        self._owed = set(self.out_of_service)

    @property
    def stations(self) -> Collection[str]:
        """The chargers, by their identities."""
        return {point.station for number in self._satellites.connectors if (point := self._satellites.point(number))}

    def statuses(self) -> Mapping[int, Status | None]:
        """What each connector's charger says; None while it is not connected."""
        if self._chargers is None:
            return dict.fromkeys(self._satellites.connectors)
        said = self._chargers.statuses()
        return {number: said.get(self._point(number)) for number in self._satellites.connectors}

    def states(self) -> Mapping[int, PointState]:
        """Each connector as the controller sees it."""
        if self._chargers is None:
            return {}
        found = self._chargers.states(self._clock.now(), self._clock.monotonic_s())
        return {
            number: found[point] for number in self._satellites.connectors if (point := self._point(number)) in found
        }

    async def start(
        self, connector: int | None, token: str, *, request: int | None = None, profile: Mapping[str, Any] | None = None
    ) -> int | None:
        """Begin a session; returns at which connector, None where it does not begin.

        Args:
            connector: where; None: wherever a car may be.
            token: for whom.
            request: the id of the request (2.x).
            profile: a charging profile for its transaction.
        """
        connector = self._free() if connector is None else connector
        if connector is None or self._satellites.point(connector) is None or self._book.at(connector) is not None:
            return None
        now = self._clock.now()
        await self._tokens.grant(token, now)
        self._book.remote[connector] = RemoteStart(token, now + REMOTE_START, request, profile)
        result = await self._command(connector, StartCharging(token))
        if not result.accepted:
            self._book.remote.pop(connector, None)
        return connector if result.accepted else None

    async def stop(self, transaction_id: str) -> bool:
        """End a session, by the id that the back office has for its transaction."""
        session = self._book.named(transaction_id)
        return session is not None and (await self._command(session.connector, StopCharging())).accepted

    async def unlock(self, connector: int) -> CommandResult:
        """Let go of a cable."""
        return await self._command(connector, Unlock())

    async def in_service(self, connectors: Sequence[int], *, in_service: bool) -> str:
        """Put connectors into service or out of it; ``Accepted``, ``Scheduled`` or ``Rejected``.

        A charger that is not connected is told when it is again.
        """
        told = await asyncio.gather(*(self._command(n, Availability(in_service)) for n in connectors))
        answers = dict(zip(connectors, told, strict=True))
        refused = {n for n, answer in answers.items() if not answer.accepted and answer.status != OFFLINE}
        if refused == set(connectors):
            return "Rejected"
        done = set(connectors) - refused
        self.out_of_service = self.out_of_service - done if in_service else self.out_of_service | done
        self._owed = (self._owed - done) | {n for n in done if answers[n].status == OFFLINE}
        await self._keep(sorted(self.out_of_service))
        return "Scheduled" if any(answer.status == "Scheduled" for answer in answers.values()) else "Accepted"

    async def settle(self) -> None:
        """Tell chargers that have come back whether they are in service."""
        said = self.statuses()
        for connector in [number for number in self._owed if said[number] is not None]:
            answer = await self._command(connector, Availability(connector not in self.out_of_service))
            if answer.status != OFFLINE:
                self._owed.discard(connector)

    async def reset(self, connector: int, *, hard: bool) -> CommandResult:
        """Start one charger anew."""
        return await self._command(connector, Reset(hard))

    def reset_all(self, then: Callable[[], Coroutine[Any, Any, None]], *, hard: bool) -> None:
        """Start every charger anew, and then the hub's own session. Returns at once."""

        async def work() -> None:
            one_of = {point.station: n for n in self._satellites.connectors if (point := self._satellites.point(n))}
            await asyncio.gather(*(self.reset(number, hard=hard) for number in one_of.values()))
            await then()

        self.later(work())

    def hang_up(self) -> None:
        """End the connections of all chargers. Returns at once."""
        if self._chargers is not None:
            self.later(self._chargers.hang_up(self.stations, "the back office is away"))

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something after the back office has been answered."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    def _free(self) -> int | None:
        said = self.statuses()
        free = [
            n for n, one in said.items() if self._book.at(n) is None and n not in self.out_of_service and one in _FREE
        ]
        return min(free, key=lambda number: (_FREE.index(said[number] or Status.UNKNOWN), number), default=None)

    def _point(self, connector: int) -> str:
        point = self._satellites.point(connector)
        return "" if point is None else point.id

    async def _command(self, connector: int, command: Command) -> CommandResult:
        point = self._satellites.point(connector)
        if point is None or self._chargers is None:
            return CommandResult(accepted=False, status="NotPossible")
        return await self._chargers.command(point.id, command)
