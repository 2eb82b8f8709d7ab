"""One run of a scenario, judged and reported: the ``simulate`` command."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from adapters.cli import BAD_INPUT
from adapters.configuration import ConfigurationError
from adapters.recording import RecordingFile
from simulations.fast import run, run_batch
from simulations.fast.fine import run_fine
from simulations.judging.judge import OURS, judge, summary_of
from simulations.judging.model import Judgement
from simulations.judging.policy import UNSHAVED
from simulations.pace import FASTEST
from simulations.report import write_report, write_tables
from simulations.results import Results
from simulations.scenario.checks import FINE_STEP_S
from simulations.scenario.model import Scenario
from simulations.scenario.reading import load_scenario

DEPTHS: Final = ("fast", "wire")
RECORDING: Final = "recording.jsonl.gz"


@dataclass(frozen=True)
class Request:
    """What is wanted of the command."""

    scenario: Path
    out: Path
    seed: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    short: bool = False
    depth: str = "fast"
    speed: float = 1.0
    record: bool = False

    @property
    def command(self) -> str:
        """The command that does the same again, but for where its results go."""
        words = ["loadstar", "simulate", self.scenario.as_posix()]
        words += [] if self.seed is None else ["--seed", str(self.seed)]
        for key, value in self.settings.items():
            words += ["--set", f"{key}={value}"]
        words += ["--short"] if self.short else []
        words += [] if self.depth == "fast" else ["--depth", self.depth, "--speed", f"{self.speed:g}"]
        words += ["--record"] if self.record else []
        return shlex.join([*words, "--out", "FOLDER"])


def split_settings(given: Iterable[str]) -> dict[str, str]:
    """Settings as they stand on a command line, by their keys; one without ``=`` sets nothing, and is refused later.

    >>> split_settings(["demand.per_kw=7.5", "scenario.name=a=b"])
    {'demand.per_kw': '7.5', 'scenario.name': 'a=b'}
    """
    return {key: value for key, _, value in (text.partition("=") for text in given)}


def simulate(request: Request, *, as_json: bool) -> int:
    """Run, judge, write the results, and show the main figures.

    Returns:
        The exit code: 0 done, 2 bad input, every problem of which has been listed.
    """
    console = Console(stderr=True)
    problems = [*_wrong_options(request)]
    try:
        scenario = _load(request, request.seed)
    except ConfigurationError as refused:
        problems += map(str, refused.problems)
    else:
        problems += _unfit(request, scenario)
    if not problems:
        try:
            request.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problems.append(f"--out: {request.out} cannot be written: {error.strerror or error}")
    if problems:
        for problem in problems:
            print(problem, file=sys.stderr)  # noqa: T201
        return BAD_INPUT
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        began_s = time.perf_counter()
        results = _run(request, scenario, progress)
        wall_s = time.perf_counter() - began_s
        judgement = _judged(request, results, progress)
        task = progress.add_task("writing the report", total=None)
        summary = summary_of(judgement, wall_s, scenario.duration_s)
        summary["turned_away"] = scenario.turned_away
        _write(request, results, judgement, summary)
        progress.update(task, total=1, completed=1)
    if as_json:
        print(json.dumps(summary, indent=2, ensure_ascii=False))  # noqa: T201  (the result)
    else:
        Console().print(_table(scenario, judgement), soft_wrap=False)
        console.print(f"Report: {request.out / 'report.html'}", highlight=False, soft_wrap=True)
    return 0


def _wrong_options(request: Request) -> Iterator[str]:
    if request.depth not in DEPTHS:
        yield f"--depth: expected {' or '.join(DEPTHS)}, found {request.depth!r}"
    if not 1.0 <= request.speed <= FASTEST:
        yield f"--speed: expected a number from 1 to {FASTEST:g}, found {request.speed:g}"


def _unfit(request: Request, scenario: Scenario) -> Iterator[str]:
    """What of a scenario its depth cannot show."""
    if request.record and (request.depth != "fast" or scenario.step_s > FINE_STEP_S):
        yield f"--record: expected the fast depth and a step_s of at most {FINE_STEP_S:g} s, found {scenario.step_s:g}"
    if request.depth != "wire":
        return
    from simulations.wire import wire_problems  # noqa: PLC0415 - brings the whole service with it

    if scenario.step_s > FINE_STEP_S:
        yield f"--depth wire: expected a step_s of at most {FINE_STEP_S:g} s, found {scenario.step_s:g}"
    yield from (f"--depth wire: {problem}" for problem in wire_problems(scenario))


def _load(request: Request, seed: int | None) -> Scenario:
    return load_scenario(request.scenario, seed=seed, settings=request.settings, short=request.short)


def _run(request: Request, scenario: Scenario, progress: Progress) -> Results:
    task = progress.add_task(scenario.name, total=1.0)

    def done(part: float) -> None:
        progress.update(task, completed=part)

    if request.depth == "wire":
        from simulations.wire import run_wire  # noqa: PLC0415 - brings the whole service with it

        results = run_wire(scenario, factor=request.speed, progress=done)
    elif request.record:
        with RecordingFile(request.out / RECORDING, scenario.site) as recording:
            results = run_fine(scenario, progress=done, on_decision=recording.decided)
    else:
        results = run(scenario, progress=done)
    progress.update(task, completed=1.0)
    return results


def _judged(request: Request, results: Results, progress: Progress) -> Judgement:
    """Compare with the bound and the baselines; every policy's seeds are run as one batch."""
    judging, own = results.scenario.judging, results.scenario.seed
    seeds = range(own, own + judging.seeds)
    task = progress.add_task("comparing", total=len(judging.policies) + 2)
    scenarios = {seed: results.scenario if seed == own else _load(request, seed) for seed in seeds}
    found: dict[tuple[str, int], Results] = {}

    def rival(policy: str, seed: int) -> Results:
        if (policy, seed) not in found:
            wanted = [other for other in seeds if policy != OURS or other != own]
            runs = run_batch([scenarios[other] for other in wanted], policy)
            found.update({(policy, other): result for other, result in zip(wanted, runs, strict=True)})
            progress.advance(task)
        return found[policy, seed]

    judgement = judge(results, rival)
    progress.update(task, completed=len(judging.policies) + 2)
    return judgement


def _write(request: Request, results: Results, judgement: Judgement, summary: Mapping[str, Any]) -> None:
    write_tables(results, request.out)
    write_report(results, judgement, request.out / "report.html", command=request.command)
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    (request.out / "summary.json").write_text(text + "\n", encoding="utf-8")


def _table(scenario: Scenario, judgement: Judgement) -> Table:
    """The figures that people look at first."""
    metrics, currency = judgement.metrics, scenario.site.currency
    view = Table(title=scenario.name, show_header=False)
    rows: Sequence[tuple[str, str]] = [
        ("sessions", f"{metrics.sessions_met} of {metrics.sessions} got what they needed"),
        ("energy", f"{metrics.delivered_kwh:.1f} of {metrics.requested_kwh:.1f} kWh"),
        ("cost of energy", f"{metrics.energy_cost:.2f} {currency}"),
        ("cost of the peak", f"{metrics.demand_cost:.2f} {currency}"),
        ("highest window", f"{metrics.peak_kw:.1f} kW"),
        ("beyond relief", f"{metrics.fuse_violation_as:.1f} A s"),
        ("thermal peak", f"{metrics.thermal_peak:.3f} (1: a fuse opens)"),
    ]
    if unshaved := judgement.outcomes.get(UNSHAVED):
        saved = unshaved[0].cost - metrics.cost
        rows = [*rows, ("saved by peak shaving", f"{saved:.2f} {currency}, all costs together")]
    if metrics.of_bound_pct is not None:
        rows = [*rows, ("of the possible energy", f"{metrics.of_bound_pct:.1f} %")]
    if metrics.regret_pct is not None:
        rows = [*rows, ("above the least cost", f"{round(metrics.regret_pct, 1) + 0.0:.1f} %")]
    for name, value in rows:
        view.add_row(name, value)
    return view
