"""Runs in acnportal's own environment: plans of single days in adacharge's published form, written anew in cvxpy.

    python day_ahead.py DAYS.json

The form is that of Lee et al., Adaptive Charging Networks (arXiv 2012.02636), with linear constraints: rates within
each stay, energy at most what was asked, the sum of rates within each bound; total energy, time-of-use cost, the demand
charge above the peak already incurred, and quick charging as the tie-break. Every day is solved by every solver, model
and compilation included. Prints the seconds of a core by solver, and what each day's plan costs.
"""

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import cvxpy as cp  # type: ignore[import-not-found]
import numpy as np

SOLVERS = ("HIGHS", "CLARABEL")
"""The ones there are for linear programs that come to the same optimum within 1e-4."""
QUICK = 1e-4
WARM_UP = 2


def plan(day: dict[str, Any], solver: str) -> float:
    """Solve one day; energy, demand and what is missing [currency]."""
    most_a, kwh_per_a, price = np.array(day["most_a"]), np.array(day["kwh_per_a"]), np.array(day["price_per_kwh"])
    needs_kwh, slots = np.array(day["needs_kwh"]), most_a.shape[1]
    # As a constraint of its own, "at least 0" lets cvxpy 1.9.3 with HiGHS end far from the optimum.
    rates = cp.Variable(most_a.shape, nonneg=True)
    charged_kwh = kwh_per_a @ rates
    constraints = [rates <= most_a, cp.multiply(kwh_per_a, cp.sum(rates, axis=1)) <= needs_kwh]
    constraints += [np.array(bound["uses"]) @ rates <= np.array(bound["most_a"]) for bound in day["bounds"]]
    load_kw = charged_kwh / day["slot_h"] + np.array(day["background_kw"])
    over_kw = cp.maximum(cp.max(load_kw), day["floor_kw"]) - day["floor_kw"]
    missing_kwh = needs_kwh.sum() - cp.sum(charged_kwh)
    cost = charged_kwh @ price + day["per_kw"] * over_kw + day["unmet_per_kwh"] * missing_kwh
    quick = QUICK * (charged_kwh @ (np.arange(slots) / slots))
    cp.Problem(cp.Minimize(cost + quick), constraints).solve(solver=solver)
    return float(cost.value)


def main() -> None:
    """Solve them all, and tell what it took."""
    warnings.filterwarnings("ignore")
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # HiGHS greets on standard output
    days = json.loads(Path(sys.argv[1]).read_text())
    seconds: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    for solver in SOLVERS:
        for day in days[:WARM_UP]:
            plan(day, solver)
        for day in days:
            began = time.process_time()
            cost = plan(day, solver)
            seconds.setdefault(solver, []).append(time.process_time() - began)
            costs.setdefault(solver, []).append(cost)
    json.dump({"seconds": seconds, "costs": costs}, answer)
    answer.close()


if __name__ == "__main__":
    main()
