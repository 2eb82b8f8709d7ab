"""The central system: where chargers connect, and what the controller holds for its charging points."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from math import ceil
from typing import Any, Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from adapters.ocpp.access import Denied, Doorkeeper
from adapters.ocpp.conversation import Conversation
from adapters.ocpp.forward import Forward
from adapters.ocpp.lobby import Lobby
from adapters.ocpp.progress import Progress
from adapters.ocpp.session2 import Session21, Session201
from adapters.ocpp.session16 import Session16
from adapters.ocpp.station import Station, StationView
from adapters.ocpp.surroundings import Surroundings
from adapters.ocpp.wire import MAX_FRAME_BYTES
from controller.commands import Command, CommandResult
from controller.costs import Costs
from controller.hub_satellite.connector import Status
from controller.plan import Plan
from controller.ports.common import Clock, EventSink
from controller.ports.devices import Applied, FrameSink, ServiceBook, Withdrawal
from controller.ports.ledger import Ledger
from controller.ports.measurements import HeldLimit, Measurements, MeterSample
from controller.ports.tokens import Verdict
from controller.ports.transactions import RunningSession
from controller.site import Site
from controller.snapshot import PointState

SESSIONS: Final[Mapping[str, type[Conversation]]] = {
    "ocpp1.6": Session16,
    "ocpp2.0.1": Session201,
    "ocpp2.1": Session21,
}
"""The subprotocols that are spoken here."""

OPEN_TIMEOUT_S: Final = 10.0
PING_INTERVAL_S: Final = 20.0
PING_TIMEOUT_S: Final = 60.0
"""Some chargers answer pings late; a connection that died is noticed after 80 s, long after it was replaced."""

CLOSE_TIMEOUT_S: Final = 3.0
MAX_QUEUED_FRAMES: Final = 4
"""Frames read ahead per connection; a charger sends one and waits."""

_LIBRARY_LOG: Final = logging.getLogger("loadstar.websockets")
_LIBRARY_LOG.setLevel(logging.CRITICAL)  # it logs strangers' broken handshakes with tracebacks


class CentralSystem:
    """The site's charging points over OCPP-J 1.6, 2.0.1 and 2.1; fulfils ``controller.ports.devices.ChargingPoints``.

    Stations connect to ``ws(s)://HOST:PORT/ocpp/<identity>``. A station that the site does not name is refused.
    """

    def __init__(
        self,
        *,
        site: Site,
        ledger: Ledger,
        measurements: Measurements,
        clock: Clock,
        on_event: EventSink,
        on_applied: Callable[[Applied], None] | None = None,
        host: str = "127.0.0.1",
        port: int = 9000,
        ssl_context: ssl.SSLContext | None = None,
        lab: bool = False,
        held: Mapping[str, HeldLimit] | None = None,
        measured: Mapping[str, MeterSample] | None = None,
        call_timeout_s: float = 30.0,
        boot_wait_s: float = 5.0,
        on_frame: FrameSink | None = None,
        costs: Costs | None = None,
        service: ServiceBook | None = None,
        forwards: Mapping[str, Forward] | None = None,
        refusing: Callable[[str], bool] = lambda _station: False,
    ) -> None:
        """Prepare; nothing is bound before ``start``.

        Args:
            site: the points, and which station and connector each is.
            ledger: where transactions are recorded before they are acknowledged.
            measurements: where samples and held limits are kept.
            clock: time.
            on_event: where events go.
            on_applied: told when the last change of a plan has been answered.
            host: the address to listen on.
            port: the port to listen on; 0 takes a free one, which ``port`` tells after ``start``.
            ssl_context: for wss; None for ws.
            lab: let stations in without a password, and let any token charge.
            held: by point id, what chargers were last told before a restart.
            measured: by point id, what chargers last measured before a restart.
            call_timeout_s: how long a charger may take to answer us.
            boot_wait_s: how long a charger that connects may be silent before it is spoken to.
            on_frame: told of every frame that comes and goes; None: nobody is.
            costs: knows prices and costs, for stations that show them; None: they show nothing.
            service: remembers which points are out of service; None: nobody does.
            forwards: by identity, who passes a station's conversation on to a back office.
            refusing: whether a station is not to be connected now, because its back office is away.
        """
        self.host = host
        self.port = port
        self._around = Surroundings(
            site, clock, on_event, ledger, measurements, lab, call_timeout_s, boot_wait_s, on_frame, costs, service
        )
        self._on_applied = on_applied
        self._ssl_context = ssl_context
        self._held, self._measured = dict(held or {}), dict(measured or {})
        identities = dict.fromkeys([point.station for point in site.points] + [station.id for station in site.stations])
        self._stations = {identity: Station(identity, self._around) for identity in identities}
        self._forwards = {identity: one for identity, one in (forwards or {}).items() if identity in self._stations}
        for identity, one in self._forwards.items():
            one.attach(self._stations[identity])
        self._refusing = refusing
        self._doorkeeper = Doorkeeper(self._around, frozenset(identities))
        self._lobby = Lobby()
        self._server: Server | None = None
        self._farewells: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Take up the sessions that are running by the ledger, and what is out of service, then listen.

        Raises:
            OSError: the address cannot be bound.
            LedgerUnavailable: the ledger cannot be read.
        """
        for running in await self._around.ledger.running():
            if running.station in self._stations:
                point, authorised = running.point or "", await self._may_charge(running)
                held, measured = self._held.get(point), self._measured.get(point)
                self._stations[running.station].resume(running, held, measured, authorised)
        withdrawn = {} if self._around.service is None else await self._around.service.withdrawals()
        for station in self._stations.values():
            for connector in station.connectors.values():
                connector.treatment.restore(withdrawn.get(connector.point.id, Withdrawal()))
        self._server = await serve(
            self._converse,
            self.host,
            self.port,
            process_request=self._admit,
            select_subprotocol=_select_subprotocol,
            create_connection=self._lobby.connection,  # type: ignore[arg-type]  # it is a factory, as documented
            ssl=self._ssl_context,
            server_header=None,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_FRAME_BYTES,
            max_queue=MAX_QUEUED_FRAMES,
            logger=_LIBRARY_LOG,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and stop listening. What a charger has announced is still recorded and answered."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        if self._farewells:
            await asyncio.wait(self._farewells)

    def states(self, now: datetime, monotonic_s: float) -> Mapping[str, PointState]:
        """Every point of the site, with measurements dated ``now`` minus their age."""
        found: dict[str, PointState] = {}
        for station in self._stations.values():
            found |= station.states(now, monotonic_s)
        return found

    def apply(self, plan: Plan) -> None:
        """Bring the plan's limits into the chargers, lower ones first. Returns at once.

        It must be called every few seconds: what nobody repeats is not renewed, and then the chargers fall back.
        """
        progress = Progress(self._around.clock, self._on_applied)
        for station in self._stations.values():
            station.desire(plan, progress)
        progress.complete()
        now_s = self._around.clock.monotonic_s()
        for station in sorted(self._stations.values(), key=lambda station: not station.lowers(now_s)):
            station.wake()

    async def command(self, point: str, command: Command) -> CommandResult:
        """Have a point's station do what people ask. Belongs to the event loop of ``start``, as every method here does.

        Raises:
            KeyError: the site has no such point.
        """
        for station in self._stations.values():
            for connector in station.connectors.values():
                if connector.point.id == point:
                    conversation = station.conversation
                    if not isinstance(conversation, Conversation):
                        return CommandResult(accepted=False, status="Offline")
                    return await conversation.carry_out(command, connector)
        raise KeyError(point)

    async def hang_up(self, stations: Collection[str], reason: str) -> None:
        """End the connections of some stations."""
        for identity in stations:
            conversation = self._stations[identity].conversation
            if isinstance(conversation, Conversation):
                await conversation.hang_up(reason)

    def statuses(self) -> Mapping[str, Status | None]:
        """What each point's charger says of its connector, in the words of OCPP 1.6; None while it is not connected."""
        return {
            connector.point.id: None if station.conversation is None else connector.status
            for station in self._stations.values()
            for connector in station.connectors.values()
        }

    def stations(self) -> Sequence[StationView]:
        """Every station of the site as it is now."""
        return [station.view() for station in self._stations.values()]

    async def _may_charge(self, running: RunningSession) -> bool:
        """Whether a session that runs already goes on: one whose token has expired or is used up since may."""
        if self._around.lab:
            return True
        points = [] if running.point is None else [running.point]
        answer = await self._around.ledger.authorise(running.token, points, self._around.clock.now())
        forward = self._forwards.get(running.station)
        if forward is not None and answer.verdict is Verdict.UNKNOWN:
            return await forward.goes_on(running.token)
        return answer.verdict not in {Verdict.UNKNOWN, Verdict.BLOCKED}

    def _surroundings(self, forward: Forward | None) -> Surroundings:
        if forward is None:
            return self._around
        return replace(self._around, ledger=forward.told(self._around.ledger), forward=forward)

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        identity = await self._doorkeeper.admit(request, _address(connection))
        if isinstance(identity, Denied):
            return _response(connection, identity)
        connection.username = identity
        return None

    async def _converse(self, connection: ServerConnection) -> None:
        self._lobby.leave(connection)
        if connection.subprotocol is None:
            # OCPP-J 1.6 §3.2: complete the handshake without the header, then close.
            await connection.close(CloseCode.PROTOCOL_ERROR, f"the subprotocols here are {', '.join(SESSIONS)}")
            return
        station = self._stations[connection.username]
        station.protocol = connection.subprotocol
        forward = self._forwards.get(station.id)
        if (forward is not None and forward.refusing) or self._refusing(station.id):
            await connection.close(CloseCode.TRY_AGAIN_LATER, "the back office is away")
            return
        session = SESSIONS[connection.subprotocol](station, connection, self._surroundings(forward))
        replaced = station.connected(session)
        if isinstance(replaced, Conversation):
            farewell = asyncio.create_task(replaced.replace())
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)
        try:
            await session.converse()
        finally:
            station.disconnected(session)


def _select_subprotocol(_connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Choose what the station names first of what is spoken here: it knows best which it speaks well."""
    return next((protocol for protocol in offered if protocol in SESSIONS), None)


def _address(connection: ServerConnection) -> str:
    address: Any = connection.remote_address
    return str(address[0]) if isinstance(address, tuple) and address else "unknown"


def _response(connection: ServerConnection, denied: Denied) -> Response:
    response = connection.respond(denied.status, denied.reason + "\n")
    if denied.status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Basic realm="OCPP", charset="UTF-8"'
    if denied.retry_after_s is not None:
        response.headers["Retry-After"] = str(ceil(denied.retry_after_s))
    return response
