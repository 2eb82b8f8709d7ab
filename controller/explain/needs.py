"""What the driver asked for, and whether the car will have it in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from controller.explain.model import Reason, View, amperes, clock, energy
from controller.units import TOLERANCE_A

WORTH_TELLING_WH: Final = 50.0
"""A smaller shortfall is within what meters and tapers leave open."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is still to be given until when."""

    energy_wh: float
    departs_at: datetime
    shortfall_wh: float
    """What will be missing, as far as is known [Wh]."""
    planned: bool
    """Whether the plan has reckoned with it."""
    overdue: bool
    """Whether that time has passed: the rest is given as soon as it can be."""


def need_of(view: View) -> Need | None:
    """The point's need; None where nobody has said both how much and until when, or nothing is missing any more."""
    state, snapshot = view.state, view.turn.snapshot
    if not state.energy_needed_wh or state.departs_at is None:
        return None
    advice = snapshot.advice
    planned = advice is not None and view.id in advice.points
    told_wh = advice.shortfall_wh.get(view.id, 0) if advice else 0
    left_s = (state.departs_at - snapshot.at).total_seconds()
    if left_s <= 0.0:
        return Need(state.energy_needed_wh, state.departs_at, 0.0, planned, overdue=True)
    possible_wh = _full_a(view) * watts_per_ampere(view) * left_s / 3600.0
    missing_wh = max(float(told_wh), state.energy_needed_wh - possible_wh)
    shortfall_wh = missing_wh if missing_wh >= WORTH_TELLING_WH else 0.0
    return Need(state.energy_needed_wh, state.departs_at, shortfall_wh, planned, overdue=False)


def watts_per_ampere(view: View) -> float:
    """What one ampere of the point's limit is in power [W]."""
    return view.site.nominal_voltage_v * max(1, len(view.uses))


def need_words(view: View) -> str:
    """What becomes of the need, to follow a sentence; empty where there is none."""
    if view.state.energy_needed_wh == 0:
        return ", and has all that was asked for"
    need = need_of(view)
    if need is None:
        wanted_wh = view.state.energy_needed_wh
        return f", and still wants {energy(wanted_wh)}" if wanted_wh else ""
    much, when = energy(need.energy_wh), clock(need.departs_at, view.site.time_zone)
    if need.overdue:
        return f", and is owed the {much} that it needed by {when}"
    if need.shortfall_wh:
        return f", and will lack {energy(need.shortfall_wh)} of the {much} that it still needs by {when}"
    if need.planned or _enough(view, need):
        return f", and will have the {much} that it still needs by {when}"
    return f", and still needs {much} by {when}"


def need_reason(view: View) -> Iterator[Reason]:
    """The need with its arithmetic."""
    need = need_of(view)
    if need is None:
        return
    when = clock(need.departs_at, view.site.time_zone)
    text = f"Its driver still needed {energy(need.energy_wh)} by {when}"
    if need.overdue:
        text += ", and should have left"
    if view.target_a > TOLERANCE_A:
        text += f": {amperes(view.target_a)}" + ("" if need.overdue else " on average from then on")
        if view.target_a >= view.least_a - TOLERANCE_A:
            text += ", which came before everybody's comfort"
    if need.shortfall_wh:
        text += f"; {energy(need.shortfall_wh)} of it could not be given in that time"
    numbers = {
        "energy_needed_wh": need.energy_wh,
        "least_needed_wh": view.state.least_needed_wh,
        "departs_at": need.departs_at.isoformat(),
        "target_a": view.target_a,
        "shortfall_wh": need.shortfall_wh,
        "planned": need.planned,
    }
    yield Reason("need", f"{text}.", numbers)


def resumes_at(view: View) -> datetime | None:
    """When the plan lets it have more than now; None where it does not say, or where the car has left by then."""
    snapshot, departs_at = view.turn.snapshot, view.state.departs_at
    advice = snapshot.advice
    slot = advice.slot(snapshot.at) if advice else None
    if advice is None or slot is None or view.id not in advice.points:
        return None
    caps = advice.points[view.id].cap_a
    now = caps[slot]
    for number, cap in enumerate(caps[slot + 1 :], slot + 1):
        if cap is None or (now is not None and cap > now + TOLERANCE_A and cap >= view.least_a - TOLERANCE_A):
            at = advice.begins_at + timedelta(seconds=number * advice.slot_s)
            return at if departs_at is None or at < departs_at else None
    return None


def _full_a(view: View) -> float:
    """The most that the point can be given, whatever the plan has it wait for [A]."""
    point = view.site.point[view.id]
    takes = float(view.turn.decision.memory.habits.takes_a[0, view.place])
    return min(point.max_a, takes, point.max_a if view.state.max_a is None else view.state.max_a)


def _enough(view: View, need: Need) -> bool:
    """Whether going on at this limit will do."""
    left_s = (need.departs_at - view.turn.snapshot.at).total_seconds()
    return view.limit_a * watts_per_ampere(view) * left_s / 3600.0 >= need.energy_wh
