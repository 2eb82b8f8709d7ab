"""What drivers do: when they come and go at a charging point, what they bring, and when they rather wait."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from controller.site import ChargingPoint
from simulations import visits
from simulations.cars import Car, CarModel, random_car

ARRIVALS_WITHIN_S: Final = 15.0
"""At a busy site every point has its first car within this time."""

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


def busy_visits(rng: random.Random) -> Iterator[Visit]:
    """Cars in quick succession, for a demonstration that must not take a working day.

    Six in ten visits last 30-80 s, so that sessions end before one's eyes; the others last 5-20 min.
    """
    clock_s = rng.uniform(0.5, ARRIVALS_WITHIN_S)
    while True:
        stay_s = rng.uniform(30.0, 80.0) if rng.random() < 0.6 else rng.uniform(300.0, 1200.0)
        yield Visit(clock_s, clock_s + stay_s, random_car(rng))
        clock_s += stay_s + rng.uniform(4.0, 20.0)


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
