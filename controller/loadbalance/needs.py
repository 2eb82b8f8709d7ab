"""What is due: how much each point must get now for its driver to leave with what was asked for.

A plan's advice says so for everybody at once and with the prices of the day. Where there is none, the mean current
that is left to give does: what is needed over the time until the departure.

Shapes: a batch of one site; P points.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import numpy as np

from controller.loadbalance.facts import OF_PEAK, OF_PRICE, OF_SURPLUS, Facts
from controller.loadbalance.layout import Bools, Floats, Layout
from controller.snapshot import Advice, Snapshot
from controller.units import TOLERANCE_A

SLACK: Final = 1.05
"""Needs are met a little early: cars taper, buildings grow, limits are rounded down."""

LAST_MINUTE_S: Final = 60.0
"""A need is spread over at least this time: closer to the departure it is simply as much as possible."""

_BOUND: Final = {"price": OF_PRICE, "peak": OF_PEAK, "surplus": OF_SURPLUS}
"""What a cap is for."""


def apply_needs(layout: Layout, facts: Facts, snapshot: Snapshot, dwelling: Bools) -> None:
    """Write targets into the facts, and let the plan's caps lower the maxima.

    A cap never interrupts a car within its dwell time (``dwelling``, (1, P)): it is left its minimum.
    """
    facts.target_a = _due(layout, facts, snapshot)
    advice = snapshot.advice
    slot = None if advice is None else advice.slot(snapshot.at)
    if advice is not None and slot is not None:
        _follow(layout, facts, snapshot, advice, slot, dwelling)


def _due(layout: Layout, facts: Facts, snapshot: Snapshot) -> Floats:
    """The mean current that each point still has to get, for those that know how much and until when (1, P) [A]."""
    due, uses = [0.0] * layout.size, facts.uses[0].tolist()
    for name, state in snapshot.points.items():
        if state.departs_at is None or not state.energy_needed_wh:
            continue
        place = layout.index[name]
        left_s = max(LAST_MINUTE_S, (state.departs_at - snapshot.at).total_seconds())
        w_per_a = layout.site.nominal_voltage_v * max(1, sum(uses[place]))
        due[place] = SLACK * state.energy_needed_wh * 3600.0 / (left_s * w_per_a)
    mean_a: Floats = np.minimum(np.array([due]), facts.max_a)
    return mean_a


def _follow(layout: Layout, facts: Facts, snapshot: Snapshot, advice: Advice, slot: int, dwelling: Bools) -> None:
    """Take the plan's word for the slot, for every point that it knows.

    But a car that leaves within a slot is not held back, and gets its minimum before comfort while it needs anything: a
    plan may have it wait for seconds in which nothing can be made up for.
    """
    soon = snapshot.at + timedelta(seconds=advice.slot_s)
    cap = np.full((1, layout.size), np.inf)
    bound = np.full((1, layout.size), OF_PRICE)
    for name, point in advice.points.items():
        place, state = layout.index.get(name), snapshot.points.get(name)
        if place is None:
            continue
        if state is not None and state.departs_at is not None and state.departs_at < soon:
            if state.energy_needed_wh:
                least_a = max(facts.target_a[0, place], point.target_a[slot], facts.min_a[0, place])
                facts.target_a[0, place] = min(least_a, facts.max_a[0, place])
            continue
        facts.target_a[0, place] = point.target_a[slot]
        capped = point.cap_a[slot]
        cap[0, place] = np.inf if capped is None else capped
        bound[0, place] = _BOUND.get(point.because, OF_PRICE)
    cap = np.where(dwelling, np.maximum(cap, facts.min_a), cap)
    facts.bound = np.where(cap < facts.max_a - TOLERANCE_A, bound, facts.bound)
    facts.max_a = np.minimum(facts.max_a, cap)
