"""The limits that others set: taken from every way in, at hand for the control loop, on record with their outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from adapters.limits.power import estimated_w, power_of
from controller.peakshave.evidence import Evidence, Happening, Power, Watched, watch
from controller.peakshave.grid_operator import Entry, Limit, LimitBook, LimitRefused, Reach, Rules
from controller.peakshave.limits_ahead import LimitsAhead, limits_ahead
from controller.peakshave.surplus_on_top import SurplusOnTop, from_grid_w
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.ports.ledger import LedgerUnavailable
from controller.ports.tick import Tick
from controller.site import Site
from controller.snapshot import ExternalLimit

RECORD_S: Final = 5.0
"""A sender who waits for its record to be on disk is told after this time that it is not."""


class Way(StrEnum):
    """By which way a limit comes."""

    REST = "rest"
    MQTT = "mqtt"
    INPUT = "input"
    SCHEDULE = "schedule"


class EvidenceBook(Protocol):
    """The log of limits, on record. Safe to call from any thread."""

    def limit_evidence(self, lines: Sequence[Evidence]) -> Future[None]:
        """Add to it; the future is done when it is on disk. Raises or holds ``LedgerUnavailable``."""
        ...

    def limits_said(self, since: datetime) -> Sequence[Limit]:
        """The newest word of each limit that has not ended before; blocks for milliseconds."""
        ...

    def evidence(self, since: datetime, until: datetime) -> Sequence[Evidence]:
        """The log from ``since`` to before ``until``, oldest first; blocks."""
        ...


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may set limits by which way."""

    rules: Rules
    by: Mapping[Way, frozenset[str]]


class Limits:
    """All limits of a site that come from outside. Thread-safe.

    A limit holds from the moment at which it is taken, whether or not it can be put on record.
    """

    def __init__(
        self,
        site: Site,
        admission: Admission,
        book: EvidenceBook,
        clock: Clock,
        on_event: EventSink,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_change`` is called, from whatever thread, when another limit than before may count."""
        self._site, self._admission, self._book, self._clock = site, admission, book, clock
        self._on_event, self._on_change = on_event, on_change
        now_s = clock.monotonic_s()
        self._limits = LimitBook(admission.rules, heard_s=dict.fromkeys(admission.rules.sources, now_s))
        self._connection = next(circuit.id for circuit in site.circuits if circuit.parent is None)
        on_top = {source.id for source in admission.rules.sources.values() if source.surplus_on_top}
        self._surplus = SurplusOnTop(self._connection, on_top) if on_top else None
        self._changing = threading.Lock()
        self._watched: Mapping[str, Watched] = {}
        self._lost: frozenset[str] = frozenset()
        self._unrecorded = False

    def restore(self) -> None:
        """Take up what held before a restart. Blocks for milliseconds.

        Raises:
            LedgerUnavailable: it cannot be read.
        """
        now, rules = self._clock.now(), self._admission.rules
        said = self._book.limits_said(now - timedelta(seconds=rules.release_s))
        known = [one for one in said if one.source in rules.sources and one.circuit in rules.full_w]
        for one in said:
            if one not in known:
                text = f"limit {one.name} of before the restart is dropped: its source or its circuit is gone"
                self._tell("limit_dropped", one, text, Severity.WARNING)
        with self._changing:
            self._limits = replace(self._limits, limits={one.name: one for one in known}).expired(now)

    def put(self, limit: Limit, way: Way, who: str = "", *, wait: bool = False) -> None:
        """Take a limit; it counts from the loop's next turn on, which is now.

        Args:
            limit: what was said.
            way: by which way it came.
            who: who sent it, for the record.
            wait: return when it is on disk; blocks for milliseconds.

        Raises:
            LimitRefused: with everything that is wrong with it.
            LedgerUnavailable: it holds, but could not be put on record (only if told to wait).
        """
        by = f"{way}:{who}" if who else str(way)
        try:
            with self._changing:
                earlier = self._limits.limits.get(limit.name)
                self._limits = self._limits.put(limit, self._clock.monotonic_s(), self.sources(way))
        except LimitRefused as refusal:
            self._keep([Evidence(limit.received_at, Happening.REFUSED, limit, by=by, note=str(refusal))])
            self._tell("limit_refused", limit, f"limit from {by} is refused: {refusal}", Severity.WARNING)
            raise
        if earlier is not None and self._limits.limits.get(limit.name) is earlier:
            return  # said once more
        self._on_change()
        self._tell("limit_received", limit, f"{limit.source} limits circuit {limit.circuit} to {limit.limit_w:.0f} W")
        self._keep([Evidence(limit.received_at, Happening.RECEIVED, limit, by=by)], wait=wait)

    def withdraw(self, name: str, way: Way, who: str = "", *, wait: bool = False) -> None:
        """End a limit now.

        Raises:
            LimitRefused: there is no such limit that this way may end.
            LedgerUnavailable: it has ended, but that could not be put on record (only if told to wait).
        """
        now = self._clock.now()
        with self._changing:
            limit = self._limits.limits.get(name)
            if limit is None or limit.source not in self.sources(way):
                raise LimitRefused([f"there is no limit {name!r} to withdraw"])
            self._limits = self._limits.withdraw(name, now).heard(limit.source, self._clock.monotonic_s())
        self._on_change()
        self._tell("limit_withdrawn", limit, f"{limit.source} withdraws its limit on circuit {limit.circuit}")
        by = f"{way}:{who}" if who else str(way)
        self._keep([Evidence(now, Happening.WITHDRAWN, replace(limit, valid_until=now), by=by)], wait=wait)

    def say(self, source: str, circuit: str, limit_w: float | None, way: Way, who: str = "") -> None:
        """Take what a source says of a circuit in place of what it said before; None: no limit. Never raises or blocks.

        What is refused is reported and on record.
        """
        with suppress(LimitRefused):
            if limit_w is not None:
                self.put(Limit(circuit, limit_w, source, self._clock.now()), way, who)
                return
            self.heard(source)
            for limit in self.running(way, circuit=circuit, source=source):
                self.withdraw(limit.name, way, who)

    def now(self) -> datetime:
        """The moment at which what arrives now is received."""
        return self._clock.now()

    def heard(self, source: str) -> None:
        """A source gave a sign of life without saying anything new."""
        with self._changing:
            self._limits = self._limits.heard(source, self._clock.monotonic_s())

    def sources(self, way: Way) -> frozenset[str]:
        """Who may set limits by this way."""
        return self._admission.by.get(way, frozenset())

    def running(
        self, way: Way, *, name: str | None = None, circuit: str | None = None, source: str | None = None
    ) -> list[Limit]:
        """The limits that may be ended by this way and fit everything that is given."""
        now = self._clock.now()
        return [
            one
            for one in self._limits.limits.values()
            if one.source in self.sources(way)
            and (one.valid_until is None or now < one.valid_until)
            and name in (None, one.name)
            and circuit in (None, one.circuit)
            and source in (None, one.source)
        ]

    def in_force(self, at: datetime) -> tuple[ExternalLimit, ...]:
        """What counts at this moment: for the control loop."""
        limits = self._limits.in_force(at, self._clock.monotonic_s())
        return limits if self._surplus is None else self._surplus.added(limits)

    def ahead(self, moments: Sequence[datetime]) -> LimitsAhead:
        """What will be allowed at these moments, as far as it is known now: for the plan."""
        return limits_ahead(self._limits, moments, self._clock.monotonic_s())

    def entries(self) -> tuple[Entry, ...]:
        """All limits, and what has become of them; those that count first."""
        return self._limits.entries(self._clock.now(), self._clock.monotonic_s())

    def log(self, since: datetime, until: datetime) -> Sequence[Evidence]:
        """What is on record from ``since`` to before ``until``, oldest first. Blocks.

        Raises:
            LedgerUnavailable: it cannot be read.
        """
        return self._book.evidence(since, until)

    def watch(self, tick: Tick) -> None:
        """Put on record what came of the limits in this turn of the loop. Never blocks."""
        now_s = self._clock.monotonic_s()
        if self._surplus is not None:
            site = power_of(self._site, tick, (self._connection, False, False))
            self._surplus.see(now_s, site.drawn_w, estimated_w(self._site, tick, self._connection))
        entries = self._limits.entries(tick.at, now_s)
        if not (entries or self._watched or self._lost):
            return
        powers = {reach: self._power(tick, reach) for reach in {entry.reach for entry in entries}}
        self._watched, lines = watch(self._watched, entries, powers, tick.at, now_s)
        if lines:
            self._keep(lines)
        self._follow_losses(now_s)

    def _power(self, tick: Tick, reach: Reach) -> Power:
        """What a limit of this reach is about: where the surplus is on top, what charging takes from the grid."""
        power = power_of(self._site, tick, reach)
        if self._surplus is None or reach != (self._connection, True, False) or power.drawn_w is None:
            return power
        site = power_of(self._site, tick, (self._connection, False, False))
        return replace(power, drawn_w=from_grid_w(power.drawn_w, site.drawn_w))

    def _follow_losses(self, now_s: float) -> None:
        lost = frozenset(self._limits.lost(now_s))
        for source in lost ^ self._lost:
            kind, severity = ("limit_source_lost", Severity.ALARM) if source in lost else ("limit_source_back", None)
            text = f"{source} is {'silent: its fail-safe holds' if source in lost else 'heard again'}"
            self._on_event(Event(kind, f"limit:{source}", text, severity or Severity.INFO, self._clock.now()))
        self._lost = lost

    def _keep(self, lines: Sequence[Evidence], *, wait: bool = False) -> None:
        try:
            kept = self._book.limit_evidence(lines)
        except LedgerUnavailable as error:
            self._missed(error)
            if wait:
                raise
            return
        kept.add_done_callback(lambda done: self._missed(done.exception()))
        if wait:
            try:
                kept.result(RECORD_S)
            except TimeoutError:
                raise LedgerUnavailable("the record of a limit takes too long to write") from None

    def _missed(self, error: BaseException | None) -> None:
        if (error is not None) != self._unrecorded:
            self._unrecorded = error is not None
            text = f"what comes of limits cannot be put on record: {error}" if error else "limits are on record again"
            severity = Severity.ALARM if error else Severity.INFO
            self._on_event(Event("limit_evidence", "ledger", text, severity, self._clock.now()))

    def _tell(self, kind: str, limit: Limit, text: str, severity: Severity = Severity.INFO) -> None:
        self._on_event(Event(kind, f"limit:{limit.name}", text, severity, self._clock.now()))


def full_power_w(site: Site) -> dict[str, float]:
    """What each circuit can carry by its fuses [W]."""
    return {circuit.id: sum(circuit.fuse_a) * site.nominal_voltage_v for circuit in site.circuits}
