"""How much was free on the row that binds a point, and who shared it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from controller.explain.model import PEAK_ROW, Reason, View, amperes, phase_list, row_words
from controller.explain.turns import turn_reason
from controller.snapshot import ExternalLimit
from controller.units import PHASE_NAMES, RESOLUTION_A

SHOWN: Final = 8
"""Names in one sentence; more are counted."""


def room_reasons(view: View) -> Iterator[Reason]:
    """The arithmetic of the row, those who share it, and who comes first."""
    row = view.row()
    yield from _difference(view)
    yield _power_room(view, row) if row >= len(view.layout.row_names) else _phase_room(view, row)
    yield _sharers(view, row)
    yield from _precedence(view, row)
    yield from turn_reason(view, row)


def _phase_room(view: View, row: int) -> Reason:
    place, phase = divmod(int(view.layout.row_place[row]), len(PHASE_NAMES))
    circuit, basis = view.site.circuits[place], view.turn.decision.basis
    building = view.turn.decision.background_a[circuit.id][phase]
    coming, careful = (float(c.background_a[0, place, phase]) for c in (basis.now, basis.cautious))
    reserved = basis.cautious.reserved_a[0, :, phase] * view.layout.below[place]
    fuse_a, free_a = circuit.fuse_a[phase], float(view.careful_a[row])
    parts = {
        "margin_a": (circuit.margin_a, "of margin"),
        "background_a": (building, f"for what is not charging{_assumed(view, place, phase)}"),
        "rise_a": (coming - building, "because that load was rising"),
        "caution_a": (careful - coming, "for its recent peaks and its noise"),
        "reserved_a": (float(reserved.sum()), f"kept for {_names(view, reserved)}"),
    }
    less = "".join(f", less {amperes(part)} {what}" for part, what in parts.values() if part >= RESOLUTION_A / 2)
    end = f"{amperes(free_a)} to share" if free_a >= 0 else f"{amperes(-free_a)} too much before anybody charges"
    text = f"Phase {PHASE_NAMES[phase]} of circuit {circuit.id}: fuse {amperes(fuse_a)}{less}: {end}."
    numbers = {"circuit": circuit.id, "phase": PHASE_NAMES[phase], "fuse_a": fuse_a, "free_a": free_a}
    return Reason("room", text, numbers | {name: part for name, (part, _) in parts.items()})


def _assumed(view: View, place: int, phase: int) -> str:
    if not np.isnan(view.meter_a[place, phase]):
        return ""
    return " (assumed: its meter had no reading that counted)" if view.layout.metered[place] else " (it has no meter)"


def _power_room(view: View, row: int) -> Reason:
    """A bound in watts on the three phases together."""
    name = view.row_names[row]
    nominal_v = view.site.nominal_voltage_v
    free_w = float(view.careful_a[row]) * nominal_v
    kind, _, who = name.partition(":")
    if kind == "station":
        return _station_room(view, row)
    if kind == "contract":
        limit_w = view.site.circuit[who].contract_w or 0.0
    else:
        on_way = {view.site.circuits[place].id for place in np.flatnonzero(view.above)}
        bounds = [x for x in view.turn.snapshot.limits if x.source == who and x.circuit in on_way]
        strictest = min(bounds, key=lambda x: x.limit_w)
        limit_w = strictest.limit_w
        if strictest.charging_only:
            return _charging_room(name, strictest, free_w)
    text = (
        f"{row_words(name).capitalize()} was {limit_w:.0f} W for the three phases together. What is not charging took "
        f"{limit_w - free_w:.0f} W of it, with peaks, noise and reserves: {free_w:.0f} W to share."
    )
    return Reason("room", text, {"limit_w": limit_w, "taken_w": limit_w - free_w, "free_w": free_w, "row": name})


def _station_room(view: View, row: int) -> Reason:
    """A bound in amperes, on each phase, on what some points draw together."""
    name, free_a = view.row_names[row], float(view.careful_a[row])
    limit = next(one for one in view.turn.snapshot.stations if one.name == name and view.id in one.points)
    text = (
        f"{row_words(name).capitalize()} was {amperes(limit.limit_a)} on each phase, for {len(limit.points)} points "
        f"together. What of them is not steered took {amperes(limit.limit_a - free_a)}: {amperes(free_a)} to share."
    )
    numbers = {"limit_a": limit.limit_a, "taken_a": limit.limit_a - free_a, "free_a": free_a, "row": name}
    return Reason("room", text, numbers)


def _charging_room(name: str, limit: ExternalLimit, free_w: float) -> Reason:
    words, limit_w = row_words(name).capitalize(), limit.limit_w
    if limit.per_point:
        text = f"{words} was {limit_w:.0f} W for each charging point."
    elif name == PEAK_ROW:
        text = f"{words} was {limit_w:.0f} W, so that its mean stays below its target: {free_w:.0f} W to share."
    else:
        text = f"{words} was {limit_w:.0f} W for everything that charges: {free_w:.0f} W to share."
    return Reason("room", text, {"limit_w": limit_w, "taken_w": limit_w - free_w, "free_w": free_w, "row": name})


def _difference(view: View) -> Iterator[Reason]:
    """What points that do not load all phases alike carry on each, where that is what holds this one."""
    kind, _, rest = view.share_because[view.place].removeprefix("not_admitted:").partition(":")
    if kind != "imbalance":
        return
    circuit = view.site.circuit[rest.rpartition(":")[0]]
    uses = view.turn.decision.basis.facts.uses[0]
    uneven = ~uses.all(axis=1) & view.layout.below[view.site.circuits.index(circuit)]
    setpoints = view.turn.decision.plan.setpoints
    limits = [setpoints[p].limit_a if p in setpoints else 0.0 for p in view.layout.point_ids]
    carried = tuple((np.array(limits) * uneven @ uses).tolist())
    text = (
        f"Points that do not use all phases of circuit {circuit.id} were given {phase_list(carried)} on L1, L2, L3; "
        f"any two may differ by {amperes(circuit.max_imbalance_a or 0.0)} at most."
    )
    yield Reason("difference", text, {"circuit": circuit.id, "carried_a": carried, "most_a": circuit.max_imbalance_a})


def _sharers(view: View, row: int) -> Reason:
    """Who had been given what of the row, by this decision."""
    setpoints = view.turn.decision.plan.setpoints
    uses, shares = view.rows[row] > 0, view.steered & ~view.fixed
    given = {
        point: setpoints[point].limit_a
        for place, point in enumerate(view.layout.point_ids)
        if uses[place] and point in setpoints and shares[place] and setpoints[point].limit_a > 0
    }
    total = sum(given.values())
    if not given:
        return Reason("sharers", "Nobody was given any of it.", {"sharers": {}, "total_a": 0.0})
    ranked = sorted(given, key=lambda point: (point != view.id, -given[point], point))
    told = [f"{point} {amperes(given[point])}{_held_by(view, point)}" for point in ranked[:SHOWN]]
    if len(ranked) > SHOWN:
        rest = sum(given[point] for point in ranked[SHOWN:])
        told.append(f"{_others(len(ranked) - SHOWN)} {amperes(rest)}")
    who = f"{len(given)} points shared it" if len(given) > 1 else "One point had it"
    free_a, now_a = float(view.careful_a[row]), float(view.now_a[row])
    more = ""
    if row < len(view.layout.row_names) and total > free_a + RESOLUTION_A / 2:
        more = f". That is more, since what was held already is kept while it fits at this instant ({amperes(now_a)})"
    text = f"{who}: {', '.join(told)}; together {amperes(total)}{more}."
    return Reason("sharers", text, {"sharers": given, "total_a": total, "now_a": now_a})


def _held_by(view: View, point: str) -> str:
    because = view.turn.decision.plan.setpoints[point].because
    if point == view.id:
        return ""
    return " (its maximum)" if because == "point:max" else " (idle)" if because.endswith("ev_idle") else ""


def _precedence(view: View, row: int) -> Iterator[Reason]:
    """Who comes first, where that made a difference."""
    place = view.place
    rivals = (view.rows[row] > 0) & view.competes
    rivals[place] = False
    before = rivals & (view.priority > view.priority[place])
    if before.any():
        own = int(view.priority[place])
        text = f"Higher priority than its {own} had, and came first: {_names(view, before)}."
        yield Reason("priority", text, {"priority": own, "before": _listed(view, before)})
    if len(set(view.weight[rivals].tolist()) | {float(view.weight[place])}) > 1:
        weights = {p: float(view.weight[view.layout.index[p]]) for p in [view.id, *_listed(view, rivals)]}
        told = ", ".join(f"{point} {weight:g}" for point, weight in list(weights.items())[:SHOWN])
        yield Reason("weight", f"What is above the minimums was shared by weight: {told}.", {"weights": weights})


def _listed(view: View, which: object) -> list[str]:
    return [view.layout.point_ids[place] for place in np.flatnonzero(np.asarray(which)).tolist()]


def _names(view: View, which: object) -> str:
    names = _listed(view, which)
    shown = ", ".join(names[:SHOWN])
    return f"{shown} and {_others(len(names) - SHOWN)}" if len(names) > SHOWN else shown


def _others(count: int) -> str:
    return "1 other" if count == 1 else f"{count} others"
