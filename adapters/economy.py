"""What is about money beside the control loop: the plan, the demand peak, surplus, starts put off, the published price.

All of it is advice and limits for charging: whatever fails here costs money, and never safety.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from adapters.configuration import Configuration
from adapters.learned import LearnedNote
from adapters.peak import PeakKeeping
from adapters.prices.published import PublishedPrice
from adapters.resources import resource_states
from adapters.store import MeasurementStore
from adapters.store.ledger import SqlLedger
from controller.engine import Decision
from controller.peakshave.limits_ahead import LimitsAhead
from controller.ports.common import Clock, EventSink
from controller.ports.ledger import SessionRecord
from controller.ports.tick import Tick
from controller.snapshot import Advice, ExternalLimit, Snapshot

if TYPE_CHECKING:
    from adapters.planning import Planning
    from adapters.planning.surplus import SurplusCharging

LOAD: Final = "plan_load"
"""The note of what the plan has learned of the load."""

PAST_SESSIONS: Final = 500
"""As many of a point tell its habits: the busiest has a dozen a day."""


class Economy:
    """The economics of one site.

    Args:
        configuration: a checked site.
        clock: time.
        ledger: sessions that have ended, and demand windows.
        notes: what was learned, over a restart.
        running: the sessions that run, by point.
        limits_ahead: the limits of others, as far as they are known.
        on_event: hears what is worth knowing.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        clock: Clock,
        ledger: SqlLedger,
        notes: MeasurementStore,
        running: Callable[[], Mapping[str, SessionRecord]],
        limits_ahead: Callable[[Sequence[datetime]], LimitsAhead],
        on_event: EventSink,
    ) -> None:
        self._configuration, self._site, self._clock = configuration, configuration.site, clock
        site, peak, plan = configuration.site, configuration.peak, configuration.plan
        self._price = PublishedPrice(site, configuration.price_per_kwh, configuration.price_lever, on_event, notes)
        self._peak = None if peak is None else PeakKeeping(site, peak, ledger.demand, notes, clock, on_event)
        self._planning: Planning | None = None
        self._surplus: SurplusCharging | None = None
        self.advice: Callable[[], Advice | None] = lambda: None
        """The newest plan of the coming hours, where there is one."""
        if plan is None:
            return
        # What plans takes its time to load, and is of no use to a site without a plan.
        from adapters.planning import Planning  # noqa: PLC0415
        from adapters.planning.delayed_starts import DelayedStarts  # noqa: PLC0415
        from adapters.planning.surplus import SurplusCharging  # noqa: PLC0415

        self._planning = Planning(
            site=site,
            settings=plan,
            clock=clock,
            running=running,
            demand=lambda at: self._peak.demand(at, plan.slot_s, plan.slots) if self._peak else None,
            holidays=peak.holidays if peak else frozenset(),
            limits=limits_ahead,
            past=lambda point: ledger.sessions(running=False, point=point, limit=PAST_SESSIONS)[0],
            on_event=on_event,
            note=LearnedNote(notes, LOAD, ",".join(circuit.id for circuit in site.circuits)),
        )
        planned = self._planning.advice
        if configuration.use_surplus:
            self._surplus = SurplusCharging(site, clock, planned)
            planned = self._surplus.advice
        self.advice = DelayedStarts(site, clock, configuration.grid_operator.start_delay_s, planned).advice

    def restore(self) -> None:
        """Go on with what is on record; blocks for tens of milliseconds.

        Raises:
            LedgerUnavailable: it cannot be read.
        """
        self._price.restore(self._clock.now())
        if self._peak is not None:
            self._peak.restore()
        if self._planning is not None:
            self._planning.restore()

    async def run(self) -> None:
        """Plan until cancelled, where there is a plan to make."""
        if self._planning is not None:
            await self._planning.run()

    def close(self) -> None:
        """Keep what was learned."""
        if self._peak is not None:
            self._peak.close()

    def wake(self) -> None:
        """Plan anew: what was known ahead has changed."""
        if self._planning is not None:
            self._planning.wake()

    def limits(self, at: datetime) -> tuple[ExternalLimit, ...]:
        """What the running demand window leaves to charging."""
        if self._peak is None:
            return ()
        return self._peak.limits(at, self._planning.advice() if self._planning else None)

    def decided(self, snapshot: Snapshot, decision: Decision) -> None:
        """Look at what the control loop saw and decided. Neither blocks nor raises."""
        for part in (self._peak, self._planning, self._surplus):
            if part is not None:
                part.decided(snapshot, decision)

    def described(self, tick: Tick) -> Tick:
        """The turn's picture, with what is known here."""
        peak = None if self._peak is None else self._peak.status(tick.at)
        tick = replace(tick, peak=peak, price=self._price.see(tick.at, peak))
        return replace(tick, resources=resource_states(self._site, self._configuration.resources, tick))
