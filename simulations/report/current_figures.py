"""Phases and fuses: currents against their limits, unbalance, and how warm the fuses got."""

from __future__ import annotations

from typing import Any

import numpy as np

from controller.units import PHASE_NAMES
from simulations.report import look
from simulations.report.columns import Column, numbers, ref, times
from simulations.report.pieces import Figure
from simulations.report.timeline import Floats, binned, length_words, rows_per_bin, sorted_down
from simulations.report.view import Case, Drawn, View
from simulations.report.words import number, percent, plain, quantity

_MOST_CIRCUITS = 6
_MOST_ROWS_A_DAY = 1_440
_RANKS = 401
_EVEN_A = 0.1
_WIDTHS_PX = (2.4, 1.7, 1.2)
"""Of the phases' lines: all can be seen where they lie on one another."""


def worst_day(case: Case) -> Figure:
    """Each phase of each circuit against its fuse, on the day on which one of them was fullest."""
    view = case.view
    use = view.series.circuit_peak_a.max(axis=0, initial=0.0) / view.fuse_a
    shown = sorted(np.argsort(-use.max(axis=1), kind="stable")[:_MOST_CIRCUITS].tolist())
    place, circuit, phase = np.unravel_index(
        int(np.argmax(view.series.circuit_peak_a / view.fuse_a.astype(np.float32))), view.series.circuit_peak_a.shape
    )
    days = view.clock.day(view.series.time_s)
    during = days == days[place]
    rows = int(during.sum())
    per_bin = rows_per_bin(rows, view.series.step_s, _MOST_ROWS_A_DAY)
    time_s = view.series.time_s[during][::per_bin]
    columns: dict[str, Column] = {"time": times(view.clock.unix_s(time_s))}
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "shapes": [],
        "xaxis": look.time_axis(anchor=f"y{len(shown)}" if len(shown) > 1 else "y"),
    }
    peaks_a = view.series.circuit_peak_a[during]
    for row, index in enumerate(shown):
        _add_circuit(
            view, index, row, len(shown), binned(peaks_a[:, index], per_bin, np.nanmax), columns, traces, layout
        )
    peak_a = float(view.series.circuit_peak_a[place, circuit, phase])
    fuse_a = float(view.fuse_a[circuit, phase])
    when = view.clock.text(float(view.series.time_s[place]), "%A %-d %B at %H:%M")
    left_out = len(view.site.circuits) - len(shown)
    return Figure(
        id="worst-day",
        title=f"At worst, {view.site.circuits[circuit].id} carried {number(peak_a)} of {fuse_a:g}\u00a0A "
        f"on {PHASE_NAMES[phase]}, on {when}",
        reading="That day: one band for each circuit, one line for each phase, the highest current in every "
        f"{length_words(per_bin * view.series.step_s)}. Dashed: the fuse; dotted: less its margin.",
        columns=columns,
        traces=traces,
        layout=layout,
        height_px=120 + 165 * len(shown),
        note=f"Circuits that were emptier are left out here: {left_out}." if left_out else "",
    )


def _add_circuit(
    view: View,
    index: int,
    row: int,
    rows: int,
    peaks_a: Floats,
    columns: dict[str, Column],
    traces: list[dict[str, Any]],
    layout: dict[str, Any],
) -> None:
    circuit = view.site.circuits[index]
    axis = "y" if row == 0 else f"y{row + 1}"
    for phase, name in enumerate(PHASE_NAMES):
        column = f"{circuit.id}_{name.lower()}_a"
        columns[column] = numbers(peaks_a[:, phase], 2)
        style = {"color": look.PHASES[phase], "width": _WIDTHS_PX[phase], "shape": "hv"}
        trace = look.line(name, ref("time"), ref(column), style, yaxis=axis, legendgroup=name, showlegend=row == 0)
        traces.append({**trace, "hovertemplate": f"{plain(circuit.id)}: %{{y:.1f}} A"})
    for fuse_a in sorted(set(circuit.fuse_a)):
        shape = look.level(fuse_a, axis_id=axis, label=f"{plain(circuit.id)}: fuse {fuse_a:g} A")
        layout["shapes"].append({**shape, "xref": "x domain"})
        if circuit.margin_a > 0:
            thin = {"color": look.LIMIT, "width": 1, "dash": "dot"}
            layout["shapes"].append(
                {**look.level(fuse_a - circuit.margin_a, axis_id=axis, style=thin), "xref": "x domain"}
            )
    height = 1.0 / rows
    top = 1.0 - row * height
    top_a = 1.18 * max(*circuit.fuse_a, float(np.nanmax(peaks_a, initial=0.0)))
    layout["yaxis" if row == 0 else f"yaxis{row + 1}"] = look.axis(
        f"{plain(circuit.id)} [A]",
        domain=[top - 0.9 * height, top],
        range=[min(0.0, float(np.nanmin(peaks_a, initial=0.0))), top_a],
    )


def unbalance(case: Case) -> Drawn:
    """How far apart the phases of the grid connection are, and for how long."""
    view, free = case.view, case.uncontrolled
    spread_a = _spread(view)
    if float(spread_a.max()) < _EVEN_A:
        return "The unbalance of the phases is not drawn: they carried the same current at all times."
    share_pct = np.linspace(0.0, 100.0, _RANKS)
    columns = {"share_of_time_pct": numbers(share_pct, 2), "unbalance_a": numbers(sorted_down(spread_a, _RANKS), 2)}
    x = ref("share_of_time_pct")
    traces = []
    if free is not None:
        columns["uncontrolled_a"] = numbers(sorted_down(_spread(free), _RANKS), 2)
        traces.append(look.line("Uncontrolled", x, ref("uncontrolled_a"), look.UNCONTROLLED_LINE))
    traces.append(look.line(view.name, x, ref("unbalance_a"), {"color": look.CHARGING, "width": 2.2}))
    for trace in traces:
        trace["hovertemplate"] = "%{y:.1f} A"
    limit_a = view.site.circuits[view.root].max_imbalance_a
    shapes = [] if limit_a is None else [look.level(limit_a, label=f"Limit {limit_a:g} A")]
    return Figure(
        id="unbalance",
        title=f"Half of the time the phases are within {quantity(float(np.median(spread_a)), 'A')} of each other",
        reading="Difference between the fullest and the emptiest phase of the grid connection, sorted: "
        "for which share of the time it was at least that large.",
        columns=columns,
        traces=traces,
        layout={
            "xaxis": look.axis("Share of the time [%]", ticksuffix=" %"),
            "yaxis": look.axis("Fullest minus emptiest phase [A]"),
            "shapes": shapes,
        },
        wide=False,
    )


def _spread(view: View) -> Floats:
    return np.asarray(np.ptp(view.series.circuit_a[:, view.root].astype(np.float64), axis=1))


def fuse_heat(case: Case) -> Drawn:
    """Thermal state of every fuse over time: 1 means that it opens."""
    view, free = case.view, case.uncontrolled
    highest = float(view.series.thermal.max(initial=0.0))
    free_highest = 0.0 if free is None else float(free.series.thermal.max(initial=0.0))
    if max(highest, free_highest) < 1e-3:
        return "The thermal state of the fuses is not drawn: no fuse ever carried enough to warm towards opening."
    per_bin = rows_per_bin(len(view.series.time_s), view.series.step_s)
    columns = {"time": times(view.clock.unix_s(view.series.time_s[::per_bin]))}
    traces = []
    if free is not None and free_highest >= 1e-3:
        worst = int(np.argmax(free.series.thermal.max(axis=0)))
        columns["uncontrolled_state"] = numbers(binned(free.series.thermal[:, worst], per_bin, np.nanmax), 4)
        name = f"{plain(view.site.circuits[worst].id)}, uncontrolled"
        traces.append(look.line(name, ref("time"), ref("uncontrolled_state"), look.UNCONTROLLED_LINE))
    colours = (look.CHARGING, look.BOUND, *look.RIVALS)
    for index, circuit in enumerate(view.site.circuits):
        columns[f"{circuit.id}_state"] = numbers(binned(view.series.thermal[:, index], per_bin, np.nanmax), 4)
        style = {"color": colours[index % len(colours)], "width": 1.6}
        traces.append(look.line(plain(circuit.id), ref("time"), ref(f"{circuit.id}_state"), style))
    for trace in traces:
        trace["hovertemplate"] = "%{y:.2f}"
    top = min(1.5, max(1.2, 1.1 * highest, 1.1 * free_highest))
    thinned = f" Drawn as the highest of each {length_words(per_bin * view.series.step_s)}." if per_bin > 1 else ""
    return Figure(
        id="fuse-heat",
        title=_heat_title(case, highest, free_highest),
        reading="Overload heats a fuse faster the larger it is, and it cools in between. "
        "At 1 it may open; the estimate errs on the early side.",
        columns=columns,
        traces=traces,
        layout={
            "xaxis": look.time_axis(),
            "yaxis": look.axis("Thermal state [share of opening]", range=[0, top]),
            "shapes": [look.level(1.0, label="opens")],
        },
        wide=False,
        note=("Values above the plot's top are cut off." if max(highest, free_highest) > top else "") + thinned,
    )


def _heat_title(case: Case, highest: float, free_highest: float) -> str:
    own = "no fuse warmed up" if highest < 1e-3 else f"the hottest fuse came to {percent(highest, 0)} of what opens it"
    free = case.uncontrolled
    if free is None or free_highest < 1.0:
        return own[0].upper() + own[1:]
    opened = int(np.argmax(free.series.thermal.max(axis=1) >= 1.0))
    when = free.clock.text(float(free.series.time_s[opened]), "%a %-d %B, %H:%M")
    return f"Uncontrolled, a fuse opens on {when}; under {case.view.name}, {own}"
