"""What the limits from outside will allow in the hours ahead, as far as it is known now.

Shape: T moments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from controller.peakshave.grid_operator import Limit, LimitBook, Reach, Source

Floats = NDArray[np.float64]
LimitsAhead = Mapping[Reach, Floats]
"""(T,) what is allowed [W]; infinite where no limit holds."""


def limits_ahead(book: LimitBook, moments: Sequence[datetime], now_s: float) -> LimitsAhead:
    """The strictest limit of each reach at each of these moments.

    A limit without an end is taken to last, and a source that is silent to stay so.

    Args:
        book: all limits.
        moments: in order, such as the middles of a plan's slots.
        now_s: monotonic [s].
    """
    seconds = np.array([(moment - moments[0]).total_seconds() for moment in moments])
    lost = book.lost(now_s)
    ahead: dict[Reach, Floats] = {}

    def bound(circuit: str, source: Source, allowed_w: Floats) -> None:
        key = (circuit, source.charging_only, source.per_point)
        ahead[key] = np.minimum(ahead[key], allowed_w) if key in ahead else allowed_w

    for name in lost:
        source = book.rules.sources[name]
        bound(source.fail_safe_circuit, source, np.full(len(moments), max(source.fail_safe_w, source.floor_w)))
    for limit in book.limits.values():
        if not book.silenced(limit, lost):
            allowed_w = _allowed_w(book, limit, seconds, moments[0])
            if np.isfinite(allowed_w).any():
                bound(limit.circuit, book.rules.sources[limit.source], allowed_w)
    return ahead


def _allowed_w(book: LimitBook, limit: Limit, seconds: Floats, origin: datetime) -> Floats:
    """(T,) what one limit allows, so many seconds after the origin [W]."""
    begins_s = -math.inf if limit.valid_from is None else (limit.valid_from - origin).total_seconds()
    ends_s = math.inf if limit.valid_until is None else (limit.valid_until - origin).total_seconds()
    least_w = max(limit.limit_w, book.rules.sources[limit.source].floor_w)
    allowed_w = np.where((seconds >= begins_s) & (seconds < ends_s), least_w, np.inf)
    full_w = book.rules.full_w[limit.circuit]
    released = (seconds >= ends_s) & (seconds < ends_s + book.rules.release_s)
    for number in np.flatnonzero(released).tolist():
        back = book.given_back(float(seconds[number]) - ends_s)
        allowed_w[number] = least_w + back * max(0.0, full_w - least_w)
    return allowed_w
