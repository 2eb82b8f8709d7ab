"""A car on a charging cable: its battery, what it asks for, and how it follows the offered current."""

from __future__ import annotations

import random
from dataclasses import dataclass

EFFICIENCY = 0.9
"""Share of the drawn energy that reaches the battery (on-board charger and battery losses)."""
CUT_OFF_SHARE = 0.06
"""Below this share of its maximum a car ends the taper and calls itself full."""


@dataclass(frozen=True, slots=True)
class CarModel:
    """What a car is built to do."""

    capacity_wh: float = 60_000.0
    max_a: float = 16.0
    """Most that its on-board charger draws per phase [A]."""
    min_a: float = 6.0
    """Offered less than this, it stops: IEC 61851-1 allows 6 A, some cars want 7 or 8 A."""
    phases: int = 3
    """1 or 3."""
    taper_from: float = 0.8
    """State of charge (0..1) where constant current ends."""
    reaction_s: float = 2.0
    """From a change of the offer to the beginning of the response [s]."""
    rise_a_per_s: float = 4.0
    fall_a_per_s: float = 25.0
    """Quick enough, after the reaction, for the 5 s that IEC 61851-1 table A.6 gives a car to reduce."""


class Car:
    """One car, plugged in or not. Advanced by ``step``; knows no clock and no dice.

    Attributes:
        soc: state of charge (0..1).
        current_a: what it draws now on each of its phases [A].
        drawn_wh: energy taken since it came into the world, before losses [Wh].
    """

    def __init__(self, model: CarModel, soc: float) -> None:
        self.model = model
        self.soc = soc
        self.current_a = 0.0
        self.drawn_wh = 0.0
        self._offer_a = 0.0
        self._seen_a = 0.0
        self._response_at_s: float | None = None

    @property
    def wanted_a(self) -> float:
        """What its battery would take at the moment [A]; 0 when full."""
        if self.soc >= 1.0:
            return 0.0
        share = min(1.0, (1.0 - self.soc) / (1.0 - self.model.taper_from))
        return self.model.max_a * share if share >= CUT_OFF_SHARE else 0.0

    def step(self, now_s: float, dt: float, offer_a: float, phases: int, voltage_v: float) -> None:
        """Live through ``dt`` seconds that end at ``now_s``.

        Args:
            now_s: the world's time [s].
            dt: length of the step [s].
            offer_a: what the charger's pilot signal allows [A]; below 6 A means: do not charge.
            phases: how many phases the charger connects.
            voltage_v: phase to neutral [V].
        """
        self._notice(now_s, offer_a)
        goal_a = min(self.wanted_a, self._seen_a) if self._seen_a >= self.model.min_a else 0.0
        rate_a_per_s = self.model.rise_a_per_s if goal_a > self.current_a else self.model.fall_a_per_s
        change_a = max(-rate_a_per_s * dt, min(rate_a_per_s * dt, goal_a - self.current_a))
        self.current_a += change_a
        energy_wh = self.current_a * min(phases, self.model.phases) * voltage_v * dt / 3600.0
        self.drawn_wh += energy_wh
        self.soc = min(1.0, self.soc + energy_wh * EFFICIENCY / self.model.capacity_wh)

    def disconnect(self) -> None:
        """The contactor has opened: the current ends at once, whatever the car wants."""
        self.current_a = self._offer_a = self._seen_a = 0.0
        self._response_at_s = None

    def _notice(self, now_s: float, offer_a: float) -> None:
        if offer_a != self._offer_a:
            self._offer_a = offer_a
            if self._response_at_s is None:
                self._response_at_s = now_s + self.model.reaction_s
        if self._response_at_s is not None and now_s >= self._response_at_s:
            self._seen_a = self._offer_a
            self._response_at_s = None


def random_car(rng: random.Random) -> Car:
    """A car as they come to a workplace car park: mostly three-phase, a quarter single-phase, a few that want 7-8 A."""
    phases, max_a = rng.choices([(3, 16.0), (3, 32.0), (1, 16.0), (1, 32.0)], weights=[55, 20, 10, 15])[0]
    model = CarModel(
        capacity_wh=rng.uniform(38_000, 90_000),
        max_a=max_a,
        min_a=rng.choices([6.0, 7.0, 8.0], weights=[90, 6, 4])[0],
        phases=phases,
        taper_from=rng.uniform(0.75, 0.9),
        reaction_s=rng.uniform(1.0, 3.5),
        rise_a_per_s=rng.uniform(2.0, 8.0),
        fall_a_per_s=rng.uniform(20.0, 40.0),
    )
    return Car(model, soc=rng.uniform(0.15, 0.7))
