"""What drivers do: when they come and go at a charging point, what they bring, and when they rather wait."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from controller.site import ChargingPoint
from simulations import visits
from simulations.cars import EFFICIENCY, Car, CarModel, random_car

ARRIVALS_WITHIN_S: Final = 15.0
"""At a busy site every point has its first car within this time."""

SHORT: Final = 0.5
LONG: Final = 0.85
STAYS_S: Final = ((30.0, 75.0), (55.0, 200.0), (300.0, 1200.0))
"""Short visits (that share of all), middling ones, and from ``LONG`` on long ones [s]."""

BETWEEN_S: Final = (4.0, 20.0)
"""So long nobody is at the point after each visit [s]."""
ALL_DAY: Final = 0.15
"""At that share of all points the first car stays for hours: it has time to wait for a better price."""
HOURS_S: Final = (10_800.0, 28_800.0)

ASKED: Final = (0.12, 0.35)
"""What a driver asks for lies between these parts of what the car could take: some are hard to please."""
ROOM_ASKED: Final = 0.8
"""Nobody asks for more than this part of what the battery has room for."""

USUAL_LEAST_A: Final = 6.0
"""Nearly all cars begin here (IEC 61851-1) [A]."""

BEGINNING_S: Final = 35.0
"""From plugging in to charging: card, transaction, the car's own start, and room that others make [s]."""

PRICE_LOOK_S: Final = 60.0
"""How often a driver with a price limit looks at the price [s]."""

GUEST: Final = "GUEST-"
"""A token that begins so is known to a back office, and not to the site."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One car at one point; times count from the opening of the site [s]."""

    arrives_s: float
    leaves_s: float
    car: Car
    asks: float | None = None
    """The part that its driver asks for of what the car could take at most in this time; None: nothing is said."""

    def asked_wh(self, full_w: float) -> float | None:
        """What its driver asks for [Wh], where the car could be given ``full_w`` from the beginning to the end [W]."""
        if self.asks is None:
            return None
        charging_s = self.leaves_s - self.arrives_s - BEGINNING_S
        room_wh = (1.0 - self.car.soc) * self.car.model.capacity_wh / EFFICIENCY
        return min(self.asks * full_w * charging_s / 3600.0, ROOM_ASKED * room_wh)


def busy_visits(rng: random.Random) -> Iterator[Visit]:
    """Cars in quick succession, for a demonstration that must not take a working day.

    Half of all visits last 30-75 s, so that sessions end before one's eyes; their drivers ask for nothing. Of the
    others most last 1-3 min and some 5-20 min, and their drivers say until when they need how much; so do those few
    who are there from the beginning and stay for hours.
    """
    clock_s = rng.uniform(0.5, ARRIVALS_WITHIN_S)
    if rng.random() < ALL_DAY:
        leaves_s = clock_s + rng.uniform(*HOURS_S)
        yield Visit(clock_s, leaves_s, random_car(rng), rng.uniform(*ASKED))
        clock_s = leaves_s + rng.uniform(*BETWEEN_S)
    while True:
        kind, car = rng.random(), random_car(rng)
        asks = None if kind < SHORT else rng.uniform(*ASKED)
        if asks is not None and car.model.min_a > USUAL_LEAST_A:
            kind = LONG  # that it begins at more than 6 A is found out within a minute or two
        stay_s = rng.uniform(*(STAYS_S[0] if kind < SHORT else STAYS_S[1] if kind < LONG else STAYS_S[2]))
        yield Visit(clock_s, clock_s + stay_s, car, asks)
        clock_s += stay_s + rng.uniform(*BETWEEN_S)


def car_of(visit: visits.Visit, begins_s: float) -> Car:
    """The car of a visit in a simulation that begins at ``begins_s`` [Unix s]; it knows when it leaves."""
    car = Car(visit.car, visit.arrival_soc)
    car.leaves_at_s = begins_s + visit.leaves_s
    return car


def needs_back_office(token: str) -> bool:
    """Whether only a back office can say that this token may charge."""
    return token.startswith(GUEST)


def highest_w(car: CarModel, point: ChargingPoint, voltage_v: float) -> float:
    """What a car draws at a point at most [W]."""
    return min(point.max_a, car.max_a) * min(len(point.phases), car.phases) * voltage_v


def waits(visit: visits.Visit, taken_wh: float, full_w: float, price: float, now_s: float) -> bool:
    """Whether a driver rather waits for a better price, because what is missing can still be taken later.

    Args:
        visit: the driver's.
        taken_wh: what the car has taken so far [Wh].
        full_w: its highest power at this point [W].
        price: of a kWh now.
        now_s: from the beginning of the simulation [s].
    """
    if visit.price_limit is None or price <= visit.price_limit:
        return False
    needed_s = 3600.0 * max(0.0, visit.energy_wh - taken_wh) / full_w
    return visit.leaves_s - now_s > needed_s
