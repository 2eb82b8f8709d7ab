"""A run beside its bound, its rivals, and the same with other seeds; and what of it is told in ``summary.json``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from simulations.judging.bound import bound_of
from simulations.judging.metrics import interval, metrics_of
from simulations.judging.model import Bound, Judgement, Metrics
from simulations.judging.policy import UNSHAVED
from simulations.provenance import commit
from simulations.results import Results

OURS: Final = "loadstar"
RunRival = Callable[[str, int], Results]
"""Runs a policy with a seed, on the scenario that this seed draws."""

_DECIMALS: Final[Mapping[str, int]] = {"cost": 2, "kwh": 3, "kw": 3, "pct": 3, "as": 1, "s": 1}
"""By the last part of a figure's name; 6 for the others."""


def judge(results: Results, run: RunRival) -> Judgement:
    """Compare a run with whatever its scenario wants it compared with.

    Args:
        results: the run, with the scenario's own seed.
        run: provides the runs of the policies that ``judging.policies`` names, and of ours with other seeds.
    """
    judging, own_seed = results.scenario.judging, results.scenario.seed
    outcomes: dict[str, list[Metrics]] = {name: [] for name in (OURS, *judging.policies)}
    bound: Bound | None = None
    rivals: dict[str, Results] = {}
    for seed in range(own_seed, own_seed + max(1, judging.seeds)):
        ours = results if seed == own_seed else run(OURS, seed)
        seed_bound = bound_of(ours.scenario) if judging.bound else None
        others = {name: run(name, seed) for name in judging.policies}
        reference = metrics_of(others["uncontrolled"], seed_bound) if "uncontrolled" in others else None
        for name, result in {OURS: ours, **others}.items():
            outcomes[name].append(metrics_of(result, seed_bound, reference))
        if seed == own_seed:
            bound, rivals = seed_bound, others
    return Judgement(
        metrics=outcomes[OURS][0],
        bound=bound,
        rivals=rivals,
        outcomes={name: tuple(metrics) for name, metrics in outcomes.items()},
    )


def summary_of(judgement: Judgement, wall_s: float, duration_s: float) -> dict[str, Any]:
    """The content of ``summary.json``: our run's figures, then those of the rivals, then the spread over the seeds.

    Args:
        judgement: what to tell.
        wall_s: how long the run took on the clock on the wall [s].
        duration_s: how much time was simulated [s].
    """
    summary = figures(judgement.metrics)
    bound = judgement.bound
    summary["bound"] = {f.name: _rounded(f.name, getattr(bound, f.name)) for f in fields(bound)} if bound else None
    summary["rivals"] = {name: figures(of[0]) for name, of in judgement.outcomes.items() if name != OURS}
    unshaved = judgement.outcomes.get(UNSHAVED)
    saved = unshaved[0].demand_cost - judgement.metrics.demand_cost if unshaved else None
    summary["demand_saved"] = _rounded("cost", saved)
    summary["over_seeds"] = {name: _spread(of) for name, of in judgement.outcomes.items() if len(of) > 1}
    summary["wall_s"] = round(wall_s, 3)
    summary["days_per_s"] = round(duration_s / 86_400.0 / wall_s, 3) if wall_s > 0.0 else None
    summary["commit"] = commit()
    return summary


def figures(metrics: Metrics) -> dict[str, Any]:
    """Every figure of a run under its name, rounded to what it is worth; None where unknown."""
    told = {field.name: _rounded(field.name, getattr(metrics, field.name)) for field in fields(metrics)}
    told["cost"] = _rounded("cost", metrics.cost)
    return told


def _rounded(name: str, value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return round(value, _DECIMALS.get(name.rsplit("_", 1)[-1], 6)) + 0.0  # no minus zero


def _spread(outcomes: Sequence[Metrics]) -> dict[str, Any]:
    """Mean and half the 95 % confidence interval of each figure, over the seeds in which it is known."""
    told: dict[str, Any] = {"seeds": [metrics.seed for metrics in outcomes]}
    names = [f.name for f in fields(Metrics) if f.name not in {"policy", "seed"}]
    for name in [*names, "cost"]:
        values = [float(value) for metrics in outcomes if (value := getattr(metrics, name)) is not None]
        if values:
            mean, half = interval(values)
            told[name] = {"mean": _rounded(name, mean), "plus_minus": _rounded(name, half), "n": len(values)}
    return told
