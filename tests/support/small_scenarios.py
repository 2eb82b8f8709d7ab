"""Scenarios of a few cars and hours, put together by hand, and runs that somebody made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from controller.site import ChargingPoint, Circuit, Site
from controller.units import Phases
from simulations.building import ScriptedBuilding
from simulations.cars import CarModel
from simulations.results import Results, Series, SessionResult
from simulations.scenario.model import PriceCurve, Scenario
from simulations.visits import Visit
from simulations.world import Truth

START_S = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""
QUARTER_S = 900.0
ONE_PHASE_CAR = CarModel(max_a=16.0, phases=1, taper_from=1.0)


def single_phase_site(points: int = 2, fuse_a: float = 20.0, **main: Any) -> Site:
    """Points P0, P1, ... on L1 of one circuit."""
    circuits = (Circuit("main", None, (fuse_a,) * 3, meter="grid", **main),)
    made = tuple(ChargingPoint(f"P{n}", "main", f"S{n}", 1, (0,)) for n in range(points))
    return Site("small", circuits, made)


def visit(point: str, arrives_s: float, leaves_s: float, energy_wh: float, car: CarModel = ONE_PHASE_CAR) -> Visit:
    """A car that says what is true."""
    return Visit(f"{point}@{arrives_s:g}", point, arrives_s, leaves_s, energy_wh, car)


def scenario(
    visits: Sequence[Visit],
    *,
    site: Site | None = None,
    quarters: int = 4,
    prices: Sequence[float] = (0.25,),
    load: Sequence[tuple[float, Phases]] = (),
    **changes: Any,
) -> Scenario:
    """Some quarters of an hour from midnight; a price for each, the last one for all that follow; a building's load."""
    known: dict[str, Any] = {
        "name": "small",
        "description": "",
        "site": site or single_phase_site(),
        "start_s": START_S,
        "duration_s": QUARTER_S * quarters,
        "step_s": 300.0,
        "record_s": 300.0,
        "seed": 1,
        "visits": tuple(visits),
        "building": ScriptedBuilding([(START_S + at_s, current_a) for at_s, current_a in load]),
        "price": PriceCurve(QUARTER_S * np.arange(len(prices)), np.array(prices)),
    }
    return Scenario(**{**known, **changes})


def results(
    of: Scenario, power_w: Sequence[Sequence[float]], delivered_wh: Sequence[float], policy: str = "loadstar"
) -> Results:
    """A run with this power at each point in each row, and nothing else in its series."""
    power = np.array(power_w, dtype=np.float32)
    rows, points, circuits = len(power), len(of.site.points), len(of.site.circuits)
    times_s = of.record_s * np.arange(rows)
    series = Series(
        time_s=times_s,
        step_s=of.record_s,
        limit_a=np.zeros((rows, points), dtype=np.float32),
        current_a=np.zeros((rows, points), dtype=np.float32),
        power_w=power,
        because=np.zeros((rows, points), dtype=np.int16),
        state=np.zeros((rows, points), dtype=np.uint8),
        circuit_a=np.zeros((rows, circuits, 3), dtype=np.float32),
        circuit_peak_a=np.zeros((rows, circuits, 3), dtype=np.float32),
        building_a=np.array([of.building.current_a(of.start_s + t) for t in times_s.tolist()], dtype=np.float32),
        price=of.price.at(times_s),
        thermal=np.zeros((rows, circuits), dtype=np.float32),
        reasons=("",),
    )
    sessions = tuple(
        SessionResult(visit, got_wh, visit.arrives_s if got_wh else None, 60.0)
        for visit, got_wh in zip(of.visits, delivered_wh, strict=True)
    )
    return Results(of, policy, series, sessions, Truth(30.0, 63.0, 1.5, 2.0, 0.5, 0.25), invalid_setpoints=0)
