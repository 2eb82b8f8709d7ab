"""Cars that are given current and take none: they need more to begin with, or they are asleep, or they want nothing."""

from __future__ import annotations

import math
from typing import Final

from controller.loadbalance.habits.case import DRAWS_FROM_A, Case, Seen
from controller.plan import Event, Severity
from controller.units import TOLERANCE_A

START_PATIENCE_S: Final = 60.0
"""A car that is awake begins within seconds; after this time it is tried with more, or nudged."""

TRIALS_A: Final = (7.0, 8.0)
"""Some cars do not begin at 6 A: Zoe and Kangoo want 7 to 8 A (evcc issues 187, 13543, 15710)."""

RESUME_PATIENCE_S: Final = 120.0
"""A car that has been paused is given this long to come back by itself."""

NUDGE_S: Final = 25.0
"""So long the offer is withdrawn: time for the slowest charger (5 s) and for the car to notice."""

NUDGES: Final = 3
NUDGE_EVERY_S: Final = 600.0
"""Who does not wake up after so many has a reason of its own, such as a timer, and is left in peace."""

ASK_AGAIN_S: Final = 1800.0
"""Where there is no room even for the minimum of those who want nothing, each is asked again after this time."""

FALLEN_A: Final = 0.5
"""A limit that has fallen by more than this may be why a car has stopped."""


def attend(case: Case, seen: Seen, point: str) -> Event | None:
    """Take note of whether a car draws, and do something for one that ought to and does not."""
    if seen.draw_a >= DRAWS_FROM_A:
        return None if math.isnan(case.offered_s) else _drawing(case, seen, point)
    if not math.isnan(case.draws_at_a):
        starved = seen.limit_a < min(case.draws_at_a - FALLEN_A, TRIALS_A[-1] - TOLERANCE_A)
        case.hungry = float(bool(case.hungry) or starved)
        case.draws_at_a = math.nan
        if not case.hungry:
            case.rests_until_s = math.inf
    offered_for_s = seen.now_s - case.offered_s
    if case.hungry:
        patience_s = START_PATIENCE_S if case.drew_from_a > seen.limit_a else RESUME_PATIENCE_S
        return _helped(case, seen, point) if offered_for_s >= patience_s else None
    if offered_for_s >= START_PATIENCE_S:
        case.rests_until_s = math.inf
    return None


def offer(case: Case, offered: bool, now_s: float) -> None:
    """Its limit has risen to what it needs, or fallen below it."""
    case.offered_s = now_s if offered else math.nan
    if not offered and not math.isnan(case.draws_at_a):
        case.hungry = 1.0  # it has not stopped by itself
    elif not offered and math.isinf(case.rests_until_s) and not case.hungry:
        case.rests_until_s = now_s + ASK_AGAIN_S


def _drawing(case: Case, seen: Seen, point: str) -> Event | None:
    tried = case.needs_a > seen.least_a + TOLERANCE_A and case.drew_from_a > case.needs_a
    needs_it = tried and case.nudges == 0 and seen.limit_a < case.needs_a + 1.0
    case.drew_from_a = min(case.drew_from_a, case.needs_a if needs_it else seen.limit_a)
    case.draws_at_a = seen.limit_a
    case.hungry, case.nudges, case.rests_until_s = 0.0, 0.0, -math.inf
    if tried and not needs_it:  # it slept
        case.needs_a = seen.least_a
    return Event("car_needs_more", f"point:{point}", f"its car draws from {case.needs_a:g} A on") if needs_it else None


def _helped(case: Case, seen: Seen, point: str) -> Event | None:
    """Try more; then withdraw the offer for a moment, some minutes apart; then leave it alone."""
    trials = [a for a in TRIALS_A if max(case.needs_a, seen.least_a) + TOLERANCE_A < a <= seen.most_a]
    more = [a for a in trials if a > seen.limit_a + TOLERANCE_A]
    if more and case.nudges == 0 and case.drew_from_a > seen.limit_a:
        _require(case, more[0])
        return None
    left = case.nudges < NUDGES and seen.pausable
    if left and seen.now_s >= case.nudge_again_s:
        return _nudged(case, seen, trials, point)
    if case.drew_from_a > case.needs_a:  # no more than its minimum is kept for one that takes nothing
        case.needs_a = seen.least_a
    case.rests_until_s = case.nudge_again_s if left else math.inf
    if left:
        return None
    case.hungry = 0.0
    text = "its car takes nothing, whatever it is offered: it sleeps, or waits for a timer of its own"
    return Event("car_asleep", f"point:{point}", text, Severity.WARNING)


def _nudged(case: Case, seen: Seen, trials: list[float], point: str) -> Event:
    """Withdraw the offer; the next one is as high as any car needs, unless it has drawn at less."""
    if trials and case.drew_from_a > max(case.needs_a, seen.limit_a):
        _require(case, trials[-1])
    case.nudges += 1
    case.nudged_until_s, case.nudge_again_s = seen.now_s + NUDGE_S, seen.now_s + NUDGE_EVERY_S
    text = (
        f"its car takes nothing; its offer is withdrawn for {NUDGE_S:.0f} s to wake it ({case.nudges:.0f} of {NUDGES})"
    )
    return Event("car_nudged", f"point:{point}", text)


def _require(case: Case, needs_a: float) -> None:
    """Offer it that or nothing; its patience begins anew when it has that."""
    case.needs_a, case.offered_s = needs_a, math.nan
