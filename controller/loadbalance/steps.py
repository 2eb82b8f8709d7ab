"""Steps of single points, and what their meters have seen of them.

A point is settled when it has reported after its limit and its state had time to show, when it begins, and when it
has stopped. Between two settled moments its draw has changed by a known step; the nearest meter above it has seen
the same, and whatever else happened. What the other points did meanwhile is subtracted where they have reported it,
and counted as doubt all the same: their wiring may be wrong too, and then it was on other phases.

Shapes: a batch of one site; P points, C circuits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from controller.loadbalance.capacity import largest_phase
from controller.loadbalance.facts import STATES, Facts
from controller.loadbalance.layout import Bools, Floats, Ints, Layout, anything
from controller.loadbalance.observer import UNHEARD_S, Estimate
from controller.record import record
from controller.snapshot import State

LOOK_S: Final = 3.0
"""Between a report and a look at it nothing much happens in so short a time."""
STEP_A: Final = 3.0
"""Smaller changes of a point tell little of where it is wired."""
STILL_A: Final = 0.5
"""Less than this is noise of its reports."""
SPAN_S: Final = 120.0
"""Over a longer time the building has done too much."""
HEARD_AGAIN_S: Final = 0.5
"""A report is a new one when it is younger than the last by this much."""
SHOWS_S: Final = 5.0
"""A point that has stopped has stopped on the meter, too, after so long."""

USUAL_S: Final = 15.0
USUAL_SMOOTHING: Final = 0.05
USUAL_FIRST_A: Final = 3.0
USUAL_CLIP_A: Final = 10.0
"""What the building does in such a time is learned over some minutes, and taken for lively at first."""

_QUIET: Final = np.array(
    [s not in (State.PLUGGED, State.CHARGING, State.WITHHELD, State.EV_IDLE, State.OFFLINE) for s in STATES]
)
_NEVER_S: Final = -math.inf


@record
class Footing:
    """Where each point stood when it was settled last."""

    state: Ints
    """(P,): place in ``STATES``."""
    next_s: float
    """When to look next, unless a state changes before [s]."""
    ends_s: Floats
    """(P,): when a point that has just stopped is looked at (monotonic); NaN for the others [s]."""
    base_s: Floats
    """(P,): when it was settled last; before all time where it never was [s]."""
    base_a: Floats
    """(P, 3): what it drew then [A]."""
    rest_a: Floats
    """(P, 3): what its meter read then, less what all the other points drew [A]."""
    doubt_a2: Floats
    """(P,): variance of that, from the others that were on the move [A²]."""
    total_then_a2: Floats
    """(P,): ``total_a2`` of its meter's circuit then [A²]."""
    total_a2: Floats
    """(C,): sum of the squares of all steps of points below, since the beginning [A²]."""
    usual_s: float
    building_a: Floats
    """(C, 3): what the meter read at ``usual_s``, less all points [A]."""
    usual_a: Floats
    """(C, 3): by how much that changes in ``USUAL_S``, as a rule [A]."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a point from one settled draw to another."""

    place: int
    """Of the point in the layout."""
    step_a: list[float]
    """What the point reports to have changed, per grid phase under the configured wiring [A]."""
    seen_a: list[float]
    """What its meter saw, less what the other points did; NaN on a phase that is not known [A]."""
    usual_a: list[float]
    """What the building does in such a time, per grid phase [A]."""
    doubt_a: float
    """What the other points may have done besides, or elsewhere [A]."""


@dataclass(frozen=True, slots=True)
class _Places:
    """What a layout means here."""

    metered: Bools
    """(P,): there is a circuit with a meter above the point."""
    circuit: Ints
    """(P,): the nearest one; -1 for none."""
    below: Floats
    """(C, P)"""


@lru_cache(maxsize=64)
def _places(layout: Layout) -> _Places:
    climb = [(circuit, layout.below[circuit]) for circuit, _ in layout.climb]
    nearest = [next((circuit for circuit, below in climb if below[n]), -1) for n in range(layout.size)]
    circuit = np.array(nearest, dtype=np.int64)
    return _Places(circuit >= 0, circuit, layout.below.astype(np.float64))


def first_footing(layout: Layout, facts: Facts, now_s: float) -> Footing:
    """Nothing is known of any point yet."""
    points, circuits = layout.size, len(layout.site.circuits)
    return Footing(
        state=facts.state[0],
        next_s=now_s,
        ends_s=np.full(points, np.nan),
        base_s=np.full(points, _NEVER_S),
        base_a=np.zeros((points, 3)),
        rest_a=np.full((points, 3), np.nan),
        doubt_a2=np.zeros(points),
        total_then_a2=np.zeros(points),
        total_a2=np.zeros(circuits),
        usual_s=now_s,
        building_a=np.full((circuits, 3), np.nan),
        usual_a=np.full((circuits, 3), USUAL_FIRST_A),
    )


def steps_of(
    layout: Layout, facts: Facts, estimate: Estimate, footing: Footing, now_s: float
) -> tuple[list[Step], Footing]:
    """Find the steps that have been completed since the last look."""
    changed = anything(facts.state[0] != footing.state)
    if now_s < footing.next_s and not changed:  # as nearly always
        return [], footing
    begins, footing = _stops_and_begins(facts.state[0], footing, now_s) if changed else (None, footing)
    heard_s = now_s - facts.measured_age_s[0]
    reports = estimate.told[0] & (heard_s > footing.base_s + HEARD_AGAIN_S)
    settled = reports | (footing.ends_s <= now_s)
    settled = ((settled if begins is None else settled | begins) & _places(layout).metered).nonzero()[0]
    building_a = facts.meter_a[0] - layout.circuit_flow(estimate.draw_a)[0]
    if now_s - footing.usual_s >= USUAL_S:
        footing = _usual(footing, building_a, now_s)
    heard_s = np.where(reports, heard_s, now_s)[settled]
    drawn_a = np.where(reports[:, None], facts.measured_a[0], 0.0)[settled]
    return _compare(layout, facts, estimate, footing, _Look(settled, heard_s, drawn_a, building_a, now_s))


def _stops_and_begins(state: Ints, footing: Footing, now_s: float) -> tuple[Bools, Footing]:
    """Make a note of who stops, and tell who begins: it has not drawn anything yet."""
    quiet, was_quiet = _QUIET[state], _QUIET[footing.state]
    ends_s = np.where(quiet, np.where(was_quiet, footing.ends_s, now_s + SHOWS_S), np.nan)
    begins = was_quiet & ~quiet & np.isnan(footing.ends_s)
    return begins, replace(footing, state=state, ends_s=ends_s)


def _usual(footing: Footing, building_a: Floats, now_s: float) -> Footing:
    """Learn how restless the building is."""
    change_a = np.minimum(np.abs(building_a - footing.building_a), USUAL_CLIP_A)
    learned = footing.usual_a + USUAL_SMOOTHING * (change_a - footing.usual_a)
    usual_a = np.where(np.isnan(change_a), footing.usual_a, learned)
    return replace(footing, usual_s=now_s, building_a=building_a, usual_a=usual_a)


@record
class _Look:
    """The N points that have settled."""

    places: Ints
    """(N,)"""
    heard_s: Floats
    """(N,): since when that is known (monotonic) [s]."""
    drawn_a: Floats
    """(N, 3)"""
    building_a: Floats
    """(C, 3): what each meter reads, less all points [A]."""
    now_s: float


def _compare(
    layout: Layout, facts: Facts, estimate: Estimate, footing: Footing, look: _Look
) -> tuple[list[Step], Footing]:
    """Hold the steps of the points that have settled against their meters, and begin anew from where they are."""
    known, settled = _places(layout), look.places
    circuit = known.circuit[settled]
    rest_a = look.building_a[circuit] + estimate.draw_a[0, settled]
    step_a = np.where((footing.base_s[settled] > _NEVER_S)[:, None], look.drawn_a - footing.base_a[settled], 0.0)
    size_a = largest_phase(np.abs(step_a))
    step_a2 = np.where(size_a > STILL_A, size_a**2, 0.0)
    total_a2 = footing.total_a2 + known.below[:, settled] @ step_a2
    doubt_a2, moving_a2 = (_of_others(known, settled, a**2) for a in _unsettled(facts, estimate, footing))

    span_s = look.heard_s - footing.base_s[settled]
    seen_a = rest_a - footing.rest_a[settled]
    moved_a2 = total_a2[circuit] - footing.total_then_a2[settled] - step_a2
    unsure_a2 = moved_a2 + moving_a2 + footing.doubt_a2[settled]
    steps = [
        Step(
            place=int(settled[n]),
            step_a=step_a[n].tolist(),
            seen_a=seen_a[n].tolist(),
            usual_a=(footing.usual_a[circuit[n]] * math.sqrt(max(span_s[n], SHOWS_S) / USUAL_S)).tolist(),
            doubt_a=math.sqrt(max(0.0, unsure_a2[n])),
        )
        for n in ((size_a >= STEP_A) & (span_s <= SPAN_S)).nonzero()[0].tolist()
    ]
    ends_s = np.where(footing.ends_s <= look.now_s, np.nan, footing.ends_s)
    footing = replace(
        footing,
        next_s=min(look.now_s + LOOK_S, float(np.fmin.reduce(ends_s, initial=np.inf))),
        ends_s=ends_s,
        base_s=_with(footing.base_s, settled, look.heard_s),
        base_a=_with(footing.base_a, settled, look.drawn_a),
        rest_a=_with(footing.rest_a, settled, rest_a),
        doubt_a2=_with(footing.doubt_a2, settled, doubt_a2),
        total_then_a2=_with(footing.total_then_a2, settled, total_a2[circuit]),
        total_a2=total_a2,
    )
    return steps, footing


def _of_others(known: _Places, places: Ints, values: Floats) -> Floats:
    """Add up what the others under the same meter have, for the points at those places."""
    others: Floats = (known.below @ values)[known.circuit[places]] - values[places]
    return others


def _with(values: Floats, places: Ints, new: Floats) -> Floats:
    changed = values.copy()
    changed[places] = new
    return changed


def _unsettled(facts: Facts, estimate: Estimate, footing: Footing) -> tuple[Floats, Floats]:
    """How wide the interval is that each point's draw lies in, and how far from its footing it may have come (P,) [A].

    Both are 0 for the points that are settled.
    """
    said_a = np.where(facts.measured_age_s <= UNHEARD_S, largest_phase(facts.measured_a), np.inf)
    least_a = np.minimum(np.minimum(said_a, facts.commanded_a), largest_phase(estimate.draw_a))[0]
    most_a = largest_phase(estimate.lingering_a)[0]
    then_a = largest_phase(footing.base_a)
    moving = ~estimate.told[0]
    width_a = np.maximum(most_a - least_a, 0.0)
    return width_a * moving, np.maximum(width_a, np.maximum(most_a - then_a, then_a - least_a)) * moving
