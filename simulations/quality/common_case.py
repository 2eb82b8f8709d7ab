"""The case on which controllers and simulators are compared: 20 points, weeks of two waves of cars a day, nine bounds.

Single-phase, it is what acnportal's sites can be; ``real`` adds what real sites have.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from controller.site import ChargingPoint, Circuit, Site
from simulations.building import ScriptedBuilding
from simulations.cars import CarModel
from simulations.fast.fleet import taken_wh
from simulations.scenario.model import PriceCurve, Scenario
from simulations.visits import Visit

POINTS: Final = 20
DAY_S: Final = 86_400.0
START_S: Final = 1_767_571_200.0
"""Monday, 2026-01-05T00:00:00Z."""
BOARD_A: Final = 50.0
MAIN_A: Final = 80.0
CAR: Final = CarModel(max_a=32.0, phases=1, taper_from=1.0)
V: Final = 230.0

THREE_PHASE_SHARE: Final = 0.6
THREE_PHASE_A: Final = 16.0
TAPER_SHARE: Final = 0.5
TAPER_FROM: Final = 0.85
"""Of the real case: so many cars have three phases, and so many charge to the full, with less current from here on."""


def site(*, real: bool = False, min_a: float = 6.0) -> Site:
    """Two boards of ten points: single-phase ones that take turns on L1, L2, L3, or three-phase ones, rotated."""
    circuits = (
        Circuit("main", None, (MAIN_A,) * 3, meter="grid"),
        Circuit("A", "main", (BOARD_A,) * 3),
        Circuit("B", "main", (BOARD_A,) * 3),
    )
    points = [
        ChargingPoint(
            f"P{n:02d}",
            "AB"[n // 10],
            f"S{n:02d}",
            1,
            (n % 3, (n + 1) % 3, (n + 2) % 3) if real else (n % 3,),
            max_a=32.0,
            min_a=min_a,
        )
        for n in range(POINTS)
    ]
    return Site("common", circuits, tuple(points))


def visits(seed: int, days: int, *, real: bool = False, grid_s: float = 300.0) -> list[Visit]:
    """110 a week: on workdays twelve in the morning and eight at noon, five on each day of the weekend.

    Drivers have said when they leave and what they need, and are right. Times are multiples of ``grid_s``.
    """
    rng = np.random.default_rng(seed)
    cars = np.random.default_rng([seed, 1])
    found: list[Visit] = []
    free_from_s = np.zeros(POINTS)
    for day in range(days):
        waves = [(8.5, 12), (12.5, 8)] if day % 7 < 5 else [(11.0, 5)]
        hours = np.concatenate([rng.normal(middle, 1.2, count) for middle, count in waves])
        for hour in np.sort(hours):
            arrives_s = day * DAY_S + grid_s * round(3600.0 * float(hour) / grid_s)
            stay_s = grid_s * round(3600.0 * float(np.clip(rng.normal(5.0, 2.0), 1.0, 10.0)) / grid_s)
            free = np.flatnonzero(free_from_s <= arrives_s)
            if not free.size:
                continue
            place = int(rng.choice(free))
            leaves_s = free_from_s[place] = arrives_s + stay_s
            asked_wh = float(rng.gamma(2.5, 4_900.0)) + 1_000.0
            car = _real_car(cars) if real else CAR
            need_wh = round(min(asked_wh, 0.9 * car.max_a * car.phases * V * stay_s / 3600.0))
            one = Visit(f"V{len(found)}", f"P{place:02d}", arrives_s, leaves_s, need_wh, car)
            if not _can_fill(one):  # whoever has so little time does not come to where the current falls
                one = replace(one, car=replace(car, taper_from=1.0))
            found.append(replace(one, stated_leaves_s=leaves_s, stated_energy_wh=float(need_wh)))
    return sorted(found, key=lambda visit: visit.arrives_s)


def _real_car(dice: np.random.Generator) -> CarModel:
    three = dice.random() < THREE_PHASE_SHARE
    taper_from = TAPER_FROM if dice.random() < TAPER_SHARE else 1.0
    return replace(CAR, phases=3 if three else 1, max_a=THREE_PHASE_A if three else CAR.max_a, taper_from=taper_from)


def _can_fill(visit: Visit) -> bool:
    """Whether nine tenths of the stay at full power, as far as the battery accepts it, are enough."""
    if visit.taper_wh <= 0.0:
        return True
    hours = np.array([0.9 * (visit.leaves_s - visit.arrives_s) / 3600.0])
    most_a, power_per_a = np.array([visit.car.max_a]), np.array([visit.car.phases * V])
    taken = taken_wh(most_a, np.array([visit.to_full_wh]), np.array([visit.taper_wh]), most_a, power_per_a, hours)
    return float(taken[0]) >= visit.energy_wh - 1.0


def scenario(
    seed: int, days: int = 7, controller: str = "rules", *, real: bool = False, step_s: float = 300.0
) -> Scenario:
    """The case in steps of ``step_s`` with a flat price, every step recorded."""
    return Scenario(
        name="common case",
        description="",
        site=site(real=real),
        start_s=START_S,
        duration_s=days * DAY_S,
        step_s=step_s,
        record_s=step_s,
        seed=seed,
        visits=tuple(visits(seed, days, real=real, grid_s=step_s)),
        building=ScriptedBuilding([]),
        price=PriceCurve(np.zeros(1), np.array([0.25])),
        controller=controller,
    )
