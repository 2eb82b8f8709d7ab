"""What a sweep tells: a table for people, a CSV file and a JSON document for programs."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from simulations.provenance import commit
from simulations.sweeps.analysis import NUMBERS, OBJECTIVE, Analysis, Estimate
from simulations.sweeps.units import Checked, Failure

SHOWN_SETTINGS: Final = 20
"""Rows of the table on a terminal; the files hold all."""
TOLD: Final = {
    "energy_cost": "energy",
    "demand_cost": "demand",
    "unmet_cost": "unmet",
    "peak_kw": "peak [kW]",
    "sessions_met": "sessions met",
}
"""Columns beside the objective, with their headings."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """A finished sweep."""

    scenario: Checked
    analysis: Analysis
    failures: Sequence[Failure]
    computed: int
    """Runs of this time; the others were there already."""
    identity: str
    command: str
    """What reproduces it."""

    @property
    def runs(self) -> int:
        """All runs that were asked for."""
        return len(self.analysis.cases.settings) * len(self.analysis.cases.seeds)


def write_settings(sweep: Sweep, path: Path) -> None:
    """One row per setting, best first: mean and half width of the 95 % confidence interval of every figure."""
    analysis, cases = sweep.analysis, sweep.analysis.cases
    heads = [f"{name}_{part}" for name in NUMBERS for part in ("mean", "half_width")]
    behind = [f"{OBJECTIVE}_over_best_mean", f"{OBJECTIVE}_over_best_half_width"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*(one.key for one in cases.parameters), "runs", "sound", "as_good_as_best", *behind, *heads])
        for setting in analysis.order:
            estimates = [analysis.behind_best(setting), *(analysis.estimate(setting, name) for name in NUMBERS)]
            numbers = [_cell(value) for one in estimates for value in (one.mean, one.half_width)]
            flags = [_flag(analysis.sound[setting]), _flag(analysis.as_good(setting))]
            writer.writerow([*cases.settings[setting].values(), analysis.runs(setting), *flags, *numbers])


def summary_of(sweep: Sweep) -> dict[str, Any]:
    """The sweep as JSON."""
    analysis, cases = sweep.analysis, sweep.analysis.cases
    settings = [_setting_document(analysis, setting) for setting in analysis.order]
    return {
        "scenario": sweep.scenario.name,
        "parameters": {parameter.key: list(parameter.values) for parameter in cases.parameters},
        "seeds": list(cases.seeds),
        "runs": sweep.runs,
        "computed": sweep.computed,
        "failed": [
            {"setting": cases.settings[one.run.setting], "seed": one.run.seed, "problem": one.message}
            for one in sweep.failures
        ],
        "best": settings[0] if analysis.best is not None else None,
        "settings": settings,
        "commit": commit(),
        "identity": sweep.identity,
        "command": sweep.command,
    }


def table_of(sweep: Sweep) -> Table:
    """The best settings for people."""
    analysis, cases = sweep.analysis, sweep.analysis.cases
    table = Table(title=f"{sweep.scenario.name}: {len(cases.settings)} settings x {len(cases.seeds)} seeds")
    for parameter in cases.parameters:
        table.add_column(parameter.key)
    for heading in (f"cost [{sweep.scenario.currency}]", "over the best", *TOLD.values(), ""):
        table.add_column(heading, justify="right" if heading else "left")
    for setting in analysis.order[:SHOWN_SETTINGS]:
        figures = [analysis.estimate(setting, OBJECTIVE), analysis.behind_best(setting)]
        figures += [analysis.estimate(setting, name) for name in TOLD]
        table.add_row(*cases.settings[setting].values(), *(told(one) for one in figures), remark(analysis, setting))
    if len(analysis.order) > SHOWN_SETTINGS:
        table.caption = f"and {len(analysis.order) - SHOWN_SETTINGS} more in settings.csv"
    return table


def remark(analysis: Analysis, setting: int) -> str:
    """What has to be known about a setting, in a word or two."""
    missing = len(analysis.cases.seeds) - analysis.runs(setting)
    if missing:
        return f"{missing} runs failed"
    if not analysis.sound[setting]:
        return "violations"
    if setting == analysis.best:
        return "best"
    return "as good" if analysis.as_good(setting) else ""


def told(one: Estimate, decimals: int = 2) -> str:
    """A mean with its half width.

    >>> told(Estimate(12.345, 0.5)), told(Estimate(1.0, float("nan"))), told(Estimate(float("nan"), float("nan")))
    ('12.35 ± 0.50', '1.00', '')
    """
    if not math.isfinite(one.mean):
        return ""
    width = f" ± {one.half_width:,.{decimals}f}" if math.isfinite(one.half_width) else ""
    return f"{one.mean + 0.0:,.{decimals}f}{width}"


def failure_line(sweep_settings: Sequence[Mapping[str, str]], failure: Failure) -> str:
    """A failed run, in a line."""
    setting = " ".join(f"{key}={text}" for key, text in sweep_settings[failure.run.setting].items())
    return f"{setting} seed {failure.run.seed}: {failure.message}".strip()


def _setting_document(analysis: Analysis, setting: int) -> dict[str, Any]:
    estimates = {name: analysis.estimate(setting, name) for name in NUMBERS}
    values = {
        parameter.key: parameter.values[analysis.cases.place(setting, number)]
        for number, parameter in enumerate(analysis.cases.parameters)
    }
    return {
        "setting": values,
        "runs": analysis.runs(setting),
        "sound": bool(analysis.sound[setting]),
        "as_good_as_best": analysis.as_good(setting),
        "over_best": _document(analysis.behind_best(setting)),
        **{name: _document(one) for name, one in estimates.items() if math.isfinite(one.mean)},
    }


def _document(one: Estimate) -> dict[str, float | None]:
    return {"mean": _number(one.mean), "plus_minus": _number(one.half_width)}


def _number(value: float) -> float | None:
    return round(value, 6) + 0.0 if math.isfinite(value) else None


def _cell(value: float) -> str:
    return f"{value:.6f}" if math.isfinite(value) else ""


def _flag(value: object) -> str:
    return "true" if value else "false"
