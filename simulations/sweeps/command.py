"""``loadstar sweep``: from the command line to the files, by way of the workers."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from simulations.sweeps.analysis import analysed
from simulations.sweeps.bundle import Bundle, bundled
from simulations.sweeps.cases import Cases, Parameter, Run, SweepError, parameters_of
from simulations.sweeps.identity import code_identity
from simulations.sweeps.outputs import Sweep, failure_line, summary_of, table_of, write_settings
from simulations.sweeps.page import write_sweep_page
from simulations.sweeps.parts import read_parts, write_part, write_runs
from simulations.sweeps.pools import Pool, cluster_pool, cores, local_pool
from simulations.sweeps.running import ClusterLostError, Drive, stop_on_interrupt
from simulations.sweeps.units import Checked, Failure, Outcome, Row, Unit, look_at

DONE: Final = 0
OUR_FAULT: Final = 1
BAD_INPUT: Final = 2
INTERRUPTED: Final = 130
SHOWN_FAILURES: Final = 20
"""Lines on stderr; the rest is in failures.txt."""
PIPE_WIDTH: Final = 160
"""Columns of a table that goes into a file or a pipe."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for."""

    scenario: Path
    settings: tuple[str, ...]
    """As given: ``KEY=V1,V2``."""
    seeds: int
    scheduler: str | None
    workers: int | None
    """Processes of this machine; None: one per core."""
    out: Path

    @property
    def command(self) -> str:
        """The command line that asks for the same results."""
        settings = [part for text in self.settings for part in ("--set", text)]
        return shlex.join(["loadstar", "sweep", str(self.scenario), *settings, "--seeds", str(self.seeds)])

    def problems(self) -> list[str]:
        """What is wrong with its numbers."""
        found = [] if self.seeds >= 1 else [f"--seeds {self.seeds}: expected at least 1"]
        if self.workers is not None and self.workers < 1:
            found.append(f"--workers {self.workers}: expected at least 1")
        if self.workers is not None and self.scheduler is not None:
            found.append("--workers: a cluster has its own; expected either --workers or --scheduler")
        return found


def run_sweep(request: Request, *, as_json: bool) -> int:
    """Run a sweep and write its files; the table, or the JSON document, goes to stdout, talk to stderr.

    Returns:
        The exit code: 0 done, 1 a run failed by our fault, 2 bad input, 130 stopped by Ctrl-C.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        parameters, bundle = _read(request)
        with _pool(request) as pool:
            outcome = _swept(request, parameters, bundle, pool, console)
    except SweepError as refused:
        for problem in refused.problems:
            console.print(problem, markup=False)
        return BAD_INPUT
    except (ClusterLostError, OSError, KeyboardInterrupt) as error:
        words = "stopped" if isinstance(error, KeyboardInterrupt) else str(error)
        kept = f"What is done is kept in {request.out}; the same command goes on from there."
        console.print(f"sweep: {words}. {kept}", markup=False)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else OUR_FAULT
    _print(outcome, as_json=as_json)
    return _reported(outcome, request.out, console)


def _read(request: Request) -> tuple[tuple[Parameter, ...], Bundle]:
    problems = request.problems()
    parameters: tuple[Parameter, ...] = ()
    bundle = None
    try:
        parameters = parameters_of(request.settings)
    except SweepError as refused:
        problems += refused.problems
    try:
        bundle = bundled(request.scenario, parameters)
    except SweepError as refused:
        problems += refused.problems
    try:
        (request.out / "parts").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problems.append(f"--out {request.out}: cannot be written: {error.strerror or error}")
    if problems or bundle is None:
        raise SweepError(problems)
    return parameters, bundle


def _pool(request: Request) -> AbstractContextManager[Pool]:
    return cluster_pool(request.scheduler) if request.scheduler else local_pool(request.workers or cores())


def _swept(request: Request, parameters: tuple[Parameter, ...], bundle: Bundle, pool: Pool, console: Console) -> Sweep:
    about = _checked(bundle, Cases(parameters, (0,)).checks(), pool)
    cases = Cases(parameters, tuple(range(about.seed, about.seed + request.seeds)))
    runs = cases.runs(lambda setting: f"{bundle.of([setting]).digest}-{code_identity()}")
    parts = request.out / "parts"
    rows, unreadable = read_parts(parts, [run.key for run in runs])
    for name in unreadable:
        console.print(f"{parts / name}: cannot be read; what it held is computed again", markup=False)
    missing = [run for run in runs if run.key not in rows]
    there = f"{len(rows)} are there already, " if rows else ""
    console.print(f"{len(runs)} runs of {about.name}: {there}{len(missing)} to do on {pool.words}", markup=False)
    failures = _Doing(cases, bundle, parts, rows, console).all_of(missing, pool, about.batch_runs)
    identity = f"{bundle.digest}-{code_identity()}"
    sweep = Sweep(about, analysed(cases, runs, rows), failures, len(missing) - len(failures), identity, request.command)
    _write(sweep, runs, rows, request.out)
    return sweep


def _checked(bundle: Bundle, settings: Sequence[dict[str, str]], pool: Pool) -> Checked:
    """Look at every value before anything is run: on the workers, since drawing a year takes its time."""
    futures = [pool.executor.submit(look_at, bundle.of([setting]), setting) for setting in settings]
    found = [future.result() for future in futures]
    # A problem of the file itself is found again with every setting.
    if problems := list(dict.fromkeys(problem for one in found for problem in one.problems)):
        raise SweepError(problems)
    return replace(found[0], batch_runs=min(one.batch_runs for one in found))


@dataclass(slots=True)
class _Doing:
    """The part in which something is computed: keeps what comes, shows how far it is."""

    cases: Cases
    bundle: Bundle
    parts: Path
    rows: dict[str, Row]
    console: Console
    failures: list[Failure] = field(default_factory=list)

    def all_of(self, runs: Sequence[Run], pool: Pool, batch_runs: int) -> list[Failure]:
        """Do these runs; rows and parts have the results, the return value has those without.

        Raises:
            KeyboardInterrupt: Ctrl-C; what was under way has been finished and kept.
        """
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        bar = Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=self.console)
        bar.disable = not self.console.is_terminal
        with stop_on_interrupt() as stop, bar:
            task = bar.add_task("runs", total=len(runs))

            def take(outcome: Outcome) -> None:
                self._take(outcome)
                bar.advance(task, len(outcome.rows) + len(outcome.failures))

            def look(under_way: int) -> None:
                if stop.is_set():
                    words = f"runs; stopping when {under_way} units are finished, Ctrl-C drops them"
                    bar.update(task, description=words)

            drive = Drive(pool, batch_runs, self._unit, take, look)
            drive.through(runs, stop)
            if drive.left:
                raise KeyboardInterrupt
        return self.failures

    def _unit(self, runs: Sequence[Run]) -> Unit:
        settings = tuple(self.cases.settings[run.setting] for run in runs)
        return Unit(self.bundle.of(settings), code_identity(), tuple(runs), settings)

    def _take(self, outcome: Outcome) -> None:
        if outcome.rows:
            write_part(self.parts, outcome.rows)
            self.rows.update({row["key"]: row for row in outcome.rows})
        for failure in outcome.failures:
            if len(self.failures) < SHOWN_FAILURES:
                self.console.print(f"failed: {failure_line(self.cases.settings, failure)}", markup=False)
            self.failures.append(failure)


def _write(sweep: Sweep, runs: Sequence[Run], rows: dict[str, Row], out: Path) -> None:
    about = {"command": sweep.command, "identity": sweep.identity, "scenario": sweep.scenario.name}
    write_runs(out / "runs.parquet", sweep.analysis.cases, runs, rows, about)
    write_settings(sweep, out / "settings.csv")
    write_sweep_page(sweep, out / "sweep.html")
    log = out / "failures.txt"
    log.unlink(missing_ok=True)
    if sweep.failures:
        lines = [f"{failure_line(sweep.analysis.cases.settings, one)}\n{one.details}" for one in sweep.failures]
        log.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _print(sweep: Sweep, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(summary_of(sweep), indent=2, ensure_ascii=False))  # noqa: T201 - the result
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    console.print(table_of(sweep))


def _reported(sweep: Sweep, out: Path, console: Console) -> int:
    console.print(f"{out}: runs.parquet, settings.csv, sweep.html", markup=False)
    if not sweep.failures:
        return DONE
    console.print(f"{len(sweep.failures)} of {sweep.runs} runs failed: {out / 'failures.txt'}", markup=False)
    return BAD_INPUT if all(failure.bad_input for failure in sweep.failures) else OUR_FAULT
