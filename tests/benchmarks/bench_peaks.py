"""How near to perfect demand peaks are kept beside a building."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from rich.console import Console

from simulations.quality.forecast import shared
from simulations.quality.loads import made
from simulations.quality.peaks import MISSED_PCT, OVER_BOUND_PCT, SAVING_PCT, kept
from tests.benchmarks.bench_forecast import BESIDE, VARIABLE
from tests.benchmarks.registry import Measurement, benchmark

JUDGED_ON: Final = "b97"
WEEKS: Final = 9


@benchmark
def peaks_of_a_building() -> dict[str, Measurement]:
    """Nine weeks of 20 points in steps of a minute; ``python -m simulations.quality.peaks`` takes as many as wanted."""
    loads = [load for load in shared(Path(os.environ.get(VARIABLE, BESIDE))) if JUDGED_ON in load.name]
    if not loads:
        Console(stderr=True).print(f"peaks are kept beside a made building; name the folder of others in {VARIABLE}")
        loads = [made(1, WEEKS + 1)]
    one = kept(loads[0], 1, WEEKS)
    targeted = one.misses.targeted
    return {
        "peak_over_bound_pct": Measurement(one.peaks.over_bound_pct, "% over the bound", 1, at_most=OVER_BOUND_PCT),
        "peak_saving_pct": Measurement(one.saving_pct or 0.0, "% of the achievable", 1, at_least=SAVING_PCT),
        "peak_targets_missed": Measurement(1000.0 * one.misses.missed / targeted, "in 1000", targeted, at_most=1.0),
        "peak_targets_missed_by_pct": Measurement(one.misses.worst_pct, "%", targeted, at_most=MISSED_PCT),
        "peak_unmet_pct": Measurement(one.unmet_pct, "% of the energy", 1),
    }
