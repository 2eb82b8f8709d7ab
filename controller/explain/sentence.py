"""One sentence for a facility manager: what a point does now, why it may not do more, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from controller.explain.insight import remedy_of
from controller.explain.learned import REMEDIES
from controller.explain.model import PEAK_ROW, Turn, View, amperes, clock, row_words
from controller.explain.needs import need_words, resumes_at
from controller.explain.turns import due, turn_by
from controller.site import Site
from controller.snapshot import State
from controller.units import RESOLUTION_A

FOLLOWS_A: Final = 1.0
"""A car that draws this much less than it may is told with both figures."""

SETTLED_A: Final = 0.5
"""Where what was measured and what is reckoned are further apart, the car is still on its way."""

_QUIET: Final[Mapping[State, str]] = {
    State.AVAILABLE: "is free",
    State.OCCUPIED: "has a car that has not begun to charge: it waits for a card or an app",
    State.FINISHING: "has finished: unplugging the car frees it",
    State.FAULTED: "gives no current, because its charger reports a fault",
    State.OFFLINE: "cannot be steered, because its charger is not connected",
}

_PEAK: Final = "so that the site's peak does not rise"

_PACES: Final[Mapping[str, str]] = {
    "pace:calm": "a limit on its circuit was lowered a moment ago",
    "pace:interval": "its own limit was changed a moment ago",
    "pace:headroom": "the meter has yet to show that more is free",
    "pace:meter": "a meter above it is lost, or only just back",
}


def sentence(site: Site, turn: Turn, point: str) -> str:
    """Say in one sentence what a point does, why, and whether its driver will have what was asked for.

    Raises:
        KeyError: the site has no such point.
    """
    view = View(site, turn, point)
    if view.setpoint is None:
        return f"{point} {_unsteered(view)}."
    if not view.steered[view.place]:
        return f"{point} {_QUIET[view.state.state]}."
    return f"{point} {_steered(view, view.setpoint.because)}{need_words(view)}."


def _unsteered(view: View) -> str:
    reserved_a = float(view.turn.decision.basis.cautious.reserved_a[0, view.place].max())
    why = "is not connected" if view.state.obeys else "does not obey"
    return f"cannot be steered, because its charger {why}: {amperes(reserved_a)} are kept free for it"


def _steered(view: View, because: str) -> str:
    """What it does and why; every name that a plan may give as a reason has its words here."""
    if because in _OTHERS:
        return _OTHERS[because](view)
    if because in _PACES:
        return _paced(view, _PACES[because])
    if because == f"not_admitted:{State.EV_IDLE}":
        return _idle(view)
    if because.startswith("not_admitted:"):
        return _waits(view, because.removeprefix("not_admitted:"))
    return f"{_charges(view)}{_shares(view, because)}"


def _charges(view: View) -> str:
    limit, drawn_a = amperes(view.limit_a), max(view.turn.decision.draw_a[view.id])
    if view.state.state is not State.CHARGING:
        return f"may {'begin with' if view.state.state is State.PLUGGED else 'charge at'} {limit}"
    if drawn_a >= view.limit_a - FOLLOWS_A:
        return f"charges at {limit}"
    settled = view.state.measured_a is not None and abs(max(view.state.measured_a) - drawn_a) <= SETTLED_A
    return f"may draw {limit} and draws {amperes(drawn_a)}" if settled else f"may draw {limit}"


def _shares(view: View, name: str) -> str:
    """What the one gets of a row that is used up."""
    kind, _, rest = name.partition(":")
    if kind == "imbalance":
        return f", because {_alike(view, rest.rpartition(':')[0])}"
    row = view.row()
    count = _sharing(view, row)
    room = f"the {_room(view, name, row)}"
    if count < 2:
        return f", which is all of {room}"
    urgent = due(view) & ~view.fixed & (view.rows[row] > 0)
    if urgent[view.place]:
        return f", its share among {count} cars of {room}, served first to be ready in time"
    if urgent.any():
        return f", its share among {count} cars of {room}, after {np.count_nonzero(urgent)} that must be ready in time"
    return f", its fair share among {count} cars of {room}"


def _waits(view: View, name: str) -> str:
    """Why the least that it charges with has no room."""
    if name in ("point:max", "car:takes"):
        whose = "its own limit" if name == "point:max" else "what its car takes"
        most, least = amperes(view.max_a[view.place]), amperes(view.least_a)
        return f"gets nothing, because {whose} ({most}) is below the {least} that it charges with at least"
    kind, _, rest = name.partition(":")
    row = view.row()
    by = turn_by(view, row)
    turn = f"; its turn comes by about {clock(by, view.site.time_zone)}" if by else ""
    does = "gives way" if view.state.state is State.CHARGING and view.state.commanded_a else "waits"
    if kind == "imbalance":
        return f"{does}, because {_alike(view, rest.rpartition(':')[0])}{turn}"
    count, room = _sharing(view, row), _room(view, name, row)
    if count == 0:
        return f"{does}: the {room} are less than the {amperes(view.least_a)} that it charges with at least"
    cars = "1 car has" if count == 1 else f"{count} cars share"
    return f"{does}: {cars} the {room}{turn}"


def _room(view: View, name: str, row: int) -> str:
    """How much there is to share, and of what."""
    free_a = max(0.0, float(view.careful_a[row]))
    kind, _, rest = name.partition(":")
    if kind == "circuit":
        return f"{amperes(free_a)} free on {row_words(name)}"
    if kind == "station":
        return f"{amperes(free_a)} on a phase that the back office {rest} leaves the station"
    kilowatts = f"{free_a * view.site.nominal_voltage_v / 1000:.1f} kW"
    if name == PEAK_ROW:
        return f"{kilowatts} left for charging until this demand window ends"
    whose = f"the limit set by {rest}" if kind == "limit" else f"the power contracted for circuit {rest}"
    return f"{kilowatts} that {whose} leaves"


def _alike(view: View, circuit: str) -> str:
    most_a = view.site.circuit[circuit].max_imbalance_a or 0.0
    return f"the phases of circuit {circuit} may differ by {amperes(most_a)} at most"


def _sharing(view: View, row: int) -> int:
    """How many were given something of a row."""
    setpoints = view.turn.decision.plan.setpoints
    uses = view.steered & ~view.fixed & (view.rows[row] > 0)
    given = (setpoints.get(view.layout.point_ids[n]) for n in np.flatnonzero(uses).tolist())
    return sum(setpoint is not None and setpoint.limit_a > 0 for setpoint in given)


def _paced(view: View, why: str) -> str:
    share_a = float(view.share_a[view.place])
    if view.limit_a <= 0:
        does = f"begins in a moment with {amperes(share_a)}" if share_a > 0 else "waits"
    else:
        on_its_way = share_a >= view.limit_a + RESOLUTION_A
        does = f"{_charges(view)} on its way to {amperes(share_a)}" if on_its_way else _charges(view)
    return f"{does}: {why}"


def _idle(view: View) -> str:
    if view.limit_a > 0:
        return f"keeps {amperes(view.limit_a)} ready for its car, which asks for nothing at the moment"
    return f"has a car that asks for nothing at the moment, and no room to keep its {amperes(view.least_a)} ready"


def _own_maximum(view: View) -> str:
    point, said_a = view.site.point[view.id], view.state.max_a
    if said_a is not None and said_a < point.max_a:
        return f"{_charges(view)}, the most that its session may take"
    if view.max_a[view.place] < point.max_a:
        return f"{_charges(view)}, the most that its charger may hold unattended"
    return f"{_charges(view)}, the most that the point gives"


def _later(view: View, waits_for: str, charges_less: str) -> str:
    at = resumes_at(view)
    if at is None and view.limit_a > 0:
        return f"{_charges(view)}, as planned"
    until = f", until {clock(at, view.site.time_zone)} as planned now" if at else ""
    return f"{f'waits {waits_for}' if view.limit_a <= 0 else f'{_charges(view)} {charges_less}'}{until}"


def _does_not_follow(view: View) -> str:
    remedy = remedy_of(view.turn, view.place)
    draw = amperes(max(view.turn.decision.draw_a[view.id]))
    if remedy is not None:
        return f"draws {draw}, well above its limit of {amperes(view.limit_a)}: {REMEDIES[remedy]}"
    held_a = view.state.commanded_a or 0.0
    if held_a > view.limit_a:
        return f"counts with {amperes(held_a)}, because its charger has not confirmed a lower limit"
    return f"keeps {amperes(view.limit_a)}, because its charger cannot be written again for now"


def _guarded(view: View) -> str:
    return f"was cut to {amperes(view.limit_a)} by the last safety check, which is a mistake of the controller"


def _nudged(_: View) -> str:
    return "is at 0 A for a moment, because its car has fallen asleep and wakes up when the current comes back"


_OTHERS: Final[Mapping[str, Callable[[View], str]]] = {
    "point:max": _own_maximum,
    "car:takes": lambda view: f"{_charges(view)}, the most that its car takes",
    "car:nudged": _nudged,
    "plan:price": lambda view: _later(view, "for a cheaper hour", "and leaves more for a cheaper hour"),
    "plan:peak": lambda view: _later(view, _PEAK, _PEAK),
    "plan:surplus": lambda view: f"{_charges(view)}, with what the site would otherwise export",
    "charger:does_not_follow": _does_not_follow,
    "guard": _guarded,
}
