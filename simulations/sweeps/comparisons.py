"""The plots of a sweep that compare: what matters most, and the distance from the bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from simulations.report import look
from simulations.report.columns import numbers, ref, texts
from simulations.report.pieces import Figure
from simulations.report.words import number
from simulations.sweeps.analysis import OBJECTIVE, Analysis, Swing
from simulations.sweeps.figures import INTERVAL

MOST_SETTINGS: Final = 24
"""Beside the bound; more bars than these have no room for their names."""


def tornado(analysis: Analysis, currency: str) -> Figure | None:
    """What matters: each parameter alone, around the best setting; None where no parameter has several values."""
    swings = analysis.swings()[::-1]  # plotly draws from below
    if not swings:
        return None
    base = float(analysis.means[analysis.order[0]])
    keys = [analysis.cases.parameters[swing.parameter].key for swing in swings]
    columns = {
        "parameter": texts(keys),
        "cost_least": numbers([swing.least for swing in swings]),
        "cost_most": numbers([swing.most for swing in swings]),
        "value_least": texts(f"{swing.least_text} " for swing in swings),
        "value_most": texts(f" {swing.most_text}" for swing in swings),
        "swing": numbers([swing.most - swing.least for swing in swings]),
    }
    return Figure(
        id="sensitivity",
        title=f"{keys[-1]} matters most",
        reading=(
            "Each bar changes one parameter over all of its values, the others staying as in the best setting. "
            "The longer the bar, the more a wrong choice costs."
        ),
        columns=columns,
        traces=_bars_with_ends(),
        layout={
            "showlegend": False,
            "hovermode": "closest",
            "xaxis": look.axis(f"Cost [{currency}]", rangemode="normal", **_room(swings)),
            "yaxis": {"type": "category"},
            "shapes": [_marker(base)],
        },
        height_px=120 + 44 * len(swings),
    )


def _bars_with_ends() -> list[dict[str, Any]]:
    """A bar for each parameter, with its cheapest and its dearest value at the ends."""
    bar = {
        "type": "bar",
        "orientation": "h",
        "y": ref("parameter"),
        "x": ref("swing"),
        "base": ref("cost_least"),
        "marker": {"color": look.CHARGING},
        "customdata": ref("cost_most"),
        "hovertemplate": "%{y}: %{base:.2f} to %{customdata:.2f}<extra></extra>",
    }
    ends = [
        {
            "type": "scatter",
            "mode": "text",
            "x": ref(f"cost_{end}"),
            "y": ref("parameter"),
            "text": ref(f"value_{end}"),
            "textposition": f"middle {side}",
            "hoverinfo": "skip",
            "cliponaxis": False,
        }
        for end, side in (("least", "left"), ("most", "right"))
    ]
    return [bar, *ends]


def _room(swings: Sequence[Swing]) -> dict[str, Any]:
    """A range that leaves room for the words beside the bars."""
    least, most = min(swing.least for swing in swings), max(swing.most for swing in swings)
    longest = max(len(text) for swing in swings for text in (swing.least_text, swing.most_text))
    margin = (most - least or max(1.0, abs(most))) * min(0.5, 0.06 + 0.015 * longest)
    return {"range": [least - margin, most + margin]}


def _marker(at: float) -> dict[str, Any]:
    style = {"color": look.TEXT, "width": 1.2, "dash": "dash"}
    return {"type": "line", "x0": at, "x1": at, "yref": "y domain", "y0": 0, "y1": 1, "line": style}


def beside_bound(analysis: Analysis, names: Sequence[str], currency: str) -> Figure | None:
    """The settings, best first, beside what perfect information would have cost; None without a bound."""
    shown = [setting for setting in analysis.order if np.isfinite(analysis.estimate(setting, "bound_cost").mean)]
    shown = shown[:MOST_SETTINGS]
    if not shown:
        return None
    cost, bound, regret = (
        [analysis.estimate(setting, metric) for setting in shown] for metric in (OBJECTIVE, "bound_cost", "regret_pct")
    )
    columns = {
        "setting": texts(names[setting] for setting in shown),
        "cost_mean": numbers([one.mean for one in cost]),
        "cost_half_width": numbers([one.half_width for one in cost]),
        "bound_cost_mean": numbers([one.mean for one in bound]),
        "regret_pct_mean": numbers([one.mean for one in regret]),
        "regret_pct_half_width": numbers([one.half_width for one in regret]),
    }
    least = min((one.mean for one in regret if np.isfinite(one.mean)), default=float("nan"))
    return Figure(
        id="bound",
        title=f"At best {number(least)} % over the bound",
        reading=(
            "Bars are what a setting costs, energy left unmet included; blue marks what it would have cost at least, "
            "had everything been known beforehand. What lies between the two is to be gained by better control, "
            "what lies before the mark only by another site."
        ),
        columns=columns,
        traces=_cost_beside_bound(currency),
        layout={
            "xaxis": look.axis(f"Cost [{currency}]"),
            "yaxis": {"type": "category", "autorange": "reversed"},
            "hovermode": "y unified",
        },
        height_px=120 + 26 * len(shown),
        note="" if len(shown) == len(analysis.order) else f"The first {len(shown)} of {len(analysis.order)} settings.",
    )


def _cost_beside_bound(currency: str) -> list[dict[str, Any]]:
    found = {
        "type": "bar",
        "orientation": "h",
        "name": "Loadstar",
        "y": ref("setting"),
        "x": ref("cost_mean"),
        "marker": {"color": look.CHARGING},
        "error_x": {"type": "data", "array": ref("cost_half_width"), "color": look.TEXT, **INTERVAL},
        "customdata": ref("regret_pct_mean"),
        "hovertemplate": f"%{{x:.2f}} {currency}, %{{customdata:.1f}} % over the bound",
    }
    least = {
        "type": "scatter",
        "mode": "markers",
        "name": "Everything known beforehand",
        "y": ref("setting"),
        "x": ref("bound_cost_mean"),
        "marker": {"color": look.BOUND, "symbol": "line-ns-open", "size": 16, "line": {"width": 3}},
        "hovertemplate": f"%{{x:.2f}} {currency}",
    }
    return [found, least]
