"""How a demand window fills.

Windows lie on the local clock (a quarter of an hour, half an hour, an hour), never roll, and hold the signed sum of the
phases. A reading counts until the next one. Energy is reckoned in monotonic time; the clock only tells which window it
falls into. What nobody has measured counts at a power that the caller assumes, and the window is marked. A meter that
forms the running window itself is believed before this count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Final

from controller.peakshave.windows import (
    CLOCK_JUMP,
    HOUR_S,
    METER_CLOCK,
    METER_GAP,
    RESTART,
    Filling,
    Window,
    aligned,
)
from controller.snapshot import MeterOwn
from controller.units import finite

HOLD_S: Final = 3.0
"""A reading counts for this long after the meter fell silent."""
JUMP_S: Final = 2.0
"""Wall clock and monotonic clock that differ by more in one step: somebody has set the clock."""
EDGE_S: Final = 10.0
"""So near to a window's edge the meter's own average may still, or already, be that of the neighbouring window."""
GAP_MOST_S: Final = 86_400.0
"""Windows of a gap are told for its last day only; a clock that goes back by more was wrong before."""
_OWN_STEP_WH: Final = 1.0
"""By less the meter's count does not fall, but is rounded (1 W over an hour)."""


def fill(
    filling: Filling | None,
    at: datetime,
    monotonic_s: float,
    power_w: float | None,
    length_s: int,
    assumed_w: float,
    *,
    zone: tzinfo = UTC,
    own: MeterOwn | None = None,
    hold_s: float = HOLD_S,
) -> tuple[Filling, tuple[Window, ...]]:
    """Advance the running window to ``at``; also return the windows that have ended since, each once.

    Args:
        filling: what the last call returned, or what was stored; None at first.
        at: the wall clock, aware.
        monotonic_s: the monotonic clock of the same moment.
        power_w: a fresh reading, the signed sum of the phases; None where there is none [W].
        length_s: of a window; divides the hour.
        assumed_w: what counts where nothing was measured; cautious, so high [W].
        zone: whose clock the windows lie on.
        own: what the meter itself says at this moment; never an old value.
        hold_s: how long a reading counts when no other follows.

    Raises:
        ValueError: a number is not finite, ``at`` is naive, or ``length_s`` does not divide the hour.
    """
    if length_s <= 0 or HOUR_S % length_s:
        raise ValueError(f"length_s: expected a length that divides the hour, got {length_s!r}")
    if at.tzinfo is None:
        raise ValueError("at: expected an aware time")
    finite(monotonic_s, "monotonic_s")
    finite(assumed_w, "assumed_w")
    scale, at_s = _Scale(length_s, zone), at.timestamp()
    told: list[Window] = []
    if filling is None:
        filling = _begun(scale, at_s, assumed_w, RESTART)
    else:
        filling = _advanced(filling, at_s, monotonic_s, assumed_w, hold_s, scale, told)
    # A reading of before a restart is not held.
    read_s = filling.read_s if filling.running else monotonic_s - hold_s
    filling = replace(
        filling,
        at_s=at_s,
        monotonic_s=monotonic_s,
        power_w=filling.power_w if power_w is None else finite(power_w, "power_w"),
        read_s=read_s if power_w is None else monotonic_s,
        running=True,
    )
    return (filling if own is None else _believed(filling, own)), tuple(told)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where windows begin."""

    length_s: int
    zone: tzinfo

    def opened(self, least_s: float, at_s: float) -> tuple[float, int]:
        """Beginning (not before ``least_s``) and length of the window at this moment.

        Where a local clock is set by half an hour, a window of an hour is shorter.
        """
        aligned_s = aligned(at_s, self.length_s, self.zone)
        begins_s = max(least_s, aligned_s)
        return begins_s, round(aligned_s + self.length_s - begins_s)


def _begun(scale: _Scale, at_s: float, assumed_w: float, mark: str, told_s: float = 0.0) -> Filling:
    """The window of this moment; what of it has passed is assumed."""
    begins_s, length_s = scale.opened(-math.inf, at_s)
    passed_wh = assumed_w * (at_s - begins_s) / HOUR_S
    return Filling(
        begins_s=begins_s,
        length_s=length_s,
        counted_wh=passed_wh,
        guessed_wh=passed_wh,
        covered_s=0.0,
        marks=mark if at_s > begins_s else "",
        at_s=at_s,
        monotonic_s=0.0,
        power_w=0.0,
        read_s=0.0,
        own_wh=-1.0,
        shift_wh=0.0,
        excused_wh=0.0,
        told_s=told_s,
        running=False,
    )


def _advanced(
    filling: Filling,
    at_s: float,
    monotonic_s: float,
    assumed_w: float,
    hold_s: float,
    scale: _Scale,
    told: list[Window],
) -> Filling:
    passed_s = at_s - filling.at_s
    elapsed_s = monotonic_s - filling.monotonic_s
    restarted = not filling.running or elapsed_s < 0.0
    if restarted or abs(passed_s - elapsed_s) > JUMP_S:
        mark = RESTART if restarted else CLOCK_JUMP
        filling = _jumped(filling, at_s, assumed_w, mark, scale, told)
        return replace(filling, running=filling.running and not restarted)
    held_s = min(max(filling.read_s + hold_s - filling.monotonic_s, 0.0), elapsed_s)
    if held_s > 0.0:
        until_s = filling.at_s + passed_s * held_s / elapsed_s
        filling = _stretched(filling, until_s, held_s, filling.power_w, "", scale, told)
    if held_s < elapsed_s:
        filling = _stretched(filling, at_s, elapsed_s - held_s, assumed_w, METER_GAP, scale, told)
    return filling


def _jumped(filling: Filling, at_s: float, assumed_w: float, mark: str, scale: _Scale, told: list[Window]) -> Filling:
    """Go on at ``at_s``, where the monotonic clock cannot say how much time has passed."""
    passed_s = at_s - filling.at_s
    if passed_s >= 0.0:
        return _stretched(filling, at_s, passed_s, assumed_w, mark, scale, told)
    if at_s >= filling.begins_s:
        # The same seconds come twice; what they brought stays counted.
        return _marked(filling, mark)
    # Back into a window that may have been told: it fills anew for control, and is not told twice.
    return _begun(scale, at_s, assumed_w, CLOCK_JUMP, filling.told_s if passed_s > -GAP_MOST_S else 0.0)


def _stretched(
    filling: Filling, to_s: float, seconds: float, power_w: float, mark: str, scale: _Scale, told: list[Window]
) -> Filling:
    """Fill up to ``to_s`` with a constant power; with a ``mark``, it was not measured. Ended windows go to ``told``."""
    pace = seconds / (to_s - filling.at_s) if to_s > filling.at_s else 1.0
    while to_s >= filling.ends_s:
        ended = _poured(filling, (filling.ends_s - filling.at_s) * pace, power_w, mark, filling.ends_s)
        if ended.begins_s >= ended.told_s:
            told.append(ended.so_far)
        begins_s, length_s = scale.opened(ended.ends_s, max(ended.ends_s, to_s - GAP_MOST_S))
        filling = replace(
            ended,
            begins_s=begins_s,
            length_s=length_s,
            counted_wh=0.0,
            guessed_wh=0.0,
            covered_s=0.0,
            marks="",
            at_s=begins_s,
            own_wh=-1.0,
            shift_wh=0.0,
            excused_wh=0.0,
            told_s=max(ended.told_s, begins_s),
        )
        seconds = (to_s - begins_s) * pace
    return _poured(filling, seconds, power_w, mark, to_s)


def _poured(filling: Filling, seconds: float, power_w: float, mark: str, to_s: float) -> Filling:
    seconds = max(seconds, 0.0)
    energy_wh = power_w * seconds / HOUR_S
    if mark and seconds:
        filling = _marked(filling, mark)
    return replace(
        filling,
        counted_wh=filling.counted_wh + energy_wh,
        guessed_wh=filling.guessed_wh + (energy_wh if mark else 0.0),
        covered_s=min(filling.covered_s + (0.0 if mark else seconds), float(filling.length_s)),
        at_s=to_s,
    )


def _marked(filling: Filling, mark: str) -> Filling:
    marks = filling.marks.split()
    return filling if mark in marks else replace(filling, marks=" ".join([*marks, mark]))


def _believed(filling: Filling, own: MeterOwn) -> Filling:
    """Take the meter's own count before ours, away from the edges, where it may be of another window."""
    own_wh = max(finite(own.average_w, "own.average_w"), 0.0) * filling.length_s / HOUR_S
    passed_s = filling.at_s - filling.begins_s
    if not EDGE_S <= passed_s <= filling.length_s - EDGE_S or METER_CLOCK in filling.marks.split():
        return filling
    if own_wh < filling.own_wh - _OWN_STEP_WH:
        # It has begun anew in the middle of ours: its clock is another, and ours is the only count of this window.
        return replace(_marked(filling, METER_CLOCK), shift_wh=0.0, excused_wh=0.0)
    return replace(filling, own_wh=own_wh, shift_wh=own_wh - filling.counted_wh, excused_wh=filling.guessed_wh)
