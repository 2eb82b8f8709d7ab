"""Where the control loop leaves what it knows, and where pages and metrics find it.

The loop publishes from its own thread, readers read from theirs. Everything handed out is frozen or a copy.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.fairness import DayOfFairness, Fairness
from controller.plan import Event
from controller.ports.common import Clock
from controller.ports.devices import Applied
from controller.ports.tick import Tick
from controller.site import Site
from controller.units import NO_CURRENT

HISTORY_SAMPLES: Final = 3600
"""One hour at one sample a second: what the page's chart shows; longer spans belong to the telemetry."""
EVENTS_KEPT: Final = 500
"""Some days of a normal site, and at most a few hundred kilobytes on a bad one."""
REPEAT_S: Final = 60.0
"""What is reported again within this time is the same event going on, not a new line in the list."""

DECIDE_BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25)
"""Around the promise of 0.5 ms and the budget of 100 ms for one decision."""
REACTION_BUCKETS_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Around the promise of 100 ms from the plan to the last charger's answer."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a duration fell below each bound."""

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]
    """One for each bound and one for everything above; not cumulative."""
    total_s: float = 0.0

    @classmethod
    def over(cls, bounds_s: tuple[float, ...]) -> Tally:
        """An empty tally with these bounds."""
        return cls(bounds_s, (0,) * (len(bounds_s) + 1))

    def plus(self, seconds: float) -> Tally:
        """The tally with one more duration; a duration on a bound counts as below it."""
        slot = bisect_left(self.bounds_s, seconds)
        counts = (*self.counts[:slot], self.counts[slot] + 1, *self.counts[slot + 1 :])
        return replace(self, counts=counts, total_s=self.total_s + seconds)

    def cumulative(self) -> Iterable[tuple[float, int]]:
        """Each bound with the number of durations up to it; the last bound is infinity."""
        return zip((*self.bounds_s, math.inf), accumulate(self.counts), strict=True)


@dataclass(frozen=True, slots=True)
class Counters:
    """What has been counted since the start."""

    ticks: int
    changed_limits: int
    accepted_limits: int
    decide: Tally
    reaction: Tally
    """From the hand-over of a plan to the last charger's answer; only plans that changed something."""
    events: Mapping[str, int]
    """By kind."""


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event in the list of recent ones."""

    number: int
    """Rises with every event and never repeats within one run."""
    event: Event
    first_at: datetime
    last_at: datetime
    count: int = 1


@dataclass(frozen=True, slots=True)
class History:
    """The recent past, oldest first; NaN where a current was not known."""

    at: NDArray[np.float64]
    """Unix time [s], strictly rising."""
    current_a: NDArray[np.float32]
    """Of one circuit, shape (samples, 3)."""
    charging_a: NDArray[np.float32]
    """Of all points of the site together, shape (samples, 3)."""


class Live:
    """The newest tick, the last hour, the recent events and the counters of one site. Thread-safe."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tick: Tick | None = None
        self._published_s = 0.0
        self._row = {circuit.id: row for row, circuit in enumerate(site.circuits)}
        self._at = np.zeros(HISTORY_SAMPLES)
        self._current_a = np.full((HISTORY_SAMPLES, len(self._row), 3), np.nan, np.float32)
        self._charging_a = np.zeros((HISTORY_SAMPLES, 3), np.float32)
        self._samples = 0
        self._kept: deque[KeptEvent] = deque(maxlen=EVENTS_KEPT)
        self._event_number = 0
        self._event_counts: Counter[str] = Counter()
        self._ticks = self._changed = self._accepted = 0
        self._decide = Tally.over(DECIDE_BUCKETS_S)
        self._reaction = Tally.over(REACTION_BUCKETS_S)
        self._fairness = DayOfFairness(site)

    def publish(self, tick: Tick) -> None:
        """Make ``tick`` the newest one. Its plan's events are not reported by this: see ``report``."""
        with self._lock:
            self._tick = tick
            self._published_s = self._clock.monotonic_s()
            self._ticks += 1
            self._decide = self._decide.plus(tick.decide_s)
            self._sample(tick)
            if tick.turn is not None:
                self._fairness.add(tick.turn)

    def latest(self) -> Tick | None:
        """The newest tick; None before the first."""
        with self._lock:
            return self._tick

    def age_s(self) -> float | None:
        """How long ago the newest tick was published [s]; None before the first."""
        with self._lock:
            return None if self._tick is None else self._clock.monotonic_s() - self._published_s

    def applied(self, applied: Applied) -> None:
        """Count how a plan reached the chargers."""
        with self._lock:
            self._changed += applied.changed
            self._accepted += applied.accepted
            if applied.changed:
                self._reaction = self._reaction.plus(applied.seconds)

    def report(self, event: Event) -> None:
        """Keep an event. It updates the kept one of the same kind and subject while that is still going on."""
        at = event.at or self._clock.now()
        with self._lock:
            self._event_counts[event.kind] += 1
            self._event_number += 1
            kept = KeptEvent(self._event_number, event, at, at)
            for earlier in self._kept:
                same = (earlier.event.kind, earlier.event.subject) == (event.kind, event.subject)
                if same and abs((at - earlier.last_at).total_seconds()) <= REPEAT_S:
                    self._kept.remove(earlier)
                    kept = replace(kept, first_at=earlier.first_at, count=earlier.count + 1)
                    break
            self._kept.append(kept)

    def events(self) -> Sequence[KeptEvent]:
        """The recent events, newest first."""
        with self._lock:
            return tuple(reversed(self._kept))

    def last_event_number(self) -> int:
        """The number of the newest event; 0 when there is none."""
        with self._lock:
            return self._event_number

    def history(self, circuit: str, seconds: float) -> History:
        """The currents of the last ``seconds``, at most one hour.

        Raises:
            KeyError: the site has no such circuit.
        """
        row = self._row[circuit]
        with self._lock:
            kept = min(self._samples, HISTORY_SAMPLES)
            order = np.arange(self._samples - kept, self._samples) % HISTORY_SAMPLES
            at = self._at[order]
            order = order[at > at[-1] - seconds] if kept else order
            return History(self._at[order], self._current_a[order, row], self._charging_a[order])

    def counters(self) -> Counters:
        """Everything counted so far."""
        with self._lock:
            return Counters(
                self._ticks, self._changed, self._accepted, self._decide, self._reaction, dict(self._event_counts)
            )

    def fairness(self) -> Fairness:
        """How fairly the last day was shared out."""
        with self._lock:
            return self._fairness.figures()

    def _sample(self, tick: Tick) -> None:
        second = math.floor(tick.at.astimezone(UTC).timestamp())
        newest = self._at[(self._samples - 1) % HISTORY_SAMPLES] if self._samples else -math.inf
        if second < newest:
            self._samples = 0  # the clock was set back: two lives on one time axis would tell nothing
        if second > newest or not self._samples:
            self._samples += 1
        slot = (self._samples - 1) % HISTORY_SAMPLES
        self._at[slot] = second
        self._current_a[slot] = np.nan
        for circuit, row in self._row.items():
            state = tick.circuits.get(circuit)
            if state is not None and state.current_a is not None:
                self._current_a[slot, row] = state.current_a
        drawn = [point.measured_a or NO_CURRENT for point in tick.points.values()]
        self._charging_a[slot] = [sum(phase) for phase in zip(NO_CURRENT, *drawn, strict=True)]
