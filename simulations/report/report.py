"""The report of one run: which figures stand where."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from simulations.judging.model import Judgement
from simulations.report import (
    comparison,
    cost_figures,
    current_figures,
    gantt,
    lists,
    power_figures,
    price_figures,
    session_figures,
    shaving_figures,
    summary,
)
from simulations.report.page import write_page
from simulations.report.pieces import Block, Page, Points, Section
from simulations.report.timeline import length_words
from simulations.report.view import Case, Drawn, case_of
from simulations.results import Results

_ELSEWHERE: Final = (
    "A fan of forecasts with its reliability needs a controller that forecasts.",
    "A tornado of sensitivities needs a sweep over parameters; loadstar sweep writes one.",
    "Times of a solver need a controller that plans; they stay out of a report that is to be the same each time.",
)


def write_report(results: Results, judgement: Judgement, path: Path, *, command: str) -> None:
    """Write one self-contained HTML page about a run; the same commit and arguments give the same bytes.

    Args:
        results: the run.
        judgement: its metrics, and its rivals and bound where there are any.
        path: the file to write.
        command: the command line that brings about the same run.

    Raises:
        OSError: the file cannot be written.
    """
    case = case_of(results, judgement)
    write_page(_page(case, command), path)


def _page(case: Case, command: str) -> Page:
    scenario, site = case.view.scenario, case.view.site
    missing: list[str] = []

    def section(identity: str, title: str, lead: str, *parts: Drawn | Block) -> Section:
        missing.extend(part for part in parts if isinstance(part, str))
        return Section(identity, title, [part for part in parts if not isinstance(part, str)], lead)

    sections = [section("run", "This run", scenario.description, *summary.inputs(case, command))]
    if len(case.view.series.time_s):
        sections += _chapters(case, section)
    sections.append(section("events", "Events", "", lists.events(case)))
    missing.extend(_ELSEWHERE)
    sections.append(Section("left-out", "Left out", [Points("What is not in this report, and what it needs", missing)]))
    return Page(
        title=site.name or site.id,
        kicker="Simulation report",
        subtitle=f"{scenario.name} · {length_words(scenario.duration_s)} · seed {scenario.seed}",
        headline=summary.headline(case),
        sections=sections,
        file_stem=re.sub(r"[^A-Za-z0-9]+", "-", f"{scenario.name}-{scenario.seed}").strip("-").lower(),
        footer="Loadstar simulation report. Times are local to the site. Everything shown is inside this file.",
        zone_offsets=case.view.clock.offsets,
    )


def _chapters(case: Case, section: Callable[..., Section]) -> list[Section]:
    return [
        section(
            "power",
            "Power and fuses",
            "What the grid connection and every circuit behind it had to carry.",
            power_figures.site_power(case),
            current_figures.worst_day(case),
            lists.fuses(case),
            power_figures.load_duration(case),
            power_figures.fullness(case),
            current_figures.unbalance(case),
            current_figures.fuse_heat(case),
        ),
        section(
            "cars",
            "Cars and drivers",
            "Who was held back by what, and what the drivers left with.",
            gantt.gantt(case),
            lists.reasons(case),
            session_figures.delivered(case),
            session_figures.shortfall(case),
            session_figures.satisfaction(case),
            session_figures.fairness(case),
        ),
        section(
            "cost",
            "Demand and cost",
            "What the energy cost, and what control did about it.",
            cost_figures.demand(case),
            shaving_figures.windows(case),
            shaving_figures.saving(case),
            cost_figures.waterfall(case),
            price_figures.price_of_day(case),
            price_figures.price_paid(case),
        ),
        section(
            "policies",
            "Against other policies",
            "The same cars under other rules, and under perfect foresight.",
            comparison.comparison(case),
            comparison.costs(case),
        ),
    ]
