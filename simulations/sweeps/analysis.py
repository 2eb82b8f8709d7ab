"""Which settings are best, by how much, and what matters: figures over settings and seeds."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulations.judging.metrics import interval
from simulations.sweeps.cases import Cases, Run
from simulations.sweeps.parts import METRIC_FIELDS
from simulations.sweeps.units import Row

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

OBJECTIVE: Final = "cost"
"""Energy, demand and unmet energy together: what the best setting has least of."""
VIOLATIONS: Final = ("fuse_violation_as", "invalid_setpoints")
"""What has to be zero in every run of a setting that may be called good."""
NUMBERS: Final = tuple(item.name for item in METRIC_FIELDS if item.name not in {"policy", "seed", "wall_s"})


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds and the half width of its 95 % confidence interval (Student's t); NaN for fewer than two."""

    mean: float
    half_width: float


def estimate(values: Sequence[float] | Floats) -> Estimate:
    """What independent observations say of their mean; those that are NaN are left out.

    >>> estimate([1.0, 2.0, float("nan")]).mean
    1.5
    """
    seen = [float(value) for value in values if np.isfinite(value)]
    if not seen:
        return Estimate(float("nan"), float("nan"))
    mean, half_width = interval(seen)
    return Estimate(mean, float("nan") if half_width is None else half_width)


@dataclass(frozen=True, slots=True)
class Swing:
    """What one parameter alone does to the objective, the others staying as in the best setting."""

    parameter: int
    least: float
    """Lowest mean of the objective."""
    most: float
    least_text: str
    """The value that has it."""
    most_text: str


@dataclass(frozen=True, eq=False)
class Analysis:
    """The results of a sweep by metric: (settings, seeds), NaN where there is none.

    ``sessions_met_pct`` is there besides: the share of sessions that got what they needed.
    """

    cases: Cases
    values: Mapping[str, Floats]

    def estimate(self, setting: int, metric: str) -> Estimate:
        """Over the seeds for which there is a result."""
        return self._estimates[metric][setting]

    @cached_property
    def _estimates(self) -> dict[str, list[Estimate]]:
        return {metric: [estimate(row) for row in rows] for metric, rows in self.values.items()}

    def runs(self, setting: int) -> int:
        """How many runs there are of a setting."""
        return int(np.isfinite(self.values[OBJECTIVE][setting]).sum())

    @cached_property
    def means(self) -> Floats:
        """(settings,) mean of the objective; NaN without any run."""
        return np.array([self.estimate(number, OBJECTIVE).mean for number in range(len(self.cases.settings))])

    @cached_property
    def sound(self) -> Bools:
        """(settings,) whether every run is there, and free of violations."""
        every = np.isfinite(self.values[OBJECTIVE]).all(axis=1)
        return np.asarray(every & ~np.any([self.values[name] > 0.0 for name in VIOLATIONS], axis=(0, 2)))

    @cached_property
    def order(self) -> list[int]:
        """Settings, best first; behind the sound ones those with violations or missing runs, likewise."""
        keys = zip(~self.sound, np.nan_to_num(self.means, nan=np.inf), itertools.count(), strict=False)
        return [number for _, _, number in sorted(keys)]

    @property
    def best(self) -> int | None:
        """The sound setting with the lowest mean of the objective; None: there is no sound one."""
        return self.order[0] if self.sound.any() else None

    def behind_best(self, setting: int) -> Estimate:
        """By how much the objective exceeds that of the best, seed by seed: the same people came to both.

        The difference of two settings under the same seeds is known far better than either of them.
        """
        best = self.order[0]
        return estimate(self.values[OBJECTIVE][setting] - self.values[OBJECTIVE][best])

    def as_good(self, setting: int) -> bool:
        """Whether a sound setting cannot be told from the best: its interval of ``behind_best`` reaches 0."""
        behind = self.behind_best(setting)
        return bool(self.sound[setting]) and (setting == self.best or behind.mean <= behind.half_width)

    def of_value(self, parameter: int, value: int, metric: str) -> Estimate:
        """A metric for one value of a parameter, averaged over the others first, then over seeds."""
        return estimate(_mean_over_settings(self.values[metric][self._with(parameter, value)]))

    def of_values(self, first: tuple[int, int], second: tuple[int, int], metric: str) -> float:
        """The mean of a metric for one value each of two parameters."""
        chosen = self.values[metric][self._with(*first) & self._with(*second)]
        seen = chosen[np.isfinite(chosen)]
        return float(seen.mean()) if seen.size else float("nan")

    def swings(self) -> list[Swing]:
        """The parameters with several values, by what they do to the objective around the best setting; most first."""
        found = []
        around = [self.cases.place(self.order[0], number) for number in range(len(self.cases.parameters))]
        for number, parameter in enumerate(self.cases.parameters):
            alike = np.logical_and.reduce(
                [self._with(other, place) for other, place in enumerate(around) if other != number]
                or [np.ones(len(self.means), dtype=bool)]
            )
            there = [setting for setting in np.flatnonzero(alike) if np.isfinite(self.means[setting])]
            if len(parameter.texts) > 1 and there:
                low, high = min(there, key=self.means.__getitem__), max(there, key=self.means.__getitem__)
                texts = [parameter.texts[self.cases.place(int(setting), number)] for setting in (low, high)]
                found.append(Swing(number, float(self.means[low]), float(self.means[high]), *texts))
        return sorted(found, key=lambda swing: swing.least - swing.most)

    def _with(self, parameter: int, value: int) -> Bools:
        return np.array([self.cases.place(setting, parameter) == value for setting in range(len(self.cases.settings))])


def analysed(cases: Cases, runs: Sequence[Run], rows: Mapping[str, Row]) -> Analysis:
    """Put rows in their places.

    Args:
        cases: the sweep.
        runs: all of its runs, setting by setting.
        rows: by key of the run; some may be missing.
    """
    shape = (len(cases.settings), len(cases.seeds))
    values = {}
    for name in NUMBERS:
        column = [rows[run.key][name] if run.key in rows else None for run in runs]
        values[name] = np.array([np.nan if each is None else each for each in column], dtype=np.float64).reshape(shape)
    values["sessions_met_pct"] = 100.0 * values["sessions_met"] / np.maximum(values["sessions"], 1.0)
    return Analysis(cases, values)


def _mean_over_settings(values: Floats) -> Floats:
    """(seeds,) means over those settings that have the seed; seeds that none has are left out."""
    there = np.isfinite(values)
    counts = there.sum(axis=0)
    sums = np.where(there, values, 0.0).sum(axis=0)
    return np.asarray(sums[counts > 0] / counts[counts > 0])
