"""A car at a charging point: when it comes and goes, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass

from simulations.cars import CUT_OFF_SHARE, EFFICIENCY, CarModel


@dataclass(frozen=True, slots=True)
class Visit:
    """One car at one point; times count from the beginning of the simulation [s].

    What the driver states may differ from what is true: a controller sees the former, results are judged by the latter.
    """

    id: str
    point: str
    arrives_s: float
    leaves_s: float
    energy_wh: float
    """What the car takes, at the charger's meter, until it stops by itself [Wh]."""
    car: CarModel
    token: str = ""
    stated_leaves_s: float | None = None
    """When the driver says to leave; None: nothing was said."""
    stated_energy_wh: float | None = None
    """What the driver says to need [Wh]; None: nothing was said."""
    price_limit: float | None = None
    """Above this price per kWh the driver rather waits, as long as the need can still be met; None: never."""

    @property
    def taper_wh(self) -> float:
        """The energy below full, at the meter, from which on the car takes less than its maximum [Wh]."""
        return (1.0 - self.car.taper_from) * self.car.capacity_wh / EFFICIENCY

    @property
    def to_full_wh(self) -> float:
        """Energy at the meter that would fill the battery wholly; the car stops a little before that [Wh]."""
        return self.energy_wh + CUT_OFF_SHARE * self.taper_wh

    @property
    def arrival_soc(self) -> float:
        """State of charge (0..1) with which the car needs just this energy."""
        return 1.0 - self.to_full_wh * EFFICIENCY / self.car.capacity_wh
