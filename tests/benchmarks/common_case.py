"""The case on which simulators are compared: 20 single-phase points, a week of two waves of cars a day, nine bounds."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from controller.site import ChargingPoint, Circuit, Site
from controller.units import PHASE_NAMES
from simulations.building import ScriptedBuilding
from simulations.cars import CarModel
from simulations.scenario.model import PriceCurve, Scenario
from simulations.visits import Visit

POINTS: Final = 20
STEP_S: Final = 300.0
DAY_S: Final = 86_400.0
START_S: Final = 1_767_571_200.0
"""Monday, 2026-01-05T00:00:00Z."""
BOARD_A: Final = 50.0
MAIN_A: Final = 80.0
CAR: Final = CarModel(max_a=32.0, phases=1, taper_from=1.0)
V: Final = 230.0


def site() -> Site:
    """Two boards of ten points, which take turns on L1, L2 and L3."""
    circuits = (
        Circuit("main", None, (MAIN_A,) * 3, meter="grid"),
        Circuit("A", "main", (BOARD_A,) * 3),
        Circuit("B", "main", (BOARD_A,) * 3),
    )
    points = [
        ChargingPoint(f"P{n:02d}", "AB"[n // 10], f"S{n:02d}", 1, (n % 3,), max_a=32.0, min_a=6.0)
        for n in range(POINTS)
    ]
    return Site("common", circuits, tuple(points))


def visits(seed: int, days: int) -> list[Visit]:
    """110 a week: on workdays twelve in the morning and eight at noon, five on each day of the weekend."""
    rng = np.random.default_rng(seed)
    found: list[Visit] = []
    free_from_s = np.zeros(POINTS)
    for day in range(days):
        waves = [(8.5, 12), (12.5, 8)] if day % 7 < 5 else [(11.0, 5)]
        hours = np.concatenate([rng.normal(middle, 1.2, count) for middle, count in waves])
        for hour in np.sort(hours):
            arrives_s = day * DAY_S + STEP_S * round(3600.0 * float(hour) / STEP_S)
            stay_s = STEP_S * round(3600.0 * float(np.clip(rng.normal(5.0, 2.0), 1.0, 10.0)) / STEP_S)
            free = np.flatnonzero(free_from_s <= arrives_s)
            if not free.size:
                continue
            place = int(rng.choice(free))
            free_from_s[place] = arrives_s + stay_s
            need_wh = min(float(rng.gamma(2.5, 4_900.0)) + 1_000.0, 0.9 * CAR.max_a * V * stay_s / 3600.0)
            found.append(Visit(f"V{len(found)}", f"P{place:02d}", arrives_s, arrives_s + stay_s, round(need_wh), CAR))
    return sorted(found, key=lambda visit: visit.arrives_s)


def scenario(seed: int, days: int = 7, controller: str = "rules") -> Scenario:
    """The case in steps of five minutes, every step recorded."""
    return Scenario(
        name="common case",
        description="",
        site=site(),
        start_s=START_S,
        duration_s=days * DAY_S,
        step_s=STEP_S,
        record_s=STEP_S,
        seed=seed,
        visits=tuple(visits(seed, days)),
        building=ScriptedBuilding([]),
        price=PriceCurve(np.zeros(1), np.array([0.25])),
        controller=controller,
    )


def for_acnportal(of: Scenario) -> dict[str, Any]:
    """The same trace, site and limits for ``acn/common_case.py``; times in periods."""
    stations = {point.id: PHASE_NAMES[point.phases[0]] for point in of.site.points}
    bounds = {
        f"{circuit.id} {phase}": {
            "stations": [point.id for point in of.site.points_below[circuit.id] if stations[point.id] == phase],
            "most_a": circuit.fuse_a[0],
        }
        for circuit in of.site.circuits
        for phase in PHASE_NAMES
    }
    return {
        "period_min": of.step_s / 60.0,
        "voltage_v": V,
        "start_s": of.start_s,
        "stations": stations,
        "bounds": bounds,
        "sessions": [
            {
                "id": visit.id,
                "station": visit.point,
                "arrival": round(visit.arrives_s / of.step_s),
                "departure": round(visit.leaves_s / of.step_s),
                "energy_kwh": visit.energy_wh / 1000.0,
                "most_kw": CAR.max_a * V / 1000.0,
            }
            for visit in of.visits
        ],
    }
