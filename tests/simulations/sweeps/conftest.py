"""A small car park, and ways to sweep it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest

from adapters.cli import execute
from simulations.cli import app
from tests.support.processes import WITHIN_S

CAR_PARK = """
[scenario]
name = "Car park"
start = 2026-03-02
days = 1
step_s = 900
controller = "rules"
seed = 5

[site]
id = "park"
name = "Car park"

[[circuits]]
id = "main"
fuse_a = 25
meter = "grid"

[[groups]]
id = "P"
count = 4
circuit = "main"

[[people]]
name = "staff"
cars_per_day = 6

[prices]
kind = "file"
file = "prices.csv"

[demand]
per_kw = 2.0

[judging]
bound = false
policies = []
"""


@pytest.fixture
def car_park(tmp_path: Path) -> Path:
    """A scenario with its prices in a file beside it."""
    rows = (f"2026-03-02T{hour:02d}:00:00Z,{0.2 + 0.01 * hour:.2f}\n" for hour in range(24))
    (tmp_path / "prices.csv").write_text("time,price_eur_per_kwh\n" + "".join(rows))
    path = tmp_path / "park.toml"
    path.write_text(CAR_PARK)
    return path


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)


Sweep = Callable[..., Ended]


@pytest.fixture
def sweep(capsys: pytest.CaptureFixture[str]) -> Sweep:
    """``loadstar sweep`` in this process."""

    def run(*arguments: str | Path) -> Ended:
        code = execute(app, ["sweep", *(str(argument) for argument in arguments)])
        written = capsys.readouterr()
        return Ended(code, written.out, written.err)

    return run


def figures(folder: Path) -> bytes:
    """Everything that a sweep found out, but for the time that it took."""
    table = pq.read_table(folder / "runs.parquet").drop_columns("wall_s")
    return repr(table.to_pydict()).encode() + (folder / "settings.csv").read_bytes()


def kept(folder: Path) -> dict[str, bytes]:
    """The finished units of a sweep."""
    return {path.name: path.read_bytes() for path in (folder / "parts").glob("*.parquet")}


def kill_half_way(folder: Path, *arguments: str | Path) -> dict[str, bytes]:
    """Start a sweep as a process of its own, kill it when the first units are done; what is kept by then."""
    command = [sys.executable, "-m", "simulations", "sweep", *map(str, arguments), "--out", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + WITHIN_S
    while len(kept(folder)) < 2:
        assert process.poll() is None, "the sweep has ended before it could be killed"
        assert time.monotonic() < deadline, "no unit was finished"
        time.sleep(0.005)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    while any(_lives(worker) for worker in workers):
        assert time.monotonic() < deadline, "workers must not outlive the sweep"
        time.sleep(0.005)
    return kept(folder)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
