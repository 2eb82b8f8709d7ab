"""Connectors: pilot, contactor and meter. No wire, no clock: ``step`` moves them."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from controller.units import NO_CURRENT, Phases, phase_vector
from simulations.cars import Car
from simulations.temperaments import OBEDIENT, Temperament

PILOT_MIN_A: Final = 6.0
"""The pilot signal cannot offer less (IEC 61851-1 annex A): below it the charger offers nothing."""
IDLE_AFTER_S: Final = 10.0
"""A charger waits this long for a car to take what it offers before it says SuspendedEV."""
FLOWING_A: Final = 0.5


class Status(StrEnum):
    """The statuses of a connector that the simulation knows (OCPP 1.6 §7.7)."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    UNAVAILABLE = "Unavailable"


@dataclass(slots=True)
class Transaction:
    """What a charger remembers of a transaction."""

    tag: str
    started_at_s: float
    start_wh: int
    id: int | str | None = None
    """None until the central system has answered the start; text where the charger chooses it (OCPP 2.x)."""
    car_start_wh: float = 0.0
    """The car's own meter at the start: what the ledger is compared with [Wh]."""


@dataclass(frozen=True, slots=True)
class ConnectorModel:
    """What a connector is built to do."""

    max_a: float = 32.0
    """What its hardware allows [A]: the limit where no profile says anything."""
    update_s: float = 2.0
    """It looks at its limit and sets the pilot this often [s]; up to 5 s by IEC 61851-1, many are quicker."""
    resolution_a: float = 0.1
    noise_a: float = 0.05
    """Standard deviation of its current measurement [A]."""


class Connector:
    """One connector: pilot, contactor and meter.

    Args:
        number: its OCPP connector id.
        wiring: the grid phase (0, 1, 2) that each of its own phases meets.
        model: what it is built to do.
        rng: for its measurement noise and the register that it starts with.
        temperament: how it departs from what it should do.
    """

    def __init__(
        self,
        number: int,
        wiring: tuple[int, ...],
        model: ConnectorModel,
        rng: random.Random,
        temperament: Temperament = OBEDIENT,
    ) -> None:
        self.number = number
        self.wiring = wiring
        self.model = _as_built(model, temperament)
        self.temperament = temperament
        self.car: Car | None = None
        self.transaction: Transaction | None = None
        self.available = True
        """Whether it is in service."""
        self.pilot_a = 0.0
        self.register_wh = rng.uniform(100_000, 5_000_000)
        """Lifetime energy [Wh]; never falls."""
        self.status = Status.AVAILABLE
        """What it says of itself."""
        self.gives_up = False
        """Whether it is about to end its transaction by itself."""
        self._rng = rng
        self._next_update_s = 0.0
        self._idle_s = 0.0
        self._used = False
        self._leaves_service = False

    def change_availability(self, operative: bool) -> bool:
        """Put it in or out of service; whether that must wait until its transaction has ended (OCPP 1.6 §5.2)."""
        self._leaves_service = not operative and self.transaction is not None
        if not self._leaves_service:
            self.available = operative
        self._set_status()
        return self._leaves_service

    def plug_in(self, car: Car) -> None:
        """A car arrives on the cable."""
        assert self.car is None, "one cable, one car"
        self.car = car
        self._used = False
        self._set_status()

    def unplug(self) -> None:
        """The car is taken off the cable: no current from now on. An open transaction stays the caller's to end."""
        if self.car is not None:
            self.car.disconnect()
        self.car = None
        self.pilot_a = 0.0
        self._set_status()

    def begin(self, transaction: Transaction) -> None:
        """Energy may flow."""
        assert self.car is not None, "a transaction needs a car"
        transaction.car_start_wh = self.car.drawn_wh
        self.transaction = transaction
        self._used = True
        self._idle_s = 0.0
        self._next_update_s = transaction.started_at_s + self.model.update_s  # the contactor takes a moment too
        self.gives_up = False
        self._set_status()

    def end(self) -> None:
        """The contactor opens; the car may stay."""
        self.transaction = None
        self.available = self.available and not self._leaves_service
        self.pilot_a = 0.0
        if self.car is not None:
            self.car.disconnect()
        self._set_status()

    @property
    def own_a(self) -> tuple[float, ...]:
        """True current on each of its own phases [A]."""
        current_a, used = (0.0, 0) if self.car is None else (self.car.current_a, self.car.model.phases)
        return tuple(current_a if index < used else 0.0 for index in range(len(self.wiring)))

    @property
    def grid_a(self) -> Phases:
        """True current on L1, L2, L3 of the grid [A]."""
        if self.car is None or self.car.current_a <= 0.0:
            return NO_CURRENT
        return phase_vector(self.wiring[: self.car.model.phases], self.car.current_a)

    def measured_a(self) -> tuple[float, ...]:
        """What its meter shows on each of its own phases [A]: the truth with noise where current flows."""
        true_a = self.own_a
        if self.temperament.lies_about_current and self.transaction is not None:
            true_a = (self.pilot_a,) * len(self.wiring)
        noisy = ((a + self._rng.gauss(0.0, self.model.noise_a) if a > 0.0 else 0.0) for a in true_a)
        return tuple(max(0.0, a) for a in noisy)

    def looks(self, now_s: float) -> bool:
        """Whether it is about to look at its limit."""
        return self.transaction is not None and now_s >= self._next_update_s

    def look_at(self, now_s: float) -> None:
        """Look at its limit at that time, and no later [s]."""
        self._next_update_s = min(self._next_update_s, now_s)

    def step(self, now_s: float, dt: float, limit_a: float | None, voltage_v: float) -> None:
        """Live through ``dt`` seconds that end at ``now_s`` under a limit [A]; None: only the hardware's.

        The limit counts when it ``looks``; nothing changes in between.
        """
        car, transaction = self.car, self.transaction
        if transaction is None:
            return
        if now_s >= self._next_update_s:
            self._next_update_s = max(self._next_update_s + self.model.update_s, now_s)
            self.pilot_a = self._offer_a(limit_a)
            self.gives_up = self.temperament.ends_at_zero and self.pilot_a <= 0.0
        if car is not None:
            before_wh = car.drawn_wh
            car.step(now_s, dt, self.pilot_a, len(self.wiring), voltage_v)
            self.register_wh += car.drawn_wh - before_wh
            self._idle_s = 0.0 if car.current_a > FLOWING_A or self.pilot_a <= 0.0 else self._idle_s + dt
        self._set_status()

    def _offer_a(self, limit_a: float | None) -> float:
        allowed_a = self.model.max_a if limit_a is None else min(limit_a, self.model.max_a)
        steps = math.floor(allowed_a / self.model.resolution_a + 1e-6)
        offer_a = steps * self.model.resolution_a
        return offer_a if offer_a >= PILOT_MIN_A - 1e-6 else 0.0

    def _set_status(self) -> None:
        if self.transaction is None and not self.available:
            self.status = Status.UNAVAILABLE
        elif self.transaction is None and self.car is None:
            self.status = Status.AVAILABLE
        elif self.transaction is None:
            self.status = Status.FINISHING if self._used else Status.PREPARING
        elif self.pilot_a <= 0.0:
            self.status = Status.SUSPENDED_EVSE
        else:
            self.status = Status.SUSPENDED_EV if self._idle_s > IDLE_AFTER_S else Status.CHARGING
        if self.temperament.lies_about_status:
            self.status = _LIES.get(self.status, self.status)


_LIES: Final = {Status.CHARGING: Status.SUSPENDED_EVSE, Status.SUSPENDED_EVSE: Status.CHARGING}


def _as_built(model: ConnectorModel, temperament: Temperament) -> ConnectorModel:
    return replace(
        model,
        update_s=model.update_s if temperament.update_s is None else temperament.update_s,
        resolution_a=model.resolution_a if temperament.resolution_a is None else temperament.resolution_a,
    )


def random_model(rng: random.Random, max_a: float) -> ConnectorModel:
    """A connector as the market has them: limits in 0.1 A or whole amperes, a pilot that follows within 1-4 s."""
    return ConnectorModel(max_a=max_a, update_s=rng.uniform(1.0, 4.0), resolution_a=rng.choice([0.1, 0.1, 0.1, 1.0]))
