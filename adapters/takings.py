"""What sessions cost, on one site: what their price depends on, their records, prices for everybody who asks.

Whatever fails here costs money, and never safety.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any

from adapters.billing.billing import Billing
from adapters.billing.chronicle import Chronicle
from adapters.billing.price_board import PriceBoard
from adapters.billing.site_facts import meter_of, site_facts
from adapters.billing.surcharges import Surcharges
from adapters.billing.token_limits import TokenLimits
from adapters.configuration import Configuration
from adapters.ocpp import CentralSystem
from adapters.ocpp.station import StationView
from adapters.prices.curve_desk import CurveDesk
from adapters.store import MeasurementStore
from adapters.store.ledger import SqlLedger
from controller.ports.common import Clock, EventSink
from controller.ports.ledger import SessionRecord
from controller.ports.tick import Tick
from controller.tariffs.premises import MeterIdentity


class Takings:
    """The takings of one site. Made of what is on record; that blocks for milliseconds.

    Args:
        configuration: a checked site.
        ledger: where sessions, prices and records are.
        measurements: where what chargers measure is kept.
        surcharges: what nearing the peak adds.
        clock: time.
        on_event: hears what is worth knowing.

    Raises:
        LedgerUnavailable: it cannot be read.
    """

    def __init__(
        self,
        configuration: Configuration,
        ledger: SqlLedger,
        measurements: MeasurementStore,
        surcharges: Surcharges,
        clock: Clock,
        on_event: EventSink,
    ) -> None:
        self._configuration, self._ledger, self._clock, self._on_event = configuration, ledger, clock, on_event
        self._stations: Callable[[], Sequence[StationView]] = tuple
        self.chronicle = Chronicle(measurements, ledger, ledger.last_observed())
        """Where measurements pass by."""
        self.curves = CurveDesk(ledger.book, configuration.price_curves, clock, on_event)
        """Where prices are published."""
        self._billing = Billing(ledger, site_facts(configuration), self._meter_of, clock, on_event)
        self.board = PriceBoard(configuration.site, ledger, self._billing, configuration.offers, surcharges, clock)
        """Where prices are posted."""

    def record_ended(self) -> None:
        """Make all records that are due now; for any thread but the loop's."""
        while self._billing.record_ended():
            continue

    def works(
        self, points: CentralSystem, running: Callable[[], Mapping[str, SessionRecord]]
    ) -> Iterator[Coroutine[Any, Any, None]]:
        """What looks after it once the stations are there; each runs until it is cancelled.

        Args:
            points: the site's stations.
            running: the sessions that run, by point.
        """
        self._stations = points.stations
        yield self._billing.run()
        yield self.board.run()
        yield self.curves.run()
        yield TokenLimits(self._ledger, points, running, self._clock, self._on_event).run()

    async def priced(self, running: Sequence[SessionRecord]) -> list[SessionRecord]:
        """The sessions that run with what they cost so far; see ``Billing.priced``."""
        return await self._billing.priced(running)

    def described(self, tick: Tick) -> Tick:
        """The turn's picture, with what charging costs. Neither blocks nor raises."""
        tick = self.board.described(tick)
        self.chronicle.see(tick)
        return tick

    def _meter_of(self, station: str) -> MeterIdentity:
        """What measures at a station, by the site file and as far as it has said."""
        known = next((view for view in self._stations() if view.id == station), None)
        told = MeterIdentity(
            vendor=(known and known.vendor) or "",
            model=(known and known.model) or "",
            firmware=(known and known.firmware) or "",
        )
        return meter_of(self._configuration, station, told)
