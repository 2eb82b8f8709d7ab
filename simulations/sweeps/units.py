"""What goes to a worker, and what comes back: everything by value, since it may be on another machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulations.sweeps.bundle import Bundle
from simulations.sweeps.cases import Run

Row = dict[str, Any]
"""``key`` of the run, every field of ``Metrics``, its ``cost``, and ``wall_s``."""


class CodeDiffersError(RuntimeError):
    """A worker runs other code than the machine that started the sweep."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Some runs, each with its setting."""

    bundle: Bundle
    code: str
    """``code_identity`` of the machine that asks."""
    runs: tuple[Run, ...]
    settings: tuple[dict[str, str], ...]


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
    cpu_s: float = 0.0
    """Time that it took of a core, whatever else the machine does."""


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
    batch_runs: int = 1
    """So many runs like this one are computed at once, and hardly take longer than a few."""


def do(unit: Unit) -> Outcome:
    """On a worker: do a unit. A run that fails does not take the others with it.

    Raises:
        CodeDiffersError: results would not be what the sweep's keys say.
    """
    # Loaded where work is done, and not where it is handed out.
    from simulations.sweeps.work import work  # noqa: PLC0415

    return work(unit)


def look_at(bundle: Bundle, setting: dict[str, str]) -> Checked:
    """On a worker: draw a scenario once; what is wrong with it, or what it is called."""
    from simulations.sweeps.work import check  # noqa: PLC0415

    return check(bundle, setting)
