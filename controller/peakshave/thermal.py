"""How near a protection device is to opening: an accumulator of overload, in shares of its opening time.

Sources. gG fuses: mean melting times of NH gG links as digitised in pandapower (``std_types.basic_fuse_std_types``);
non-fusing current 1.25 In from IEC 60269-1. Circuit breakers: IEC 60898-1 table 7 (1.13 In must not trip, 1.45 In
must trip within the conventional time, 2.55 In trips in 1..60 s, or 1..120 s above 32 A; instantaneous from 3, 5
or 10 In for B, C, D). Both err on the early side: half the mean time, and the lower edge of the instantaneous band.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final

_GG_RATIOS: Final = (1.6, 2.0, 2.5, 3.0, 4.0, 5.0)
_GG_MELTING_S: Final[Mapping[float, Sequence[float]]] = {
    25.0: (4000.0, 1000.0, 227.0, 68.0, 10.0, 3.0),
    63.0: (3834.0, 1169.0, 357.0, 135.0, 27.0, 8.0),
    100.0: (4117.0, 1480.0, 400.0, 146.0, 30.0, 11.0),
    160.0: (2068.0, 801.0, 310.0, 143.0, 36.0, 12.0),
}
_GG_NON_FUSING: Final = 1.25
_BREAKER_NON_TRIPPING: Final = 1.13
_BREAKER_INSTANTANEOUS: Final[Mapping[str, float]] = {"B": 3.0, "C": 5.0, "D": 10.0}
_INSTANTANEOUS_S: Final = 0.1
_EARLY: Final = 0.5
"""Share of the mean time after which a device counts as open: single devices scatter around their curve."""
COOLING_S: Final = 600.0
"""Time constant of cooling; long, so that a series of overloads adds up. Devices of this size cool in minutes."""


def opening_time_s(current_a: float, rating_a: float, curve: str = "gG") -> float:
    """How long a cold device carries this current [s] before it may open; infinite where it never does.

    Args:
        current_a: magnitude of the phase current [A].
        rating_a: rated current of the device [A].
        curve: ``gG``, ``B``, ``C`` or ``D``.

    Raises:
        ValueError: no such curve, or a rating that is not positive.

    >>> opening_time_s(63 * 2, 63)
    584.5
    >>> opening_time_s(78, 63)
    inf
    >>> round(opening_time_s(32 * 1.45, 32, "B"), 1), opening_time_s(32 * 3, 32, "B")
    (16.6, 0.1)
    """
    if rating_a <= 0:
        raise ValueError(f"rating_a: expected a positive current, got {rating_a!r}")
    ratio = abs(current_a) / rating_a
    if curve == "gG":
        return _fuse_s(ratio, rating_a)
    if curve not in _BREAKER_INSTANTANEOUS:
        raise ValueError(f"curve: expected gG, B, C or D, got {curve!r}")
    return _breaker_s(ratio, rating_a, _BREAKER_INSTANTANEOUS[curve])


def bearable_a(rating_a: float, curve: str = "gG") -> float:
    """What a device carries for ever [A]: its conventional non-fusing, or non-tripping, current.

    >>> bearable_a(40.0), round(bearable_a(40.0, "C"), 1)
    (50.0, 45.2)
    """
    return rating_a * (_GG_NON_FUSING if curve == "gG" else _BREAKER_NON_TRIPPING)


def advance(state: float, current_a: float, rating_a: float, seconds: float, curve: str = "gG") -> float:
    """The accumulator after ``seconds`` of this current: 0 is cold, 1 is open.

    It grows by the share of the opening time that has passed, stays between the rating and the
    conventional non-tripping current, and decays below the rating.

    >>> advance(0.0, 126, 63, 584.5)
    1.0
    >>> advance(0.2, 70, 63, 3600)
    0.2
    >>> round(advance(1.0, 0, 63, 600), 3)
    0.368
    """
    if abs(current_a) <= rating_a:
        return state * math.exp(-seconds / COOLING_S)
    return state + seconds / opening_time_s(current_a, rating_a, curve)


def _fuse_s(ratio: float, rating_a: float) -> float:
    if ratio <= _GG_NON_FUSING:
        return math.inf
    ratings = sorted(_GG_MELTING_S)
    above = min(bisect_left(ratings, rating_a), len(ratings) - 1)
    below = above if ratings[above] <= rating_a else max(0, above - 1)
    # Between two sizes that are on record, the faster one.
    return _EARLY * min(_interpolated_s(ratio, _GG_MELTING_S[ratings[size]]) for size in (below, above))


def _interpolated_s(ratio: float, times_s: Sequence[float]) -> float:
    """Log-log between the points on record; beyond them the outermost slopes go on."""
    right = min(max(bisect_left(_GG_RATIOS, ratio), 1), len(_GG_RATIOS) - 1)
    left = right - 1
    share = math.log(ratio / _GG_RATIOS[left]) / math.log(_GG_RATIOS[right] / _GG_RATIOS[left])
    return float(times_s[left] * (times_s[right] / times_s[left]) ** share)


def _breaker_s(ratio: float, rating_a: float, instantaneous: float) -> float:
    if ratio >= instantaneous:
        return _INSTANTANEOUS_S
    if ratio <= _BREAKER_NON_TRIPPING:
        return math.inf
    # A bimetal heated by the square of the current, fitted to the middle (geometric) of the band at 2.55 In.
    middle_s = math.sqrt(60.0 if rating_a <= 32.0 else 120.0)
    return _EARLY * middle_s * _heating(ratio) / _heating(2.55)


def _heating(ratio: float) -> float:
    return math.log(ratio**2 / (ratio**2 - _BREAKER_NON_TRIPPING**2))
