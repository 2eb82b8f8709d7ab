"""What a worker does: draw the scenarios of some runs, run them, and measure each.

Everything comes and goes by value: a worker may be on another machine and shares no file system.
"""

from __future__ import annotations

import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from adapters.configuration import ConfigurationError
from simulations.fast import run_batch
from simulations.judging.bound import bound_of
from simulations.judging.metrics import metrics_of
from simulations.results import Results
from simulations.scenario.model import Scenario
from simulations.scenario.reading import load_scenario
from simulations.sweeps.bundle import Bundle
from simulations.sweeps.cases import Run
from simulations.sweeps.identity import code_identity

BATCH_BYTES: Final = 100_000_000
"""Of the series that a worker holds at once."""

Row = dict[str, Any]
"""``key`` of the run, every field of ``Metrics``, its ``cost``, and ``wall_s``."""


class CodeDiffersError(RuntimeError):
    """A worker runs other code than the machine that started the sweep."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Some runs of one setting."""

    bundle: Bundle
    code: str
    """``code_identity`` of the machine that asks."""
    setting: dict[str, str]
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A run without a result."""

    run: Run
    message: str
    bad_input: bool
    details: str = ""
    """The traceback, where the fault is ours."""


@dataclass(slots=True)
class Outcome:
    """What came of a unit."""

    rows: list[Row] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    wall_s: float = 0.0


def work(unit: Unit) -> Outcome:
    """Do a unit. A run that fails does not take the others with it.

    Raises:
        CodeDiffersError: results would not be what the sweep's keys say.
    """
    if unit.code != code_identity():
        raise CodeDiffersError(f"the worker's code is {code_identity()}, expected {unit.code}")
    began = time.perf_counter()
    outcome = Outcome()
    with unit.bundle.unpacked() as path:
        settings = {key: unit.bundle.relocated(text) for key, text in unit.setting.items()}
        batch: list[tuple[Run, Scenario]] = []
        for run in unit.runs:
            try:
                scenario = load_scenario(path, seed=run.seed, settings=settings)
            except Exception as error:
                outcome.failures.append(_failure(run, error, unit.bundle, path))
                continue
            if (len(batch) + 1) * _series_bytes(scenario) > BATCH_BYTES:
                _run_all(batch, outcome)
            batch.append((run, scenario))
        _run_all(batch, outcome)
    outcome.wall_s = time.perf_counter() - began
    return outcome


@dataclass(frozen=True, slots=True)
class Checked:
    """A setting that was looked at."""

    problems: tuple[str, ...] = ()
    name: str = ""
    description: str = ""
    currency: str = ""
    duration_s: float = 0.0
    seed: int = 0
    """The scenario's own."""


def check(bundle: Bundle, setting: dict[str, str]) -> Checked:
    """Draw a scenario once: what is wrong with it, or what it is called."""
    with bundle.unpacked() as path:
        settings = {key: bundle.relocated(text) for key, text in setting.items()}
        try:
            scenario = load_scenario(path, settings=settings)
        except ConfigurationError as error:
            return Checked(tuple(_at_home(str(problem), bundle, path) for problem in error.problems))
        return Checked(
            name=scenario.name,
            description=scenario.description,
            currency=scenario.site.currency,
            duration_s=scenario.duration_s,
            seed=scenario.seed,
        )


def _run_all(batch: list[tuple[Run, Scenario]], outcome: Outcome) -> None:
    """Run a batch and empty it; when it fails as a whole, one by one."""
    runs, scenarios = [run for run, _ in batch], [scenario for _, scenario in batch]
    batch.clear()
    if not runs:
        return
    try:
        began = time.perf_counter()
        rows = [_row(run, results) for run, results in zip(runs, run_batch(scenarios), strict=True)]
        wall_s = (time.perf_counter() - began) / len(runs)
        outcome.rows += [{**row, "wall_s": wall_s} for row in rows]
    except Exception as error:
        if len(runs) == 1:
            outcome.failures.append(_failure(runs[0], error))
            return
        for pair in zip(runs, scenarios, strict=True):
            _run_all([pair], outcome)


def _row(run: Run, results: Results) -> Row:
    scenario = results.scenario
    metrics = metrics_of(results, bound_of(scenario) if scenario.judging.bound else None)
    return {"key": run.key, **asdict(metrics), "cost": metrics.cost}


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
    return message.replace(str(path.parent), str(bundle.scenario.parent))
