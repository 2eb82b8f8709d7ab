"""``sweep.html``: which setting is best, by how much, and what matters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from simulations.provenance import commit
from simulations.report.columns import Column, numbers, texts
from simulations.report.page import write_page
from simulations.report.pieces import Command, Facts, Headline, Page, Points, Section, Table, Tile
from simulations.report.timeline import length_words
from simulations.report.words import count, money, number
from simulations.sweeps.analysis import NUMBERS, OBJECTIVE, VIOLATIONS, Analysis
from simulations.sweeps.comparisons import beside_bound, tornado
from simulations.sweeps.figures import of_pairs, of_parameters
from simulations.sweeps.outputs import Sweep, failure_line, settings_rows, short_keys

MOST_ROWS: Final = 50
"""Of the table of settings; its download holds all."""
LEAD: Final = (
    "Best first: the lowest cost of energy, peak and unmet energy together, among settings of which every run is free "
    "of violations. A violation is current that stays above a fuse's rating for longer than controller, charger and "
    "car need to respond, or a limit that no charger may be given. A setting is as good as the best where their "
    "difference, seed by seed, is within its 95 % confidence interval."
)


def write_sweep_page(sweep: Sweep, path: Path) -> None:
    """Write the page of a sweep.

    Raises:
        OSError: the file cannot be written.
    """
    sections = [
        Section("settings", "Settings", [_settings(sweep)], lead=LEAD),
        *_plots(sweep),
        Section("reproduce", "Reproduce", [*_failures(sweep), _command(sweep), _facts(sweep)]),
    ]
    page = Page(
        title=sweep.scenario.name,
        kicker="Sweep",
        subtitle=sweep.scenario.description,
        headline=_headline(sweep),
        sections=sections,
        file_stem="sweep",
        footer=f"Loadstar {commit()}. Money is an estimate; nobody is billed by it.",
    )
    write_page(page, path)


def _headline(sweep: Sweep) -> Headline:
    analysis, currency = sweep.analysis, sweep.scenario.currency
    cost = analysis.estimate(analysis.order[0], OBJECTIVE)
    tiles = [
        Tile("Settings", f"{len(analysis.cases.settings):,}"),
        Tile("Runs", f"{sweep.runs:,}", count(len(analysis.cases.seeds), "seed") + " each"),
        Tile("Sound settings", f"{int(analysis.sound.sum()):,}", "every run free of violations"),
    ]
    if analysis.best is None:
        sentence = "No setting has all of its runs, and all of them free of violations."
        return Headline("alarm", sentence, "The table says what each one has; the least costly comes first.", tiles)
    best = analysis.best
    met = analysis.estimate(best, "sessions_met_pct")
    regret = analysis.estimate(best, "regret_pct")
    width = f" ± {number(cost.half_width, 2)}" if math.isfinite(cost.half_width) else ""
    tiles.append(Tile("Sessions met", f"{number(met.mean)} %", "in the best setting"))
    if math.isfinite(regret.mean):
        tiles.append(Tile("Over the bound", f"{number(regret.mean)} %", "in the best setting"))
    detail = f"{money(cost.mean, currency)}{width} in {length_words(sweep.scenario.duration_s)}. {_certainty(analysis)}"
    return Headline("ok", f"{_name(analysis, best)} costs least.", detail, tiles)


def _certainty(analysis: Analysis) -> str:
    if len(analysis.cases.seeds) == 1:
        return "A single seed tells nothing about chance: run more."
    others = sum(analysis.as_good(setting) for setting in analysis.order) - 1
    return f"{count(others, 'other setting')} cannot be told from it." if others else "No other setting is as good."


def _name(analysis: Analysis, setting: int) -> str:
    """A setting in words; parameters with a single value say nothing, unless there are no others."""
    cases = analysis.cases
    varied = [
        f"{parameter.key} = {text}"
        for parameter, text in zip(cases.parameters, cases.settings[setting].values(), strict=True)
        if len(parameter.texts) > 1 or len(cases.settings) == 1
    ]
    return ", ".join(varied) or "The scenario as it is"


def _short_name(analysis: Analysis, setting: int) -> str:
    keys = short_keys([parameter.key for parameter in analysis.cases.parameters])
    values = analysis.cases.settings[setting].values()
    return ", ".join(f"{key} {value}" for key, value in zip(keys, values, strict=True)) or "as it is"


def _settings(sweep: Sweep) -> Table:
    analysis, cases = sweep.analysis, sweep.analysis.cases
    headings, rows = settings_rows(sweep, MOST_ROWS)
    return Table(
        id="settings",
        title=count(len(cases.settings), "setting"),
        reading="Means over seeds with the half width of their 95 % confidence interval.",
        headings=headings,
        rows=rows,
        columns=_settings_columns(analysis),
        numeric=frozenset(range(len(cases.parameters), len(headings))),
        marked=frozenset(row for row, setting in enumerate(analysis.order[:MOST_ROWS]) if analysis.as_good(setting)),
        note=f"The first {len(rows)} of {len(cases.settings)}." if len(rows) < len(cases.settings) else "",
    )


def _settings_columns(analysis: Analysis) -> dict[str, Column]:
    keys = [parameter.key for parameter in analysis.cases.parameters]
    settings = [analysis.cases.settings[number] for number in analysis.order]
    columns = {key: texts(setting[key] for setting in settings) for key in keys}
    columns["sound"] = texts("true" if analysis.sound[number] else "false" for number in analysis.order)
    for metric in NUMBERS:
        found = [analysis.estimate(number, metric) for number in analysis.order]
        columns[f"{metric}_mean"] = numbers([one.mean for one in found], 6)
        columns[f"{metric}_half_width"] = numbers([one.half_width for one in found], 6)
    return columns


def _plots(sweep: Sweep) -> Iterator[Section]:
    analysis, currency = sweep.analysis, sweep.scenario.currency
    if not any(math.isfinite(mean) for mean in analysis.means):
        return
    if each := list(of_parameters(analysis, currency)):
        matters = tornado(analysis, currency)
        yield Section("parameters", "Parameters", [*([matters] if matters else []), *each])
    if pairs := list(of_pairs(analysis, currency)):
        yield Section("pairs", "Two at a time", pairs)
    names = [_short_name(analysis, setting) for setting in range(len(analysis.cases.settings))]
    if bound := beside_bound(analysis, names, currency):
        yield Section("bound", "What is possible", [bound])


def _failures(sweep: Sweep) -> list[Points]:
    if not sweep.failures:
        return []
    lines = [failure_line(sweep.analysis.cases.settings, one) for one in sweep.failures]
    return [Points(f"{count(len(lines), 'run')} failed", lines[:MOST_ROWS])]


def _command(sweep: Sweep) -> Command:
    reading = "The same code, scenario and data give the same results, on this machine or on a cluster."
    return Command("The command that gives these results", sweep.command, reading)


def _facts(sweep: Sweep) -> Facts:
    seeds = sweep.analysis.cases.seeds
    violations = " and ".join(VIOLATIONS)
    items = [
        ("Commit", commit()),
        ("Scenario, data and code", " ".join(part[:12] for part in sweep.identity.split("-"))),
        ("Seeds", f"{seeds[0]} to {seeds[-1]}"),
        ("Objective", OBJECTIVE),
        ("Zero in every sound run", violations),
        ("Simulated per run", length_words(sweep.scenario.duration_s)),
    ]
    return Facts("Where they come from", items)
