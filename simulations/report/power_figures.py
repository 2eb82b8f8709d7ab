"""The grid connection: power over time, its duration, and when it is full."""

from __future__ import annotations

import numpy as np

from simulations.report import look
from simulations.report.columns import numbers, ref, texts, times
from simulations.report.pieces import Figure
from simulations.report.timeline import DAY_S, binned, date_of, length_words, rows_per_bin, sorted_down
from simulations.report.view import Case, Drawn, View
from simulations.report.words import number, percent, quantity

_RANKS = 501


def site_power(case: Case) -> Figure:
    """Building and charging over the whole run, against the limit."""
    view = case.view
    step_s = view.series.step_s
    per_bin = rows_per_bin(len(view.series.time_s), step_s)
    columns = {
        "time": times(view.clock.unix_s(view.series.time_s[::per_bin])),
        "building_kw": numbers(binned(view.building_kw, per_bin)),
        "charging_kw": numbers(binned(view.charging_kw, per_bin)),
        "site_kw": numbers(binned(view.site_kw, per_bin)),
        "limit_kw": numbers(binned(view.limit_kw, per_bin, np.nanmin)),
    }
    x = ref("time")
    traces = [
        _area("Building", x, ref("building_kw"), look.BUILDING, "tozeroy"),
        {
            **_area("Charging", x, ref("site_kw"), look.CHARGING, "tonexty"),
            "customdata": ref("charging_kw"),
            "hovertemplate": "%{customdata:.1f} kW (site %{y:.1f} kW)",
        },
    ]
    note = ""
    if per_bin > 1:
        columns["site_lowest_kw"] = numbers(binned(view.site_kw, per_bin, np.nanmin))
        columns["site_highest_kw"] = numbers(binned(view.site_kw, per_bin, np.nanmax))
        thin = {"color": look.TEXT, "width": 0.7}
        traces += [look.line("Highest within", x, ref("site_highest_kw"), thin, hovertemplate="%{y:.1f} kW")]
        traces += [look.line("Lowest within", x, ref("site_lowest_kw"), thin, hovertemplate="%{y:.1f} kW")]
        note = (
            f"Drawn as means of {length_words(per_bin * step_s)}, with the highest and lowest of the "
            f"{length_words(step_s)} stretches within; series.parquet holds them all."
        )
    stepped = {**look.LIMIT_LINE, "shape": "hv"}
    traces.append(look.line("Limit", x, ref("limit_kw"), stepped, hovertemplate="%{y:.1f} kW"))
    return Figure(
        id="site-power",
        title=_power_title(view),
        reading=(
            "Grey is the building, green what the cars draw on top of it, the dashed line what the grid connection "
            "allows for its three phases together. A single phase may be full before this line is reached."
        ),
        columns=columns,
        traces=traces,
        layout={"xaxis": look.time_axis(), "yaxis": look.axis("Power [kW]", rangemode="normal")},
        height_px=380,
        note=note,
    )


def _power_title(view: View) -> str:
    place = int(np.argmax(view.site_kw))
    when = view.clock.text(float(view.series.time_s[place]), "%A %-d %B %Y at %H:%M")
    return f"At most the site drew {number(view.site_kw[place])} of {quantity(view.limit_kw[place], 'kW')}, on {when}"


def _area(name: str, x: object, y: object, colour: str, fill: str) -> dict[str, object]:
    style = {"color": colour, "width": 0.8, "shape": "hv"}
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": y,
        "fill": fill,
        "fillcolor": colour,
        "line": style,
        "hovertemplate": "%{y:.1f} kW",
    }


def load_duration(case: Case) -> Figure:
    """How long the site draws how much."""
    view, free = case.view, case.uncontrolled
    share_pct = np.linspace(0.0, 100.0, _RANKS)
    columns = {
        "share_of_time_pct": numbers(share_pct, 1),
        "building_kw": numbers(sorted_down(view.building_kw, _RANKS)),
        "site_kw": numbers(sorted_down(view.site_kw, _RANKS)),
    }
    x = ref("share_of_time_pct")
    building = {"color": look.BUILDING, "width": 2}
    traces = [look.line("Building alone", x, ref("building_kw"), building, fill="tozeroy", fillcolor="#94a3b840")]
    if free is not None:
        columns["uncontrolled_kw"] = numbers(sorted_down(free.site_kw, _RANKS))
        traces.append(look.line("Uncontrolled", x, ref("uncontrolled_kw"), look.UNCONTROLLED_LINE))
    traces.append(look.line(view.name, x, ref("site_kw"), {"color": look.CHARGING, "width": 2.2}))
    highest_kw = float(view.limit_kw.max())
    above = float(np.mean(view.site_kw > 0.8 * highest_kw))
    for trace in traces:
        trace["hovertemplate"] = "%{y:.1f} kW"
    return Figure(
        id="load-duration",
        title=f"The site draws more than 80\u00a0% of its limit for {percent(above)} of the time",
        reading="All powers of the run, sorted: for which share of the time the power was at least that high.",
        columns=columns,
        traces=traces,
        layout={
            "xaxis": look.axis("Share of the time [%]", ticksuffix=" %"),
            "yaxis": look.axis("Power [kW]"),
            "shapes": [look.level(highest_kw, label=f"Limit {quantity(highest_kw, 'kW')}")],
        },
        wide=False,
    )


def fullness(case: Case) -> Drawn:
    """Hour by day: how full the fullest phase of the grid connection is."""
    view = case.view
    if view.scenario.duration_s < DAY_S:
        return "The heat map of hours and days needs a run of a day at least."
    time_s = view.series.time_s
    use = view.series.circuit_a[:, view.root].astype(np.float64) / view.fuse_a[view.root]
    day = view.clock.day(time_s)
    hour = ((view.clock.local_s(time_s) % DAY_S) // 3600).astype(np.int64)
    cell = (day - day[0]) * 24 + hour
    days = int(day[-1] - day[0]) + 1
    rows = np.bincount(cell, minlength=24 * days)
    total = np.bincount(cell, weights=use.max(axis=1), minlength=24 * days)
    mean_pct = np.full(24 * days, np.nan)
    np.divide(100.0 * total, rows, out=mean_pct, where=rows > 0)
    grid = mean_pct.reshape(days, 24)
    dates = [date_of(int(day[0]) + n).strftime("%Y-%m-%d") for n in range(days)]
    names = [f"hour_{n:02}_pct" for n in range(24)]
    by_hour = np.nanmean(grid, axis=0) if days else np.zeros(24)
    busiest = int(np.nanargmax(by_hour))
    return Figure(
        id="fullness",
        title=f"The busiest hour of the day begins at {busiest:02}:00",
        reading="Each cell is an hour of a day: how full the fullest phase of the grid connection was, by its fuse.",
        columns={"date": texts(dates), **{name: numbers(grid[:, n], 1) for n, name in enumerate(names)}},
        traces=[
            {
                "type": "heatmap",
                "x": ref("date"),
                "y": [f"{n:02}:00" for n in range(24)],
                "z": [ref(name) for name in names],
                "zmin": 0,
                "zmax": 100,
                "colorscale": look.FULLNESS,
                "colorbar": {"ticksuffix": " %", "thickness": 12, "outlinewidth": 0, "tickfont": {"size": 11}},
                "xgap": 1 if days <= 62 else 0,
                "ygap": 1 if days <= 62 else 0,
                "hovertemplate": "%{x|%a %-d %b}, %{y}: %{z:.0f} %<extra></extra>",
            }
        ],
        layout={
            "hovermode": "closest",
            "xaxis": look.time_axis(showgrid=False),
            "yaxis": look.axis("Hour of the day", autorange="reversed", type="category", dtick=3, showgrid=False),
        },
        wide=False,
    )
