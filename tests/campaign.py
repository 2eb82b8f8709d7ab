"""``make campaign``: every scenario of the gallery in full, years, then longer tests and other examples than every day.

``python -m tests.campaign [NAME...]`` runs only the targets whose names contain one of the words, and no tests. They
are the scenarios of the gallery, and the years ``year_rules``, ``year_decide``, ``year_planned`` and
``year_planned_decide``, which take from half a minute to four minutes each. What scenarios leave is in
``build/campaign``. Exit 1 when a promise was not kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from simulations.fast import run as simulate
from simulations.judging.metrics import metrics_of
from simulations.scenario.reading import load_scenario

ROOT = Path(__file__).parents[1]
OFFICE = ROOT / "simulations" / "scenarios" / "office.toml"
RESULTS = ROOT / "build" / "campaign"
LONG_TESTS = (
    "tests/simulations/wire",
    "tests/property",
    "tests/settlement/test_sums.py",
    "tests/config/test_mutations.py",
    "tests/controller/test_calm.py",
    "tests/controller/test_habits.py",
    "tests/store/test_retries.py",
    "tests/durability/test_kill_forwarding.py",
    "tests/durability/test_kill_story.py",
    "tests/upstream/test_long_outage.py",
    "tests/upstream/test_three_days.py",
)
"""What tries more of the same here than every day (``tests/support/thorough.py``).

After them come all other properties, with other examples than every day.
"""

YEARS: Mapping[str, Mapping[str, str]] = {
    "year_rules": {"scenario.controller": '"rules"'},
    "year_decide": {"scenario.controller": '"decide"'},
    "year_planned": {"scenario.controller": '"rules"', "scenario.plan": "true"},
    "year_planned_decide": {"scenario.controller": '"decide"', "scenario.plan": "true"},
}
"""How the office is steered through a year."""

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
    shown = None if sys.stdout.isatty() else subprocess.DEVNULL
    subprocess.run([*command, "--out", str(out)], check=True, cwd=ROOT, stdout=shown)
    summary: Mapping[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    return summary


def live(settings: Mapping[str, str], console: Console) -> Mapping[str, Any]:
    """A year of the office. ``LOADSTAR_CAMPAIGN_DAYS`` shortens it, to measure how long it would take."""
    days = os.environ.get("LOADSTAR_CAMPAIGN_DAYS", "365")
    scenario = load_scenario(OFFICE, settings={**settings, "scenario.days": days})
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    begin_s = perf_counter()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{days} days", total=1.0)
        results = simulate(scenario, progress=lambda part: progress.update(task, completed=part))
    return {**asdict(metrics_of(results)), "wall_s": perf_counter() - begin_s}


def targets(words: Sequence[str], console: Console) -> Iterator[tuple[str, Callable[[], Mapping[str, Any]]]]:
    """What is to be run: everything, or what is called by one of the words."""
    every: dict[str, Callable[[], Mapping[str, Any]]] = {
        path.stem: partial(run, path) for path in sorted((ROOT / "simulations" / "scenarios").glob("*.toml"))
    }
    every |= {name: partial(live, settings, console) for name, settings in YEARS.items()}
    return ((name, act) for name, act in every.items() if not words or any(word in name for word in words))


def main(words: Sequence[str]) -> int:
    """Run, show, and judge."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    view = Table("target", *SHOWN, "promises", title="Campaign")
    failed = False
    for name, act in targets(words, console):
        console.print(name, style="bold")
        summary = act()
        broken = list(broken_promises(summary))
        failed = failed or bool(broken)
        cells = [f"{summary[key]:.4g}" if summary[key] is not None else "" for key in SHOWN]
        view.add_row(name, *cells, "; ".join(broken) or "kept")
    if not view.row_count:
        console.print(f"nothing is called {' or '.join(words)}", style="red")
        return 1
    console.print(view)
    if not words:
        others = ("-m", "hypothesis", *(f"--ignore={name}" for name in LONG_TESTS))
        for chosen in (LONG_TESTS, others):
            tests = [sys.executable, "-m", "pytest", "-q", "--override-ini", "timeout=7200", *chosen]
            done = subprocess.run(tests, check=False, cwd=ROOT, env=os.environ | {"LOADSTAR_CAMPAIGN": "1"})
            failed = failed or done.returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
