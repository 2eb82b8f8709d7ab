"""What pacing remembers of each limit, and what follows from it alone: who is held where, and who cannot be moved.

Shapes: B sites in a batch, one in the service; P points, C circuits.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from controller.loadbalance.facts import Facts
from controller.loadbalance.layout import Bools, Floats, Layout, anything
from controller.record import record
from controller.units import RESOLUTION_A

CONFIRM_S: Final = 5.0
"""A charger on a local network confirms within a second; one that takes longer is counted with its old limit."""

_FOR_CHANGES: Final = 0.5
"""The part of a write budget that is spent on changes of the limit; the rest renews schedules and protects."""

PROMPT_S: Final = 1.5
"""A charger that takes so long to accept a limit leaves no time to wait and see (docs/explanation/control-loop.md)."""

_LATEST_S: Final = 3.0
_FORGETS: Final = 0.9
"""What is known of a late answer: no more than that, and with each prompt one a tenth less."""

DAY_S: Final = 86_400.0


@record
class Pulse:
    """What pacing remembers between two decisions; times are monotonic seconds, -inf for never."""

    limit_a: Floats
    """(B, P): what was last decided, NaN for a point that was not competing."""
    changed_s: Floats
    """(B, P)"""
    reduced_s: Floats
    """(B, C): the last reduction on the circuit or below it."""
    answers_s: Floats
    """(B, P): how long its charger has taken to accept a reduction, at the worst of late; NaN: it had none [s]."""
    writes: Floats
    """(B, stations): profile writes that may be spent on changes now."""
    at_s: float


def fresh_pulse(layout: Layout, now_s: float) -> Pulse:
    """Memory of a loop that has just started."""
    return Pulse(
        limit_a=np.full((1, layout.size), np.nan),
        changed_s=np.full((1, layout.size), -np.inf),
        reduced_s=np.full((1, len(layout.site.circuits)), -np.inf),
        answers_s=np.full((1, layout.size), np.nan),
        writes=_write_capacity(layout)[None],
        at_s=now_s,
    )


def held_limits(facts: Facts, pulse: Pulse) -> Floats:
    """What each competing or idle point is limited to now: our last word, or else what its charger holds (B, P) [A].

    A charger that cannot be paused holds its minimum, whatever the word was.
    """
    holds = facts.commanded_a
    said = np.where(np.isnan(pulse.limit_a), holds, pulse.limit_a)
    if anything(~facts.pausable):
        said = np.where(facts.pausable, said, np.maximum(said, np.minimum(holds, facts.min_a)))
    held: Floats = np.where(facts.steered, said, 0.0)
    return held


def told_limits(facts: Facts, pulse: Pulse) -> Floats:
    """What each charger was told last, as it is understood by one that cannot be paused (B, P) [A]; NaN: nothing."""
    told = pulse.limit_a
    if anything(~facts.pausable):
        told = np.where(facts.pausable, told, np.maximum(told, facts.min_a))
    return told


def unconfirmed(facts: Facts, pulse: Pulse, now_s: float) -> Bools:
    """Whose charger has not confirmed a reduction, and so keeps what it holds, whatever we decide (B, P)."""
    above = facts.commanded_a > told_limits(facts, pulse) + RESOLUTION_A / 2
    return facts.steered & ~facts.idle & above & (now_s - pulse.changed_s > CONFIRM_S) if anything(above) else above


def answers(layout: Layout, facts: Facts, pulse: Pulse, now_s: float) -> Floats:
    """How long each charger takes to accept a reduction, with what is seen now (B, P) [s].

    A raise shows nothing: what is on its way counts as accepted.
    """
    known_s, asked = pulse.answers_s, pulse.changed_s >= pulse.at_s
    waits = facts.steered & (facts.commanded_a > told_limits(facts, pulse) + RESOLUTION_A / 2)
    if not anything(asked | waits):  # as nearly always
        return known_s
    lowered = asked & ((pulse.reduced_s >= pulse.at_s) @ layout.below)
    heard_s = np.where(lowered, np.fmax(known_s, 0.0) * _FORGETS, known_s)
    seen_s = np.minimum(now_s - pulse.changed_s, _LATEST_S)
    return np.where(waits & np.isfinite(pulse.changed_s), np.fmax(known_s, seen_s), heard_s)


def prompt(layout: Layout, answers_s: Floats) -> Bools:
    """The circuits (B, C) below which chargers are known to answer at once, and none to be slow."""
    slow, quick = answers_s >= PROMPT_S, answers_s < PROMPT_S
    below: Bools = (quick @ layout.below.T) & ~(slow @ layout.below.T)
    return below


def out_of_writes(layout: Layout, facts: Facts, pulse: Pulse, now_s: float) -> Bools:
    """Whose station has spent its write budget (B, P).

    What it holds is safe unattended, so the others can always make room for it.
    """
    if not layout.site.writes_per_day:
        return np.zeros(facts.state.shape, dtype=bool)
    spent = (spare_writes(layout, pulse, now_s)[:, layout.station] < 1.0) & (facts.commanded_a >= layout.min_a)
    return facts.steered & ~facts.idle & spent


def spare_writes(layout: Layout, pulse: Pulse, now_s: float) -> Floats:
    """Profile writes that each station can spare for changes now (B, stations)."""
    return np.fmin(_write_capacity(layout), pulse.writes + (now_s - pulse.at_s) * _write_rate(layout))


def _write_rate(layout: Layout) -> Floats:
    rate: Floats = layout.writes_per_day * _FOR_CHANGES / DAY_S
    return np.where(np.isfinite(rate), rate, 0.0)


def _write_capacity(layout: Layout) -> Floats:
    capacity: Floats = np.fmax(2.0, layout.writes_per_day * _FOR_CHANGES / 2)
    return capacity
