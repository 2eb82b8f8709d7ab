"""All hubs of a site, and where they stand in the way of what happens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from adapters.ocpp.upstream.back_office import ChannelView, Desk
from adapters.ocpp.upstream.hub import Hub, Limits
from adapters.ocpp.upstream.hub_acts import Chargers
from adapters.ocpp.upstream.hub_ledger import HubLedger, HubMeasurements
from adapters.ocpp.upstream.told_ledger import PostingLedger
from controller.ports.ledger import Ledger
from controller.ports.measurements import Measurements
from controller.snapshot import PointState, StationLimit


class Hubs:
    """All hubs of a site, and where they stand in its way."""

    def __init__(self, hubs: Sequence[Hub], desk: Desk) -> None:
        self._hubs, self._clock = tuple(hubs), desk.premises.clock
        for hub in self._hubs[1:]:
            hub.letters.turn = self._hubs[0].letters.turn  # a session may be told of at several

    async def open(self, ledger: PostingLedger) -> Ledger:
        """Take up what is on record; returns the ledger as the central system is to see it.

        Raises:
            LedgerUnavailable: it cannot be read.
        """
        for hub in self._hubs:
            await hub.restore(ledger)
        if not self._hubs:
            return ledger
        return HubLedger(ledger, self._hubs, self._hubs[0].letters.turn, self._clock)

    def measured(self, measurements: Measurements) -> Measurements:
        """The measurements as the central system is to see them."""
        return HubMeasurements(measurements, self._hubs) if self._hubs else measurements

    def attach(self, chargers: Chargers, limits: Limits = lambda _at: ()) -> None:
        """Take the central system, and what others limit the site to; once, before ``run``."""
        for hub in self._hubs:
            hub.attach(chargers, limits)

    def refusing(self, station: str) -> bool:
        """Whether a charger is not to be connected now."""
        return any(hub.refusing(station) for hub in self._hubs)

    async def run(self) -> None:
        """Work until cancelled."""
        await asyncio.gather(*(hub.run() for hub in self._hubs))

    def overlaid(self, states: Mapping[str, PointState]) -> Mapping[str, PointState]:
        """The points' states, with what back offices allow them."""
        for hub in self._hubs:
            states = hub.overlaid(states)
        return states

    def station_limits(self) -> Sequence[StationLimit]:
        """What back offices allow hubs."""
        return [limit for hub in self._hubs for limit in hub.station_limit()]

    def views(self) -> Sequence[ChannelView]:
        """Every hub's connection."""
        return [hub.view() for hub in self._hubs]
