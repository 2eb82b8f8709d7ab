"""What was different at one decision from another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from controller.explain.model import Reason, Turn, View, amperes, row_words, seconds
from controller.explain.reasons import because_words
from controller.site import Site
from controller.snapshot import PointState
from controller.units import PHASE_NAMES

STEP_A: Final = 0.5
"""A smaller step of the building's load is not worth a word."""
_NOTHING_KNOWN: Final = PointState()


def changes(site: Site, before: Turn, after: Turn, point: str) -> tuple[Reason, ...]:
    """Say what changed for a point from one decision to a later one.

    Raises:
        KeyError: the site has no such point.
    """
    old, new = View(site, before, point), View(site, after, point)
    found = [*_limits(old, new), *_background(old, new), *_external(before, after), *_states(site, before, after)]
    if after.memory is None:
        found.append(Reason("restart", "The controller had just started, and remembered nothing."))
    return tuple(found)


def _limits(old: View, new: View) -> Iterator[Reason]:
    passed_s = new.turn.snapshot.monotonic_s - old.turn.snapshot.monotonic_s
    text = f"{new.id} had {_limit(old)}, and {seconds(passed_s)} later {_limit(new)}."
    yield Reason("limit", text, {"before_a": old.limit_a, "after_a": new.limit_a, "passed_s": passed_s})


def _limit(view: View) -> str:
    if view.setpoint is None:
        return "no limit"
    return f"{amperes(view.limit_a)}, because {because_words(view, view.setpoint.because)}"


def _background(old: View, new: View) -> Iterator[Reason]:
    """The load of the building on every phase that feeds the point."""
    for circuit in (new.site.circuit[name] for name in new.site.path[new.site.point[new.id].circuit]):
        was, now = old.turn.decision.background_a[circuit.id], new.turn.decision.background_a[circuit.id]
        for phase in sorted(new.site.point[new.id].phases):
            if abs(now[phase] - was[phase]) >= STEP_A:
                where = row_words(f"circuit:{circuit.id}:{PHASE_NAMES[phase]}")
                step = f"from {amperes(was[phase])} to {amperes(now[phase])}"
                text = f"What is not charging went {step} on {where}."
                numbers = {"circuit": circuit.id, "phase": PHASE_NAMES[phase]}
                yield Reason("background", text, numbers | {"before_a": was[phase], "after_a": now[phase]})


def _external(before: Turn, after: Turn) -> Iterator[Reason]:
    old = {(limit.circuit, limit.source): limit.limit_w for limit in before.snapshot.limits}
    new = {(limit.circuit, limit.source): limit.limit_w for limit in after.snapshot.limits}
    for circuit, source in sorted(old.keys() | new.keys()):
        was, now = old.get((circuit, source)), new.get((circuit, source))
        if was != now:
            told = [f"{watts:.0f} W" if watts is not None else "none" for watts in (was, now)]
            text = f"The limit of {source} on circuit {circuit} went from {told[0]} to {told[1]}."
            yield Reason("external", text, {"circuit": circuit, "source": source, "before_w": was, "after_w": now})


def _states(site: Site, before: Turn, after: Turn) -> Iterator[Reason]:
    for point in site.points:
        was = before.snapshot.points.get(point.id, _NOTHING_KNOWN)
        now = after.snapshot.points.get(point.id, _NOTHING_KNOWN)
        if (was.state, was.obeys) != (now.state, now.obeys):
            obeys = {True: "", False: " and does not obey"}
            text = f"{point.id} went from {was.state}{obeys[was.obeys]} to {now.state}{obeys[now.obeys]}."
            yield Reason("state", text, {"point": point.id, "before": was.state.value, "after": now.state.value})
