"""Runs in acnportal's own environment: some weeks under model-predictive control of adacharge's published form.

    python mpc.py CASE.json

The problem of each period is that of Lee et al., Adaptive Charging Networks (arXiv 2012.02636), with linear bounds:
rates within each stay, energy at most what was asked, the sum of rates within each bound; and the objective energy,
time-of-use cost, demand charge above the peak already incurred and divided by the days that are left, quick charging
as the tie-break. As there, each station and slot has a variable, and each session and each bound a constraint of its
own. It is written anew in cvxpy and solved with HiGHS, the fastest of its solvers here; Clarabel comes to the same
optima. Prints the seconds of a core, the mean power of every period [kW], and each session's energy [kWh].
"""

import json
import os
import sys
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cvxpy as cp  # type: ignore[import-not-found]
import numpy as np
from acnportal import acnsim  # type: ignore[import-not-found]
from acnportal.acnsim.models import EV, EVSE, Battery  # type: ignore[import-not-found]
from acnportal.algorithms import BaseAlgorithm  # type: ignore[import-not-found]
from common_case import ANGLES  # type: ignore[import-not-found]  # it stands beside this file where it runs

HORIZON = 96
QUICK = 1e-4


class Control(BaseAlgorithm):  # type: ignore[misc]
    """One program for each period in which somebody is there."""

    def __init__(self, case: dict[str, Any]) -> None:
        super().__init__()
        self.max_recompute = 1
        self._case = case
        self._hours = case["period_min"] / 60.0
        self._price = np.array(case["price_per_kwh"])
        self.peak_kw = 0.0

    def schedule(self, active: list[Any]) -> dict[str, list[float]]:
        """The rates of this period [A]."""
        if not active:
            return {}
        now, case = self.interface.current_time, self._case
        kw_per_a = case["voltage_v"] / 1000.0
        kwh_per_a = kw_per_a * self._hours
        slots = min(HORIZON, max(ev.departure - now for ev in active))
        stations = list(case["stations"])
        most_a = np.zeros((len(stations), slots))
        # As a constraint of its own, "at least 0" can let cvxpy 1.9.3 with HiGHS end far from the optimum.
        rates = cp.Variable((len(stations), slots), nonneg=True)
        constraints = []
        for ev in active:
            place, stays = stations.index(ev.station_id), max(0, ev.departure - now)
            most_a[place, :stays] = case["max_a"]
            constraints.append(kwh_per_a * cp.sum(rates[place, :stays]) <= ev.remaining_demand)
        constraints += [rates <= most_a]
        for bound in case["bounds"].values():
            below = np.array([1.0 if name in bound["stations"] else 0.0 for name in stations])
            constraints.append(below @ rates <= bound["most_a"])
        price = self._price[now : now + slots]
        left_days = max(1.0, (case["periods"] - now) * self._hours / 24.0)
        total_kw = kw_per_a * cp.sum(rates, axis=0)
        quick = QUICK * np.arange(slots, 0, -1) / slots
        gain = case["unmet_per_kwh"] - price + quick
        peak = cp.maximum(cp.max(total_kw), self.peak_kw)
        profit = kwh_per_a * (cp.sum(rates, axis=0) @ gain) - case["per_kw"] / left_days * peak
        cp.Problem(cp.Maximize(profit), constraints).solve(solver=cp.HIGHS)
        first = np.clip(rates.value[:, 0], 0.0, most_a[:, 0])
        self.peak_kw = max(self.peak_kw, kw_per_a * float(first.sum()))
        return {name: [float(rate)] for name, rate in zip(stations, first, strict=True)}


def simulator(case: dict[str, Any], control: Control) -> Any:
    """The site with every car still to come."""
    network = acnsim.ChargingNetwork()
    for station, phase in case["stations"].items():
        network.register_evse(EVSE(station, max_rate=case["max_a"]), case["voltage_v"], ANGLES[phase])
    for name, bound in case["bounds"].items():
        network.add_constraint(acnsim.Current(bound["stations"]), bound["most_a"], name=name)
    events = acnsim.EventQueue(
        [
            acnsim.PluginEvent(
                car["arrival"],
                EV(
                    car["arrival"],
                    car["departure"],
                    car["energy_kwh"],
                    car["station"],
                    car["id"],
                    Battery(car["energy_kwh"], 0, car["most_kw"]),
                ),
            )
            for car in case["sessions"]
        ]
    )
    return acnsim.Simulator(
        network, control, events, datetime.fromtimestamp(case["start_s"], UTC), period=case["period_min"], verbose=False
    )


def main() -> None:
    """Run the weeks, and tell what it took."""
    warnings.filterwarnings("ignore")
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # HiGHS says hello on standard output
    case = json.loads(Path(sys.argv[1]).read_text())
    run = simulator(case, Control(case))
    began = time.process_time()
    run.run()
    seconds = time.process_time() - began
    power_kw = run.charging_rates.sum(axis=0) * case["voltage_v"] / 1000.0
    delivered = {name: float(ev.energy_delivered) for name, ev in run.ev_history.items()}
    json.dump({"seconds": seconds, "power_kw": power_kw.tolist(), "delivered_kwh": delivered}, answer)
    answer.close()


if __name__ == "__main__":
    main()
