"""The common case of ``simulations.quality`` as acnportal's environment takes it."""

from __future__ import annotations

from typing import Any

from controller.units import PHASE_NAMES
from simulations.quality.common_case import CAR, V
from simulations.scenario.model import Scenario


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
