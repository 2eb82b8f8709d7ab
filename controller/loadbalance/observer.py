"""What each point draws at the meter's instant, and so what the building draws.

MeterValues come every ten seconds or so, the grid meter every second, and in between our own commands move the
cars. For each point there is therefore an interval that its draw must lie in: a single value when it has been left
alone and has reported since, everything between its old draw and its new limit while it moves. A step of the grid
meter is put down to the points as far as their intervals can explain it; only the rest is the building. Without
this the loop takes the effect of its own command for a change of the building, and hunts.

Shapes: B sites in a batch, one in the service; P points, C circuits.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from controller.loadbalance.capacity import backgrounds, largest_phase
from controller.loadbalance.facts import STATES, Facts
from controller.loadbalance.layout import Bools, Floats, Ints, Layout, anything
from controller.loadbalance.patience import patience
from controller.loadbalance.pulse import Pulse
from controller.loadbalance.trend import Trend, followed
from controller.record import record
from controller.snapshot import COMPETING, State
from controller.units import TOLERANCE_A

FOLLOWS_WITHIN_A: Final = 1.0
"""A car this close below its limit is held back by the limit; further below it has a maximum of its own."""

DISOBEYS_FROM_A: Final = 0.5
DISOBEYS_FACTOR: Final = 1.1
"""More than this above its limit is neither noise nor the tolerance of a meter (docs/explanation/control-loop.md)."""

STALE_IDLE_S: Final = 15.0
"""Chargers stop reporting when a transaction ends: after this time a last value says nothing about a free point."""

UNHEARD_S: Final = 45.0
"""A charger that has not reported by then may never do so: time has proven by now that its car follows the limit."""

AGEING_AFTER_S: Final = 1.5
AGEING_A_PER_S: Final = 2.0
"""A reading that should have been replaced by now is raised by this much per second, until it counts as lost."""

SAMPLE_SMOOTHING: Final = 0.3
SAMPLE_NOISE_A: Final = 1.0
"""Reports of a settled car that differ by less than this are averaged; the noise of twenty chargers adds up."""

_RUNNING: Final = np.array([s in (State.PLUGGED, State.CHARGING, State.WITHHELD, State.EV_IDLE) for s in STATES])
_EAGER: Final = np.array([s in COMPETING for s in STATES])
_QUIET: Final = ~_RUNNING & np.array([s is not State.OFFLINE for s in STATES])


@record
class Sight(Trend):
    """What is remembered from one observation to the next."""

    state: Ints
    commanded_a: Floats
    moved_s: Floats
    """(B, P): when the point's command or state last changed (monotonic) [s]."""
    low_a: Floats
    high_a: Floats
    """(B, P, 3): the interval that its draw lies in; a single value once it has settled."""
    takes_a: Floats
    """(B, P, 3): what the car has shown it takes when its limit allows more; infinite where it has not."""
    waited_s: Floats
    """(B, C, 3): how long slow cars have been waited for while the phase was beyond its margin [s]."""
    over_s: Floats
    """(B, C, 3): how long the phase has been beyond its margin without a break [s]."""


@record
class Estimate:
    """The picture at the meter's instant."""

    draw_a: Floats
    """(B, P, 3)"""
    meter_a: Floats
    """(B, C, 3): readings, aged upward; NaN where there is none to believe."""
    background_a: Floats
    """(B, C, 3)"""
    coming_a: Floats
    """(B, C, 3): the background with what its rise will have added by the time that chargers answer."""
    cautious_a: Floats
    """(B, C, 3): the background that raises must reckon with."""
    unseen_a: Floats
    """(B, P, 3): what has been allowed and may still appear on the meter."""
    lingering_a: Floats
    """(B, P, 3): what the point may still be drawing, whatever it has been told since."""
    told: Bools
    """(B, P): its last report is from after its limit and its state have had time to show."""
    disobeys: Bools
    """(B, P): its charger has had time to follow its limit, and reports a draw well above it."""


def observe(layout: Layout, facts: Facts, sight: Sight | None, now_s: float, pulse: Pulse) -> tuple[Estimate, Sight]:
    """Estimate the draws, and remember what the next observation needs.

    ``sight`` is what the last one left, None at first; ``pulse`` is what is remembered of the limits.
    """
    running, said = _RUNNING[facts.state], _said(facts)
    takes = np.full_like(said, np.inf) if sight is None else sight.takes_a
    moving, moved = _movement(facts, sight, now_s)
    told = facts.measured_age_s <= now_s - moved - layout.site.control.settle_s
    low = high = _steady(facts, sight, said, told, now_s)
    unknown = running & ~told
    if anything(unknown):
        bounds = _interval(layout, facts, sight, now_s, moving & unknown, moved, said, takes, unknown)
        low, high = (np.where(unknown[:, :, None], bound, low) for bound in bounds)
    meter, measured = _aged(layout, facts), ~np.isnan(facts.meter_a)
    draw, waited, over = _placed(layout, sight, meter, low, high, pulse, now_s)
    trend = followed(sight, backgrounds(layout, meter, draw), measured, now_s)
    coming, drawn = trend.coming_a, largest_phase(said)
    memory = Sight(
        at_s=now_s,
        background_a=trend.background_a,
        peaks_a=trend.peaks_a,
        bucket_s=trend.bucket_s,
        noise_a=trend.noise_a,
        quick_a=trend.quick_a,
        slow_a=trend.slow_a,
        measured=measured,
        state=facts.state,
        commanded_a=facts.commanded_a,
        moved_s=moved,
        low_a=low,
        high_a=high,
        takes_a=_learned(facts, said, drawn, takes, running, told),
        waited_s=waited,
        over_s=over,
    )
    cautious = np.maximum(coming, np.maximum.reduce(trend.peaks_a))
    disobeys = running & told & (drawn > (facts.commanded_a + DISOBEYS_FROM_A) * DISOBEYS_FACTOR)
    return Estimate(draw, meter, trend.background_a, coming, cautious, high - draw, high, told, disobeys), memory


def _said(facts: Facts) -> Floats:
    """The last measurement, unless it is an old one of a point that has stopped reporting."""
    silent = _QUIET[facts.state] & (facts.measured_age_s > STALE_IDLE_S)
    return np.where(silent[:, :, None], 0.0, facts.measured_a) if anything(silent) else facts.measured_a


def _movement(facts: Facts, sight: Sight | None, now_s: float) -> tuple[Bools, Floats]:
    """Whose command or state has changed (B, P), and when each last did (monotonic) [s]."""
    if sight is None:
        return np.ones(facts.state.shape, dtype=bool), np.full(facts.state.shape, now_s)
    moving = (np.abs(facts.commanded_a - sight.commanded_a) > TOLERANCE_A) | (facts.state != sight.state)
    return moving, np.where(moving, now_s, sight.moved_s) if anything(moving) else sight.moved_s


def _steady(facts: Facts, sight: Sight | None, said: Floats, told: Bools, now_s: float) -> Floats:
    """Reports of settled points, averaged as far as they agree with the one value of before."""
    if sight is None:
        return said
    change = said - sight.low_a
    alike = (np.abs(change) <= SAMPLE_NOISE_A) & (sight.high_a - sight.low_a <= TOLERANCE_A)
    news = SAMPLE_SMOOTHING * (facts.measured_age_s <= now_s - sight.at_s)
    return np.where(alike & told[:, :, None] & (said > 0), sight.low_a + news[:, :, None] * change, said)


def _expected(layout: Layout, facts: Facts, takes: Floats) -> Floats:
    """What each car will draw when it has settled to its command (B, P, 3) [A]."""
    draws = _EAGER[facts.state] & (facts.commanded_a >= layout.min_a - TOLERANCE_A)
    allowed = np.where(draws, facts.commanded_a, 0.0)
    return np.where(layout.wired, np.minimum(allowed[:, :, None], takes), 0.0)


def _interval(
    layout: Layout,
    facts: Facts,
    sight: Sight | None,
    now_s: float,
    moving: Bools,
    moved: Floats,
    said: Floats,
    takes: Floats,
    unknown: Bools,
) -> tuple[Floats, Floats]:
    """Between what the draw of each unknown point lies; if it is not heard of, until it must have arrived."""
    if sight is None:
        expected = _expected(layout, facts, takes)
        return np.minimum(said, expected), np.maximum(said, expected)
    since_s = now_s - moved
    unheard = unknown & (since_s > UNHEARD_S)
    pinned = unknown & ~moving & (facts.measured_age_s <= np.minimum(now_s - sight.at_s, since_s))
    changes, low, high = moving | pinned | unheard, sight.low_a, sight.high_a
    if not anything(changes):
        return low, high
    expected = _expected(layout, facts, takes)
    for begins, value in ((pinned, said), (unheard, expected)):
        if anything(begins):
            low, high = (np.where(begins[:, :, None], value, bound) for bound in (low, high))
    widens = changes[:, :, None]
    return np.where(widens, np.minimum(low, expected), low), np.where(widens, np.maximum(high, expected), high)


def _aged(layout: Layout, facts: Facts) -> Floats:
    """The readings, raised where they should have been replaced by now (B, C, 3) [A]."""
    late = facts.meter_age_s > AGEING_AFTER_S
    if not anything(late & layout.metered):
        return facts.meter_a
    return facts.meter_a + np.maximum(0.0, facts.meter_age_s - AGEING_AFTER_S)[:, :, None] * AGEING_A_PER_S


def _placed(
    layout: Layout, sight: Sight | None, meter: Floats, low: Floats, high: Floats, pulse: Pulse, now_s: float
) -> tuple[Floats, Floats, Floats]:
    """Where each draw lies in its interval; and, for the next time, ``waited_s`` and ``over_s`` as in ``Sight``."""
    if sight is None:
        return low, np.zeros(meter.shape), np.zeros(meter.shape)
    since_s, rested_s = now_s - sight.at_s, now_s - pulse.reduced_s
    patient, waited, over = patience(layout, meter, sight.waited_s, sight.over_s, since_s, rested_s, pulse.answers_s)
    return _explain(layout, meter, low, high, sight.background_a, patient), waited, over


def _explain(layout: Layout, meter: Floats, low: Floats, high: Floats, background: Floats, patient: Bools) -> Floats:
    """Choose each draw within its interval so that the background changes as little as they allow.

    Where a phase is not ``patient``, they have all come down, and the building has gone up meanwhile.
    """
    if high is low:
        return low
    width = high - low
    if not anything(width > TOLERANCE_A):
        return low
    draw, unexplained = low.copy(), np.ones(low.shape[:2], dtype=bool)
    for place, _ in layout.climb:
        reading, members = meter[:, place], layout.below[place]
        free = members & unexplained
        known = ~np.isnan(reading)
        if np.count_nonzero(known) < known.size:
            free &= known.any(axis=1, keepdims=True)
        movable = width * free[:, :, None]
        room = np.add.reduce(movable, axis=1)
        wanted = reading - background[:, place] - np.add.reduce(draw[:, members], axis=1)
        part = np.minimum(np.maximum(wanted / np.maximum(room, TOLERANCE_A), 0.0), 1.0)
        draw += np.where((room > TOLERANCE_A) & known & patient[:, place], part, 0.0)[:, None] * movable
        unexplained &= ~free
    return draw


def _learned(facts: Facts, said: Floats, drawn: Floats, takes: Floats, running: Bools, shown: Bools) -> Floats:
    """What each car has shown it takes: a settled one well below its limit shows its own maximum."""
    drawing = shown & (drawn > FOLLOWS_WITHIN_A)
    held_back = said >= (facts.commanded_a - FOLLOWS_WITHIN_A)[:, :, None]
    learned = np.where(drawing[:, :, None], np.where(held_back, np.inf, said), takes)
    return np.where(running[:, :, None], learned, np.inf) if anything(~running) else learned
