"""Building loads: what else hangs on the grid connection, per phase and as a function of time and seed alone."""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Iterable
from typing import Protocol

from controller.units import NO_CURRENT, Phases


class Building(Protocol):
    """A load that does not charge cars. Times are those of the world [Unix s]."""

    def current_a(self, now_s: float) -> Phases:
        """Its current on L1, L2, L3 [A]."""
        ...


class ScriptedBuilding:
    """A load that follows a list of (time [s], current per phase [A]), each valid until the next."""

    def __init__(self, steps: Iterable[tuple[float, Phases]]) -> None:
        ordered = sorted(steps)
        self._times_s = [at_s for at_s, _ in ordered]
        self._currents_a = [current_a for _, current_a in ordered]

    def current_a(self, now_s: float) -> Phases:
        """The last step's current at or before ``now_s``; nothing before the first."""
        index = bisect.bisect_right(self._times_s, now_s) - 1
        return self._currents_a[index] if index >= 0 else NO_CURRENT


class _Appliance:
    """Something that switches on and off at random times. Dice of its own: no step size changes its story."""

    def __init__(
        self, rng: random.Random, current_a: Phases, on_s: tuple[float, float], off_s: tuple[float, float]
    ) -> None:
        self._rng = rng
        self._full_a = current_a
        self._lengths_s = (off_s, on_s)
        self._switches_s: list[float] = []
        """When it switches: on, off, on, and so on."""

    def current_a(self, passed_s: float) -> Phases:
        """Its current when so much time has passed since the beginning [A]."""
        if not self._switches_s:
            self._switches_s.append(self._rng.uniform(0.0, self._lengths_s[0][1]))
        while self._switches_s[-1] <= passed_s:
            turned_on = len(self._switches_s) % 2
            self._switches_s.append(self._switches_s[-1] + self._rng.uniform(*self._lengths_s[turned_on]))
        is_on = bisect.bisect_right(self._switches_s, passed_s) % 2
        return self._full_a if is_on else NO_CURRENT


class LivelyBuilding:
    """A building whose load swings over most of its declared worst case within a minute or two.

    A base, a slow swing, small single-phase appliances, one big single-phase machine per phase and one
    three-phase machine. Deterministic from the seed; never above ``worst_a`` on any phase.

    Args:
        worst_a: its worst case.
        seed: of its dice.
        begins_s: when its story begins, with everything switched off; None: when it is first asked.
    """

    def __init__(self, worst_a: Phases, seed: int, begins_s: float | None = None) -> None:
        self._worst_a = worst_a
        self._begins_s = begins_s
        dice = random.Random(f"building-{seed}")
        self._swing = [(dice.uniform(0.0, math.tau), dice.uniform(70.0, 110.0)) for _ in range(3)]
        self._appliances = [
            *(self._single(dice, phase, (0.02, 0.07), (4.0, 25.0), (5.0, 40.0)) for phase in (0, 1, 2) for _ in "abc"),
            *(self._single(dice, phase, (0.28, 0.45), (20.0, 50.0), (30.0, 70.0)) for phase in (0, 1, 2)),
            self._triple(dice, (0.24, 0.36), (20.0, 35.0), (35.0, 70.0)),
        ]

    def current_a(self, now_s: float) -> Phases:
        """Its current on L1, L2, L3 [A]."""
        if self._begins_s is None:
            self._begins_s = now_s
        passed_s = now_s - self._begins_s
        on_a = [appliance.current_a(passed_s) for appliance in self._appliances]
        return (self._phase_a(0, now_s, on_a), self._phase_a(1, now_s, on_a), self._phase_a(2, now_s, on_a))

    def _phase_a(self, phase: int, now_s: float, on_a: list[Phases]) -> float:
        start, period_s = self._swing[phase]
        worst_a = self._worst_a[phase]
        quiet_a = worst_a * (0.22 + 0.06 * math.sin(start + math.tau * now_s / period_s))
        return min(worst_a, quiet_a + sum(current_a[phase] for current_a in on_a))

    def _single(
        self,
        dice: random.Random,
        phase: int,
        share: tuple[float, float],
        on_s: tuple[float, float],
        off_s: tuple[float, float],
    ) -> _Appliance:
        current_a = self._worst_a[phase] * dice.uniform(*share)
        vector = (current_a if phase == 0 else 0.0, current_a if phase == 1 else 0.0, current_a if phase == 2 else 0.0)
        return _Appliance(random.Random(dice.getrandbits(64)), vector, on_s, off_s)

    def _triple(
        self, dice: random.Random, share: tuple[float, float], on_s: tuple[float, float], off_s: tuple[float, float]
    ) -> _Appliance:
        current_a = min(self._worst_a) * dice.uniform(*share)
        return _Appliance(random.Random(dice.getrandbits(64)), (current_a, current_a, current_a), on_s, off_s)


class AdjustableBuilding:
    """A load on which an operator or a test may put another on top: the handle for ``step_building``."""

    def __init__(self, inner: Building) -> None:
        self._inner = inner
        self.extra_a: Phases = NO_CURRENT

    def current_a(self, now_s: float) -> Phases:
        """Its current on L1, L2, L3 [A]."""
        inner_a = self._inner.current_a(now_s)
        return (inner_a[0] + self.extra_a[0], inner_a[1] + self.extra_a[1], inner_a[2] + self.extra_a[2])
