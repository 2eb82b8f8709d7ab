"""How much a car takes of what it may: so that others get what it leaves.

A bound that is learned writes nothing to anybody's charger. It only says what the car is reckoned with; its limit
falls when somebody else lacks room.
"""

from __future__ import annotations

import math
from typing import Final

from controller.loadbalance.habits.case import DRAWS_FROM_A, LEAST_OFFER_A, Case, Seen

LEFT_OVER_A: Final = 2.0
LEFT_OVER_S: Final = 60.0
"""A car this far below its limit for so long leaves the rest to others (balanz: 2 A, openWB and Load Juggler: 60 s)."""

RESERVE_A: Final = 1.25
"""It keeps at least this much above its draw, so that more can be seen to be wanted; whole amperes, as many chargers
offer no others."""

RETURNS_WITHIN_A: Final = 0.8
"""A draw this close below the bound wants more: cars stay some tenths of an ampere below what they are offered."""

QUICK_REPORTS: Final = 2
"""So many reports in a row are enough for one that draws next to nothing, or for a bound that follows a taper."""

TELLING_STEP_A: Final = 2.0
TELLING_GAP_A: Final = 1.0
TRAILS_FROM: Final = 0.25
"""When a limit moves this far, and stays this far above the draw on both sides, a draw that moves along by this part of
the step depends on the limit after all. So do cars that always stay below it, and single-phase cars whose charger
reports a third of their power on each of three phases."""

UNPROVEN_S: Final = 900.0
"""A bound that no step of the limit has put to the test is lifted for once after this time, to see what happens."""


def weigh(case: Case, seen: Seen) -> None:
    """Take note of what a car that may draw takes."""
    _compare(case, seen)
    if seen.draw_a >= case.takes_a - RETURNS_WITHIN_A:
        _forget(case)
        return
    ended = seen.draw_a < DRAWS_FROM_A
    bound = max(case.needs_a, LEAST_OFFER_A, 0.0 if ended else math.ceil(seen.draw_a + RESERVE_A))
    left_over = seen.limit_a - seen.draw_a > RESERVE_A  # else it draws less because it may
    if bound <= case.takes_a - 1.0 and (ended or (math.isfinite(case.takes_a) and left_over)):
        case.lows += 1
        if case.lows >= QUICK_REPORTS:
            if math.isfinite(case.takes_a):
                case.trails = 0.0  # it has fallen by itself
            _bind(case, bound, seen.now_s)
        return
    case.lows = 0
    if math.isinf(case.takes_a):
        _wait_for_rest(case, seen, bound)
    elif math.isnan(case.trails) and not ended and seen.now_s - case.since_s >= UNPROVEN_S:
        _forget(case)


def _wait_for_rest(case: Case, seen: Seen, bound: float) -> None:
    """Has it left the rest for long enough?"""
    if seen.limit_a - seen.draw_a <= LEFT_OVER_A or case.trails == 1.0:
        case.since_s = math.nan
    elif math.isnan(case.since_s):
        case.since_s = seen.now_s
    elif seen.now_s - case.since_s >= LEFT_OVER_S:
        _bind(case, bound, seen.now_s)


def _compare(case: Case, seen: Seen) -> None:
    """Does the draw depend on a limit that it stays well below?"""
    step = seen.limit_a - case.anchor_limit_a
    if abs(step) < TELLING_STEP_A:  # a creeping limit is compared with where it began
        if abs(step) < TELLING_STEP_A / 10:
            case.anchor_draw_a = seen.draw_a
        return
    highest = min(seen.limit_a, case.anchor_limit_a) - TELLING_GAP_A
    if DRAWS_FROM_A <= case.anchor_draw_a < highest and seen.draw_a >= DRAWS_FROM_A:
        case.trails = float((seen.draw_a - case.anchor_draw_a) / step >= TRAILS_FROM)
        if case.trails:
            _forget(case)
    case.anchor_limit_a, case.anchor_draw_a = seen.limit_a, seen.draw_a


def _bind(case: Case, bound: float, now_s: float) -> None:
    case.takes_a, case.since_s, case.lows = bound, now_s, 0


def _forget(case: Case) -> None:
    case.takes_a, case.since_s, case.lows = math.inf, math.nan, 0
