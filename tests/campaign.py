"""``make campaign``: every scenario of the gallery in full, a year, then the tests that are too long for every day.

``python -m tests.campaign [NAME...]`` runs only the scenarios whose names contain one of the words, and no tests. What
they leave is in ``build/campaign``. Exit 1 when a promise was not kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from simulations.fast import run as simulate
from simulations.scenario.reading import load_scenario

ROOT = Path(__file__).parents[1]
OFFICE = ROOT / "simulations" / "scenarios" / "office.toml"
RESULTS = ROOT / "build" / "campaign"
LONG_TESTS = ("tests/simulations/wire", "tests/property/test_days.py")
YEAR: Mapping[str, Mapping[str, str]] = {
    "rules": {"scenario.controller": '"rules"'},
    "decide": {"scenario.controller": '"decide"'},
    "planned": {"scenario.plan": "true"},
}
"""How the office is steered through a year, in which there may be no set-point that is none."""

SHOWN = ("sessions", "sessions_met", "of_bound_pct", "regret_pct", "overload_as", "longest_overload_s", "wall_s")


def broken_promises(summary: Mapping[str, Any]) -> Iterator[str]:
    """What a run must never show."""
    if summary["fuse_violation_as"] > 0:
        yield f"{summary['fuse_violation_as']:.1f} A s beyond relief"
    if summary["thermal_peak"] >= 0.5:
        yield f"a fuse warmed to {summary['thermal_peak']:.2f} of what opens it"
    if summary["invalid_setpoints"] > 0:
        yield f"{summary['invalid_setpoints']} set-points that are none"


def run(path: Path) -> Mapping[str, Any]:
    """One scenario in full, as a person would run it."""
    command = [sys.executable, "-m", "simulations", "simulate", str(path.relative_to(ROOT))]
    out = RESULTS / path.stem
    subprocess.run([*command, "--out", str(out)], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    summary: Mapping[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    return summary


def broken_years() -> Iterator[str]:
    """What a year of the office must never show, however it is steered."""
    for name, settings in YEAR.items():
        scenario = load_scenario(OFFICE, settings={"scenario.days": "365", **settings})
        results = simulate(scenario)
        if results.invalid_setpoints > 0:
            yield f"{name}: {results.invalid_setpoints} set-points that are none"
        if results.truth.fuse_violation_as > 0:
            yield f"{name}: {results.truth.fuse_violation_as:.1f} A s beyond relief"


def main(words: Sequence[str]) -> int:
    """Run, show, and judge."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    gallery = sorted((ROOT / "simulations" / "scenarios").glob("*.toml"))
    view = Table("scenario", *SHOWN, "promises", title="Campaign")
    failed = False
    for path in gallery:
        if words and not any(word in path.stem for word in words):
            continue
        console.print(path.stem, style="bold")
        summary = run(path)
        broken = list(broken_promises(summary))
        failed = failed or bool(broken)
        cells = [f"{summary[name]:.4g}" if summary[name] is not None else "" for name in SHOWN]
        view.add_row(path.stem, *cells, "; ".join(broken) or "kept")
    console.print(view)
    if not words:
        console.print("a year of the office", style="bold")
        years = list(broken_years())
        console.print("; ".join(years) or "kept")
        failed = failed or bool(years)
        tests = [sys.executable, "-m", "pytest", "-q", *LONG_TESTS]
        done = subprocess.run(tests, check=False, cwd=ROOT, env=os.environ | {"LOADSTAR_CAMPAIGN": "1"})
        failed = failed or done.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
