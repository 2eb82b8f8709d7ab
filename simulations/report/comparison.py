"""Policies side by side, with their spread over seeds and the bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulations.judging.metrics import interval
from simulations.judging.model import Metrics
from simulations.report import look
from simulations.report.columns import Column, numbers, ref, texts
from simulations.report.pieces import Figure, Table
from simulations.report.view import Case, Drawn
from simulations.report.words import NOTHING, count, heat, number, plain, policy
from simulations.world import RELIEF_S


@dataclass(frozen=True, slots=True)
class _Measure:
    heading: str
    column: str
    of: Callable[[Metrics], float]
    decimals: int
    is_worst: bool = False
    """Shown is the worst of all seeds, not their mean: safety has no mean."""

    def words(self, value: float) -> str:
        return number(value, self.decimals)


class _Heat(_Measure):
    def words(self, value: float) -> str:
        return heat(value)


def _measures(currency: str) -> tuple[_Measure, ...]:
    return (
        _Measure("Delivered [%]", "delivered_pct", lambda m: 100 * _share(m.delivered_kwh, m.requested_kwh), 1),
        _Measure("Needs met [%]", "sessions_met_pct", lambda m: 100 * _share(m.sessions_met, m.sessions), 1),
        _Measure(f"Cost [{currency}]", f"cost_{currency.lower()}", lambda m: m.cost, 2),
        _Measure("Above the cheapest [%]", "above_cheapest_pct", lambda m: _or_nan(m.regret_pct), 1),
        _Measure("Demand peak [kW]", "peak_kw", lambda m: m.peak_kw, 1),
        _Measure("Jain index", "jain_index", lambda m: m.jain_index, 3),
        _Measure("Longest wait [h]", "longest_wait_h", lambda m: m.longest_wait_s / 3600, 1, is_worst=True),
        _Measure("Overload [A\u00a0s]", "fuse_violation_as", lambda m: m.fuse_violation_as, 0, is_worst=True),
        _Heat("Hottest fuse", "thermal_peak", lambda m: m.thermal_peak, 4, is_worst=True),
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
        note=f"Overload is what lies beyond the {RELIEF_S:g} s in which controller, charger and car can relieve it. "
        "Overload, hottest fuse and longest wait are the worst of all seeds. The download holds every seed.",
    )


def _cell(measure: _Measure, runs: Sequence[Metrics]) -> str:
    values = [value for value in map(measure.of, runs) if np.isfinite(value)]
    if not values:
        return NOTHING
    if measure.is_worst:
        return measure.words(max(values))
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
    colours = [_colour(name == case.view.results.policy, is_safe(runs)) for name, runs in outcomes.items()]
    bound = case.judgement.bound
    return Figure(
        id="policy-costs",
        title=_cost_title(outcomes),
        reading="Energy, demand charge and unmet energy together; the whiskers are 95 % confidence intervals over "
        "seeds. Red crosses overload fuses, and are no alternative, however cheap.",
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
                "error_x": {"array": ref("confidence_half_width"), "color": look.MUTED, "thickness": 1.4},
                "marker": {
                    "size": 11,
                    "color": colours,
                    "symbol": ["x" if c == look.LIMIT else "circle" for c in colours],
                },
                "hovertemplate": f"%{{y}}: %{{x:.2f}} {plain(currency)}<extra></extra>",
            }
        ],
        layout={
            "hovermode": "closest",
            "xaxis": look.axis(f"Cost [{plain(currency)}]", rangemode="normal"),
            "yaxis": {"type": "category", "autorange": "reversed"},
            "margin": {"t": 26},
            **({} if bound is None else _marked(bound.cost, "cheapest possible")),
        },
        height_px=100 + 34 * len(found),
    )


def _cost_title(outcomes: Mapping[str, Sequence[Metrics]]) -> str:
    """Who is cheapest among those that keep the fuses, told seed by seed: that takes their common luck away."""
    own = next(iter(outcomes))
    safe = [name for name, runs in outcomes.items() if is_safe(runs)]
    if len(safe) < 2 or own not in safe:
        return f"What each of {count(len(outcomes), 'policy', 'policies')} costs"
    best = min((name for name in safe if name != own), key=lambda name: interval([m.cost for m in outcomes[name]])[0])
    ours = {m.seed: m.cost for m in outcomes[own]}
    mean, half = interval([m.cost - ours[m.seed] for m in outcomes[best] if m.seed in ours] or [0.0])
    if half is not None and abs(mean) <= half:
        return f"{policy(own)} and {policy(best).lower()}, the cheapest rival, cannot be told apart by cost"
    relation = "less" if mean > 0 else "more"
    return f"{policy(own)} costs {relation} than {policy(best).lower()}, the cheapest rival that keeps the fuses"


def is_safe(runs: Sequence[Metrics]) -> bool:
    """Whether no fuse was overloaded beyond relief, with any seed."""
    return all(m.fuse_violation_as <= 0 and m.thermal_peak < 1 for m in runs)


def _colour(is_own: bool, safe: bool) -> str:
    if not safe:
        return look.LIMIT
    return look.CHARGING if is_own else look.MUTED


def _marked(value: float, words: str) -> dict[str, Any]:
    """A vertical line with its name above it."""
    across = {"type": "line", "x0": value, "x1": value, "yref": "paper", "y0": 0, "y1": 1, "line": look.BOUND_LINE}
    name = {
        "text": words,
        "x": value,
        "xanchor": "left",
        "yref": "paper",
        "y": 1,
        "yanchor": "bottom",
        "showarrow": False,
    }
    return {"shapes": [across], "annotations": [{**name, "font": {"size": 11, "color": look.BOUND}}]}
