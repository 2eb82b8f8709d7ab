"""How the present, the last while and what is usual mix into a forecast, and how wrong it is: learned for every lead.

The change from the present to an outcome is a weighted sum of three simple guesses: back to the mean of the last while,
as far as the usual changes, all the way to the usual. The weights are those of a ridge regression that forgets, robust
by weighting each case with the square of its error (iteratively reweighted least squares, a step per case). Quantiles
follow their coverage: up by a step when an outcome is above, down when it is below (stochastic gradient of the pinball
loss; adaptive conformal inference, Gibbs and Candes, arXiv 2106.00170).

Shapes: H leads, N series, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVELS: Final = np.array([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
"""Quantiles that are learned; others lie between them."""
RIDGE: Final = 5.0
"""The weights assumed at first count as so many cases."""
LEAST_ERROR_A: Final = 0.05
"""As well as a meter reads; nothing is worth being known better."""
EXACT_SHARE: Final = 0.25
"""Errors below this share of the guessed change count as such: nothing that was exact for long is sure for ever."""
ERROR_SHARE: Final = 0.01
"""Weight of the newest error of the shortest lead in the mean one."""
QUANTILE_STEP: Final = 0.03
"""Of a quantile of the shortest lead, in mean errors."""
_MOST_LEADS: Final = 20
_LAPLACE: Final = np.where(LEVELS < 0.5, 1.0, -1.0) * np.log(2.0 * np.minimum(LEVELS, 1.0 - LEVELS))
"""Quantiles of an error whose mean size is 1, until they are learned."""


class LeadMixture:
    """Learns from origins and outcomes in steps of equal length.

    Args:
        longest: outcomes are from 1 to so many steps after their origin; H of them are
            learned, denser where they are short.
        series: N.
        fades: after so many steps half of what is assumed at first is the usual, and more and more.
        remembers: so many steps long.
    """

    def __init__(self, longest: int, series: int, *, fades: float, remembers: float) -> None:
        self.leads: Ints = np.unique(np.rint(np.geomspace(1, longest, _MOST_LEADS)).astype(np.int64))
        leads = len(self.leads)
        self._pace = self.leads[:, None] ** -0.5
        """Errors of the far future overlap: each says less that is new."""
        self._forget = 1.0 - 1.0 / remembers
        persists = np.exp2(-self.leads / fades)
        self._first = np.stack([np.zeros(leads), persists, 1.0 - persists], axis=-1)[:, None, :]
        self._matrix = np.zeros((leads, series, 3, 3))
        self._right = np.zeros((leads, series, 3))
        self._weights = np.tile(self._first, (1, series, 1))
        self._origins = np.full((longest, 3, series), np.nan)
        self._error = np.full((leads, series), np.nan)
        self._seen = np.zeros((leads, series))
        self._quantiles = np.tile(_LAPLACE[:, None, None], (1, leads, series))

    def learn(self, outcome: Floats, usual: Floats) -> None:
        """Compare what came a step after the newest origin with what was expected of it, for every lead.

        Args:
            outcome: (H, N) what came, by the lead from the origin; NaN where unknown.
            usual: (H, N) what was usual then; NaN where unknown.
        """
        origins = self._origins[self.leads - 1]
        present = origins[:, 0]
        guesses = _guesses(origins, usual)
        error = outcome - present - _mixed(self._weights, guesses)
        known = np.isfinite(error)
        if not known.any():
            return
        error = np.where(known, error, 0.0)
        self._learn_errors(error, known)
        size = np.maximum(np.abs(error), np.where(known, self._error, 1.0))
        size = np.maximum(size, EXACT_SHARE * np.abs(guesses).max(axis=-1))
        counts = np.where(known, size**-2.0, 0.0)
        change = np.where(known, outcome - present, 0.0)
        kept = np.where(known, self._forget, 1.0)
        guesses = np.where(known[..., None], guesses, 0.0)
        squares = guesses[..., :, None] * guesses[..., None, :]
        self._matrix = kept[..., None, None] * self._matrix + counts[..., None, None] * squares
        self._right = kept[..., None] * self._right + (counts * change)[..., None] * guesses
        right = self._right + RIDGE * self._first
        self._weights = np.linalg.solve(self._matrix + RIDGE * np.eye(3), right[..., None])[..., 0]

    def _learn_errors(self, error: Floats, known: NDArray[np.bool_]) -> None:
        """Bring errors (H, N) into their mean size, and into the quantiles."""
        self._seen = self._seen + known
        share = np.where(known, np.maximum(ERROR_SHARE * self._pace, 1.0 / np.maximum(self._seen, 1.0)), 0.0)
        before = np.where(np.isnan(self._error), 0.0, self._error)
        mean = np.maximum(before + share * (np.abs(error) - before), LEAST_ERROR_A)
        self._error = np.where(self._seen > 0.0, mean, np.nan)
        below = error <= self._quantiles * mean
        step = QUANTILE_STEP * self._pace * (LEVELS[:, None, None] - below)
        self._quantiles = self._quantiles + np.where(known, step, 0.0)

    def begin(self, steps: int, origin: Floats) -> None:
        """A new origin.

        Args:
            steps: how many after the newest one, at least 1; nothing is known of those between.
            origin: (3, N) what is now, the mean of the last while, what is usual now (NaN where unknown).
        """
        steps = min(steps, len(self._origins))
        self._origins = np.roll(self._origins, steps, axis=0)
        self._origins[:steps] = np.nan
        self._origins[0] = origin

    @property
    def newest(self) -> Floats:
        """The newest origin; NaN before the first."""
        newest: Floats = self._origins[0]
        return newest

    def ahead(self, leads: Ints, origin: Floats, usual: Floats, quantile: float | None) -> Floats:
        """What to expect (T, N).

        Args:
            leads: (T,) steps; the nearest lead that is learned stands for each.
            origin: (3, N) as for ``begin``.
            usual: (T, N) what is usual then; NaN where unknown.
            quantile: above what part of all outcomes to be; None: in their middle.
        """
        nearest = np.searchsorted(0.5 * (self.leads[1:] + self.leads[:-1]), leads)
        guesses = _guesses(np.broadcast_to(origin, (len(leads), *origin.shape)), usual)
        expected: Floats = origin[0] + _mixed(self._weights[nearest], guesses)
        if quantile is None:
            return expected
        ordered = np.maximum.accumulate(self._quantiles[:, nearest], axis=0)
        upper = int(np.clip(np.searchsorted(LEVELS, quantile), 1, len(LEVELS) - 1))
        part = float(np.clip((quantile - LEVELS[upper - 1]) / (LEVELS[upper] - LEVELS[upper - 1]), 0.0, 1.0))
        between = (1.0 - part) * ordered[upper - 1] + part * ordered[upper]
        cautious: Floats = expected + between * np.nan_to_num(self._error[nearest])
        return cautious

    def state(self) -> Mapping[str, Floats]:
        """All that was learned."""
        return {name: getattr(self, f"_{name}") for name in _STATE}

    def restore(self, state: Mapping[str, Floats]) -> None:
        """Go on from what was learned before.

        Raises:
            ValueError: it was learned of other leads or series, or is not whole.
        """
        for name in _STATE:
            value = np.asarray(state.get(name, ()), dtype=np.float64)
            if value.shape != getattr(self, f"_{name}").shape:
                raise ValueError(f"{name} has the shape {value.shape}")
            setattr(self, f"_{name}", value.copy())


_STATE: Final = ("matrix", "right", "weights", "origins", "error", "seen", "quantiles")


def _guesses(origin: Floats, usual: Floats) -> Floats:
    """(T, N, 3) three guesses of the change from origins (T, 3, N); 0 where one is not possible."""
    present, recent, usual_before = origin[:, 0], origin[:, 1], origin[:, 2]
    usual_before = np.where(np.isnan(usual_before), present, usual_before)
    guesses = np.stack([recent - present, usual - usual_before, usual - present], axis=-1)
    return np.where(np.isnan(guesses), 0.0, guesses)


def _mixed(weights: Floats, guesses: Floats) -> Floats:
    """(T, N) the weighted sum, not beyond what one of the guesses or no change at all says."""
    summed = (weights * guesses).sum(axis=-1)
    mixed: Floats = np.clip(summed, np.minimum(guesses.min(axis=-1), 0.0), np.maximum(guesses.max(axis=-1), 0.0))
    return mixed
