"""Small scenarios for the fine depth, made by hand, and the words to ask what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from controller.site import ChargingPoint, Circuit, Site, Station
from controller.units import Phases
from simulations.building import Building, ScriptedBuilding
from simulations.cars import CarModel
from simulations.results import Results
from simulations.scenario.model import PriceCurve, Scenario
from simulations.visits import Visit

START_S = 1_795_000_000.0
STAYS_S = 1e6
RECORD_S = 10.0
WIRINGS = [(0, 1, 2), (1, 2, 0), (2, 0, 1)]


def garage(
    points: int,
    *,
    fuse_a: float = 63.0,
    base_a: float = 30.0,
    fallback_a: float = 0.0,
    writes_per_day: int | None = None,
) -> Site:
    """A metered main fuse with a garage behind it; the first point's station may have a write budget."""
    main = Circuit("main", None, (fuse_a,) * 3, margin_a=1.0, meter="grid", base_load_a=(base_a,) * 3)
    circuits = (main, Circuit("garage", "main", (fuse_a,) * 3))
    rows = tuple(
        ChargingPoint(f"P{n}", "garage", f"S{n}", 1, WIRINGS[n % 3], fallback_a=fallback_a) for n in range(points)
    )
    return Site("garage", circuits, rows, (Station("S0", writes_per_day),))


def hungry(point: str, arrives_s: float = 2.0, leaves_s: float = STAYS_S, **car: Any) -> Visit:
    """A car that is far from full for as long as any story lasts."""
    model = CarModel(**{"capacity_wh": 500_000.0, "max_a": 32.0, **car})
    return Visit(f"car at {point}, {arrives_s:g} s", point, arrives_s, leaves_s, 400_000.0, model)


def load(*steps: tuple[float, float]) -> Building:
    """A building that draws so much on every phase from these times on [s, A]."""
    return ScriptedBuilding([(START_S + at_s, (a, a, a)) for at_s, a in steps])


def story(site: Site, visits: Sequence[Visit], building: Building, duration_s: float, **more: Any) -> Scenario:
    return Scenario(
        **{
            "name": "story",
            "description": "",
            "site": site,
            "start_s": START_S,
            "duration_s": duration_s,
            "step_s": 1.0,
            "record_s": RECORD_S,
            "seed": 1,
            "visits": tuple(sorted(visits, key=lambda visit: visit.arrives_s)),
            "building": building,
            "price": PriceCurve(np.array([0.0]), np.array([0.3])),
            **more,
        }
    )


class Outcome:
    """Results, with points and circuits by name and moments in seconds."""

    def __init__(self, results: Results) -> None:
        self.results = results
        site = results.scenario.site
        self._point = {point.id: place for place, point in enumerate(site.points)}
        self._circuit = {circuit.id: place for place, circuit in enumerate(site.circuits)}

    def limit_a(self, point: str, at_s: float) -> float:
        return float(self.results.series.limit_a[self._row(at_s), self._point[point]])

    def current_a(self, point: str, at_s: float) -> float:
        return float(self.results.series.current_a[self._row(at_s), self._point[point]])

    def circuit_a(self, circuit: str, at_s: float) -> Phases:
        one, two, three = self.results.series.circuit_a[self._row(at_s), self._circuit[circuit]].tolist()
        return one, two, three

    def highest_a(self, circuit: str, from_s: float, until_s: float) -> float:
        rows = slice(self._row(from_s), self._row(until_s))
        return float(self.results.series.circuit_peak_a[rows, self._circuit[circuit]].max())

    def because(self, point: str, at_s: float) -> str:
        series = self.results.series
        return series.reasons[series.because[self._row(at_s), self._point[point]]]

    def delivered_wh(self) -> float:
        return sum(session.delivered_wh for session in self.results.sessions)

    def told(self, *kinds: str) -> list[tuple[str, str]]:
        """Events of these kinds with their subjects, in order."""
        return [(event.kind, event.subject) for event in self.results.events if event.kind in kinds]

    def times_s(self, kind: str) -> list[float]:
        return [event.at.timestamp() - START_S for event in self.results.events if event.kind == kind and event.at]

    def _row(self, at_s: float) -> int:
        return int(at_s / self.results.series.step_s)
