"""Quarter-hours of a building of which only hours are known: a seeded model of the variation within the hour.

Between hours the load goes straight, no farther than its neighbours and with the hour's mean kept (a limited slope: van
Leer, J. Comput. Phys. 23, 1977). Around this each quarter deviates by a factor whose logarithm is an autoregression of
order 1; its innovations are normal, and one in ten larger than the others, as machines switch now and then. Every four
quarters are then scaled so that their mean is the hour's.

Shapes: N hours, 4 N quarters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]

QUARTERS: Final = 4
_MIDDLES: Final = np.array([-0.375, -0.125, 0.125, 0.375])
_LAGS: Final = np.abs(np.subtract.outer(np.arange(QUARTERS), np.arange(QUARTERS)))
_CENTRED: Final = np.eye(QUARTERS) - 1.0 / QUARTERS
_RHO: Final = np.linspace(-0.95, 0.99, 195)
_JUMP_SHARE: Final = 0.1
_JUMPS: Final = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0])
_FIT_HOURS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Variation:
    """How quarters deviate within their hour."""

    sigma: float
    """Standard deviation of the logarithm of the factor, before the hour's mean is restored."""
    rho: float
    """Its correlation from one quarter to the next."""
    jump: float
    """How many times larger one innovation in ten is."""


LBNL59: Final = Variation(sigma=0.0807, rho=0.406, jump=7.97)
"""Fitted with ``fitted`` to 10 300 quarter-hours of an office building (LBNL Building 59, Berkeley; 2020-05-31 08:00 to
2020-09-15): Luo et al., "A three-year dataset supporting research on building energy management and occupancy
analytics", Dryad; as in github.com/sugam21/Optimization-of-Energy-Consumption-Using-AI-ML-, commit 35df2ec.
The deviations then are as large as the real ones in the middle, at 90 % and at 99 %; the highest quarter-hours are up
to a fifth too high, because real machines are bounded and factors are not."""


def quarters_of(hourly: Floats, dice: np.random.Generator, variation: Variation = LBNL59) -> Floats:
    """(4 N,) quarters whose means over each hour are ``hourly`` (N,); NaN where the hour is."""
    factors = np.exp(_deviations(len(hourly), dice, variation)).reshape(-1, QUARTERS)
    varied = straight(hourly) * factors
    means = varied.mean(axis=1)
    scale = np.divide(hourly, means, out=np.ones_like(hourly), where=means != 0.0)
    quarters: Floats = (varied * scale[:, None]).reshape(-1)
    return quarters


def straight(hourly: Floats) -> Floats:
    """(N, 4) quarters on straight lines that keep the mean of each hour and stay between its neighbours."""
    steps = np.diff(hourly, prepend=hourly[:1], append=hourly[-1:])
    before, after = steps[:-1], steps[1:]
    least = 2.0 * np.minimum(np.abs(before), np.abs(after))
    middle = 0.5 * (before + after)
    slope = np.where(before * after > 0.0, np.sign(middle) * np.minimum(np.abs(middle), least), 0.0)
    line: Floats = hourly[:, None] + slope[:, None] * _MIDDLES
    return line


def fitted(quarters: Floats) -> Variation:
    """The model of real quarter-hours, by the moments of their deviations from the straight lines of their hours.

    Within an hour only deviations from its mean are seen. Their covariance from quarter to quarter over their variance
    tells ``rho``, the variance then ``sigma``; their mean size over their standard deviation tells ``jump``, by
    comparison with generated ones.

    Args:
        quarters: (4 N,) positive powers, beginning with an hour, without gaps.

    Raises:
        ValueError: there are no whole hours, or a power is not positive.
    """
    if quarters.size == 0 or quarters.size % QUARTERS or not (quarters > 0.0).all():
        raise ValueError("expected positive powers of whole hours")
    by_hour = quarters.reshape(-1, QUARTERS)
    seen = _centred(np.log(by_hour / straight(by_hour.mean(axis=1))))
    variance, covariance = float((seen**2).mean()), float((seen[:, 1:] * seen[:, :-1]).mean())
    variances, covariances = np.array([_moments(rho) for rho in _RHO.tolist()]).T
    rho = float(np.interp(covariance / variance, covariances / variances, _RHO))
    sigma = float(np.sqrt(variance / _moments(rho)[0]))
    sizes = [_relative_size(Variation(sigma, rho, jump)) for jump in _JUMPS.tolist()]
    size = float(np.abs(seen).mean()) / variance**0.5
    return Variation(sigma, rho, float(np.interp(-size, -np.array(sizes), _JUMPS)))


def _relative_size(variation: Variation) -> float:
    generated = _centred(_deviations(_FIT_HOURS, np.random.default_rng(0), variation).reshape(-1, QUARTERS))
    return float(np.abs(generated).mean() / np.sqrt((generated**2).mean()))


def _moments(rho: float) -> tuple[float, float]:
    """Variance and covariance from quarter to quarter within the hour, with its mean taken away, for a sigma of 1."""
    within = _CENTRED @ rho**_LAGS @ _CENTRED
    return float(np.trace(within)) / QUARTERS, float(np.trace(within, offset=1)) / (QUARTERS - 1)


def _centred(by_hour: Floats) -> Floats:
    centred: Floats = by_hour - by_hour.mean(axis=1, keepdims=True)
    return centred


def _deviations(hours: int, dice: np.random.Generator, variation: Variation) -> Floats:
    """(4 N,) logarithms of factors."""
    rho, jump = variation.rho, variation.jump
    count = QUARTERS * hours
    larger = np.where(dice.random(count) < _JUMP_SHARE, jump, 1.0)
    unit = dice.normal(size=count) * larger / np.sqrt(1.0 - _JUMP_SHARE + _JUMP_SHARE * jump**2)
    deviations: Floats = lfilter([variation.sigma * np.sqrt(1.0 - rho**2)], [1.0, -rho], unit)
    return deviations
