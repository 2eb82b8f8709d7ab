"""With and without peak shaving: how the demand windows ended, and what that came to in money."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from simulations.judging import billing
from simulations.judging.policy import UNSHAVED
from simulations.report import look
from simulations.report.columns import Column, numbers, ref, texts, times
from simulations.report.pieces import Figure, Table
from simulations.report.timeline import Floats, binned, date_of, length_words, rows_per_bin
from simulations.report.view import Case, Drawn, View
from simulations.report.words import money, policy, quantity

_NAME: Final = policy(UNSHAVED)
_MISSING: Final = (
    "Demand windows with and without peak shaving need a plan, a demand charge, and without_peak_shaving under "
    "judging.policies in the scenario."
)


def windows(case: Case) -> Drawn:
    """The mean power of every demand window with its target, with and without peak shaving."""
    free = case.rivals.get(UNSHAVED)
    if free is None:
        return _MISSING
    begins_s, held_kw = case.view.windows
    per_bin = rows_per_bin(len(begins_s), billing.window_s(case.view.scenario))
    series = {
        "without_shaving_kw": binned(free.windows[1], per_bin, np.nanmax),
        "held_kw": binned(held_kw, per_bin, np.nanmax),
        "target_kw": binned(_targets_kw(case.view, begins_s), per_bin, _highest),
    }
    x = ref("time")
    stepped = {"shape": "hv"}
    shown: dict[str, tuple[str, dict[str, Any]]] = {
        "without_shaving_kw": (_NAME, look.UNCONTROLLED_LINE),
        "held_kw": (case.view.name, {"color": look.CHARGING, "width": 2}),
        "target_kw": ("Target", look.BOUND_LINE),
    }
    return Figure(
        id="demand-windows",
        title=_title(case),
        reading=f"Mean power of each window of {length_words(billing.window_s(case.view.scenario))}, as it is billed. "
        "The target is the peak that was worth having: what was paid for already, or what the plan found cheapest.",
        columns={
            "time": times(case.view.clock.unix_s(begins_s[::per_bin])),
            **{name: numbers(values) for name, values in series.items()},
        },
        traces=[
            look.line(name, x, ref(key), {**style, **stepped}, hovertemplate="%{y:.1f} kW")
            for key, (name, style) in shown.items()
        ],
        layout={"xaxis": look.time_axis(), "yaxis": look.axis("Mean power [kW]")},
        height_px=360,
        note="" if per_bin == 1 else f"Drawn is the highest of every {per_bin} windows.",
    )


def _targets_kw(view: View, begins_s: Floats) -> Floats:
    """(W,) what each window was to end at; NaN where it had no target."""
    known = {
        round(one.window.begins_at.timestamp() - view.scenario.start_s): one.target_w / 1000.0
        for one in view.results.windows
        if one.target_w is not None
    }
    return np.array([known.get(round(begin_s), np.nan) for begin_s in begins_s.tolist()])


def _highest(values: Floats, axis: int) -> Floats:
    """As ``np.nanmax``, without its warning where nothing is known."""
    highest = np.where(np.isnan(values), -np.inf, values).max(axis=axis)
    return np.where(np.isfinite(highest), highest, np.nan)


def _title(case: Case) -> str:
    free = case.metrics_of(UNSHAVED)
    peak = quantity(case.judgement.metrics.peak_kw, "kW")
    return f"The highest window ended at {peak}" + (
        f", without peak shaving at {quantity(free.peak_kw, 'kW')}" if free is not None else ""
    )


def saving(case: Case) -> Drawn | Table:
    """Each month's peak, and every part of the cost, with and without peak shaving."""
    free, theirs = case.rivals.get(UNSHAVED), case.metrics_of(UNSHAVED)
    if free is None or theirs is None:
        return _MISSING
    ours, currency = case.judgement.metrics, case.view.site.currency
    months, held_kw, free_kw = _peaks(case.view, free)
    parts = {
        "Demand charge": (ours.demand_cost, theirs.demand_cost),
        "Energy": (ours.energy_cost, theirs.energy_cost),
        "Energy that was missing": (ours.unmet_cost, theirs.unmet_cost),
        "All": (ours.cost, theirs.cost),
    }
    rows = [
        [f"Peak of {month}", *(quantity(float(kw), "kW") for kw in (mine, other, other - mine))]
        for month, mine, other in zip(months, held_kw, free_kw, strict=True)
    ]
    rows += [
        [name, *(money(cost, currency) for cost in (mine, other, other - mine))]
        for name, (mine, other) in parts.items()
    ]
    return Table(
        id="shaving",
        title=_saving_title(case, theirs.cost - ours.cost),
        reading="The same cars, building, prices and controller: once as the scenario says, and once with a plan that "
        "does not see the demand charge, and with windows that nobody holds.",
        headings=["", case.view.name, _NAME, "Saved"],
        rows=rows,
        columns=_columns([*months, *parts], [*held_kw, *_firsts(parts)], [*free_kw, *_seconds(parts)]),
        numeric=frozenset({1, 2, 3}),
        marked=frozenset({len(rows) - 1}),
        note="Figures of the scenario's own seed. In the download, months are in kW, the parts of the cost in the "
        "site's currency.",
    )


def _peaks(view: View, free: View) -> tuple[list[str], Floats, Floats]:
    """The names of the months, and each one's highest window of both runs [kW]."""
    begins_s, held_kw = view.windows
    month = billing.months(view.scenario, begins_s)
    held, other = (np.zeros(int(month.max(initial=0)) + 1) for _ in range(2))
    np.maximum.at(held, month, held_kw)
    np.maximum.at(other, month, free.windows[1])
    firsts = [int(np.argmax(month == number)) for number in range(held.size)]
    days = view.clock.day(np.maximum(begins_s[firsts], 0.0))
    return [date_of(int(day)).strftime("%B %Y") for day in days], held, other


def _saving_title(case: Case, saved: float) -> str:
    if saved >= 0.0:
        return f"Peak shaving saved {case.money(saved)} in all"
    return f"Peak shaving cost {case.money(-saved)} more than it saved"


def _firsts(parts: dict[str, tuple[float, float]]) -> list[float]:
    return [mine for mine, _ in parts.values()]


def _seconds(parts: dict[str, tuple[float, float]]) -> list[float]:
    return [other for _, other in parts.values()]


def _columns(names: list[str], ours: list[float], theirs: list[float]) -> dict[str, Column]:
    return {
        "what": texts(names),
        "loadstar": numbers(ours, 4),
        UNSHAVED: numbers(theirs, 4),
        "saved": numbers(np.array(theirs) - np.array(ours), 4),
    }
