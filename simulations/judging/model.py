"""What a run is measured by: the bound, the metrics, and how others would have done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulations.results import Results


@dataclass(frozen=True, slots=True)
class Bound:
    """What a controller could do at best that knew everything beforehand, under the same physics."""

    delivered_wh: float
    """Most energy that could have been delivered [Wh]."""
    cost: float
    """Least of energy cost, demand charge and unmet energy together [currency]."""
    energy_cost: float
    demand_cost: float
    unmet_wh: float
    """Energy that the cheapest course leaves out [Wh]."""
    peak_w: float
    """Highest mean power of a demand window on the cheapest course [W]."""
    slot_s: float
    """Length of the slots in which it was computed [s]."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of one run; the names of ``summary.json``. Money in the site's currency."""

    policy: str
    seed: int
    sessions: int
    sessions_met: int
    requested_kwh: float
    delivered_kwh: float
    energy_cost: float
    demand_cost: float
    unmet_cost: float
    peak_kw: float
    """Highest mean power of the grid connection in a demand window [kW]."""
    fuse_violation_as: float
    overload_as: float
    longest_overload_s: float
    thermal_peak: float
    invalid_setpoints: int
    jain_index: float
    """Fairness of the share of energy at departure: 1 is even (Jain, Chiu, Hawe 1984)."""
    least_share: float
    """The smallest share of its energy that any session got."""
    longest_wait_s: float
    bound_delivered_kwh: float | None = None
    bound_cost: float | None = None
    bound_peak_kw: float | None = None
    regret_pct: float | None = None
    """(energy cost + demand cost + unmet cost) / bound - 1 [%]."""
    of_bound_pct: float | None = None
    """Delivered energy over the most that could have been delivered [%]."""
    saving_share_pct: float | None = None
    """Share of the achievable saving against charging uncontrolled [%]."""

    @property
    def cost(self) -> float:
        """Energy, demand and unmet energy together."""
        return self.energy_cost + self.demand_cost + self.unmet_cost


@dataclass(frozen=True, eq=False)
class Judgement:
    """A run beside its bound and its rivals."""

    metrics: Metrics
    bound: Bound | None
    rivals: Mapping[str, Results] = field(default_factory=dict)
    """One run of each baseline with the scenario's own seed."""
    outcomes: Mapping[str, tuple[Metrics, ...]] = field(default_factory=dict)
    """By policy, ``loadstar`` among them: one entry for each seed."""
