"""The figures of a run. Money is an estimate in floating point: nobody is billed by it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from simulations.judging.billing import peaks
from simulations.judging.model import Bound, Metrics
from simulations.results import Results

CONFIDENCE = 0.95


def metrics_of(results: Results, bound: Bound | None = None, uncontrolled: Metrics | None = None) -> Metrics:
    """Measure a run, beside its bound and beside charging uncontrolled where these are known."""
    scenario, series, truth = results.scenario, results.series, results.truth
    power_w = series.power_w.sum(axis=1, dtype=np.float64)
    building_w = series.building_a.sum(axis=1, dtype=np.float64) * scenario.site.nominal_voltage_v
    length_s = np.full(power_w.shape, series.step_s)
    peak_w = peaks(scenario, series.time_s, length_s, power_w + building_w)
    needed_wh = np.array([s.visit.energy_wh for s in results.sessions])
    got_wh = np.array([s.delivered_wh for s in results.sessions])
    share = np.divide(np.minimum(got_wh, needed_wh), needed_wh, out=np.ones(needed_wh.shape), where=needed_wh > 0.0)
    energy_cost = float(power_w @ series.price) * series.step_s / 3.6e6
    demand_cost = scenario.demand.per_kw * float(peak_w.sum()) / 1000.0 if scenario.demand else 0.0
    unmet_cost = scenario.judging.unmet_per_kwh * float((needed_wh * (1.0 - share)).sum()) / 1000.0
    cost = energy_cost + demand_cost + unmet_cost
    return Metrics(
        policy=results.policy,
        seed=scenario.seed,
        sessions=len(results.sessions),
        sessions_met=sum(session.met for session in results.sessions),
        requested_kwh=float(needed_wh.sum()) / 1000.0,
        delivered_kwh=float(got_wh.sum()) / 1000.0,
        energy_cost=energy_cost,
        demand_cost=demand_cost,
        unmet_cost=unmet_cost,
        peak_kw=float(peak_w.max(initial=0.0)) / 1000.0,
        fuse_violation_as=truth.fuse_violation_as,
        overload_as=truth.overload_as,
        longest_overload_s=truth.longest_overload_s,
        thermal_peak=truth.thermal_peak,
        invalid_setpoints=results.invalid_setpoints,
        jain_index=_jain_index(share),
        least_share=float(share.min(initial=1.0)),
        longest_wait_s=max((session.longest_wait_s for session in results.sessions), default=0.0),
        bound_delivered_kwh=bound.delivered_wh / 1000.0 if bound else None,
        bound_cost=bound.cost if bound else None,
        bound_peak_kw=bound.peak_w / 1000.0 if bound else None,
        regret_pct=_percent(cost - bound.cost, bound.cost) if bound else None,
        of_bound_pct=_percent(float(got_wh.sum()), bound.delivered_wh) if bound else None,
        saving_share_pct=(
            _percent(uncontrolled.cost - cost, uncontrolled.cost - bound.cost) if bound and uncontrolled else None
        ),
    )


def _jain_index(share: np.ndarray) -> float:
    """Jain, Chiu, Hawe: A quantitative measure of fairness, DEC-TR-301 (1984); 1 where nobody got anything."""
    squares = float((share**2).sum())
    return float(share.sum()) ** 2 / (share.size * squares) if squares > 0.0 else 1.0


def _percent(part: float, whole: float) -> float | None:
    """None where the whole is too small to be a measure."""
    return 100.0 * part / whole if whole > 1e-6 else None


def interval(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and half the width of its 95 % confidence interval (Student's t); None from a single value.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("values: expected at least one")
    mean = float(np.mean(values))
    if len(values) == 1:
        return mean, None
    quantile = float(stdtrit(len(values) - 1, 0.5 + CONFIDENCE / 2.0))
    return mean, quantile * float(np.std(values, ddof=1)) / len(values) ** 0.5
