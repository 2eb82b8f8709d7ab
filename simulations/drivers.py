"""When cars come and go at a charging point, and what they bring."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from simulations.cars import Car, random_car

ARRIVALS_WITHIN_S: Final = 15.0
"""At a busy site every point has its first car within this time."""


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
