"""The back offices of a site: built from the site file, and seen together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from adapters.configuration import Upstream
from adapters.ocpp.forward import Forward
from adapters.ocpp.surroundings import Premises
from adapters.ocpp.upstream.back_office import BackOffice, Desk
from adapters.ocpp.upstream.forwarding import Forwarding
from adapters.ocpp.upstream.hub import Hub, Limits
from adapters.ocpp.upstream.hub_acts import Chargers
from adapters.ocpp.upstream.hubs import Hubs
from adapters.ocpp.upstream.way import client_tls
from adapters.store.ledger import SqlLedger
from controller.away import AuthoriseAway
from controller.hub_satellite.outbox import Queue
from controller.ports.devices import FrameSink
from controller.ports.ledger import Ledger, LedgerUnavailable
from controller.ports.measurements import Measurements
from controller.ports.tick import Tick, UpstreamState
from controller.snapshot import PointState, StationLimit

SEEN_EVERY_S: Final = 2.0
"""How often the outbox is looked at for those who watch."""


class Upstreams:
    """Everything between the chargers and their back offices."""

    def __init__(
        self, configured: Sequence[Upstream], premises: Premises, ledger: SqlLedger, on_frame: FrameSink | None
    ) -> None:
        """Prepare; nothing is connected before ``run``.

        Args:
            configured: the back offices.
            premises: the site, its time, and where is told what happens there.
            ledger: where is kept what they are to be told, and what they have said.
            on_frame: told of every frame.

        Raises:
            OSError: a certificate cannot be read, or is none.
        """
        self._site = premises.site
        self._ledger, self._outbox = ledger, ledger.outbox
        self._configured = tuple(configured)
        desk = Desk(premises, ledger.outbox, ledger.upstream_memory, on_frame)
        self._forwarding = Forwarding(self._forwarded(), desk)
        self._hubs = Hubs([self._hub(one, desk) for one in self._configured if one.hub], desk)
        self._queues: Mapping[tuple[str, str], Queue] = {}

    @property
    def forwards(self) -> Mapping[str, Forward]:
        """By station, who passes its conversation on."""
        return self._forwarding.relays

    async def open(self) -> Ledger:
        """Take up what hubs have on record; returns the ledger as the central system is to see it.

        Raises:
            LedgerUnavailable: it cannot be read.
        """
        return await self._hubs.open(self._ledger)

    def measured(self, measurements: Measurements) -> Measurements:
        """The measurements as the central system is to see them."""
        return self._hubs.measured(measurements)

    def refusing(self, station: str) -> bool:
        """Whether a charger behind a hub is not to be connected now."""
        return self._hubs.refusing(station)

    def attach(self, chargers: Chargers, limits: Limits) -> None:
        """Take the central system, and what others limit the site to; once, before ``run``."""
        self._hubs.attach(chargers, limits)

    def overlaid(self, states: Mapping[str, PointState]) -> Mapping[str, PointState]:
        """The points' states, bounded by what back offices allow."""
        return self._hubs.overlaid(self._forwarding.overlaid(states))

    def station_limits(self) -> tuple[StationLimit, ...]:
        """What back offices allow the points of a station, or a hub, together."""
        return (*self._forwarding.station_limits(), *self._hubs.station_limits())

    def described(self, tick: Tick) -> Tick:
        """The turn of the loop with what is to be seen of back offices."""
        return replace(tick, upstreams=tuple(self._states())) if self._configured else tick

    async def run(self) -> None:
        """Work until cancelled."""
        if self._configured:
            await asyncio.gather(self._forwarding.run(), self._hubs.run(), self._look())

    def _forwarded(self) -> dict[str, list[BackOffice]]:
        """By station, the back offices that see it as itself."""
        station_of = {point.id: point.station for point in self._site.points}
        found: dict[str, list[BackOffice]] = {}
        for one in self._configured:
            if not one.hub:
                office = _office(one)
                for station in dict.fromkeys(station_of[point] for point in one.points):
                    found.setdefault(station, []).append(office)
        return found

    def _hub(self, one: Upstream, desk: Desk) -> Hub:
        points = {point.id: point for point in self._site.points}
        return Hub(_office(one), one.identity or one.id, [points[point] for point in one.points], desk)

    def _states(self) -> Sequence[UpstreamState]:
        by_id = {one.id: one for one in self._configured}
        found = []
        for view in (*self._forwarding.views(), *self._hubs.views()):
            queue = self._queues.get((view.upstream, view.station))
            configured = by_id[view.upstream]
            hub, seen = configured.hub, configured.points
            own = tuple(p.id for p in self._site.points if p.station == view.station and p.id in seen)
            found.append(
                UpstreamState(
                    upstream=view.upstream,
                    station=view.station,
                    points=seen if hub else own,
                    hub=hub,
                    primary=view.primary,
                    connected=view.connected,
                    ready=view.ready,
                    trouble=view.trouble,
                    waiting=0 if queue is None else queue.waiting,
                    oldest_at=None if queue is None else queue.oldest_at,
                    set_aside=0 if queue is None else queue.set_aside,
                    by_token=bool(configured.tokens or configured.groups),
                )
            )
        return found

    async def _look(self) -> None:
        while True:
            with suppress(LedgerUnavailable):
                self._queues = {(queue.upstream, queue.station): queue for queue in await self._outbox.queues()}
            await asyncio.sleep(SEEN_EVERY_S)


def _office(one: Upstream) -> BackOffice:
    tls = None
    if one.url.startswith("wss:"):
        tls = client_tls(one.tls_authorities, one.tls_certificate, one.tls_key)
    return BackOffice(
        id=one.id,
        url=one.url,
        primary=one.primary,
        password=one.password,
        tls=tls,
        keep_local=one.keep_local,
        authorise_away=AuthoriseAway(one.authorise_away),
        version=one.version,
        tokens=one.tokens,
        groups=one.groups,
    )
