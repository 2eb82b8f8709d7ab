"""Tables of the report: fuses, reasons and events."""

from __future__ import annotations

from typing import Final

import numpy as np

from controller.loadbalance.facts import STATES
from controller.plan import Event, Severity
from controller.snapshot import State
from simulations.report import words
from simulations.report.columns import Column, numbers, texts, times
from simulations.report.pieces import Table
from simulations.report.view import Case
from simulations.world import RELIEF_S

_MOST_EVENTS: Final = 200
_MOST_EVENTS_KEPT: Final = 5_000
_SEVERITY: Final = {Severity.ALARM: "Alarm", Severity.WARNING: "Warning", Severity.INFO: "Notice"}


def fuses(case: Case) -> Table:
    """Every circuit: what it was built for, and what it bore."""
    view = case.view
    peak_a = view.series.circuit_peak_a.max(axis=0, initial=0.0)
    thermal = view.series.thermal.max(axis=0, initial=0.0)
    beyond_as = [view.results.violations.get(circuit.id, 0.0) for circuit in view.site.circuits]
    rows = []
    columns: dict[str, list[float]] = {f"{kind}_l{n}_a": [] for kind in ("fuse", "highest") for n in (1, 2, 3)}
    for index, circuit in enumerate(view.site.circuits):
        for phase in range(3):
            columns[f"fuse_l{phase + 1}_a"].append(circuit.fuse_a[phase])
            columns[f"highest_l{phase + 1}_a"].append(float(peak_a[index, phase]))
        highest = [f"{words.number(float(peak_a[index, n]))} / {circuit.fuse_a[n]:g}" for n in range(3)]
        heat = words.heat(float(thermal[index]))
        rows.append([circuit.id, circuit.parent or words.NOTHING, *highest, words.number(beyond_as[index], 0), heat])
    return Table(
        id="fuses",
        title="What every fuse had to bear",
        reading="Highest current against the rating, for each phase. Overloads count from the moment by which they "
        f"must be relieved: {RELIEF_S:g} s after they begin.",
        headings=["Circuit", "Behind", "L1 [A]", "L2 [A]", "L3 [A]", "Overload beyond relief [A s]", "Thermal peak"],
        rows=rows,
        columns={
            "circuit": texts(circuit.id for circuit in view.site.circuits),
            **{name: numbers(values, 2) for name, values in columns.items()},
            "overload_beyond_relief_as": numbers(beyond_as, 1),
            "thermal_peak": numbers(thermal, 4),
        },
        numeric=frozenset(range(2, 7)),
    )


def reasons(case: Case) -> Table:
    """How long cars were connected, by the reason for their limit."""
    view = case.view
    many = max(1, len(view.series.reasons))
    pair = view.series.state.astype(np.int64) * many + np.clip(view.series.because, 0, None)
    counts = np.bincount(pair.ravel(), minlength=len(STATES) * many)
    hours: dict[str, float] = {}
    for code in np.flatnonzero(counts).tolist():
        state = STATES[code // many]
        if state is not State.AVAILABLE:
            because = view.series.reasons[code % many] if view.series.reasons else ""
            text = words.reason(because, state)
            hours[text] = hours.get(text, 0.0) + float(counts[code]) * view.series.step_s / 3600.0
    ranked = sorted(hours, key=lambda text: (-hours[text], text))
    total = sum(hours.values())
    return Table(
        id="reasons",
        title="Why cars got what they got",
        reading="Time with a car connected, over all points and the whole run, by what stopped it from getting more.",
        headings=["Reason", "Time", "Share"],
        rows=[[text, words.hours(hours[text], total), words.percent(hours[text] / total)] for text in ranked],
        columns={"reason": texts(ranked), "hours": numbers([hours[text] for text in ranked])},
        numeric=frozenset({1, 2}),
        empty="No car was connected.",
    )


def events(case: Case) -> Table:
    """What the controller reported; of many, the gravest."""
    found = case.view.results.events
    by_weight = sorted(found, key=lambda e: list(_SEVERITY).index(e.severity))
    shown, kept = by_weight[:_MOST_EVENTS], by_weight[:_MOST_EVENTS_KEPT]
    counted = ", ".join(
        words.count(sum(e.severity is severity for e in found), word.lower()) for severity, word in _SEVERITY.items()
    )
    note = ""
    if len(found) > len(shown):
        note = f"Shown: the {len(shown)} gravest of {len(found):,}; the download holds {len(kept):,}."
    start_s = case.view.clock.start_s
    return Table(
        id="events",
        title="What the controller reported" if found else "The controller had nothing to report",
        reading=f"{counted[0].upper()}{counted[1:]}." if found else "",
        headings=["Severity", "When", "About", "What"],
        rows=[
            [_SEVERITY[e.severity], _when(case, e), e.subject, e.message]
            for e in sorted(shown, key=lambda e: (e.at is None, e.at.timestamp() if e.at else 0.0))
        ],
        columns=_event_columns(kept, start_s),
        note=note,
        empty="No events.",
    )


def _when(case: Case, event: Event) -> str:
    if event.at is None:
        return words.NOTHING
    return case.view.clock.text(event.at.timestamp() - case.view.clock.start_s, "%a %-d %b, %H:%M:%S")


def _event_columns(found: list[Event], start_s: float) -> dict[str, Column]:
    return {
        "time": times([start_s if e.at is None else e.at.timestamp() for e in found]),
        "severity": texts(e.severity.value for e in found),
        "kind": texts(e.kind for e in found),
        "subject": texts(e.subject for e in found),
        "message": texts(e.message for e in found),
    }
