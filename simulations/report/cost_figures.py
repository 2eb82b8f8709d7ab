"""Money: demand peaks, and what a course costs by component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.judging import billing
from simulations.report import look
from simulations.report.columns import Column, numbers, ref, texts
from simulations.report.pieces import Figure
from simulations.report.timeline import DAILY_FROM_S, DAY_S, Floats, date_of, length_words
from simulations.report.view import UNCONTROLLED, Case, View
from simulations.report.words import quantity


def demand(case: Case) -> Figure:
    """Highest demand window of each day and month, of a long run of each month only, with and without control."""
    is_long = case.view.scenario.duration_s > DAILY_FROM_S
    columns, traces = _demand_data(case, is_long=is_long)
    bars = len(columns["date"])
    length = length_words(billing.window_s(case.view.scenario))
    return Figure(
        id="demand",
        title=_demand_title(case),
        reading=f"The highest mean power of {length} in each month."
        if is_long
        else f"Bars: the highest mean power of {length} on each day. Lines: that of each month.",
        columns=columns,
        traces=traces,
        layout={
            "barmode": "group",
            "bargap": 0.3 if bars > 2 else 0.8,
            "bargroupgap": 0.05,
            "xaxis": look.time_axis(**_ticks(bars, is_long=is_long)),
            "yaxis": look.axis("Highest mean power [kW]"),
        },
    )


def _demand_data(case: Case, *, is_long: bool) -> tuple[dict[str, Column], list[dict[str, Any]]]:
    days = _daily(case.view)[0]
    dates = np.array([date_of(int(day)).strftime("%Y-%m-%d") for day in days])
    months = np.array([date[:7] for date in dates])
    shown = np.unique(months, return_index=True)[1] if is_long else np.arange(dates.size)
    columns: dict[str, Column] = {"date": texts(months[shown] if is_long else dates)}
    traces: list[dict[str, Any]] = []
    runs = {} if case.uncontrolled is None else {UNCONTROLLED: case.uncontrolled}
    for key, run in {**runs, case.view.results.policy: case.view}.items():
        daily_kw = _daily(run)[1]
        monthly_kw = np.array([np.nanmax(daily_kw[months == month]) for month in months])
        columns[f"{key}_month_peak_kw"] = numbers(monthly_kw[shown])
        if not is_long:
            columns[f"{key}_day_peak_kw"] = numbers(daily_kw)
        marker = {"color": look.CHARGING} if run is case.view else look.UNCONTROLLED_BARS
        style = {"color": look.CHARGING_DARK, "width": 2} if run is case.view else look.UNCONTROLLED_LINE
        bars = ref(f"{key}_month_peak_kw" if is_long else f"{key}_day_peak_kw")
        traces.append({**_peaks(run.name, bars), "type": "bar", "marker": marker})
        if not is_long:
            traces.append(_level(f"{run.name}, month", ref(f"{key}_month_peak_kw"), style))
    bound = case.judgement.bound
    if bound is not None:
        columns["cheapest_possible_peak_kw"] = numbers(np.full(shown.size, bound.peak_w / 1000))
        traces.append(_level("Cheapest possible", ref("cheapest_possible_peak_kw"), look.BOUND_LINE))
    return columns, traces


def _demand_title(case: Case) -> str:
    peak = quantity(case.judgement.metrics.peak_kw, "kW")
    free = case.metrics_of(UNCONTROLLED)
    against = f", against {quantity(free.peak_kw, 'kW')} without control" if free is not None else ""
    return f"The highest demand was {peak}{against}"


def _ticks(bars: int, *, is_long: bool) -> dict[str, Any]:
    if is_long:
        return {"dtick": "M1", "tickformat": "%b\n%Y"} if bars <= 24 else {}
    return {"dtick": DAY_S * 1000} if bars <= 10 else {}


def _daily(view: View) -> tuple[NDArray[np.int64], Floats]:
    begins_s, means_kw = view.windows
    days = view.clock.day(np.maximum(begins_s, 0.0))
    first = int(days[0])
    highest = np.full(int(days[-1]) - first + 1, -np.inf)
    np.maximum.at(highest, days - first, means_kw)
    return first + np.arange(highest.size), np.where(np.isfinite(highest), highest, np.nan)


def _peaks(name: str, y: Any) -> dict[str, Any]:
    return {"name": name, "x": ref("date"), "y": y, "hovertemplate": f"{name}: %{{y:.1f}} kW<extra></extra>"}


def _level(name: str, y: Any, style: dict[str, Any]) -> dict[str, Any]:
    return {**_peaks(name, y), "type": "scatter", "mode": "lines", "line": {**style, "shape": "hvh"}}


def waterfall(case: Case) -> Figure:
    """From uncontrolled charging over this run to the cheapest possible course, by component."""
    steps = _steps(case)
    currency = case.view.site.currency
    amount = f"amount_{currency.lower()}"
    unmet = case.money(case.view.scenario.judging.unmet_per_kwh)
    ends = [step.begin + step.amount for step in steps]
    connectors = [
        {
            "type": "line",
            "x0": x,
            "x1": x,
            "y0": n,
            "y1": n + 1,
            "line": {"color": look.MUTED, "width": 0.8, "dash": "dot"},
        }
        for n, x in enumerate(ends[:-1])
    ]
    return Figure(
        id="cost",
        title=_cost_title(case),
        reading="From top to bottom, what each component takes away (light blue) or adds (orange). Energy that is "
        f"missing counts with {unmet} per kWh. Costs are estimates; what an opened fuse costs is not in them.",
        columns={
            "step": texts(step.name for step in steps),
            "begins_at": numbers([step.begin for step in steps], 4),
            amount: numbers([step.amount for step in steps], 4),
            "label": texts(_label(case, step) for step in steps),
        },
        traces=[_bars(steps, amount)],
        layout={
            "hovermode": "closest",
            "showlegend": False,
            "xaxis": look.axis(f"Cost [{currency}]", range=[1.05 * min(0.0, *ends), 1.05 * max(1e-9, *ends)]),
            "yaxis": {"type": "category", "autorange": "reversed", "showgrid": False},
            "bargap": 0.35,
            "shapes": [{**shape, "layer": "below"} for shape in connectors],
        },
        height_px=80 + 34 * len(steps),
    )


def _bars(steps: Sequence[_Step], amount: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "y": ref("step"),
        "base": ref("begins_at"),
        "x": ref(amount),
        "text": ref("label"),
        "textposition": ["auto" if step.is_total else "outside" for step in steps],
        "insidetextfont": {"color": "#ffffff"},
        "insidetextanchor": "end",
        "cliponaxis": False,
        "marker": {"color": [step.colour for step in steps]},
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }


def _cost_title(case: Case) -> str:
    own, free, bound = case.judgement.metrics, case.metrics_of(UNCONTROLLED), case.judgement.bound
    if free is None:
        title = f"The run costs {case.money(own.cost)}"
    elif own.cost <= free.cost:
        title = f"Control saves {case.money(free.cost - own.cost)} of {case.money(free.cost)}"
    else:
        title = f"Control costs {case.money(own.cost - free.cost)} more than none"
    if bound is None:
        return title
    if own.cost - bound.cost < 0.005:
        return f"{title}; nobody could do better"
    return f"{title}; perfect foresight could save {case.money(own.cost - bound.cost)} more"


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    begin: float
    amount: float
    colour: str
    is_total: bool


def _steps(case: Case) -> list[_Step]:
    own, free, bound = case.judgement.metrics, case.metrics_of(UNCONTROLLED), case.judgement.bound
    parts = (own.energy_cost, own.demand_cost, own.unmet_cost)
    steps: list[_Step] = []
    before = (0.0, 0.0, 0.0)
    if free is not None:
        before = (free.energy_cost, free.demand_cost, free.unmet_cost)
        steps.append(_Step("Uncontrolled", 0.0, free.cost, look.UNCONTROLLED, is_total=True))
    steps += _changes(before, parts, "", rise=look.BUILDING if free is None else look.WORSE)
    steps.append(_Step(case.view.name, 0.0, own.cost, look.CHARGING_DARK, is_total=True))
    if bound is not None:
        best = (bound.energy_cost, bound.demand_cost, bound.cost - bound.energy_cost - bound.demand_cost)
        steps += _changes(parts, best, " at best", rise=look.WORSE)
        steps.append(_Step("Cheapest possible", 0.0, bound.cost, look.BOUND, is_total=True))
    return steps


def _changes(before: tuple[float, ...], after: tuple[float, ...], suffix: str, rise: str) -> list[_Step]:
    """The components that make a difference worth a line."""
    steps = []
    level = sum(before)
    for name, old, new in zip(("Energy", "Demand charge", "Unmet energy"), before, after, strict=True):
        change = new - old
        if abs(change) >= 0.005:
            steps.append(_Step(name + suffix, level, change, rise if change > 0 else look.BETTER, is_total=False))
        level += change
    return steps


def _label(case: Case, step: _Step) -> str:
    sign = "+" if step.amount > 0 and not step.is_total else ""
    return sign + case.money(step.amount)
