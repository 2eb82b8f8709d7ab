"""All stations of a site that back offices see as themselves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from adapters.ocpp.upstream.back_office import BackOffice, ChannelView, Desk
from adapters.ocpp.upstream.relay import Relay
from controller.plan import Severity
from controller.snapshot import PointState, StationLimit

ANEW_S: Final = 5.0
"""After a mistake of ours."""

_LOG: Final = logging.getLogger("loadstar.ocpp")


class Forwarding:
    """The relays of a site."""

    def __init__(self, offices: Mapping[str, Sequence[BackOffice]], desk: Desk) -> None:
        """Prepare; ``run`` does the work.

        Args:
            offices: by station, the back offices that see it as itself.
            desk: what dealing with them rests on.
        """
        self._premises = desk.premises
        self.relays: Mapping[str, Relay] = {station: Relay(station, seen, desk) for station, seen in offices.items()}

    async def run(self) -> None:
        """Work until cancelled."""
        await asyncio.gather(*(self._keep_running(relay) for relay in self.relays.values()))

    async def _keep_running(self, relay: Relay) -> None:
        """Run a relay; a mistake of ours ends its connections, and it begins anew: chargers are answered here."""
        while True:
            try:
                await relay.run()
            except Exception:
                _LOG.exception("%s: forwarding has failed", relay.station)
                message = "forwarding has failed, and begins anew: a fault of this program, see its log"
                self._premises.report("internal_error", f"station:{relay.station}", message, Severity.ALARM)
            await asyncio.sleep(ANEW_S)

    def overlaid(self, states: Mapping[str, PointState]) -> Mapping[str, PointState]:
        """The points' states, with what back offices allow them as one more bound of their current."""
        changed: dict[str, PointState] = {}
        for relay in self.relays.values():
            for point, limit_a in relay.limits_a().items():
                state = states.get(point)
                if state is not None:
                    most_a = limit_a if state.max_a is None else min(state.max_a, limit_a)
                    changed[point] = replace(state, max_a=most_a)
        return {**states, **changed} if changed else states

    def station_limits(self) -> Sequence[StationLimit]:
        """What back offices allow stations of several points."""
        return [limit for relay in self.relays.values() for limit in relay.station_limits()]

    def views(self) -> Sequence[ChannelView]:
        """Every connection of a station with a back office."""
        return [view for relay in self.relays.values() for view in relay.views()]
