"""The parts of the statistical model of people: what it knows of a kind of day, and of the drivers who come again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.special import ndtr

from adapters.strict import StrictModel
from simulations.data.days import DAY_S

Floats = NDArray[np.float64]

Quantity = Literal["arrival_s", "stay_s", "energy_wh", "stated_stay_s", "requested_wh", "max_power_w"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

ALWAYS: Final[tuple[Quantity, ...]] = ("arrival_s", "stay_s", "energy_wh")
"""What every session has; the other quantities may not have been recorded."""

WEEKDAYS: Final[tuple[Weekday, ...]] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)

PROBABILITIES: Final = (
    0.0,
    *(0.001, 0.002, 0.005),
    *(percent / 100.0 for percent in range(1, 100)),
    *(0.995, 0.998, 0.999),
    1.0,
)
"""Of the quantiles: percents, and finer at the ends, where a few sessions are far from the others."""

LEAST_EIGENVALUE: Final = 1e-4
"""Of fitted correlations, so that rounding leaves them positive definite."""

POOL: Final = 256
"""So many sessions are drawn at least, of which a day takes the first: among a few, nobody could exchange energies."""

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class Distribution(StrictModel):
    """The distribution of one quantity."""

    quantity: Quantity
    """arrival_s: seconds after midnight on the wall; the others are what they are called."""
    share: Share = 1.0
    """Share of the sessions of which it is known."""
    quantiles: Annotated[list[float], Field(min_length=len(PROBABILITIES), max_length=len(PROBABILITIES))]
    """From the least to the greatest recorded value, at the probabilities 0, 0.001, 0.002, 0.005, every percent,
    0.995, 0.998, 0.999 and 1."""

    @model_validator(mode="after")
    def _rising(self) -> Distribution:
        if any(second < first for first, second in pairwise(self.quantiles)):
            raise ValueError("expected quantiles that do not fall")
        if self.quantiles[0] < 0.0 or (self.quantity == "arrival_s" and self.quantiles[-1] > DAY_S):
            raise ValueError("expected no quantile below 0, nor an arrival after 86400 s")
        return self


class DayKind(StrictModel):
    """Some days of the week that are alike."""

    weekdays: Annotated[list[Weekday], Field(min_length=1)]
    """Which."""
    sessions_per_day: Annotated[list[Count], Field(min_length=1)]
    """How many sessions each recorded day had; a drawn day has as many as one of them."""
    distributions: list[Distribution]
    """Of the quantities of a session."""
    correlations: list[list[Annotated[float, Field(ge=-1, le=1)]]]
    """Of the normal variables behind the quantities, in their order: a symmetric matrix with ones on its diagonal."""

    @model_validator(mode="after")
    def _consistent(self) -> DayKind:
        names = [distribution.quantity for distribution in self.distributions]
        if len(set(names)) < len(names) or not set(ALWAYS) <= set(names):
            raise ValueError(f"expected one distribution of each quantity, and those of {', '.join(ALWAYS)}")
        size = len(names)
        if [len(row) for row in self.correlations] != [size] * size:
            raise ValueError(f"expected {size} rows of {size} correlations")
        matrix = np.array(self.correlations)
        if not (np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1.0)):
            raise ValueError("expected symmetric correlations with ones on the diagonal")
        if np.linalg.eigvalsh(matrix)[0] < LEAST_EIGENVALUE / 10.0:
            raise ValueError("expected correlations that can occur together (a positive definite matrix)")
        return self

    @cached_property
    def _root(self) -> Floats:
        """A matrix whose product with its own transpose is that of the correlations."""
        root: Floats = np.linalg.cholesky(np.array(self.correlations, dtype=np.float64))
        return root

    def draw(self, rng: np.random.Generator, highest_mean_power_w: float) -> Mapping[Quantity, Floats]:
        """One day: as many values of each quantity as it has sessions, NaN where nothing is known.

        Args:
            rng: The dice.
            highest_mean_power_w: Most that a session can take on average over its stay [W].
        """
        count = int(rng.choice(self.sessions_per_day))
        pool = max(count, POOL)
        normals = rng.standard_normal((pool, len(self.distributions))) @ self._root.T
        says = rng.random(pool)  # who states one thing states the other
        drawn: dict[Quantity, Floats] = {}
        for distribution, ranks in zip(self.distributions, ndtr(normals).T, strict=True):
            values = np.interp(ranks, PROBABILITIES, distribution.quantiles)
            drawn[distribution.quantity] = np.where(says < distribution.share, values, np.nan)
        power_w = np.fmin(drawn.get("max_power_w", np.full(pool, np.nan)), highest_mean_power_w)
        drawn["energy_wh"] = possible_energy(drawn["energy_wh"], power_w * drawn["stay_s"] / 3600.0)
        return {quantity: values[:count] for quantity, values in drawn.items()}


def possible_energy(energy_wh: Floats, most_wh: Floats) -> Floats:
    """Exchange energies between sessions until each fits into its stay.

    Ranks alone do not know that nobody charges much in a short stay. Who was given too much changes with somebody who
    can take it and has as much as the other can; so the distribution of energies stays what it is. Who finds nobody is
    left with what is possible.

    Args:
        energy_wh: (N,) as drawn [Wh].
        most_wh: (N,) what each session can take [Wh].
    """
    given = energy_wh.copy()
    excessive = np.flatnonzero(given > most_wh)
    for one in excessive[np.argsort(-given[excessive], kind="stable")].tolist():
        others = np.flatnonzero((most_wh >= given[one]) & (given <= most_wh[one]))
        if others.size:
            other = others[np.argmax(given[others])]
            given[one], given[other] = given[other], given[one]
    fitting: Floats = np.minimum(given, most_wh)
    return fitting


class Drivers(StrictModel):
    """Who comes again, and how often."""

    share: Share
    """Share of the sessions whose driver is known."""
    visits: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    """How many sessions each known driver had; how likely it is that a session is theirs follows from it."""
