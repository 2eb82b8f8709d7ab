"""``python -m tests.benchmarks [PART...]``: run the benchmarks whose function's name contains one of the parts, or all.

Prints a table and writes ``build/bench.json``. Exit 1 when a benchmark could not be run; a promise that is not kept
is shown, and left to the reader: the machine may have been busy.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.registry import Benchmark, Measurement, discover

RESULTS = Path("build/bench.json")


def run(benchmarks: Sequence[Benchmark], console: Console) -> tuple[dict[str, Measurement], list[str]]:
    """Run one after the other; the measurements, and the names of those that failed."""
    measured: dict[str, Measurement] = {}
    failed = []
    for function in benchmarks:
        with console.status(function.__name__):
            try:
                results = function()
            except Exception:  # one broken benchmark must not hide the others
                traceback.print_exc()
                failed.append(function.__name__)
                continue
        for name in results.keys() & measured.keys():
            raise ValueError(f"two benchmarks measure {name}")
        measured.update(results)
    return measured, failed


def table(measured: Mapping[str, Measurement]) -> Table:
    """The measurements for people."""
    view = Table("benchmark", title="Benchmarks")
    view.add_column("value", justify="right")
    view.add_column("unit")
    view.add_column("n", justify="right")
    view.add_column("promise")
    view.add_column("")
    for name, measurement in measured.items():
        bounds = [f"≥ {measurement.at_least:g}"] if measurement.at_least is not None else []
        bounds += [f"≤ {measurement.at_most:g}"] if measurement.at_most is not None else []
        verdict = "" if not bounds else "kept" if measurement.kept else "[bold red]not kept"
        view.add_row(name, f"{measurement.value:.4g}", measurement.unit, str(measurement.n), " ".join(bounds), verdict)
    return view


def main(parts: Sequence[str]) -> int:
    """Choose, run, show and write."""
    console = Console()
    chosen = [f for f in discover() if not parts or any(part in f.__name__ for part in parts)]
    if not chosen:
        console.print(f"no benchmark is called like {' or '.join(parts)}")
        return 2
    measured, failed = run(chosen, console)
    console.print(table(measured))
    RESULTS.parent.mkdir(exist_ok=True)
    document = {name: {"value": m.value, "unit": m.unit, "n": m.n} for name, m in measured.items()}
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    for name in failed:
        console.print(f"[bold red]could not be run:[/] {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
