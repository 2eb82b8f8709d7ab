"""What a sweep tells: a table for people, a CSV file and a JSON document for programs."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.table import Table

from simulations.provenance import commit
from simulations.report.words import count
from simulations.sweeps.analysis import NUMBERS, OBJECTIVE, Analysis, Estimate
from simulations.sweeps.units import Checked, Failure

SHOWN_SETTINGS: Final = 20
"""Rows of the table on a terminal; the files hold all."""
FIGURES: Final = {
    "energy_cost": "Energy",
    "demand_cost": "Demand",
    "unmet_cost": "Unmet",
    "peak_kw": "Peak [kW]",
    "sessions_met_pct": "Met [%]",
}
"""Columns beside the cost, with their headings; those that are zero everywhere are left out."""


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
    cases = sweep.analysis.cases
    title = f"{sweep.scenario.name}: {count(len(cases.settings), 'setting')} x {count(len(cases.seeds), 'seed')}"
    table = Table(title=title)
    headings, rows = settings_rows(sweep, SHOWN_SETTINGS)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number < len(cases.parameters) else "right")
    for row in rows:
        table.add_row(*row)
    if len(rows) < len(cases.settings):
        table.caption = f"and {len(cases.settings) - len(rows)} more in settings.csv"
    return table


def settings_rows(sweep: Sweep, most: int) -> tuple[list[str], list[list[str]]]:
    """Headings, and the best settings in words, a row each."""
    analysis, cases = sweep.analysis, sweep.analysis.cases
    metrics = [metric for metric in FIGURES if np.nansum(np.abs(analysis.values[metric])) > 0.0]
    keys = short_keys([parameter.key for parameter in cases.parameters])
    headings = [*keys, f"Cost [{sweep.scenario.currency}]", "Over the best", "", *(FIGURES[name] for name in metrics)]
    rows = []
    for setting in analysis.order[:most]:
        behind = "" if setting == analysis.order[0] else told(analysis.behind_best(setting))
        figures = [
            told(analysis.estimate(setting, metric), 1 if "_kw" in metric or "_pct" in metric else 2)
            for metric in metrics
        ]
        values = cases.settings[setting].values()
        rows.append([*values, told(analysis.estimate(setting, OBJECTIVE)), behind, remark(analysis, setting), *figures])
    return headings, rows


def short_keys(keys: Sequence[str]) -> list[str]:
    """As many of the last words of each key as tell all of them apart.

    >>> short_keys(["circuits.main.fuse_a", "circuits.garage.fuse_a", "demand.per_kw"])
    ['main.fuse_a', 'garage.fuse_a', 'per_kw']
    """
    short = []
    for key in keys:
        words = key.split(".")
        ends = (".".join(words[-length:]) for length in range(1, len(words) + 1))
        alone = (end for end in ends if sum(f".{other}".endswith(f".{end}") for other in keys) == 1)
        short.append(next(alone, key))
    return short


def remark(analysis: Analysis, setting: int) -> str:
    """What has to be known about a setting, in a word or two."""
    missing = len(analysis.cases.seeds) - analysis.runs(setting)
    if missing:
        return f"{count(missing, 'run')} failed"
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
    return f"{setting} seed {failure.run.seed}: {'; '.join(failure.message.splitlines())}".strip()


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
