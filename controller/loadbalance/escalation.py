"""One charger that draws more than it was told: what is done about it, step by step, and when it is over.

A report well above the limit is a suspicion. One that lasts is an alarm, and from then on remedies follow one
another, from the mildest: each has its time to show, and the next comes only when a later report still says the same.
Cars that come down slowly are given as long as they come down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from controller.plan import Remedy

SUSPECT_S: Final = 15.0
"""So long, and in two reports at least, it must draw above its limit: less may be a report that came late."""

DENIED_S: Final = 30.0
"""So long a charger that cannot be paused may draw what nobody has for it: others may still be making room."""

COMES_DOWN_A: Final = 1.0
COMES_DOWN_PART: Final = 0.25
"""A draw that has fallen by this much, and by this part of what is too much, is on its way down."""

QUIET_S: Final = 30.0
"""Without a transaction, a charger that went on drawing would have said so by then."""

ATONE_S: Final = 300.0
"""It is given current again after having kept to 0 A for this long."""

RETURN_S: Final = 900.0
"""A connector that was taken out of service is put back after having drawn nothing for this long."""

RESEND, COMPARE, SHUT, STOP, DISABLE = range(1, 1 + len(Remedy))
"""Stages; 0 is that of a charger that obeys."""

_DONE: Final = (
    "",
    "its limit is sent again",
    "its charger is asked what it holds",
    "it is limited to 0 A",
    "its transaction is ended",
    "its connector is taken out of service",
)


@dataclass(frozen=True, slots=True)
class Case:
    """What is remembered of one charger."""

    stage: int = 0
    since_s: float = math.nan
    """Since when it has been at that stage; at stage 0, since when it has drawn too much, NaN if it does not."""
    drawn_a: float = 0.0
    """What it drew then, or when it was last seen to come down [A]."""
    kept_s: float = math.nan
    """Since when it has kept to its limit, at a stage above 0; NaN if it does not."""
    relapsing: bool = False
    """It has been limited to 0 A, or worse, for this car before."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to remember."""
        return self.stage == 0 and math.isnan(self.since_s) and not self.relapsing


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of it now."""

    offline: bool
    absent: bool
    """Nobody is plugged in."""
    steered: bool
    """It has a transaction."""
    draws: bool
    """It draws well above its limit, or anything at all where it has no transaction."""
    keeps: bool
    """It is known to keep to its limit, or has nothing to draw for."""
    denied: bool
    """It draws what it was not given, and its charger cannot be paused."""
    drawn_a: float
    limit_a: float
    """The highest that its charger may be acting on [A]."""
    reported_s: float
    """When it last reported (monotonic) [s]."""


def judged(case: Case, seen: Evidence, now_s: float, settle_s: float) -> tuple[Case, str]:
    """Take a case one decision further.

    Args:
        case: what is remembered.
        seen: what is known now.
        now_s: monotonic seconds.
        settle_s: how long a command takes to show.

    Returns:
        The case, and why it has come to its stage, "" where it has not just come to it.
    """
    if seen.offline:  # nobody can tell it anything: its time begins when it is back
        waits = replace(case, since_s=now_s, kept_s=math.nan)
        return (waits if case.stage else Case(relapsing=case.relapsing)), ""
    if seen.absent and case.stage < DISABLE:
        return Case(), "its car has gone" if case.stage else ""
    if case.stage == 0:
        return _suspected(case, seen, now_s)
    return _treated(case, seen, now_s, settle_s) if seen.draws else _atoning(case, seen, now_s)


def _suspected(case: Case, seen: Evidence, now_s: float) -> tuple[Case, str]:
    """Nothing has been done yet: is it time for something?"""
    if not (seen.draws and seen.steered):
        return (Case(relapsing=case.relapsing) if seen.keeps or not seen.steered else case), ""
    if math.isnan(case.since_s) or _comes_down(case, seen):
        return replace(case, since_s=now_s, drawn_a=seen.drawn_a), ""
    if now_s - case.since_s < (DENIED_S if seen.denied else SUSPECT_S) or seen.reported_s <= case.since_s:
        return case, ""
    if seen.denied:
        return _at(STOP, case, seen, now_s)
    return _at(SHUT if case.relapsing else RESEND, case, seen, now_s)


def _treated(case: Case, seen: Evidence, now_s: float, settle_s: float) -> tuple[Case, str]:
    """It goes on drawing too much: has the last remedy had its time?"""
    if _comes_down(case, seen):
        return replace(case, since_s=now_s, drawn_a=seen.drawn_a, kept_s=math.nan), ""
    if case.stage == DISABLE or seen.reported_s < case.since_s + settle_s:
        return replace(case, kept_s=math.nan), ""
    if not seen.steered:
        return _at(DISABLE, case, seen, now_s)
    return _at(max(case.stage + 1, STOP) if seen.denied else case.stage + 1, case, seen, now_s)


def _atoning(case: Case, seen: Evidence, now_s: float) -> tuple[Case, str]:
    """It does not draw too much now: has it not for long enough?"""
    if not seen.keeps:
        return case, ""
    kept_s = now_s if math.isnan(case.kept_s) else case.kept_s
    if case.stage == DISABLE:
        wanted_s = RETURN_S
        why = f"it has drawn nothing for {RETURN_S / 60:.0f} min: its connector is put back into service"
    elif not seen.steered:
        wanted_s, why = QUIET_S, "its transaction is over, and it draws nothing"
    elif case.stage >= SHUT:
        wanted_s, why = ATONE_S, f"it has kept to 0 A for {ATONE_S / 60:.0f} min: it is given current again"
    else:
        wanted_s, why = 0.0, "it keeps to its limit again"
    if now_s - kept_s < wanted_s:
        return replace(case, kept_s=kept_s), ""
    return Case(relapsing=case.relapsing), why


def _comes_down(case: Case, seen: Evidence) -> bool:
    """Whether its draw falls markedly, though not yet to its limit: it follows, slowly."""
    return case.drawn_a - seen.drawn_a >= max(COMES_DOWN_A, COMES_DOWN_PART * (case.drawn_a - seen.limit_a))


def _at(stage: int, case: Case, seen: Evidence, now_s: float) -> tuple[Case, str]:
    """The case at a new stage, and why."""
    why = f"it draws {seen.drawn_a:.1f} A"
    if not seen.steered:
        why += " without a transaction"
    elif seen.denied:
        why += ", its charger refuses 0 A, and there is no room for its minimum"
    else:
        why += f" and was told {seen.limit_a:.1f} A"
    return Case(stage, now_s, seen.drawn_a, math.nan, case.relapsing or stage >= SHUT), f"{why}: {_DONE[stage]}"
