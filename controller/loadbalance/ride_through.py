"""Short overloads are ridden out: where a fuse bears them, who charges stays at the minimum for a moment.

A compressor starts, or a car draws before the others have come down for it: for a second a phase carries an ampere too
much, and on a small site the minimums of those who charge do not fit. To cut them to 0 A would cost them fifteen
seconds or more, and relieve a fuse that does not mind. So the next reading decides. Who is above the minimum is lowered
at once all the same; nobody enters and nothing rises on the strength of it.

Shapes: B sites in a batch, one in the service; P points, C circuits; phase rows as in ``Layout``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from controller.loadbalance.capacity import Capacity, used, users
from controller.loadbalance.facts import Facts
from controller.loadbalance.layout import Bools, Floats, Layout, anything
from controller.loadbalance.observer import Estimate
from controller.loadbalance.patience import OVER_BY_A
from controller.loadbalance.pulse import Pulse, prompt
from controller.record import record
from controller.units import PHASE_NAMES, TOLERANCE_A

RIDES_S: Final = 0.9
"""So long an overload is ridden out: until the next reading. That is what the 13 s to relief leave, when a charger and
its car take the ten seconds that they may."""

RECOVERS_S: Final = 30.0
"""After so long without one the next may be ridden out in full: a load that comes and goes is not short."""


@record
class Ride:
    """What admission reckons with."""

    now: Capacity
    """What is free at this instant, and for those who stay besides what the fuses bear."""
    running: Bools
    """(B, P): who stays if the minimum fits into that; for everybody else it is as it was."""
    beyond_a: Floats | None
    """(B, 3C): by how much that is more than is free [A]; None where it is not."""
    spent_s: Floats
    """(B, 3C): how long each row has been riding, or would have, less what it has recovered; for the next decision."""


def ride_through(
    layout: Layout,
    facts: Facts,
    estimate: Estimate,
    now: Capacity,
    running: Bools,
    admitted: Bools,
    bearable_a: Floats,
    spent_s: Floats,
    pulse: Pulse,
    now_s: float,
) -> Ride:
    """Let those who charge stay at the minimum where it is too much, but not for long and not more than fuses bear.

    While the meter shows nothing beyond the margin, what is short by no more than noise, or only if a rise goes on, is
    ridden out for as long as that lasts.

    Args:
        layout: the site.
        facts: the snapshot.
        estimate: what flows now; where no meter tells, nothing is ridden out.
        now: what is free at this instant.
        running: (B, P) who may draw at least the minimum already.
        admitted: (B, P) who was let in before; who merely draws what it may unattended was not.
        bearable_a: (B, C, 3) what each protection device bears for ever, at least its rating [A].
        spent_s: what the last call returned; 0 at first.
        pulse: what the last decision remembered of the limits.
        now_s: monotonic seconds.
    """
    stays = running & (admitted | ~facts.pausable) & (facts.max_a >= facts.min_a - TOLERANCE_A)
    rows, passed_s = now.rows[..., : len(layout.row_names), :], max(0.0, now_s - pulse.at_s)
    short_by = used(rows, np.where(stays, facts.min_a, 0.0)) - now.free_a[:, : len(layout.row_names)]
    short = short_by > TOLERANCE_A
    rested_s = np.maximum(0.0, spent_s - passed_s * RIDES_S / RECOVERS_S) if anything(spent_s > 0.0) else spent_s
    if not (anything(short) or anything(estimate.meter_a > layout.usable_a + OVER_BY_A)):  # as nearly always
        return Ride(now, running, None, rested_s)
    usable_a, most_a, meter_a = map(layout.by_row, (layout.usable_a, bearable_a, estimate.meter_a))
    rise_a = layout.by_row(estimate.coming_a - estimate.background_a)
    noise = short & (short_by - rise_a <= OVER_BY_A) & (meter_a <= usable_a)
    strained = (short & ~noise) | (meter_a > usable_a + OVER_BY_A)
    spent = np.where(strained, np.minimum(spent_s + passed_s, RIDES_S), rested_s)
    quick = prompt(layout, pulse.answers_s)[:, layout.row_place // len(PHASE_NAMES)]
    rides = noise | (short & quick & (spent_s < RIDES_S) & (meter_a <= most_a))
    if not anything(rides):
        return Ride(now, running, None, spent)
    beyond_a = np.where(rides, np.minimum(short_by, most_a - usable_a), 0.0)
    free_a = now.free_a.copy()
    free_a[:, : beyond_a.shape[1]] += beyond_a
    return Ride(replace(now, free_a=free_a), running & (stays | ~users(rows, rides)), beyond_a, spent)
