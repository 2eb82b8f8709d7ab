"""Policies side by side, with their spread over seeds and the bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulations.judging.metrics import interval
from simulations.judging.model import Metrics
from simulations.report import look
from simulations.report.columns import Column, numbers, ref, texts
from simulations.report.pieces import Figure, Table
from simulations.report.view import Case, Drawn
from simulations.report.words import NOTHING, count, number, plain, policy


@dataclass(frozen=True, slots=True)
class _Measure:
    heading: str
    column: str
    of: Callable[[Metrics], float]
    decimals: int

    def words(self, mean: float) -> str:
        return number(mean, self.decimals)


def _measures(currency: str) -> tuple[_Measure, ...]:
    return (
        _Measure("Delivered [%]", "delivered_pct", lambda m: 100 * _share(m.delivered_kwh, m.requested_kwh), 1),
        _Measure("Needs met [%]", "sessions_met_pct", lambda m: 100 * _share(m.sessions_met, m.sessions), 1),
        _Measure(f"Cost [{currency}]", f"cost_{currency.lower()}", lambda m: m.cost, 2),
        _Measure("Above the cheapest [%]", "above_cheapest_pct", lambda m: _or_nan(m.regret_pct), 1),
        _Measure("Demand peak [kW]", "peak_kw", lambda m: m.peak_kw, 1),
        _Measure("Overload beyond relief [A s]", "fuse_violation_as", lambda m: m.fuse_violation_as, 0),
        _Measure("Hottest fuse [1: opens]", "thermal_peak", lambda m: m.thermal_peak, 2),
        _Measure("Jain index", "jain_index", lambda m: m.jain_index, 3),
        _Measure("Longest wait [min]", "longest_wait_min", lambda m: m.longest_wait_s / 60, 0),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 1.0


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _outcomes(case: Case) -> dict[str, Sequence[Metrics]]:
    """By policy: the run's own first, then by mean cost."""
    own = case.view.results.policy
    found: dict[str, Sequence[Metrics]] = {n: m for n, m in case.judgement.outcomes.items() if m}
    mine = found.pop(own, (case.judgement.metrics,))
    ranked = sorted(found, key=lambda name: (interval([m.cost for m in found[name]])[0], name))
    return {own: mine, **{name: found[name] for name in ranked}}


def comparison(case: Case) -> Table:
    """One line for each policy, and one for the bound."""
    outcomes = _outcomes(case)
    measures = _measures(case.view.site.currency)
    rows = [[policy(name), *(_cell(m, runs) for m in measures)] for name, runs in outcomes.items()]
    bound = case.judgement.bound
    if bound is not None:
        best = {
            "delivered_pct": number(100 * _share(bound.delivered_wh / 1000, case.judgement.metrics.requested_kwh)),
            f"cost_{case.view.site.currency.lower()}": number(bound.cost, 2),
            "above_cheapest_pct": "0.0",
            "peak_kw": number(bound.peak_w / 1000),
        }
        rows.append(["Best possible", *(best.get(m.column, NOTHING) for m in measures)])
    seeds = max(len(runs) for runs in outcomes.values())
    spread = (
        f"Means over {count(seeds, 'seed')} with their 95 % confidence intervals; the best possible is that of seed "
        f"{case.view.scenario.seed}."
        if seeds > 1
        else "One seed each: differences within chance are not told from true ones."
    )
    return Table(
        id="policies",
        title="Every policy met the same cars, the same building and the same prices",
        reading=f"{spread} The best possible knows everything beforehand; its energy and its cost are separate optima.",
        headings=["Policy", *(m.heading for m in measures)],
        rows=rows,
        columns=_columns(outcomes, measures),
        numeric=frozenset(range(1, len(measures) + 1)),
        marked=frozenset({0}),
        note="The download holds every seed.",
    )


def _cell(measure: _Measure, runs: Sequence[Metrics]) -> str:
    values = [value for value in map(measure.of, runs) if np.isfinite(value)]
    if not values:
        return NOTHING
    mean, half = interval(values)
    text = measure.words(mean)
    return text if half is None else f"{text} ± {number(half, measure.decimals)}"


def _columns(outcomes: Mapping[str, Sequence[Metrics]], measures: Sequence[_Measure]) -> dict[str, Column]:
    pairs = [(name, metrics) for name, runs in outcomes.items() for metrics in runs]
    columns = {"policy": texts(name for name, _ in pairs), "seed": numbers([m.seed for _, m in pairs], 0)}
    for measure in measures:
        columns[measure.column] = numbers([measure.of(m) for _, m in pairs], measure.decimals + 2)
    return columns


def costs(case: Case) -> Drawn:
    """Cost of every policy with its interval, against the cheapest possible."""
    outcomes = _outcomes(case)
    if len(outcomes) < 2:
        return "The comparison of costs needs rivals: name some under judging.policies in the scenario."
    found = {name: interval([m.cost for m in runs]) for name, runs in outcomes.items()}
    currency = case.view.site.currency
    bound = case.judgement.bound
    shapes = []
    if bound is not None:
        across = {"type": "line", "x0": bound.cost, "x1": bound.cost, "yref": "paper", "y0": 0, "y1": 1}
        label = {
            "text": "cheapest possible",
            "textposition": "end",
            "font": {"size": 11, "color": look.BOUND},
            "textangle": 0,
        }
        shapes.append({**across, "line": look.BOUND_LINE, "label": {**label, "yanchor": "bottom"}})
    own = case.view.results.policy
    cheaper = [name for name in found if found[name][0] < found[own][0] - 1e-9]
    title = f"{policy(own)} is the cheapest of {len(found)} policies"
    return Figure(
        id="policy-costs",
        title=title
        if not cheaper
        else f"{policy(min(cheaper, key=lambda n: found[n][0]))} costs least of {len(found)} policies",
        reading="Energy, demand charge and unmet energy together; the whiskers are 95 % confidence intervals over "
        "seeds. A policy that overloads fuses is no alternative, however cheap.",
        columns={
            "policy": texts(policy(name) for name in found),
            f"cost_{currency.lower()}": numbers([mean for mean, _ in found.values()], 4),
            "confidence_half_width": numbers([np.nan if half is None else half for _, half in found.values()], 4),
        },
        traces=[
            {
                "type": "scatter",
                "mode": "markers",
                "x": ref(f"cost_{currency.lower()}"),
                "y": ref("policy"),
                "error_x": {
                    "type": "data",
                    "array": ref("confidence_half_width"),
                    "color": look.MUTED,
                    "thickness": 1.4,
                },
                "marker": {"size": 11, "color": [look.CHARGING if name == own else look.BUILDING for name in found]},
                "hovertemplate": f"%{{y}}: %{{x:.2f}} {plain(currency)}<extra></extra>",
            }
        ],
        layout={
            "hovermode": "closest",
            "xaxis": look.axis(f"Cost [{plain(currency)}]", rangemode="normal"),
            "yaxis": {"type": "category", "autorange": "reversed"},
            "shapes": shapes,
            "margin": {"t": 26},
        },
        height_px=100 + 34 * len(found),
    )
