"""The truth: what really flows in every conductor of a site, and the book kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from controller.peakshave import thermal
from controller.site import ChargingPoint, Circuit, Site
from controller.units import NO_CURRENT, TOLERANCE_A, Phases
from simulations.building import Building
from simulations.chargers import ChargingStation
from simulations.connectors import Connector

RELIEF_S: Final = 13.0
"""From an overload to its relief at the latest: 3 s for the controller, 5 s each for charger and car (IEC 61851-1)."""


@dataclass(slots=True)
class FuseBook:
    """What one phase of one protection device had to bear."""

    rating_a: float
    curve: str
    peak_a: float = 0.0
    overload_as: float = 0.0
    """All current above the rating [A s]."""
    longest_overload_s: float = 0.0
    violation_as: float = 0.0
    """What of it lies beyond the first ``RELIEF_S`` of an unbroken overload [A s]."""
    thermal: float = 0.0
    thermal_peak: float = 0.0
    _unbroken_s: float = 0.0

    def step(self, current_a: float, dt: float) -> None:
        """Bear this current for ``dt`` seconds."""
        self.peak_a = max(self.peak_a, current_a)
        if self.thermal > 0.0 or abs(current_a) > self.rating_a:
            self.thermal = thermal.advance(self.thermal, current_a, self.rating_a, dt, self.curve)
            self.thermal_peak = max(self.thermal_peak, self.thermal)
        excess_a = current_a - self.rating_a
        if excess_a <= TOLERANCE_A:
            self._unbroken_s = 0.0
            return
        late_s = min(dt, max(0.0, self._unbroken_s + dt - RELIEF_S))
        self._unbroken_s += dt
        self.longest_overload_s = max(self.longest_overload_s, self._unbroken_s)
        self.overload_as += excess_a * dt
        self.violation_as += excess_a * late_s


@dataclass(frozen=True, slots=True)
class Truth:
    """The worst over all fuses of a site so far; fields as in ``summary.json``."""

    peak_phase_a: float
    """Highest phase current at the grid connection [A]."""
    fuse_a: float
    """The lowest rating at the grid connection [A]."""
    overload_as: float
    longest_overload_s: float
    fuse_violation_as: float
    thermal_peak: float


class World:
    """A site with its building, its stations and their cars.

    Args:
        site: circuits, points and wiring.
        building: what else draws current, at the grid connection.
        stations: every station that the site's points name, by the same identities and connectors.

    Raises:
        ValueError: a point without its connector.
    """

    def __init__(self, site: Site, building: Building, stations: Sequence[ChargingStation]) -> None:
        self.site = site
        self.building = building
        self.stations = {station.identity: station for station in stations}
        self._at: dict[str, Connector] = {point.id: self._find(point) for point in site.points}
        self._root = next(circuit for circuit in site.circuits if circuit.parent is None)
        self._books = {circuit.id: _books(circuit) for circuit in site.circuits}
        self._fed = [(self._at[point.id], site.path[point.circuit]) for point in site.points]
        self.building_a: Phases = NO_CURRENT
        self.circuit_a: dict[str, Phases] = {circuit.id: NO_CURRENT for circuit in site.circuits}
        self.imported_wh = 0.0

    def connector(self, point_id: str) -> Connector:
        """The connector behind a point of the site."""
        return self._at[point_id]

    @property
    def grid_a(self) -> Phases:
        """Current at the grid connection [A]."""
        return self.circuit_a[self._root.id]

    @property
    def headroom_a(self) -> float:
        """What the fullest phase of the grid connection has left below its rating [A]; negative: overloaded."""
        return min(fuse_a - a for fuse_a, a in zip(self._root.fuse_a, self.grid_a, strict=True))

    def open(self, now_s: float) -> None:
        """Let flow what flows before anybody has moved: what the building draws at ``now_s`` [Unix s]."""
        self.building_a = self.building.current_a(now_s)
        self._sum_currents()

    def step(self, now_s: float, dt: float) -> None:
        """Live through ``dt`` seconds that end at ``now_s`` [Unix s]."""
        for station in self.stations.values():
            station.step(now_s, dt)
        self.building_a = self.building.current_a(now_s)
        self._sum_currents()
        for circuit_id, books in self._books.items():
            for book, current_a in zip(books, self.circuit_a[circuit_id], strict=True):
                book.step(current_a, dt)
        self.imported_wh += sum(self.grid_a) * self.site.nominal_voltage_v * dt / 3600.0

    def truth(self) -> Truth:
        """The book so far."""
        root = self._books[self._root.id]
        every = [book for books in self._books.values() for book in books]
        return Truth(
            peak_phase_a=max(book.peak_a for book in root),
            fuse_a=min(book.rating_a for book in root),
            overload_as=sum(book.overload_as for book in every),
            longest_overload_s=max(book.longest_overload_s for book in every),
            fuse_violation_as=sum(book.violation_as for book in every),
            thermal_peak=max(book.thermal_peak for book in every),
        )

    def violations_as(self) -> dict[str, float]:
        """Current beyond relief so far, per circuit, where there was any [A s]."""
        sums = {circuit: sum(book.violation_as for book in books) for circuit, books in self._books.items()}
        return {circuit: violation_as for circuit, violation_as in sums.items() if violation_as > 0.0}

    def thermal(self, circuit_id: str) -> float:
        """The highest thermal state of a circuit's three phases (1: it opens)."""
        return max(book.thermal for book in self._books[circuit_id])

    def _find(self, point: ChargingPoint) -> Connector:
        station = self.stations.get(point.station)
        if station is None or point.connector not in station.connectors:
            raise ValueError(f"point {point.id}: no connector {point.connector} of station {point.station!r}")
        return station.connectors[point.connector]

    def _sum_currents(self) -> None:
        sums = {circuit_id: [0.0, 0.0, 0.0] for circuit_id in self.circuit_a}
        sums[self._root.id] = list(self.building_a)
        for connector, circuits in self._fed:
            car = connector.car
            if car is None or car.current_a <= 0.0:
                continue
            for circuit_id in circuits:
                row = sums[circuit_id]
                for phase in connector.wiring[: car.model.phases]:
                    row[phase] += car.current_a
        self.circuit_a = {circuit_id: (row[0], row[1], row[2]) for circuit_id, row in sums.items()}


def _books(circuit: Circuit) -> tuple[FuseBook, FuseBook, FuseBook]:
    one, two, three = (FuseBook(rating_a, circuit.fuse_curve) for rating_a in circuit.fuse_a)
    return one, two, three
