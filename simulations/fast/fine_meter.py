"""A meter in virtual time: it shows what was true a moment ago, with noise, and is judged as every meter is."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Final

from adapters.metering.intake import Intake
from adapters.metering.plausibility import Bounds, Judge
from adapters.metering.sample import UNKNOWN, Sample
from controller.ports.common import Clock, EventSink
from controller.snapshot import Reading
from controller.units import Phases
from simulations.clock import VirtualClock
from simulations.scenario.model import MeterModel

METER_FAULTS: Final = ("meter_lost", "meter_frozen", "meter_nan")
"""Kinds of ``simulations.faults`` that a meter knows."""
CEILING: Final = 10.0
"""No current is larger than this many times the fuse of the grid connection, as the service has it."""
FLUTTER_V: Final = 0.2
"""Standard deviation of a voltage [V]: no real meter repeats itself to the last digit."""


class FineMeter:
    """One meter that is polled from the moment on that it is told to.

    Args:
        meter_id: its name in the site.
        model: noise, latency and rhythm.
        source: the true phase currents at the moment [A].
        error_a: by how much it is wrong at the poll of that number [A].
        clock: virtual time.
        dice: for the flutter of its voltages.
        fuse_a: rating of the grid connection [A].
        voltage_v: phase to neutral [V].
    """

    def __init__(
        self,
        meter_id: str,
        model: MeterModel,
        source: Callable[[], Phases],
        error_a: Callable[[int], Phases],
        clock: VirtualClock,
        dice: random.Random,
        fuse_a: float,
        voltage_v: float,
    ) -> None:
        self.id = meter_id
        self.fault: str | None = None
        """One of ``METER_FAULTS``."""
        self._model = model
        self._source = source
        self._error_a = error_a
        self._clock = clock
        self._dice = dice
        self._bounds = Bounds(CEILING * fuse_a, voltage_v)
        self._intake: Intake | None = None
        self._last = Sample(UNKNOWN)
        first = math.ceil(clock.monotonic_s() / model.poll_s)
        clock.at(first * model.poll_s, lambda: self._poll(first))

    def listen(self, on_event: EventSink, on_reading: Callable[[], None]) -> None:
        """Somebody begins to read it, and knows nothing of what it said before."""
        self._intake = Intake(self.id, Judge(self._bounds), self._clock, on_event, on_reading)

    def leave(self) -> None:
        """Nobody reads it any more."""
        self._intake = None

    def reading(self, clock: Clock) -> Reading | None:
        """What whoever reads it believes."""
        return None if self._intake is None else self._intake.reading(clock.now(), clock.monotonic_s())

    def _poll(self, beat: int) -> None:
        sample = self._sample(beat)
        self._clock.at(beat * self._model.poll_s + self._model.latency_s, lambda: self._answer(sample))
        self._clock.at((beat + 1) * self._model.poll_s, lambda: self._poll(beat + 1))

    def _sample(self, beat: int) -> Sample:
        """What it will show: the dice fall the same whatever else happens."""
        error_a, gauss = self._error_a(beat), self._dice.gauss
        one, two, three = (a + wrong_a for a, wrong_a in zip(self._source(), error_a, strict=True))
        first, second, third = (self._bounds.nominal_voltage_v + gauss(0.0, FLUTTER_V) for _ in range(3))
        return Sample(current_a=(one, two, three), voltage_v=(first, second, third))

    def _answer(self, sample: Sample) -> None:
        if self.fault != "meter_frozen":
            self._last = sample
        if self._intake is None:
            return
        if self.fault == "meter_lost":
            self._intake.miss("no answer")
        elif self.fault == "meter_nan":
            self._intake.take(Sample(UNKNOWN), self._clock.monotonic_s())
        else:
            self._intake.take(self._last, self._clock.monotonic_s())
