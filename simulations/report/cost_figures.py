"""Money: what a course costs by component, demand peaks, and charging against the price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.judging import billing
from simulations.report import look
from simulations.report.columns import Column, numbers, ref, texts
from simulations.report.pieces import Figure
from simulations.report.timeline import DAY_S, Floats, date_of, length_words
from simulations.report.view import UNCONTROLLED, Case, Drawn, View
from simulations.report.words import money, percent, quantity

_RANKS = 201


def demand(case: Case) -> Figure:
    """Highest demand window of each day, and of each calendar month, with and without control."""
    view, free = case.view, case.uncontrolled
    charge = view.scenario.demand
    window_s = max(billing.DEFAULT_WINDOW_S if charge is None else charge.window_s, view.series.step_s)
    days, highest_kw = _daily(view)
    dates = [date_of(int(day)).strftime("%Y-%m-%d") for day in days]
    columns: dict[str, Column] = {"date": texts(dates), "highest_window_kw": numbers(highest_kw)}
    columns["month_peak_kw"] = numbers(_monthly(dates, highest_kw))
    traces: list[dict[str, Any]] = []
    if free is not None:
        free_kw = _daily(free)[1]
        columns["uncontrolled_highest_window_kw"] = numbers(free_kw)
        columns["uncontrolled_month_peak_kw"] = numbers(_monthly(dates, free_kw))
        traces += [
            _bars("Uncontrolled", ref("uncontrolled_highest_window_kw"), look.UNCONTROLLED_BARS),
            _month("Uncontrolled, month", ref("uncontrolled_month_peak_kw"), look.UNCONTROLLED_LINE),
        ]
    traces += [
        _bars(view.name, ref("highest_window_kw"), {"color": look.CHARGING}),
        _month(f"{view.name}, month", ref("month_peak_kw"), {"color": look.CHARGING_DARK, "width": 2}),
    ]
    bound = case.judgement.bound
    if bound is not None:
        columns["cheapest_possible_peak_kw"] = numbers(np.full(len(dates), bound.peak_w / 1000))
        traces.append(_month("Cheapest possible", ref("cheapest_possible_peak_kw"), look.BOUND_LINE))
    return Figure(
        id="demand",
        title=_demand_title(highest_kw, free_kw if free is not None else None),
        reading=f"Bars: the highest mean power of {length_words(window_s)} on each day. Lines: that of each month.",
        columns=columns,
        traces=traces,
        layout={
            "barmode": "group",
            "bargap": 0.3 if len(dates) > 2 else 0.8,
            "bargroupgap": 0.05,
            "xaxis": look.time_axis(**({"dtick": DAY_S * 1000} if len(dates) <= 10 else {})),
            "yaxis": look.axis("Highest mean power [kW]"),
        },
    )


def _demand_title(highest_kw: Floats, free_kw: Floats | None) -> str:
    peak_kw = float(np.nanmax(highest_kw))
    if free_kw is None:
        return f"The highest demand was {quantity(peak_kw, 'kW')}"
    free_peak_kw = float(np.nanmax(free_kw))
    return f"The highest demand was {quantity(peak_kw, 'kW')}, against {quantity(free_peak_kw, 'kW')} without control"


def _daily(view: View) -> tuple[NDArray[np.int64], Floats]:
    begins_s, means_kw = view.windows
    days = view.clock.day(np.maximum(begins_s, 0.0))
    first = int(days[0])
    highest = np.full(int(days[-1]) - first + 1, -np.inf)
    np.maximum.at(highest, days - first, means_kw)
    return first + np.arange(highest.size), np.where(np.isfinite(highest), highest, np.nan)


def _monthly(dates: list[str], highest_kw: Floats) -> Floats:
    months = np.array([date[:7] for date in dates])
    return np.array([np.nanmax(highest_kw[months == month]) for month in months])


def _bars(name: str, y: Any, marker: dict[str, Any]) -> dict[str, Any]:
    tip = f"{name}: %{{y:.1f}} kW<extra></extra>"
    return {"type": "bar", "name": name, "x": ref("date"), "y": y, "marker": marker, "hovertemplate": tip}


def _month(name: str, y: Any, style: dict[str, Any]) -> dict[str, Any]:
    stepped = {**style, "shape": "hvh"}
    return look.line(name, ref("date"), y, stepped, hovertemplate=f"{name}: %{{y:.1f}} kW<extra></extra>")


def waterfall(case: Case) -> Figure:
    """From uncontrolled charging over this run to the cheapest possible course, by component."""
    steps = _steps(case)
    currency = case.view.site.currency
    amount = f"amount_{currency.lower()}"
    unmet = case.money(case.view.scenario.judging.unmet_per_kwh)
    reached = np.array([step.begin + step.amount for step in steps])
    connectors = [
        {
            "type": "line",
            "x0": x,
            "x1": x,
            "y0": n,
            "y1": n + 1,
            "line": {"color": look.MUTED, "width": 0.8, "dash": "dot"},
        }
        for n, x in enumerate(reached[:-1].tolist())
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
        traces=[
            {
                "type": "bar",
                "orientation": "h",
                "y": ref("step"),
                "base": ref("begins_at"),
                "x": ref(amount),
                "text": ref("label"),
                "textposition": "outside",
                "cliponaxis": False,
                "marker": {"color": [step.colour for step in steps]},
                "hovertemplate": "%{y}: %{text}<extra></extra>",
            }
        ],
        layout={
            "hovermode": "closest",
            "showlegend": False,
            "xaxis": look.axis(
                f"Cost [{currency}]", rangemode="tozero", range=[0, 1.14 * max(1e-9, *reached.tolist())]
            ),
            "yaxis": {"type": "category", "autorange": "reversed", "showgrid": False},
            "bargap": 0.35,
            "shapes": [{**shape, "layer": "below"} for shape in connectors],
        },
        height_px=80 + 34 * len(steps),
    )


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
    steps.append(_Step(case.view.name, 0.0, own.cost, look.CHARGING, is_total=True))
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


def price_of_day(case: Case) -> Drawn:
    """Charging power and price over the hours of a mean day."""
    view, free = case.view, case.uncontrolled
    if np.ptp(view.series.price) < 1e-9:
        return "Charging against the price needs prices that change; in this run a kWh always costs the same."
    slot_s = 1800.0 if view.series.step_s <= 1800 else 3600.0
    slot = ((view.clock.local_s(view.series.time_s) % DAY_S) // slot_s).astype(np.int64)
    slots = round(DAY_S / slot_s)
    currency = view.site.currency
    columns = {
        "time_of_day": texts(f"{n * slot_s // 3600:02.0f}:{n * slot_s % 3600 / 60:02.0f}" for n in range(slots)),
        "charging_kw": numbers(_means(view.charging_kw, slot, slots)),
        f"price_{currency.lower()}_per_kwh": numbers(_means(view.series.price, slot, slots), 5),
    }
    x = ref("time_of_day")
    traces: list[dict[str, Any]] = [
        {"type": "bar", "name": view.name, "x": x, "y": ref("charging_kw"), "marker": {"color": look.CHARGING}}
    ]
    if free is not None:
        columns["uncontrolled_kw"] = numbers(_means(free.charging_kw, slot, slots))
        traces.append(look.line("Uncontrolled", x, ref("uncontrolled_kw"), look.UNCONTROLLED_LINE))
    for trace in traces:
        trace["hovertemplate"] = "%{y:.1f} kW"
    style = {"color": look.BOUND, "width": 2, "shape": "hvh"}
    price = look.line("Price", x, ref(f"price_{currency.lower()}_per_kwh"), style, yaxis="y2")
    traces.append({**price, "hovertemplate": f"%{{y:.3f}} {currency}/kWh"})
    means_kw = _means(view.charging_kw, slot, slots)
    busiest = int(np.nanargmax(means_kw))
    return Figure(
        id="price-day",
        title=f"Most is charged around {busiest * slot_s // 3600:02.0f}:{busiest * slot_s % 3600 / 60:02.0f}",
        reading="Above, the mean charging power at each time of the day; below, the mean price at that time.",
        columns=columns,
        traces=traces,
        layout={
            "bargap": 0.08,
            "xaxis": {"type": "category", "dtick": 3 * 3600 / slot_s, "anchor": "y2", "showgrid": False},
            "yaxis": look.axis("Charging [kW]", domain=[0.42, 1]),
            "yaxis2": look.axis(f"Price [{currency}/kWh]", domain=[0, 0.34], rangemode="normal"),
        },
        height_px=380,
        wide=False,
    )


def _means(values: Floats, slot: NDArray[np.int64], slots: int) -> Floats:
    rows = np.bincount(slot, minlength=slots)
    sums = np.bincount(slot, weights=values, minlength=slots)
    return np.asarray(np.divide(sums, rows, out=np.full(slots, np.nan), where=rows > 0))


def price_paid(case: Case) -> Drawn:
    """Which share of the charged energy was bought at which price or below."""
    view, free = case.view, case.uncontrolled
    if np.ptp(view.series.price) < 1e-9 or view.charging_kw.sum() <= 0:
        return "Energy by its price needs prices that change and energy that was charged."
    currency = view.site.currency
    share_pct = np.linspace(0.0, 100.0, _RANKS)
    columns = {"share_of_energy_pct": numbers(share_pct, 1)}
    traces = []
    runs = {"loadstar": view} if free is None else {UNCONTROLLED: free, "loadstar": view}
    for key, run in runs.items():
        column = f"{key}_{currency.lower()}_per_kwh"
        columns[column] = numbers(_paid(run, share_pct), 5)
        style = look.UNCONTROLLED_LINE if key == UNCONTROLLED else {"color": look.CHARGING, "width": 2.4}
        trace = look.line(run.name, ref("share_of_energy_pct"), ref(column), {**style, "shape": "vh"})
        traces.append({**trace, "hovertemplate": f"%{{x:.0f}} % at %{{y:.3f}} {currency}/kWh or less"})
    mean = float(np.average(view.series.price, weights=view.charging_kw))
    simple = float(view.series.price.mean())
    saved = 1.0 - mean / simple if simple > 0 else 0.0
    less = f"{percent(abs(saved))} {'below' if saved >= 0 else 'above'} the mean price"
    return Figure(
        id="price-paid",
        title=f"A charged kWh cost {money(mean, currency, 3)} on average, {less}",
        reading="The charged energy sorted by its price: the lower the curve, the cheaper it was bought.",
        columns=columns,
        traces=traces,
        layout={
            "hovermode": "closest",
            "xaxis": look.axis("Share of the charged energy [%]", ticksuffix=" %"),
            "yaxis": look.axis(f"Price [{currency}/kWh]", rangemode="normal"),
        },
        height_px=380,
        wide=False,
    )


def _paid(view: View, share_pct: Floats) -> Floats:
    energy = view.charging_kw
    if energy.sum() <= 0:
        return np.full(share_pct.size, np.nan)
    order = np.argsort(view.series.price, kind="stable")
    reached = np.cumsum(energy[order]) / energy.sum()
    place = np.clip(np.searchsorted(reached, share_pct / 100.0 - 1e-12), 0, energy.size - 1)
    return np.asarray(view.series.price[order][place], dtype=np.float64)
