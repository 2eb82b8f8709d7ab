"""Sweeps: how well they use the cores of a machine, and how much memory a worker needs for a year."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.benchmarks.registry import Measurement, benchmark

RUNS = 100
LOOK_S = 0.1
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


@dataclass(slots=True)
class _Used:
    """What a sweep and all processes below it have used, looked at every now and then."""

    wall_s: float = 0.0
    cpu_s: dict[int, float] = field(default_factory=dict)
    """By process."""
    worker_mb: float = 0.0
    """Most that a worker had resident."""
    idle_s: float = 0.0
    """Time that all cores of the machine together had nothing to do."""

    @property
    def use_pct(self) -> float:
        """How much of the time of the cores that nobody else took [%]."""
        own_s = sum(self.cpu_s.values())
        return 100 * own_s / (own_s + self.idle_s)

    def look(self, process: psutil.Process) -> None:
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):  # it may end at any moment
                times = one.cpu_times()
                self.cpu_s[one.pid] = times.user + times.system
                if one.pid != process.pid:
                    self.worker_mb = max(self.worker_mb, one.memory_info().rss / 1e6)


def _sweep(horizon: str, *arguments: str) -> _Used:
    used = _Used()
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder, "office.toml")
        scenario.write_text(SCENARIO.format(horizon=horizon))
        command = [sys.executable, "-m", "simulations", "sweep", str(scenario), "--out", str(Path(folder, "out"))]
        began_s, idle_s = time.perf_counter(), _idle_s()
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL)
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                used.look(watched)
            time.sleep(LOOK_S)
        used.wall_s, used.idle_s = time.perf_counter() - began_s, _idle_s() - idle_s
        if process.returncode != 0:
            raise RuntimeError(f"the sweep ended with {process.returncode}")
    return used


def _idle_s() -> float:
    times = psutil.cpu_times()
    return float(times.idle + times.iowait)


@benchmark
def sweep() -> dict[str, Measurement]:
    """A hundred runs, and a year of twenty points, from the command line to the written files."""
    hundred = _sweep("days = 56", "--set", "circuits.garage.fuse_a=32,40,50,63,80", "--seeds", str(RUNS // 5))
    year = _sweep("days = 365", "--seeds", "4")
    return {
        "sweep_core_use_pct": Measurement(hundred.use_pct, "% of all cores", RUNS, at_least=85),
        "sweep_100_runs_s": Measurement(hundred.wall_s, "s", 1),
        "sweep_year_rss_mb": Measurement(year.worker_mb, "MB", 1, at_most=300),
    }
