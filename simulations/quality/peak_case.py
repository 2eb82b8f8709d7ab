"""Weeks of 20 points beside a building, whose peak costs money."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from controller.units import Phases
from simulations.building import ScriptedBuilding
from simulations.data.gaps import evened
from simulations.quality import common_case
from simulations.quality.loads import DAY, QUARTER_S, WEEK, BuildingLoad
from simulations.quarter_hours import QUARTERS
from simulations.scenario.model import DemandCharge, Judging, PriceCurve, Scenario

Floats = NDArray[np.float64]

MAIN_A: Final = 400.0
"""Above what the measured buildings and all points draw together: nothing but the peak decides."""
PER_KW: Final = 5.0
PER_KWH: Final = 0.25
UNMET_PER_KWH: Final = 1.0
MINUTES: Final = 15
MINUTE_SIGMA: Final = 0.05
MINUTE_RHO: Final = 0.9
"""How a load varies within a quarter of an hour, of which nothing was measured: the logarithm of each minute's factor
is an autoregression of order 1 with this deviation and correlation, an assumption."""


def case(load: BuildingLoad, seed: int, weeks: int = 52, *, real: bool = True, step_s: float = QUARTER_S) -> Scenario:
    """The common case's cars for so many weeks beside a building, with a flat price and a demand charge per month.

    It begins with the first Monday of the load; gaps are filled as in any measured load. Quarter-hours are recorded;
    in steps of less than that, the building varies within them. Its worst case is declared.
    """
    begin = load.local(0.0)
    first = -(begin.weekday() * DAY + begin.hour * QUARTERS + begin.minute // 15) % WEEK
    duration_s = min(weeks, (len(load.load_kw) - first) // WEEK) * WEEK * QUARTER_S
    start_s = load.local(first).timestamp()
    whole = common_case.scenario(seed, round(duration_s / common_case.DAY_S), real=real, step_s=QUARTER_S)
    main, *boards = whole.site.circuits
    known = evened(load.name, QUARTER_S * np.arange(float(len(load.load_kw))), load.load_kw[:, None]).values[first:, 0]
    worst_a = _phases_a(float(known.max()), whole.site.nominal_voltage_v)
    each_s = QUARTER_S if step_s >= QUARTER_S else QUARTER_S / MINUTES
    load_kw = known if step_s >= QUARTER_S else in_minutes(known[: round(duration_s / QUARTER_S)], seed)
    return replace(
        whole,
        name=load.name,
        site=replace(
            whole.site,
            circuits=(replace(main, fuse_a=(MAIN_A,) * 3, base_load_a=worst_a), *boards),
            time_zone=str(load.zone),
        ),
        start_s=start_s,
        duration_s=duration_s,
        step_s=step_s,
        building=ScriptedBuilding(
            (start_s + each_s * n, _phases_a(kw, whole.site.nominal_voltage_v)) for n, kw in enumerate(load_kw.tolist())
        ),
        price=PriceCurve(np.zeros(1), np.array([PER_KWH])),
        demand=DemandCharge(PER_KW),
        judging=Judging(unmet_per_kwh=UNMET_PER_KWH),
    )


def in_minutes(quarters_kw: Floats, seed: int) -> Floats:
    """(15 N,) the minutes of N quarter-hours, whose means they keep."""
    innovation = np.random.default_rng([seed, 2]).normal(size=MINUTES * quarters_kw.size)
    deviation = lfilter([MINUTE_SIGMA * (1.0 - MINUTE_RHO**2) ** 0.5], [1.0, -MINUTE_RHO], innovation)
    factor = np.exp(deviation).reshape(-1, MINUTES)
    minutes: Floats = (quarters_kw[:, None] * factor / factor.mean(axis=1, keepdims=True)).reshape(-1)
    return minutes


def _phases_a(load_kw: float, voltage_v: float) -> Phases:
    current_a = 1000.0 * load_kw / voltage_v / 3.0
    return current_a, current_a, current_a
