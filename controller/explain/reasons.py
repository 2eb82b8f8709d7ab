"""The chain of reasons behind one limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import numpy as np

from controller.explain.learned import learned_reasons
from controller.explain.model import (
    Explanation,
    Reason,
    Turn,
    View,
    amperes,
    before,
    clock,
    measured_phases,
    phase_list,
    row_words,
    seconds,
)
from controller.explain.needs import need_reason, resumes_at
from controller.explain.pace import pace_reason
from controller.explain.room import room_reasons
from controller.site import Site
from controller.snapshot import State
from controller.units import RESOLUTION_A

_STATES: Final[Mapping[State, str]] = {
    State.AVAILABLE: "no car was there",
    State.OCCUPIED: "a car was there, but no transaction had been started",
    State.PLUGGED: "a car had begun its transaction and had drawn nothing yet",
    State.CHARGING: "a car was charging",
    State.WITHHELD: "a car would have charged and was held back",
    State.EV_IDLE: "the car asked for nothing",
    State.FINISHING: "its session was ending",
    State.FAULTED: "its charger reported a fault",
    State.OFFLINE: "its charger was not connected",
}

_BECAUSE: Final[Mapping[str, str]] = {
    "point:max": "it could take no more",
    "not_admitted:point:max": "it might take less than the least that a car can charge with",
    "car:takes": "its car took no more",
    "not_admitted:car:takes": "its car takes less than the least that it can charge with",
    "car:nudged": "its car had fallen asleep, and wakes up when the current comes back",
    "plan:price": "the plan had no more for it at that price",
    "plan:peak": "more would have raised the site's peak",
    "plan:surplus": "that is what the site would otherwise have exported, and more would have cost",
    "charger:does_not_follow": "its charger did not follow then, and kept what it held",
    "guard": "the last check had to cut it, which is a mistake of the controller",
    "pace:calm": "a limit on its circuit had just been lowered",
    "pace:interval": "its own limit had just been changed",
    "pace:headroom": "more had yet to be seen to be free",
    "pace:meter": "a meter above it was lost, or only just back",
}


def explain(site: Site, turn: Turn, point: str) -> Explanation:
    """Say why a point was limited as it was.

    Args:
        site: the site.
        turn: the decision, as ``controller.engine.decide`` made it.
        point: the point's id.

    Raises:
        KeyError: the site has no such point.
    """
    view = View(site, turn, point)
    limit_a = view.setpoint.limit_a if view.setpoint else None
    because = view.setpoint.because if view.setpoint else ""
    return Explanation(point, limit_a, because, tuple(_chain(view)))


def _chain(view: View) -> Iterator[Reason]:
    yield _limit(view)
    if view.setpoint is None:
        yield _reserve(view)
    elif view.steered[view.place]:
        yield from _own_maximum(view)
        yield from need_reason(view)
        yield from room_reasons(view)
        yield from pace_reason(view)
    if view.steered[view.place] or view.state.measured_a is not None or view.setpoint is None:
        yield _measured(view)
    yield from learned_reasons(view)
    yield from _meters(view)


def _limit(view: View) -> Reason:
    if view.setpoint is None:
        why = _STATES[State.OFFLINE] if view.state.obeys else "its charger did not obey"
        return Reason("limit", f"{view.id} had no limit: {why}, so nobody could steer it.")
    because = view.setpoint.because
    text = f"{view.id} was limited to {amperes(view.limit_a)}, because {because_words(view, because)}."
    return Reason("limit", text, {"limit_a": view.limit_a, "because": because})


def because_words(view: View, because: str) -> str:
    """A plan's reason in words, of what is past."""
    if because in _BECAUSE:
        return _BECAUSE[because]
    if not because.startswith("not_admitted:"):
        return f"{row_words(because)} was used up"
    what = because.removeprefix("not_admitted:")
    if what not in State.__members__.values():
        return f"{row_words(what)} had no room for its minimum"
    if State(what) is State.EV_IDLE and view.limit_a > 0:
        return f"{_STATES[State.EV_IDLE]}; it kept its minimum, so that it could wake up"
    return _STATES[State(what)]


def _reserve(view: View) -> Reason:
    point = view.site.point[view.id]
    reserved_a = float(view.turn.decision.basis.cautious.reserved_a[0, view.place].max())
    parts = {
        "drawn_a": max(view.turn.decision.draw_a[view.id]),
        "commanded_a": view.state.commanded_a or 0.0,
        "fallback_a": point.fallback_a,
    }
    text = (
        f"{amperes(reserved_a)} were kept for it: the largest of what it drew ({amperes(parts['drawn_a'])}), what its "
        f"charger was last told ({amperes(parts['commanded_a'])}) and what it would fall back to "
        f"({amperes(point.fallback_a)})."
    )
    return Reason("reserve", text, {"reserved_a": reserved_a, **parts})


def _spared(view: View, resumes: datetime | None) -> str:
    if view.bound == "plan:peak":
        return "the peak that is paid for would rise"
    return "it would cost more than later" if resumes or view.limit_a <= 0 else "that is enough for what is asked for"


def _own_maximum(view: View) -> Iterator[Reason]:
    """What the point itself can take, where that is what holds it."""
    point = view.site.point[view.id]
    most_a = float(view.max_a[view.place])
    if view.limit_a < most_a - RESOLUTION_A and view.bound not in view.share_because[view.place]:
        return
    said_a = view.state.max_a
    if view.bound == "car:takes":
        why = "its car has shown that it takes no more"
    elif view.bound.startswith("plan:"):
        at = resumes_at(view)
        until = f" until {clock(at, view.site.time_zone)}" if at else ""
        why = f"the plan has no more for it{until}, since {_spared(view, at)}"
    elif said_a is not None and said_a < point.max_a:
        why = f"this car or session takes {amperes(said_a)}, the point {amperes(point.max_a)}"
    elif most_a < point.max_a:
        why = (
            f"the point takes {amperes(point.max_a)}, but its station may be written only a few times a day, so it is "
            "held to what is safe unattended"
        )
    else:
        why = "this is the point's own maximum"
    yield Reason("maximum", f"It could take {amperes(most_a)}: {why}.", {"max_a": most_a, "bound": view.bound})


def _measured(view: View) -> Reason:
    state = view.state
    parts = [f"At that moment {_STATES[state.state]}"]
    numbers: dict[str, object] = {"state": state.state.value}
    if state.measured_a is not None:
        age_s = _age_s(view)
        ago = "" if age_s is None else f" {before(age_s)}"
        parts.append(f"it was measured to draw {measured_phases(view, state.measured_a)}{ago}")
        numbers |= {"measured_a": state.measured_a, "measured_age_s": age_s}
        drawn_a = view.turn.decision.draw_a[view.id]
        if np.abs(np.subtract(drawn_a, state.measured_a)).max() > RESOLUTION_A:
            parts.append(f"by now it was reckoned to draw {measured_phases(view, drawn_a)}")
            numbers["draw_a"] = drawn_a
    if state.commanded_a is not None:
        parts.append(f"its charger may have been acting on {amperes(state.commanded_a)}")
        numbers["commanded_a"] = state.commanded_a
    return Reason("measured", "; ".join(parts) + ".", numbers)


def _age_s(view: View) -> float | None:
    at = view.state.measured_at
    return None if at is None else (view.turn.snapshot.at - at).total_seconds()


def _meters(view: View) -> Iterator[Reason]:
    for place in np.flatnonzero(view.above & view.layout.metered).tolist():
        circuit = view.site.circuits[place]
        reading = view.turn.snapshot.meters.get(circuit.meter or "")
        if reading is None:
            yield Reason("meter", f"Meter {circuit.meter} of circuit {circuit.id} had given no reading.")
            continue
        age_s = (view.turn.snapshot.at - reading.measured_at).total_seconds()
        lost = age_s >= view.site.control.hold_s
        stale = f", too long ago to count (from {seconds(view.site.control.hold_s)})" if lost else ""
        said = f"read {phase_list(reading.current_a)} {before(age_s)}{stale}"
        text = f"Meter {circuit.meter} of circuit {circuit.id} {said}."
        yield Reason("meter", text, {"meter": circuit.meter, "current_a": reading.current_a, "age_s": age_s})
