"""The one decision: observe -> collect limits -> admit -> share -> pace -> guard.

``split`` is the division of one instant, exactly as docs/explanation/fairness.md states it. ``decide`` is what the
service and the simulator run every second: the same division on estimated draws, with a memory that keeps it calm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np

from controller.guard import guarded
from controller.loadbalance.capacity import Capacity, backgrounds, capacity, reserves
from controller.loadbalance.facts import STATES, Facts, facts_of
from controller.loadbalance.layout import Bools, Floats, Ints, Layout, layout_of
from controller.loadbalance.observer import Estimate, Sight, observe
from controller.loadbalance.pacing import Pace, Pulse, Wish, fresh_pulse, held_limits, pace, unchangeable
from controller.loadbalance.sharing import OWN_MAXIMUM, admit, minimum_for_idle, share, waiting_order
from controller.plan import Event, Plan, Setpoint, Severity
from controller.site import Site
from controller.snapshot import Snapshot
from controller.units import PHASE_NAMES, RESOLUTION_A, TOLERANCE_A, Phases, floored

NOISE_FACTOR: Final = 3.5
NOISE_LEAST_A: Final = 0.2
NOISE_MOST_A: Final = 2.0
"""Raises leave this many mean steps of the background free, within these bounds, so that noise lowers nobody."""

NEVER_READ: Final = -1
"""In place of a number of good readings: a meter that has yet to begin has not been lost."""

UNPROVEN_A: Final = 2.5
"""Where more than this is free now but not cautiously, a row is not full: its room has yet to last."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What one decision leaves to the next. Opaque; start with ``None``."""

    sight: Sight
    pulse: Pulse
    admitted_since_s: Floats
    """(P,): NaN while not admitted."""
    unserved_since_s: Floats
    """(P,): NaN while not waiting."""
    good_readings: Ints
    """(C,): fresh readings in a row, for circuits with a meter; ``NEVER_READ`` before the first."""
    overloaded: Bools
    """(C,)"""
    disobeying: Bools
    """(P,)"""


@dataclass(frozen=True, slots=True)
class Basis:
    """The numbers between a snapshot and its plan, for whoever must explain it; in the order of the site's layout."""

    now: Capacity
    """What is free at this instant."""
    cautious: Capacity
    """What shares and raises reckon with: recent peaks and noise of the background stay free besides."""
    held_a: Floats
    """(P,): what each point was limited to before this decision [A]."""
    share_a: Floats
    """(P,): where the division wants each limit, before pacing [A]."""
    share_because: Sequence[str]
    """(P,): what stopped each share."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A plan, what to remember, and what it was based on, per circuit id and phase [A]."""

    plan: Plan
    memory: Memory
    background_a: Mapping[str, Phases]
    draw_a: Mapping[str, Phases]
    """The estimated draw of every point at the meter's instant, by point id."""
    basis: Basis


@dataclass(frozen=True, slots=True)
class _Division:
    target_a: Floats
    because: list[str]


def split(site: Site, snapshot: Snapshot) -> Plan:
    """Divide what is free at this instant, without memory.

    Raises:
        ValueError: the snapshot names a point that the site does not have.
        KeyError: a limit names a circuit that the site does not have.
    """
    layout, facts, division = _instant(site, snapshot)
    limits = [floored(limit) for limit in division.target_a.tolist()]
    limits = [x if x >= low - TOLERANCE_A else 0.0 for x, low in zip(limits, layout.min_a.tolist(), strict=True)]
    return _plan(layout, snapshot, facts, limits, division.because, facts.measured_a, ())


def exact_limits(site: Site, snapshot: Snapshot) -> dict[str, float]:
    """The limits of ``split`` before they are rounded down, for every point that is not offline [A]."""
    layout, facts, division = _instant(site, snapshot)
    limits = zip(layout.point_ids, division.target_a.tolist(), facts.offline.tolist(), strict=True)
    return {point: limit for point, limit, offline in limits if not offline}


def _instant(site: Site, snapshot: Snapshot) -> tuple[Layout, Facts, _Division]:
    layout = layout_of(site)
    facts = facts_of(layout, snapshot)
    background = backgrounds(layout, facts.meter_a, facts.measured_a)
    free = capacity(layout, facts, snapshot.limits, background, reserves(layout, facts, facts.measured_a))
    order = waiting_order(layout, facts, facts.unserved_s)
    return layout, facts, _divide(layout, facts, free, free, order, np.zeros(layout.size, dtype=bool))


def decide(site: Site, memory: Memory | None, snapshot: Snapshot) -> Decision:
    """Decide what every charging point may draw now.

    Pure: the same site, memory and snapshot give the same decision, byte for byte.

    Raises:
        ValueError, KeyError: as ``split``.
    """
    layout = layout_of(site)
    facts = facts_of(layout, snapshot)
    now_s = snapshot.monotonic_s
    pulse = memory.pulse if memory else fresh_pulse(layout, now_s)
    estimate, sight = observe(layout, facts, memory.sight if memory else None, now_s, pulse.reduced_s)
    facts.fixed = unchangeable(layout, facts, pulse, now_s) | (estimate.disobeys & facts.steered)
    reserved = reserves(layout, facts, estimate.draw_a)
    gap = np.clip(NOISE_FACTOR * sight.noise_a, NOISE_LEAST_A, NOISE_MOST_A) * ~np.isnan(estimate.meter_a)
    now = capacity(layout, facts, snapshot.limits, estimate.coming_a, reserved)
    cautious = capacity(layout, facts, snapshot.limits, estimate.cautious_a + gap, reserved)

    held = held_limits(facts, pulse)
    unserved_s = facts.unserved_s if memory is None else np.fmax(facts.unserved_s, now_s - memory.unserved_since_s)
    running = facts.competing & (held >= layout.min_a - TOLERANCE_A)
    dwelling = running if memory is None else running & (now_s - memory.admitted_since_s < site.control.dwell_s)
    order = waiting_order(layout, facts, unserved_s, first=dwelling)
    division = _divide(layout, facts, now, cautious, order, running)

    good, meters_good = _meters_good(layout, facts, memory)
    wish = Wish(np.where(facts.fixed, held, division.target_a), order)
    limit, paced, pulse = pace(layout, facts, estimate, now, cautious, wish, pulse, now_s, meters_good)
    because = _reasons(division.because, paced)
    overloaded: Bools = np.any(estimate.meter_a > layout.fuse_a + TOLERANCE_A, axis=1)
    events = _events(layout, estimate, memory, good, overloaded)
    plan = _plan(layout, snapshot, facts, limit.tolist(), because, estimate.draw_a, events)
    hungry = facts.steered & ~facts.idle
    serving = hungry & (limit >= layout.min_a - TOLERANCE_A)
    waiting = hungry & ~serving
    since = np.full(layout.size, np.nan) if memory is None else memory.admitted_since_s
    starved = np.full(layout.size, np.nan) if memory is None else memory.unserved_since_s
    remembered = Memory(
        sight=sight,
        pulse=pulse,
        admitted_since_s=np.where(serving, np.where(np.isnan(since), now_s, since), np.nan),
        unserved_since_s=np.where(waiting, np.where(np.isnan(starved), now_s, starved), np.nan),
        good_readings=good,
        overloaded=overloaded,
        disobeying=estimate.disobeys,
    )
    basis = Basis(now, cautious, held, division.target_a, division.because)
    background_a, draw_a = _by_circuit(layout, estimate.background_a), _by_point(layout, estimate.draw_a)
    return Decision(plan, remembered, background_a, draw_a, basis)


def _divide(
    layout: Layout, facts: Facts, now: Capacity, cautious: Capacity, order: list[int], running: Bools
) -> _Division:
    """Admit and share. Who is running stays admitted as long as it fits now; newcomers must fit cautiously."""
    eligible = facts.competing & (facts.max_a >= layout.min_a - TOLERANCE_A)
    keep = None if now is cautious else np.where(running, 0.0, (now.free_a - cautious.free_a)[:, None])
    candidates = [place for place in order if eligible[place]]
    admission = admit(candidates, layout.min_a, now.rows, now.free_a, keep)
    admitted = admission.admitted
    shares = share(admitted, facts, layout.min_a, cautious.rows, cautious.free_a)
    kept = minimum_for_idle(order, facts, layout.min_a, now.rows, now.free_a - now.rows @ shares.limit_a)
    unproven = (now.free_a - cautious.free_a > UNPROVEN_A).tolist()
    names = ["pace:headroom" if wait else name for wait, name in zip(unproven, cautious.names, strict=True)]
    because = []
    for place, (state, by) in enumerate(zip(facts.state.tolist(), shares.stopped_by.tolist(), strict=True)):
        if admitted[place]:
            because.append("point:max" if by == OWN_MAXIMUM else names[by])
        elif place in admission.refused_by:
            row = admission.refused_by[place]
            because.append(names[row] if unproven[row] else f"not_admitted:{names[row]}")
        elif facts.fixed[place]:
            because.append("charger:does_not_follow")
        elif facts.competing[place]:
            because.append("not_admitted:point:max")
        else:
            because.append(f"not_admitted:{STATES[state]}")
    return _Division(np.where(kept, layout.min_a, shares.limit_a), because)


def _meters_good(layout: Layout, facts: Facts, memory: Memory | None) -> tuple[Ints, Bools]:
    """Count good readings in a row; after a loss nothing is raised before there have been enough."""
    enough = layout.site.control.fresh_readings
    fresh = ~np.isnan(facts.meter_a).all(axis=1)
    before = np.full(fresh.shape, NEVER_READ) if memory is None else memory.good_readings
    never = before == NEVER_READ
    counted = np.where(fresh, np.where(never, enough, np.minimum(before + 1, enough)), np.where(never, NEVER_READ, 0))
    return counted, ~layout.metered | never | (counted >= enough)


def _reasons(because: list[str], paced: Ints) -> list[str]:
    names = {pace.value: pace.name.lower() for pace in Pace}
    return [f"pace:{names[p]}" if p else reason for reason, p in zip(because, paced.tolist(), strict=True)]


def _events(
    layout: Layout, estimate: Estimate, memory: Memory | None, good: Ints, overloaded: Bools
) -> tuple[Event, ...]:
    """What has begun or ended since the last decision."""
    events = []
    before = np.full(good.shape, NEVER_READ) if memory is None else memory.good_readings
    enough = layout.site.control.fresh_readings
    for place, circuit in enumerate(layout.site.circuits):
        if circuit.meter is not None and before[place] > 0 and good[place] == 0:
            text = f"meter {circuit.meter} has no reading that can be believed: the declared base load is assumed"
            events.append(Event("worst_case_assumed", f"circuit:{circuit.id}", text, Severity.WARNING))
        if circuit.meter is not None and NEVER_READ < before[place] < enough and good[place] == enough:
            events.append(Event("worst_case_ended", f"circuit:{circuit.id}", "its meter is believed again"))
        was = memory is not None and bool(memory.overloaded[place])
        if overloaded[place] and not was:
            worst = int(np.nanargmax(estimate.meter_a[place] - layout.fuse_a[place]))
            flow, fuse = estimate.meter_a[place][worst], layout.fuse_a[place][worst]
            text = f"{flow:.1f} A on {PHASE_NAMES[worst]} of a fuse of {fuse:.0f} A"
            events.append(Event("overload", f"circuit:{circuit.id}", text, Severity.WARNING))
        elif was and not overloaded[place]:
            events.append(Event("overload_ended", f"circuit:{circuit.id}", "the current is below the fuse again"))
    disobeyed = np.zeros(layout.size, dtype=bool) if memory is None else memory.disobeying
    for place in np.flatnonzero(estimate.disobeys != disobeyed).tolist():
        subject = f"point:{layout.point_ids[place]}"
        if estimate.disobeys[place]:
            text = f"it draws {estimate.draw_a[place].max():.1f} A, well above its limit; it is counted as it is"
            events.append(Event("limit_ignored", subject, text, Severity.ALARM))
        else:
            events.append(Event("limit_ignored_ended", subject, "it keeps to its limit again"))
    return tuple(events)


def _plan(
    layout: Layout,
    snapshot: Snapshot,
    facts: Facts,
    limits: list[float],
    because: list[str],
    draw_a: Floats,
    events: tuple[Event, ...],
) -> Plan:
    """Pass the guard, and write every limit down with its reason and its end."""
    steerable = [p for p, offline in zip(layout.point_ids, facts.offline.tolist(), strict=True) if not offline]
    proposed = {point: limits[layout.index[point]] for point in steerable}
    safe, alarms = guarded(layout.site, snapshot, _by_point(layout, draw_a), proposed)
    until = snapshot.at + timedelta(seconds=layout.site.control.validity_s)
    cut = {point for point in safe if abs(safe[point] - proposed[point]) > RESOLUTION_A / 2}
    setpoints = {
        point: Setpoint(limit, "guard" if point in cut else because[layout.index[point]], until)
        for point, limit in safe.items()
    }
    return Plan(snapshot.at, setpoints, events + alarms)


def _by_point(layout: Layout, values: Floats) -> dict[str, Phases]:
    return dict(zip(layout.point_ids, map(tuple, values.tolist()), strict=True))


def _by_circuit(layout: Layout, values: Floats) -> dict[str, Phases]:
    return dict(zip((c.id for c in layout.site.circuits), map(tuple, values.tolist()), strict=True))
