"""What is remembered of one car, and what one look at it shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

LEAST_OFFER_A: Final = 6.0
"""A charger can offer a car no less (IEC 61851-1, annex A)."""

DRAWS_FROM_A: Final = 1.0
"""Less than this is standby: control electronics, a fan, the meter's own error."""


@dataclass(slots=True)
class Case:
    """One car, from the beginning of its session to the end.

    Numbers only, so that the cases of a site are the rows of one array. What is not known is NaN or infinite.
    """

    reported_s: float = -math.inf
    """When the report was made that was looked at last (monotonic) [s]."""
    takes_a: float = math.inf
    """The most that it is reckoned to take [A]."""
    since_s: float = math.nan
    """Since when it has taken clearly less than it may; where a bound is known, since when that has been [s]."""
    lows: float = 0.0
    """Reports in a row that would lower the bound."""
    anchor_limit_a: float = math.nan
    anchor_draw_a: float = math.nan
    """What it drew under which limit: what later draws under other limits are compared with [A]."""
    trails: float = math.nan
    """1: its draw moves with a limit that it does not reach; 0: it does not; NaN: nobody knows."""
    bare_l1: float = 0.0
    bare_l2: float = 0.0
    bare_l3: float = 0.0
    """By grid phase, reports in a row that showed nothing there; minus infinity: it has drawn there after all."""
    needs_a: float = 0.0
    """The least limit to try it with [A]."""
    drew_from_a: float = math.inf
    """The least limit at which it has drawn [A]."""
    draws_at_a: float = math.nan
    """The limit at which it draws, as far as is known; NaN: it does not [A]."""
    offered_s: float = math.nan
    """Since when it may draw what it needs [s]."""
    hungry: float = 1.0
    """1: it ought to draw; 0: it has stopped by itself."""
    rests_until_s: float = -math.inf
    """It is not expected to draw before (monotonic) [s]; infinite: as long as it is offered something."""
    nudges: float = 0.0
    nudged_until_s: float = -math.inf
    nudge_again_s: float = -math.inf


@dataclass(frozen=True, slots=True)
class Seen:
    """What a report shows of a car that has had time to settle."""

    now_s: float
    draw_a: float
    """On the phase where it draws most, averaged over reports that are alike [A]."""
    limit_a: float
    """What it may draw: the lower of our word and of what its charger has accepted [A]."""
    most_a: float
    """What its point and its session are limited to [A]."""
    least_a: float
    """The point's minimum [A]."""
    pausable: bool
    """Whether its charger takes a limit of 0 A."""
