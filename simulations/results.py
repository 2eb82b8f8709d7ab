"""What a run leaves behind: series, sessions, events, and the truth about every fuse."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from controller.peakshave.peak_facts import ClosedWindow
from controller.plan import Event
from simulations.scenario.model import Scenario
from simulations.visits import Visit
from simulations.world import Truth


@dataclass(frozen=True, eq=False)
class Series:
    """T rows, P points and C circuits in the site's order, D phases of the grid (always 3)."""

    time_s: NDArray[np.float64]
    """(T,) beginning of each row's stretch of time, from the beginning of the simulation [s]."""
    step_s: float
    """Length of each stretch [s]."""
    limit_a: NDArray[np.float32]
    """(T, P) limit at the end of the stretch [A]; NaN where the controller said nothing."""
    current_a: NDArray[np.float32]
    """(T, P) mean current per phase in use [A]."""
    power_w: NDArray[np.float32]
    """(T, P) mean power [W]."""
    because: NDArray[np.int16]
    """(T, P) place in ``reasons``."""
    state: NDArray[np.uint8]
    """(T, P) place in ``controller.loadbalance.facts.STATES``."""
    circuit_a: NDArray[np.float32]
    """(T, C, 3) mean current on each phase of each circuit [A]."""
    circuit_peak_a: NDArray[np.float32]
    """(T, C, 3) highest current within the stretch [A]."""
    building_a: NDArray[np.float32]
    """(T, 3) mean current of what is not charging, at the grid connection [A]."""
    price: NDArray[np.float64]
    """(T,) [currency/kWh]"""
    thermal: NDArray[np.float32]
    """(T, C) highest thermal state of the circuit's three phases at the end of the stretch (1: it opens)."""
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionResult:
    """What became of a visit."""

    visit: Visit
    delivered_wh: float
    first_charge_s: float | None
    """When current first flowed, from the beginning of the simulation [s]; None: never."""
    longest_wait_s: float
    """Longest unbroken time in which the car wanted current and was not admitted [s]."""

    @property
    def met(self) -> bool:
        """Whether the driver got what was needed: 99 % of it, or all but 100 Wh."""
        return self.delivered_wh >= min(0.99 * self.visit.energy_wh, self.visit.energy_wh - 100.0)


@dataclass(frozen=True, eq=False)
class Results:
    """One run."""

    scenario: Scenario
    policy: str
    """``loadstar``, ``without_peak_shaving``, or the name of a baseline."""
    series: Series
    sessions: tuple[SessionResult, ...]
    truth: Truth
    invalid_setpoints: int
    """Limits that are neither 0 nor from the point's minimum to its maximum, or that the guard had to cut."""
    events: tuple[Event, ...] = ()
    windows: tuple[ClosedWindow, ...] = ()
    """The demand windows that have ended, with what was wanted of them; none where nobody looks at them."""
    violations: dict[str, float] = field(default_factory=dict)
    """Ampere-seconds beyond relief by circuit id, where there were any."""
