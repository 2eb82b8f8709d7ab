"""Sweeps: how well they use the cores of a machine, and how much memory a worker needs for a year."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from simulations.sweeps.pools import cores
from tests.benchmarks.registry import Measurement, benchmark

RUNS = 100
SCENARIO = """
[scenario]
name = "Sweep of an office"
start = 2026-03-02
{horizon}
step_s = 300
controller = "rules"

[site]
id = "office"
name = "Office"

[[circuits]]
id = "main"
fuse_a = 80
margin_a = 1
meter = "grid"
base_load_a = 25

[[circuits]]
id = "garage"
parent = "main"
fuse_a = 50

[[groups]]
id = "P"
count = 20
circuit = "garage"

[[people]]
name = "staff"
cars_per_day = 16
days = "workdays"

[building]
kind = "office"
base_kw = 3
peak_kw = 12

[judging]
bound = false
policies = []
"""


@dataclass(frozen=True, slots=True)
class _Used:
    wall_s: float
    cpu_s: float
    """Of all processes of the sweep together."""
    peak_mb: float
    """Resident memory of the largest of them."""


def _sweep(horizon: str, *arguments: str) -> _Used:
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder, "office.toml")
        scenario.write_text(SCENARIO.format(horizon=horizon))
        command = [sys.executable, "-m", "simulations", "sweep", str(scenario), "--out", str(Path(folder, "out"))]
        began_s = time.perf_counter()
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"the sweep ended with {process.returncode}")
        wall_s = time.perf_counter() - began_s
        return _Used(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


@benchmark
def sweep() -> dict[str, Measurement]:
    """A hundred runs, and a year of twenty points, from the command line to the written files."""
    hundred = _sweep("days = 28", "--set", "circuits.garage.fuse_a=32,40,50,63,80", "--seeds", str(RUNS // 5))
    year = _sweep("days = 365", "--seeds", "4")
    use_pct = 100 * hundred.cpu_s / (hundred.wall_s * cores())
    return {
        "sweep_core_use_pct": Measurement(use_pct, "% of all cores", RUNS, at_least=85),
        "sweep_100_runs_s": Measurement(hundred.wall_s, "s", 1),
        "sweep_year_rss_mb": Measurement(year.peak_mb, "MB", 1, at_most=300),
    }
