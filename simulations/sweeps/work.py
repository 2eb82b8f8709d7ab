"""What a worker does: draw the scenarios of some runs, run them, and measure each."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from adapters.configuration import ConfigurationError
from simulations.fast import batch_key, run_batch
from simulations.judging.bound import bound_of
from simulations.judging.metrics import metrics_of
from simulations.results import Results
from simulations.scenario.checks import FINE_STEP_S
from simulations.scenario.model import Scenario
from simulations.scenario.reading import load_scenario
from simulations.sweeps.bundle import Bundle
from simulations.sweeps.cases import Run
from simulations.sweeps.identity import code_identity
from simulations.sweeps.units import Checked, CodeDiffersError, Failure, Outcome, Row, Unit

BATCH_BYTES: Final = 100_000_000
"""Of the series that a worker holds at once."""


def work(unit: Unit) -> Outcome:
    """``units.do``, with the simulator at hand."""
    if unit.code != code_identity():
        raise CodeDiffersError(f"the worker's code is {code_identity()}, expected {unit.code}")
    began_s = time.thread_time()
    outcome = Outcome()
    batch: list[tuple[Run, Scenario]] = []
    with unit.bundle.unpacked() as path:
        for run, setting in zip(unit.runs, unit.settings, strict=True):
            try:
                scenario = load_scenario(path, seed=run.seed, settings=_relocated(unit.bundle, setting))
            except Exception as error:
                outcome.failures.append(_failure(run, error, unit.bundle, path))
                continue
            if batch and not _fits(scenario, batch):
                _run_all(batch, outcome)
                batch = []
            batch.append((run, scenario))
    _run_all(batch, outcome)
    outcome.cpu_s = time.thread_time() - began_s
    return outcome


def check(bundle: Bundle, setting: dict[str, str]) -> Checked:
    """``units.look_at``, with the simulator at hand."""
    with bundle.unpacked() as path:
        try:
            scenario = load_scenario(path, settings=_relocated(bundle, setting))
        except ConfigurationError as error:
            return Checked(tuple(_at_home(str(problem), bundle, path) for problem in error.problems))
        return Checked(
            name=scenario.name,
            description=scenario.description,
            currency=scenario.site.currency,
            duration_s=scenario.duration_s,
            seed=scenario.seed,
            batch_runs=max(1, int(BATCH_BYTES / _series_bytes(scenario))) if _is_batched(scenario) else 1,
        )


def _run_all(batch: list[tuple[Run, Scenario]], outcome: Outcome) -> None:
    """Run a batch; when it fails as a whole, one by one."""
    if not batch:
        return
    runs, scenarios = [run for run, _ in batch], [scenario for _, scenario in batch]
    try:
        began_s = time.perf_counter()
        rows = [_row(run, results) for run, results in zip(runs, run_batch(scenarios), strict=True)]
        wall_s = (time.perf_counter() - began_s) / len(runs)
        outcome.rows += [{**row, "wall_s": wall_s} for row in rows]
    except Exception as error:
        if len(batch) == 1:
            outcome.failures.append(_failure(runs[0], error))
            return
        for pair in batch:
            _run_all([pair], outcome)


def _row(run: Run, results: Results) -> Row:
    scenario = results.scenario
    metrics = metrics_of(results, bound_of(scenario) if scenario.judging.bound else None)
    return {"key": run.key, **asdict(metrics), "cost": metrics.cost}


def _relocated(bundle: Bundle, setting: dict[str, str]) -> dict[str, str]:
    return {key: bundle.relocated(text) for key, text in setting.items()}


def _fits(scenario: Scenario, batch: Sequence[tuple[Run, Scenario]]) -> bool:
    alike = batch_key(scenario) == batch_key(batch[0][1])
    return alike and (len(batch) + 1) * _series_bytes(scenario) <= BATCH_BYTES


def _is_batched(scenario: Scenario) -> bool:
    return scenario.controller == "rules" and scenario.step_s > FINE_STEP_S


def _series_bytes(scenario: Scenario) -> float:
    """What the series of a run take (``simulations.results.Series``)."""
    rows = scenario.duration_s / scenario.record_s
    return rows * (15 * len(scenario.site.points) + 28 * len(scenario.site.circuits) + 28)


def _failure(run: Run, error: Exception, bundle: Bundle | None = None, path: Path | None = None) -> Failure:
    message = str(error) if isinstance(error, ConfigurationError) else f"{type(error).__name__}: {error}"
    if bundle is not None and path is not None:
        message = _at_home(message, bundle, path)
    is_theirs = isinstance(error, ConfigurationError)
    return Failure(run, message, bad_input=is_theirs, details="" if is_theirs else traceback.format_exc())


def _at_home(message: str, bundle: Bundle, path: Path) -> str:
    """A message that names the files where the person has them."""
    return message.replace(str(path), str(bundle.scenario)).replace(str(path.parent), str(bundle.scenario.parent))
