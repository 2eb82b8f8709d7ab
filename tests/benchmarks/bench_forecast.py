"""The forecast of a building's load: how much better than persistence, and what its quantile covers."""

from __future__ import annotations

import os
from pathlib import Path
from statistics import fmean
from typing import Final

from rich.console import Console

from simulations.quality.forecast import BETTER_PCT, COVERED_PCT, graded, shared
from simulations.quality.loads import made
from tests.benchmarks.registry import Measurement, benchmark

VARIABLE: Final = "LOADSTAR_BUILDING_LOADS"
BESIDE: Final = Path("../shared/data")
CHOSEN_ON: Final = "b70"
"""The building with which constants were chosen is not judged."""
WEEKS: Final = 12


@benchmark
def forecast_of_buildings() -> dict[str, Measurement]:
    """Two hours in steps of a quarter, the second half of each load; ``python -m simulations.quality.forecast``.

    The promise is one for the mean of the buildings; beside it stands the building with the least gain.
    """
    loads = [load for load in shared(Path(os.environ.get(VARIABLE, BESIDE))) if CHOSEN_ON not in load.name]
    if not loads:
        Console(stderr=True).print(f"made buildings are forecast; name the folder of measured ones in {VARIABLE}")
        loads = [made(1, WEEKS), made(2, WEEKS)]
    grades = [graded(load) for load in loads]
    judged = sum(one.judged for one in grades)
    better = fmean(one.better_pct(one.persistence_kw) for one in grades)
    covered = [one.coming_covered_pct for one in grades]
    return {
        "forecast_vs_persistence_pct": Measurement(better, "% smaller error", judged, at_least=BETTER_PCT),
        "forecast_vs_persistence_worst_pct": Measurement(
            min(one.better_pct(one.persistence_kw) for one in grades), "% smaller error", judged
        ),
        "forecast_90_covers_least_pct": Measurement(min(covered), "% of loads", judged, at_least=COVERED_PCT[0]),
        "forecast_90_covers_most_pct": Measurement(max(covered), "% of loads", judged, at_most=COVERED_PCT[1]),
    }
