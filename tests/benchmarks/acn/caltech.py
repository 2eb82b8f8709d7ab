"""Runs in acnportal's own environment: the Caltech network and its sessions, and how acnportal's rules serve them.

    python caltech.py EVENTS.json.gz KW

EVENTS holds an event queue as acnportal writes it; KW is the capacity of the transformer. Two cars that stay beyond the
month are left out: 952 sessions remain. Prints one JSON document.
"""

import gzip
import json
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from acnportal import acnsim  # type: ignore[import-not-found]
from acnportal.algorithms import (  # type: ignore[import-not-found]
    SortedSchedulingAlgo,
    UncontrolledCharging,
    earliest_deadline_first,
    first_come_first_served,
    least_laxity_first,
)

PERIOD_MIN = 5
VOLTAGE_V = 208
START = datetime(2019, 3, 1, tzinfo=UTC)
PERIODS = 31 * 288
RULES = {
    "uncontrolled": UncontrolledCharging,
    "first_come": lambda: SortedSchedulingAlgo(first_come_first_served),
    "earliest_deadline": lambda: SortedSchedulingAlgo(earliest_deadline_first),
    "least_laxity": lambda: SortedSchedulingAlgo(least_laxity_first),
}


def network(transformer_kw: float) -> Any:
    """54 EVSEs that take any current from 0 to 32 A."""
    return acnsim.sites.caltech_acn(basic_evse=True, voltage=VOLTAGE_V, transformer_cap=transformer_kw)


def queue(events: str) -> Any:
    """The cars that come and go within the month."""
    loaded = acnsim.EventQueue.from_json(events).queue
    return acnsim.EventQueue([event for _, event in loaded if event.ev.departure <= PERIODS])


def delivered(events: str, transformer_kw: float, rule: str) -> dict[str, float]:
    """Energy of each session under one rule [kWh]."""
    simulator = acnsim.Simulator(
        network(transformer_kw),
        RULES[rule](),
        queue(events),
        START,
        period=PERIOD_MIN,
        verbose=False,
    )
    simulator.run()
    return {name: float(ev.energy_delivered) for name, ev in simulator.ev_history.items()}


def case(events: str, transformer_kw: float) -> dict[str, Any]:
    """What there is to serve, and within which bounds."""
    site = network(transformer_kw)
    cars = sorted((event.ev for _, event in queue(events).queue), key=lambda ev: (ev.arrival, ev.session_id))
    turns = np.exp(1j * np.deg2rad([site.phase_angles[name] for name in site.station_ids]))
    rows = site.constraint_matrix * turns
    return {
        "period_min": PERIOD_MIN,
        "voltage_v": VOLTAGE_V,
        "stations": list(site.station_ids),
        "rows_real": rows.real.tolist(),
        "rows_imag": rows.imag.tolist(),
        "limits_a": site.magnitudes.tolist(),
        "max_a": float(max(site.max_pilot_signals)),
        "sessions": [
            {
                "id": ev.session_id,
                "station": ev.station_id,
                "arrival": ev.arrival,
                "departure": ev.departure,
                "stated_departure": ev.estimated_departure,
                "energy_kwh": ev.requested_energy,
                "most_kw": ev.maximum_charging_power,
            }
            for ev in cars
        ],
    }


def main() -> None:
    """Print the case and the energy of every session under every rule."""
    warnings.filterwarnings("ignore")
    events = json.loads(gzip.decompress(Path(sys.argv[1]).read_bytes()))
    transformer_kw = float(sys.argv[2])
    document = case(events, transformer_kw)
    document["delivered_kwh"] = {rule: delivered(events, transformer_kw, rule) for rule in RULES}
    json.dump(document, sys.stdout)


if __name__ == "__main__":
    main()
