"""Planning: how fast a closed loop with a plan is simulated, and how near to perfect it comes."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
from rich.console import Console

from simulations.fast import run
from simulations.judging.metrics import metrics_of
from simulations.quality.cases import DAYS, IDEAL, QUESTIONS, STEP_S, answer, trace
from simulations.quality.common_case import CAR
from simulations.scenario.model import Planning, Scenario
from tests.benchmarks import caltech
from tests.benchmarks.acn_environment import ask
from tests.benchmarks.caltech_plan import planned_wh
from tests.benchmarks.common_case import for_acnportal
from tests.benchmarks.registry import Measurement, benchmark

SEEDS = 6
MPC_SEEDS = (1, 2, 3)


@benchmark
def plan_quality() -> dict[str, Measurement]:
    """Cost over the bound of perfect information; ``python -m simulations.quality`` shows every seed."""
    measured = {}
    for question in QUESTIONS:
        regrets = [answer(question, seed, DAYS).regret_pct or 0.0 for seed in range(1, SEEDS + 1)]
        measured[question.name] = Measurement(median(regrets), "% over the bound", SEEDS, at_most=question.at_most_pct)
    return measured


@benchmark
def plan_of_caltech() -> dict[str, Measurement]:
    """March 2019 behind 30 kW, 0 or at least 6 A for everybody, delivered energy over the most that could be."""
    events = caltech.events_file()
    if events is None:
        Console(stderr=True).print(f"not measured: no events of Caltech; name the file in {caltech.VARIABLE}")
        return {}
    case = caltech.case_of(events, 30)
    of_bound_pct = 100.0 * float(planned_wh(case).sum()) / caltech.bound_wh(case)
    count = len(case.need_wh)
    return {"caltech_30kw_of_bound_pct": Measurement(of_bound_pct, "% of the bound", count, at_least=98.5)}


@benchmark
def plan_year() -> dict[str, Measurement]:
    """A year of 20 points in steps of a quarter of an hour, a plan in each, with the 6 A minimum; single run."""
    year = replace(trace(1, 364, real=True, before=2), plan=Planning())
    began = process_time()
    results = run(year)
    return {
        "sim_year_plan_s": Measurement(process_time() - began, "s of one core", 1, at_most=120),
        "sim_year_plan_invalid": Measurement(results.invalid_setpoints, "set-points", 1, at_most=0),
    }


@benchmark
def closed_loop_beside_adacharge() -> dict[str, Measurement]:
    """Fortnights of the same trace, site and tariff: ours with a plan, acnportal with adacharge's published program."""
    theirs = ours = Loop(0.0, 0.0)
    for seed in MPC_SEEDS:
        case = trace(seed, DAYS, real=False)
        theirs, ours = theirs + _theirs(case), ours + _ours(case)
    days, count = DAYS * len(MPC_SEEDS), len(MPC_SEEDS)
    return {
        "mpc_loop_vs_adacharge": Measurement(theirs.seconds / ours.seconds, "times faster", count, at_least=10),
        "mpc_days_per_s": Measurement(days / ours.seconds, "site-days/s", count),
        "mpc_cost": Measurement(ours.cost, "EUR", count, at_most=theirs.cost),
        "mpc_cost_of_adacharge": Measurement(theirs.cost, "EUR", count),
    }


@dataclass(frozen=True, slots=True)
class Loop:
    """How long it took [s of a core], and what the energy, the peak and what was not met cost."""

    seconds: float
    cost: float

    def __add__(self, other: Loop) -> Loop:
        """Both together."""
        return Loop(self.seconds + other.seconds, self.cost + other.cost)


def _ours(case: Scenario) -> Loop:
    began = process_time()
    results = run(replace(case, plan=IDEAL))
    return Loop(process_time() - began, metrics_of(results).cost)


def _theirs(case: Scenario) -> Loop:
    periods = round(case.duration_s / STEP_S)
    price = case.price.at(STEP_S * (np.arange(periods + 96.0) + 0.5))
    assert case.demand is not None
    document = for_acnportal(case) | {
        "periods": periods,
        "max_a": CAR.max_a,
        "price_per_kwh": price.tolist(),
        "per_kw": case.demand.per_kw,
        "unmet_per_kwh": case.judging.unmet_per_kwh,
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "case.json"
        file.write_text(json.dumps(document))
        told = ask("mpc.py", str(file))
    power_kw = np.array(told["power_kw"])[:periods]
    energy_cost = float(power_kw @ price[: power_kw.size]) * STEP_S / 3600.0
    unmet_kwh = sum(max(0.0, v.energy_wh / 1000.0 - told["delivered_kwh"][v.id]) for v in case.visits)
    cost = energy_cost + case.demand.per_kw * float(power_kw.max()) + case.judging.unmet_per_kwh * unmet_kwh
    return Loop(told["seconds"], cost)
