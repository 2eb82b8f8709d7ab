"""Charging against the price: when, and for how much."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.report import look
from simulations.report.columns import numbers, ref, texts
from simulations.report.pieces import Figure
from simulations.report.timeline import DAY_S, Floats
from simulations.report.view import UNCONTROLLED, Case, Drawn, View
from simulations.report.words import money, percent

_RANKS = 201


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
            "xaxis": {"type": "category", "dtick": 6 * 3600 / slot_s, "anchor": "y2", "showgrid": False},
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
    runs = {} if free is None else {UNCONTROLLED: free}
    for key, run in {**runs, view.results.policy: view}.items():
        column = f"{key}_{currency.lower()}_per_kwh"
        columns[column] = numbers(_paid(run, share_pct), 5)
        style = look.UNCONTROLLED_LINE if run is free else {"color": look.CHARGING, "width": 2.4}
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
