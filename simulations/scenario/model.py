"""A scenario, drawn and ready to run: every dice has been rolled, every file has been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from controller.site import Site
from controller.units import Phases
from simulations.building import Building
from simulations.visits import Visit

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PriceCurve:
    """A price per kWh over time: each value holds from its time to the next one's."""

    times_s: Floats
    """(N,) rising, from the beginning of the simulation [s]; the first is at or before 0."""
    per_kwh: Floats
    """(N,) [currency/kWh]"""

    def at(self, time_s: Floats) -> Floats:
        """The price at each of these times [currency/kWh]."""
        return self.per_kwh[np.clip(np.searchsorted(self.times_s, time_s, side="right") - 1, 0, None)]


@dataclass(frozen=True, slots=True)
class DemandCharge:
    """What the highest mean power of a window costs, per calendar month of the site's time zone."""

    per_kw: float
    """[currency/kW and month]"""
    window_s: float = 900.0


@dataclass(frozen=True, slots=True)
class TimedLimit:
    """A bound on a circuit's power that somebody sets for a while."""

    circuit: str
    limit_w: float
    source: str
    begins_s: float
    ends_s: float
    charging_only: bool = False


@dataclass(frozen=True, slots=True)
class TimedFault:
    """Something that goes wrong at a time. What each kind means: ``simulations.faults``."""

    kind: str
    begins_s: float
    ends_s: float
    point: str | None = None
    current_a: Phases = (0.0, 0.0, 0.0)
    """Of a ``building_step`` [A]."""


@dataclass(frozen=True, slots=True)
class MeterModel:
    """How the grid meters behave."""

    noise_a: float = 0.1
    """Standard deviation of a reading [A]."""
    latency_s: float = 0.3
    """From the truth to the reading [s]."""
    poll_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Judging:
    """What a run is compared with."""

    bound: bool = True
    """Whether the perfect-information bound is computed."""
    policies: tuple[str, ...] = ()
    """Names in ``simulations.judging.baselines.BASELINES``, and ``without_peak_shaving``."""
    seeds: int = 1
    """Each is run with this many seeds, from the scenario's own upwards, for confidence intervals."""
    unmet_per_kwh: float = 1.0
    """What a kWh costs that a driver needed and did not get [currency]."""


@dataclass(frozen=True, slots=True)
class Planning:
    """How the coming hours are planned."""

    slot_s: float = 900.0
    horizon_s: float = 86_400.0
    exact: bool = False
    """Whether 0 or at least the minimum is decided by the program itself in the first slot, or by rounding."""
    peak: str = "by_days_left"
    """``by_days_left``: a part of the demand charge counts that grows as the days of the month go by. ``full``: all of
    it. ``hint``: all of it, above a peak that will be reached anyway. ``ignored``: nothing, and no window is held."""
    peak_hint_kw: float = 0.0
    """That peak [kW]."""
    early_s: float = 1800.0
    """Needs are to be met so long before the departure: batteries take less as they fill [s]."""


@dataclass(frozen=True, slots=True)
class DataNote:
    """What was found wrong with data, how often, and what was done about it."""

    source: str
    problem: str
    count: int
    rule: str


@dataclass(frozen=True, eq=False)
class Scenario:
    """Everything that a run needs. The same file and seed give the same scenario."""

    name: str
    description: str
    site: Site
    start_s: float
    """The beginning [Unix s]; every other time counts from there."""
    duration_s: float
    step_s: float
    """Up to 5 s: cars and chargers answer as slowly as they do. From 30 s: everybody has settled within a step."""
    record_s: float
    """Distance of the rows in the results' series, a multiple of ``step_s`` [s]."""
    seed: int
    visits: tuple[Visit, ...]
    """By arrival; no two at one point overlap."""
    building: Building
    """What else draws at the grid connection, PV included (negative)."""
    price: PriceCurve
    controller: str = "decide"
    """``decide``: the site's loop with its memory. ``rules``: the division of each instant, with dwell times."""
    plan: Planning | None = None
    """None: nobody plans ahead."""
    demand: DemandCharge | None = None
    turned_away: int = 0
    """Cars that came and found no free point."""
    limits: tuple[TimedLimit, ...] = ()
    faults: tuple[TimedFault, ...] = ()
    meter: MeterModel = MeterModel()
    temperaments: Mapping[str, str] = field(default_factory=dict)
    """By point id, for those that are not obedient: names in ``simulations.temperaments.TEMPERAMENTS``."""
    judging: Judging = Judging()
    notes: tuple[DataNote, ...] = ()
    path: Path | None = None

    @property
    def steps(self) -> int:
        """How many steps the run takes."""
        return round(self.duration_s / self.step_s)
