"""Caltech, March 2019: 952 sessions at 54 points behind one transformer, under acnportal's rules and under ours.

    python -m tests.benchmarks.caltech [EVENTS.json.gz]

prints what part of the energy each rule delivers: acnportal 0.3.3, our baseline of that name, and what the notes say;
and the bound. Without an argument the events are looked for in ``$LOADSTAR_CALTECH_EVENTS``, then beside the project.
They are public: github.com/caltech-netlab/acnportal-experiments, commit 593f5dc, BSD-3-Clause.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from simulations.judging.baselines import BASELINES
from simulations.judging.bound import most_delivered_wh
from simulations.judging.policy import Picture, Policy
from simulations.judging.programme import Programme, pairs, polygon
from tests.benchmarks.acn_environment import ask_once

Floats = NDArray[np.float64]

VARIABLE: Final = "LOADSTAR_CALTECH_EVENTS"
BESIDE: Final = Path(
    "../shared/data/acn_march2019_events/caltech_20190301T000000_20190401T000000_5m_208V_6.6kW.json.gz"
)
TRANSFORMERS_KW: Final = (30, 50)
FULL_WH: Final = 1.0
"""acnportal calls a car full that lacks less."""

NOTED_PCT: Final[Mapping[int, Mapping[str, float]]] = {
    30: {"first_come": 80.28, "earliest_deadline": 86.12, "least_laxity": 86.45, "bound": 92.92},
    50: {"first_come": 95.68, "earliest_deadline": 99.09, "least_laxity": 99.70, "bound": 99.83},
}
"""Delivered part of the requested energy, measured elsewhere with acnportal 0.3.3 and a program of its own [%]."""
NOTED_UNCONTROLLED_PCT: Final = 99.88


def events_file(argument: str | None = None) -> Path | None:
    """Where the events are; None where they are not."""
    for place in (argument, os.environ.get(VARIABLE), str(BESIDE)):
        if place and Path(place).is_file():
            return Path(place)
    return None


@dataclass(frozen=True, eq=False)
class Case:
    """V sessions at P stations within K bounds on magnitudes of sums of phasors; times in periods."""

    period_s: float
    voltage_v: float
    max_a: float
    rows: NDArray[np.complex128]
    """(K, P)"""
    limits_a: Floats
    """(K,)"""
    place: NDArray[np.int64]
    """(V,) station of each session."""
    arrival: Floats
    departure: Floats
    stated_departure: Floats
    need_wh: Floats
    most_a: Floats
    """(V,) most that each car takes [A]."""
    acn_wh: Mapping[str, float]
    """All energy together that acnportal delivers under each rule [Wh]."""

    @property
    def periods(self) -> int:
        """How many there are until the last car has left."""
        return int(self.departure.max())


@lru_cache(maxsize=4)
def case_of(events: Path, transformer_kw: int) -> Case:
    """Have acnportal tell the case, and serve it."""
    told = ask_once("caltech.py", events, str(transformer_kw))
    sessions = told["sessions"]

    def column(name: str) -> Floats:
        return np.array([session[name] for session in sessions], dtype=np.float64)

    return Case(
        period_s=60.0 * told["period_min"],
        voltage_v=told["voltage_v"],
        max_a=told["max_a"],
        rows=np.array(told["rows_real"]) + 1j * np.array(told["rows_imag"]),
        limits_a=np.array(told["limits_a"]),
        place=np.array([told["stations"].index(session["station"]) for session in sessions], dtype=np.int64),
        arrival=column("arrival"),
        departure=column("departure"),
        stated_departure=column("stated_departure"),
        need_wh=1000.0 * column("energy_kwh"),
        most_a=np.minimum(told["max_a"], 1000.0 * column("most_kw") / told["voltage_v"]),
        acn_wh={rule: 1000.0 * sum(energy.values()) for rule, energy in told["delivered_kwh"].items()},
    )


def served_wh(case: Case, policy: Policy) -> Floats:
    """(V,) what our baseline delivers to ideal batteries, period by period [Wh]."""
    shape = (1, case.rows.shape[1])
    left_wh = case.need_wh.copy()
    at = np.full(shape[1], -1)
    wh_per_a = case.voltage_v * case.period_s / 3600.0
    free_a = case.limits_a[np.newaxis]
    for period in range(case.periods):
        at[case.place[case.departure == period]] = -1
        come = np.flatnonzero(case.arrival == period)
        at[case.place[come]] = come
        active = (at >= 0) & (left_wh[at] > FULL_WH)
        if not active.any():
            continue
        picture = Picture(
            now_s=period * case.period_s,
            step_s=case.period_s,
            rows=case.rows,
            free_a=free_a,
            active=active[np.newaxis],
            arrived_s=case.period_s * case.arrival[at][np.newaxis],
            leaves_s=case.period_s * case.stated_departure[at][np.newaxis],
            left_wh=left_wh[at][np.newaxis],
            max_a=np.full(shape, case.max_a),
            min_a=np.zeros(shape),
            w_per_a=np.full(shape, case.voltage_v),
        )
        limit_a = policy.limits(picture)[0][active]
        who = at[active]
        left_wh[who] -= np.minimum(np.minimum(limit_a, case.most_a[who]) * wh_per_a, left_wh[who])
    return case.need_wh - left_wh


def bound_wh(case: Case) -> float:
    """The most energy that anybody could deliver, in slots of one period [Wh]."""
    begins_s = case.period_s * np.arange(case.periods, dtype=np.float64)
    length_s = np.full(case.periods, case.period_s)
    sides, limits_a = polygon(case.rows[:, case.place], np.tile(case.limits_a[:, np.newaxis], case.periods))
    stays = pairs(begins_s, length_s, case.period_s * case.arrival, case.period_s * case.departure, case.most_a)
    voltage_v = np.full(case.need_wh.shape, float(case.voltage_v))
    return most_delivered_wh(Programme(begins_s, length_s, case.need_wh, voltage_v, sides, limits_a, *stays))


def compared(case: Case) -> dict[str, tuple[float, float]]:
    """For each rule the part of the requested energy that acnportal delivers, and that ours delivers [%]."""
    requested_wh = float(case.need_wh.sum())
    return {
        rule: (100.0 * acn_wh / requested_wh, 100.0 * float(served_wh(case, BASELINES[rule]).sum()) / requested_wh)
        for rule, acn_wh in case.acn_wh.items()
    }


def table(events: Path) -> Table:
    """Everything side by side."""
    view = Table("transformer", "rule", title="Caltech, March 2019: delivered part of the requested energy [%]")
    for name in ("acnportal", "ours", "difference", "noted"):
        view.add_column(name, justify="right")
    for transformer_kw in TRANSFORMERS_KW:
        case, noted = case_of(events, transformer_kw), NOTED_PCT[transformer_kw]
        for rule, (acn_pct, our_pct) in compared(case).items():
            known = noted.get(rule, NOTED_UNCONTROLLED_PCT)
            view.add_row(
                f"{transformer_kw} kW",
                rule,
                f"{acn_pct:.3f}",
                f"{our_pct:.3f}",
                f"{our_pct - acn_pct:+.3f}",
                f"{known}",
            )
        bound_pct = 100.0 * bound_wh(case) / float(case.need_wh.sum())
        view.add_row(f"{transformer_kw} kW", "bound", "", f"{bound_pct:.3f}", "", f"<= {noted['bound']}")
    return view


def main(arguments: list[str]) -> int:
    """Print the comparison."""
    events = events_file(arguments[0] if arguments else None)
    if events is None:
        Console(stderr=True).print(f"caltech: no events; name the file as an argument or in {VARIABLE}")
        return 2
    Console().print(table(events))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
