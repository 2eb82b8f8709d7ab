"""Every point over time, coloured by what stopped it from getting more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from controller.loadbalance.facts import STATES
from controller.snapshot import COMPETING, State
from simulations.report import look, words
from simulations.report.columns import Column, coded, ref, times
from simulations.report.pieces import Figure
from simulations.report.timeline import DAY_S, Floats, date_of, length_words, rows_per_bin
from simulations.report.view import Case, Drawn, View

_MOST_COLUMNS: Final = 2_100
_MOST_POINTS: Final = 60
_DAYS: Final = 7
_NOBODY: Final = "no car"
_COLOURS: Final = {
    "as fast as point and car can": look.CHARGING,
    "goes up step by step": "#99d5cd",
    "limited from outside": "#8b3fd9",
    "the contracted power is used up": "#c99bf0",
    "waits for its turn": "#e69f00",
    "cut or not followed": look.LIMIT,
    "charger faulty or not reachable": look.TEXT,
    "connected, asks for nothing": "#cbd5e1",
    "no limit was given": "#e7d8b1",
    "other": "#a16207",
}
_CIRCUITS: Final = ("#56b4e9", "#2563eb", "#1e3a8a", "#0e7490", "#93c5fd", "#475569")
_ORDER: Final = list(_COLOURS)


@dataclass(frozen=True, eq=False)
class _Reasons:
    """Which reasons there were, and which held where."""

    codes: NDArray[np.int64]
    """(T, P) place in ``words``; -1: no car."""
    words: tuple[str, ...]
    """Exact, as the download holds them."""
    groups: tuple[str, ...]
    """What the legend calls each of them."""


def gantt(case: Case) -> Drawn:
    """Points by time, coloured by reason; of a long run, the seven days in which most was held back."""
    view = case.view
    if not view.site.points:
        return "The chart of points needs a point."
    during = _window(view)
    step_s = view.series.step_s
    per_bin = rows_per_bin(int(during.sum()), step_s, _MOST_COLUMNS)
    found = _thinned(_reasons(view, during), per_bin)
    held = np.array([group not in (_ORDER[0], _ORDER[7]) for group in found.groups] + [False])
    points = np.arange(len(view.site.points))
    if len(points) > _MOST_POINTS:
        points = np.sort(np.argsort(-held[found.codes].sum(axis=0), kind="stable")[:_MOST_POINTS])
    legend_names = sorted(set(found.groups), key=lambda g: _ORDER.index(g) if g in _ORDER else 0.5)
    colours = _colours(legend_names)
    time_s = view.series.time_s[during][::per_bin]
    columns: dict[str, Column] = {"time": times(view.clock.unix_s(time_s))}
    for place in points.tolist():
        columns[_column(view, place)] = coded(found.codes[:, place], found.words)
    lookup = [float(legend_names.index(group)) for group in found.groups]
    bin_h = per_bin * step_s / 3600.0
    hours = {name: bin_h * _held(found, points, name) for name in legend_names}
    return Figure(
        id="points",
        title=_title(hours, legend_names),
        reading="One row for each charging point. The colour says why its limit was no higher; white means that no car "
        "was there. Point at a cell to read the reason in full.",
        columns=columns,
        traces=[{**_heatmap(view, points, legend_names, colours, lookup), **_aligned(view, time_s, per_bin)}]
        if legend_names
        else [],
        layout={
            "hovermode": "closest",
            "xaxis": look.time_axis(),
            "yaxis": {"type": "category", "autorange": "reversed", "showgrid": False, "dtick": 1},
            "margin": {"t": 6},
        },
        height_px=70 + 19 * max(4, len(points)),
        legend=[(colours[name], name, words.hours(hours[name], sum(hours.values()))) for name in legend_names],
        note=_note(view, during, per_bin, len(points)),
    )


def _column(view: View, place: int) -> str:
    return f"point_{view.site.points[place].id}"


def _window(view: View) -> NDArray[np.bool_]:
    """The rows to show: all, or the seven days in which most was held back."""
    days = view.clock.day(view.series.time_s)
    first, last = int(days[0]), int(days[-1])
    if view.scenario.duration_s <= _DAYS * DAY_S + 3600:  # a clock that was put back makes a week an hour longer
        return np.ones(len(days), dtype=bool)
    at_most = np.array([i for i, name in enumerate(view.series.reasons) if name == "point:max"])
    competing = np.isin(view.series.state, [i for i, state in enumerate(STATES) if state in COMPETING])
    held = (competing & ~np.isin(view.series.because, at_most)).sum(axis=1)
    by_day = np.bincount(days - first, weights=held, minlength=last - first + 1)
    weekly = np.convolve(by_day, np.ones(_DAYS), mode="valid")
    begin = first + (int(np.argmax(weekly)) if weekly.size else 0)
    return np.asarray((days >= begin) & (days < begin + _DAYS))


def _reasons(view: View, during: NDArray[np.bool_]) -> _Reasons:
    reasons = len(view.series.reasons)
    pair = view.series.state[during].astype(np.int64) * max(1, reasons) + view.series.because[during]
    found, place = np.unique(pair, return_inverse=True)
    texts: list[str] = []
    groups: list[str] = []
    codes = []
    for value in found.tolist():
        state = STATES[value // max(1, reasons)]
        because = view.series.reasons[value % reasons] if reasons else ""
        text = words.reason(because, state)
        if text not in texts and text != _NOBODY:
            texts.append(text)
            groups.append(_group(because, state))
        codes.append(-1 if text == _NOBODY else texts.index(text))
    return _Reasons(np.array(codes, dtype=np.int64)[place.reshape(pair.shape)], tuple(texts), tuple(groups))


def _group(because: str, state: State) -> str:
    """What the legend calls a reason: the phases of a circuit are one there."""
    if state in (State.FAULTED, State.OFFLINE):
        return "charger faulty or not reachable"
    if state not in COMPETING:
        return "connected, asks for nothing"
    kind, _, rest = because.partition(":")
    if kind == "circuit":
        return f"{rest.rpartition(':')[0]} is full"
    fixed = {
        "point": _ORDER[0],
        "pace": "goes up step by step",
        "limit": "limited from outside",
        "contract": "the contracted power is used up",
        "not_admitted": "waits for its turn",
        "charger": "cut or not followed",
        "guard": "cut or not followed",
        "": "no limit was given",
    }
    return fixed.get(kind, "other")


def _thinned(found: _Reasons, per_bin: int) -> _Reasons:
    """Of several rows, the reason that held longest."""
    if per_bin == 1:
        return found
    bins = -(-len(found.codes) // per_bin)
    row = np.arange(len(found.codes)) // per_bin
    counts = np.zeros((len(found.words) + 1, bins, found.codes.shape[1]), dtype=np.int32)
    for code in range(-1, len(found.words)):
        np.add.at(counts[code + 1], row, found.codes == code)
    return _Reasons(counts.argmax(axis=0) - 1, found.words, found.groups)


def _colours(names: list[str]) -> dict[str, str]:
    circuits = [name for name in names if name not in _COLOURS]
    own = {name: _CIRCUITS[place % len(_CIRCUITS)] for place, name in enumerate(circuits)}
    return {name: _COLOURS.get(name) or own[name] for name in names}


def _held(found: _Reasons, points: NDArray[np.int64], group: str) -> int:
    of_group = [code for code, name in enumerate(found.groups) if name == group]
    return int(np.isin(found.codes[:, points], of_group).sum())


def _heatmap(
    view: View, points: NDArray[np.int64], names: list[str], colours: dict[str, str], lookup: list[float]
) -> dict[str, Any]:
    edges = [(place / len(names), (place + 1) / len(names), colours[name]) for place, name in enumerate(names)]
    places = points.tolist()
    return {
        "type": "heatmap",
        "x": ref("time"),
        "y": [words.plain(view.site.points[place].id) for place in places],
        "z": [ref(_column(view, place), lookup=lookup) for place in places],
        "text": [ref(_column(view, place)) for place in places],
        "zmin": -0.5,
        "zmax": len(names) - 0.5,
        "colorscale": [[edge, colour] for low, high, colour in edges for edge in (low, high)],
        "showscale": False,
        "ygap": 2,
        "hovertemplate": "%{y}, %{x|%a %-d %b %H:%M}: %{text}<extra></extra>",
    }


def _aligned(view: View, time_s: Floats, per_bin: int) -> dict[str, Any]:
    """A cell lies between its beginning and its end, not around its beginning."""
    begins_ms = 1000.0 * float(view.clock.local_s(time_s[:1])[0])
    return {"xperiod": 1000.0 * per_bin * view.series.step_s, "xperiod0": begins_ms, "xperiodalignment": "middle"}


def _title(hours: dict[str, float], names: list[str]) -> str:
    with_car_h = sum(hours.values())
    if with_car_h <= 0 or not names:
        return "No car was connected"
    waited_h = hours.get("waits for its turn", 0.0)
    if waited_h > 0:
        return f"Cars waited for their turn {words.percent(waited_h / with_car_h)} of the time that they were connected"
    return "No connected car had to wait for its turn"


def _note(view: View, during: NDArray[np.bool_], per_bin: int, points: int) -> str:
    notes = []
    if not during.all():
        days = view.clock.day(view.series.time_s[during])
        first, last = date_of(int(days[0])), date_of(int(days[-1]))
        notes.append(
            f"Shown: {first:%-d %B} to {last:%-d %B %Y}, the {_DAYS} days in which most was held back; "
            "series.parquet holds the whole run."
        )
    if per_bin > 1:
        length = length_words(per_bin * view.series.step_s)
        notes.append(f"Drawn in stretches of {length}, each with the reason that held longest.")
    if points < len(view.site.points):
        notes.append(f"Shown: the {points} of {len(view.site.points)} points that were held back most.")
    return " ".join(notes)
