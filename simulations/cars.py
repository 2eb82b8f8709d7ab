"""A car on a charging cable: its battery, what it asks for, and how it follows the offered current."""

from __future__ import annotations

import random
from dataclasses import dataclass

from controller.units import TOLERANCE_A

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
    """State of charge (0..1) where constant current ends; 1: it never tapers."""
    reaction_s: float = 2.0
    """From a change of the offer to the beginning of the response [s]."""
    rise_a_per_s: float = 4.0
    fall_a_per_s: float = 25.0
    """Quick enough, after the reaction, for the 5 s that IEC 61851-1 table A.6 gives a car to reduce."""
    sleep_after_s: float | None = None
    """After this long without an offer it falls asleep [s]; None: never."""
    wake_s: float = 20.0
    """Asleep, it answers an offer only after this long [s]."""
    sleeps_through: int = 0
    """Asleep, it misses so many offers, and answers the next one after them."""
    precondition_a: float = 0.0
    """What heating or cooling draws per phase before it leaves, on top of what the battery takes [A]."""
    precondition_s: float = 0.0
    """How long before [s]."""


class Car:
    """One car, plugged in or not. Advanced by ``step``; knows no clock and no dice.

    Attributes:
        soc: state of charge (0..1).
        current_a: what it draws now on each of its phases [A].
        drawn_wh: energy taken since it came into the world, before losses [Wh].
        leaves_at_s: when it is to be warm or cool, on the world's clock [s]; None: nobody has told it.
        paused: its driver has it wait.
    """

    def __init__(self, model: CarModel, soc: float) -> None:
        self.model = model
        self.soc = soc
        self.current_a = 0.0
        self.drawn_wh = 0.0
        self.leaves_at_s: float | None = None
        self.paused = False
        self._offer_a = 0.0
        self._seen_a = 0.0
        self._response_at_s: float | None = None
        self._offered_s: float | None = None
        """When it was last offered something, or plugged in."""
        self._missed = 0
        """Offers since it has fallen asleep."""

    @property
    def wanted_a(self) -> float:
        """What its battery would take at the moment [A]; 0 when full, and while it waits."""
        model, missing = self.model, 1.0 - self.soc
        if missing <= 0.0 or self.paused:
            return 0.0
        if missing >= 1.0 - model.taper_from:
            return model.max_a
        share = missing / (1.0 - model.taper_from)
        return model.max_a * share if share >= CUT_OFF_SHARE else 0.0

    def step(self, now_s: float, dt: float, offer_a: float, phases: int, voltage_v: float) -> None:
        """Live through ``dt`` seconds that end at ``now_s``.

        Args:
            now_s: the world's time [s].
            dt: length of the step [s].
            offer_a: what the charger's pilot signal allows [A]; below 6 A means: do not charge.
            phases: how many phases the charger connects.
            voltage_v: phase to neutral [V].
        """
        model = self.model
        self._notice(now_s, offer_a)
        heating_a = self._heating_a(now_s)
        goal_a = 0.0
        if self._seen_a >= model.min_a:
            goal_a = min(self.wanted_a + heating_a, model.max_a, self._seen_a)
        change_a = goal_a - self.current_a
        if change_a > 0.0:
            self.current_a += min(model.rise_a_per_s * dt, change_a)
        else:
            self.current_a += max(-model.fall_a_per_s * dt, change_a)
        if self.current_a > 0.0:
            wh_per_a = min(phases, model.phases) * voltage_v * dt / 3600.0
            self.drawn_wh += self.current_a * wh_per_a
            stored_wh = max(0.0, self.current_a - heating_a) * wh_per_a * EFFICIENCY
            self.soc = min(1.0, self.soc + stored_wh / model.capacity_wh)

    def disconnect(self) -> None:
        """The contactor has opened: the current ends at once, whatever the car wants."""
        self.current_a = self._offer_a = self._seen_a = 0.0
        self._response_at_s = None

    def _heating_a(self, now_s: float) -> float:
        """What it draws besides its battery [A]."""
        if self.leaves_at_s is None or now_s < self.leaves_at_s - self.model.precondition_s:
            return 0.0
        return self.model.precondition_a

    def _notice(self, now_s: float, offer_a: float) -> None:
        """Answer a change of the offer after the reaction time, which is long when the car is asleep."""
        if abs(offer_a - self._offer_a) > TOLERANCE_A:
            asleep = self._asleep(now_s) and offer_a > 0.0
            if asleep and self._offer_a <= 0.0:
                self._missed += 1
            self._offer_a = offer_a
            if asleep and self._missed <= self.model.sleeps_through:
                return
            if self._response_at_s is None or asleep:
                self._response_at_s = now_s + (self.model.wake_s if asleep else self.model.reaction_s)
        if self._response_at_s is not None and now_s >= self._response_at_s:
            self._seen_a = self._offer_a
            self._response_at_s = None
        if self._offered_s is None or 0.0 < self._offer_a == self._seen_a:
            self._offered_s = now_s  # an offer that ended before the car was awake has not woken it
            self._missed = 0

    def _asleep(self, now_s: float) -> bool:
        sleeps_after_s, offered_s = self.model.sleep_after_s, self._offered_s
        return sleeps_after_s is not None and offered_s is not None and now_s - offered_s > sleeps_after_s


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
