"""Runs in acnportal's own environment: how long its earliest-deadline rule takes for a case that is given as JSON.

    python common_case.py CASE.json TIMES

Stations take 0 or 6 to 32 A in steps of 1 A. Prints the seconds of a core for each run, and the energy of the last one.
"""

import json
import sys
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from acnportal import acnsim  # type: ignore[import-not-found]
from acnportal.acnsim.models import EV, Battery, FiniteRatesEVSE  # type: ignore[import-not-found]
from acnportal.algorithms import SortedSchedulingAlgo, earliest_deadline_first  # type: ignore[import-not-found]

RATES_A = [0, *range(6, 33)]
ANGLES = {"L1": 0, "L2": -120, "L3": 120}


def simulator(case: dict[str, Any]) -> Any:
    """A fresh network with every car still to come."""
    network = acnsim.ChargingNetwork()
    for station, phase in case["stations"].items():
        network.register_evse(FiniteRatesEVSE(station, RATES_A), case["voltage_v"], ANGLES[phase])
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
    rule = SortedSchedulingAlgo(earliest_deadline_first)
    start = datetime.fromtimestamp(case["start_s"], UTC)
    return acnsim.Simulator(network, rule, events, start, period=case["period_min"], verbose=False)


def main() -> None:
    """Time the runs themselves, without what prepares them."""
    warnings.filterwarnings("ignore")
    case = json.loads(Path(sys.argv[1]).read_text())
    seconds = []
    for _ in range(int(sys.argv[2])):
        run = simulator(case)
        began = time.process_time()
        run.run()
        seconds.append(time.process_time() - began)
    delivered = {name: float(ev.energy_delivered) for name, ev in run.ev_history.items()}
    json.dump({"seconds": seconds, "delivered_kwh": delivered}, sys.stdout)


if __name__ == "__main__":
    main()
