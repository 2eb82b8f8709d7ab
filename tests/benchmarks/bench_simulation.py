"""Simulation: how fast it is beside acnportal 0.3.3, and whether it finds the same on the same sessions."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

from rich.console import Console

from simulations.fast import run, run_batch
from simulations.quality.common_case import scenario
from simulations.results import Results
from tests.benchmarks import caltech
from tests.benchmarks.acn_environment import ask
from tests.benchmarks.common_case import for_acnportal
from tests.benchmarks.registry import Measurement, benchmark

DAYS = 7
BATCH = 100
RUNS = 3


def _delivered(of: Results) -> float:
    return sum(s.delivered_wh for s in of.sessions) / sum(s.visit.energy_wh for s in of.sessions)


def _median_s(function: Callable[[], object]) -> float:
    durations = []
    for _ in range(RUNS):
        began = process_time()
        function()
        durations.append(process_time() - began)
    return statistics.median(durations)


@benchmark
def simulation_speed() -> dict[str, Measurement]:
    """Site-days per second of one core: acnportal's earliest deadline, a batch of ours under rules, one in ``decide``.

    Processor time, because a busy machine must not decide a comparison of programs that run one after the other.
    """
    case = scenario(seed=1, days=DAYS)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "case.json"
        file.write_text(json.dumps(for_acnportal(case)))
        acn = ask("common_case.py", str(file), str(RUNS))
    acn_days_per_s = DAYS / statistics.median(acn["seconds"])
    acn_delivered = 1000.0 * sum(acn["delivered_kwh"].values()) / sum(visit.energy_wh for visit in case.visits)
    same = _delivered(run(case, "earliest_deadline"))
    if abs(same - acn_delivered) > 0.005:
        raise RuntimeError(f"earliest deadline delivers {same:.4f}, acnportal's {acn_delivered:.4f}: not the same case")
    batch = [scenario(seed=seed, days=DAYS) for seed in range(1, BATCH + 1)]
    rules_days_per_s = BATCH * DAYS / _median_s(lambda: run_batch(batch))
    deadline_days_per_s = BATCH * DAYS / _median_s(lambda: run_batch(batch, "earliest_deadline"))
    whole = scenario(seed=1, days=DAYS, controller="decide")
    decide_days_per_s = DAYS / _median_s(lambda: run(whole))
    return {
        "acnportal_days_per_s": Measurement(acn_days_per_s, "site-days/s", RUNS),
        "sim_rules_days_per_s": Measurement(rules_days_per_s, "site-days/s", RUNS),
        "sim_decide_days_per_s": Measurement(decide_days_per_s, "site-days/s", RUNS),
        "sim_deadline_vs_acnportal": Measurement(deadline_days_per_s / acn_days_per_s, "times faster", RUNS),
        "sim_rules_vs_acnportal": Measurement(rules_days_per_s / acn_days_per_s, "times faster", RUNS, at_least=100),
        "sim_decide_vs_acnportal": Measurement(decide_days_per_s / acn_days_per_s, "times faster", RUNS, at_least=2),
    }


@benchmark
def simulation_year() -> dict[str, Measurement]:
    """A year of 20 points in steps of five minutes under rules, as a single run, every step recorded."""
    year = scenario(seed=1, days=365)
    began = perf_counter()
    run(year)
    return {"sim_year_rules_s": Measurement(perf_counter() - began, "s", 1, at_most=60)}


@benchmark
def caltech_parity() -> dict[str, Measurement]:
    """Our baselines and our bound on 952 real sessions, beside acnportal's rules (minutes, the first time)."""
    events = caltech.events_file()
    if events is None:
        Console(stderr=True).print(f"not measured: no events of Caltech; name the file in {caltech.VARIABLE}")
        return {}
    measured = {}
    for transformer_kw in caltech.TRANSFORMERS_KW:
        case = caltech.case_of(events, transformer_kw)
        apart_pp = [abs(ours - acn) for acn, ours in caltech.compared(case).values()]
        bound_pct = 100.0 * caltech.bound_wh(case) / float(case.need_wh.sum())
        noted_pct = caltech.NOTED_PCT[transformer_kw]["bound"]
        measured[f"caltech_{transformer_kw}kw_parity_pp"] = Measurement(
            max(apart_pp), "percentage points", len(apart_pp), at_most=0.3
        )
        measured[f"caltech_{transformer_kw}kw_bound_pct"] = Measurement(
            bound_pct, "% of requested", len(case.need_wh), at_most=noted_pct + 0.01, at_least=noted_pct - 0.5
        )
    return measured
