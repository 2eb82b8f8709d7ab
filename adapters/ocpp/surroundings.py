"""What every part of the central system needs from outside, in one hand."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from adapters.ocpp.forward import Forward
from controller.costs import Costs
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.ports.devices import FrameSink, ServiceBook, Withdrawal
from controller.ports.ledger import Ledger, LedgerUnavailable
from controller.ports.measurements import Measurements
from controller.site import Site


@dataclass(frozen=True, slots=True)
class Premises:
    """The site, its time, and where is told what happens there."""

    site: Site
    clock: Clock
    on_event: EventSink

    def report(self, kind: str, subject: str, message: str, severity: Severity = Severity.INFO) -> None:
        """Report something worth knowing. Never name a token or a password in it."""
        self.on_event(Event(kind, subject, message, severity, self.clock.now()))


@dataclass(frozen=True, slots=True)
class Surroundings(Premises):
    """The premises, the other ports, and the settings that hold for all stations."""

    ledger: Ledger
    measurements: Measurements
    lab: bool
    """A laboratory: stations need no password, and every token may charge."""
    call_timeout_s: float
    """How long a charger may take to answer us [s]."""
    boot_wait_s: float
    """How long a charger that connects may take to say its first word before we speak [s]."""
    on_frame: FrameSink | None = None
    """Where the frames of every station are recorded."""
    costs: Costs | None = None
    """Who knows what sessions cost; None: stations show nothing of it."""
    service: ServiceBook | None = None
    """Where is on record which points are out of service; None: that does not outlast us."""
    forward: Forward | None = None
    """Who passes this station's conversation on to a back office; None: nobody does."""

    async def keep_withdrawal(self, point: str, withdrawal: Withdrawal) -> None:
        """Put on record for whom a point is out of service. Without a ledger it is known until we restart."""
        if self.service is not None:
            with suppress(LedgerUnavailable):  # the ledger raises the alarm by itself
                await self.service.keep(point, withdrawal, self.clock.now())
