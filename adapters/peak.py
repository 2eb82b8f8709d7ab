"""Holds the demand of the grid connection, keeps its windows on record, and goes on where it stood after a restart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from adapters.learned import LearnedNote, Notes
from controller.engine import Decision
from controller.loadbalance.horizon.outlook import Demand
from controller.peak import Peak
from controller.peakshave.peak_facts import ClosedWindow, PeakStatus, PeakTerms
from controller.peakshave.windows import Filling
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.ports.ledger import LedgerUnavailable
from controller.site import Site
from controller.snapshot import Advice, ExternalLimit, Snapshot

STORED_EVERY_S: Final = 5.0
"""How much of a running window a restart may forget; what was drawn meanwhile is assumed at the worst."""
KNOWN_S: Final = 400 * 86_400.0
"""So much of the past is looked at: twelve months, and the accounting year."""
WAITING_MOST: Final = 3000
"""Windows that may wait for the ledger: a month of quarter-hours."""
MISSED: Final = 1.02
"""A window that is higher than its target by more than this is worth a word."""
FILLING: Final = "demand_window"
"""The note that the running window is kept under."""
BUILDING: Final = "demand_building"
"""The note of what was learned of the building's load."""

log = structlog.get_logger(__name__)


class WindowBook(Protocol):
    """Where windows are on record. Safe to call from any thread."""

    def keep_windows(self, closed: Sequence[ClosedWindow]) -> Future[None]:
        """Add to it; the future is done when they are on disk. Raises or holds ``LedgerUnavailable``."""
        ...

    def windows(self, since: datetime, until: datetime) -> Sequence[ClosedWindow]:
        """Those that begin from ``since`` to before ``until``, oldest first; blocks."""
        ...


class PeakKeeping:
    """The demand of one site's grid connection, in the service."""

    def __init__(
        self, site: Site, terms: PeakTerms, book: WindowBook, notes: Notes, clock: Clock, on_event: EventSink
    ) -> None:
        self._site, self._terms, self._book, self._notes, self._clock = site, terms, book, notes, clock
        self._on_event = on_event
        self._peak = Peak(site, terms)
        root = next(circuit.id for circuit in site.circuits if circuit.parent is None)
        self._building = LearnedNote(notes, BUILDING, root)
        self._stored_s = -STORED_EVERY_S
        self._waiting: list[ClosedWindow] = []
        self._writing: tuple[Future[None], int] | None = None
        self._unrecorded = False

    def restore(self) -> None:
        """Go on with what is on record; blocks for tens of milliseconds.

        Raises:
            LedgerUnavailable: it cannot be read.
        """
        now = self._clock.now()
        closed = self._book.windows(now - timedelta(seconds=KNOWN_S), now + timedelta(days=1))
        of_this_length = [one for one in closed if one.window.length_s <= self._terms.tariff.window_s]
        self._peak = Peak(self._site, self._terms, of_this_length, self._stored())
        self._building.restore(self._peak.restore)

    def close(self) -> None:
        """Keep what was learned."""
        self._building.keep(self._peak.learned())

    def limits(self, at: datetime, advice: Advice | None) -> tuple[ExternalLimit, ...]:
        """What charging may draw now. Never raises: whatever goes wrong here costs money and no safety."""
        try:
            return self._peak.limits(at, advice)
        except Exception:
            log.exception("peak_failed")
            return ()

    def decided(self, snapshot: Snapshot, decision: Decision) -> None:
        """Look at what the control loop saw and decided. Neither blocks nor raises."""
        try:
            closed = self._peak.see(snapshot, decision)
            for one in closed:
                self._tell(one)
            self._waiting = (self._waiting + list(closed))[-WAITING_MOST:]
            self._write()
            if snapshot.monotonic_s - self._stored_s >= STORED_EVERY_S and self._peak.filling is not None:
                self._stored_s = snapshot.monotonic_s
                self._notes.keep(FILLING, json.dumps(self._peak.filling.to_dict()))
            self._building.follow(snapshot.monotonic_s, self._peak.learned)
        except Exception:
            log.exception("peak_failed")

    def demand(self, at: datetime, slot_s: float, slots: int) -> Demand | None:
        """What higher peaks cost from now on, for a plan of that many slots of this length."""
        return self._peak.demand(at, slot_s, slots)

    def status(self, at: datetime) -> PeakStatus | None:
        """What is going on; None before anything was seen."""
        return self._peak.status(at)

    def _stored(self) -> Filling | None:
        text = self._notes.kept(FILLING)
        if text is None:
            return None
        try:
            document: Any = json.loads(text)
            return Filling.from_dict(document)
        except (ValueError, AttributeError, KeyError) as error:
            log.warning("demand_window_unreadable", error=str(error))
            return None

    def _write(self) -> None:
        """Put on record what waits for it, one batch at a time; a ledger that is away is asked again each turn."""
        if self._writing is not None:
            future, count = self._writing
            if not future.done():
                return
            self._writing = None
            failed = future.exception() is not None
            if not failed:
                del self._waiting[:count]
            self._report_record(failed)
        if self._waiting:
            try:
                self._writing = (self._book.keep_windows(tuple(self._waiting)), len(self._waiting))
            except LedgerUnavailable:
                self._report_record(failed=True)

    def _report_record(self, failed: bool) -> None:
        if failed != self._unrecorded:
            self._unrecorded = failed
            text = "demand windows wait for the ledger" if failed else "demand windows are on record again"
            severity = Severity.WARNING if failed else Severity.INFO
            self._on_event(Event("demand_unrecorded", "demand", text, severity, self._clock.now()))

    def _tell(self, closed: ClosedWindow) -> None:
        window, target_w = closed.window, closed.target_w
        if target_w is not None and window.mean_w > MISSED * target_w:
            marks = f" ({', '.join(window.marks)})" if window.marks else ""
            ended, wanted = f"{window.mean_w / 1000:.1f} kW", f"{target_w / 1000:.1f} kW"
            text = f"a demand window ended at {ended}, its target was {wanted}{marks}"
            self._on_event(Event("demand_target_missed", "demand", text, Severity.WARNING, self._clock.now()))
