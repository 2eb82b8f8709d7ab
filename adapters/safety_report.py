"""What ``loadstar check`` says of a valid site: what may flow on every phase while nobody is in control."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.configuration import Configuration, Problem
from controller.site import Site, static_rule, unattended_limits
from controller.units import TOLERANCE_A


def safety_document(configuration: Configuration, problems: list[Problem]) -> dict[str, Any]:
    """The report as JSON-ready values, currents in ampere; ``ok`` when the service may start."""
    site = configuration.site
    limits = unattended_limits(site)
    return {
        "ok": not problems,
        "site": site.id,
        "problems": [str(problem) for problem in problems],
        "static_rule": [
            {
                "circuit": load.circuit,
                "phase": load.phase,
                "fuse_a": load.fuse_a,
                "base_load_a": load.base_load_a,
                "fallbacks_a": load.fallbacks_a,
                "remainder_a": round(-load.excess_a, 6),
            }
            for load in static_rule(site)
        ],
        "points": {
            point.id: {"fallback_a": point.fallback_a, "unattended_a": round(limits[point.id], 6)}
            for point in site.points
        },
    }


def print_safety(console: Console, configuration: Configuration) -> None:
    """The report for people."""
    site = configuration.site
    console.print(Text(f"{site.name or site.id}: {configuration.path} is a valid site file."))
    console.print(_rule_table(site))
    console.print(_points_table(site))
    if site.writes_per_day:
        console.print(_written_table(site))


def _rule_table(site: Site) -> Table:
    table = Table(title="What may flow with nobody in control [A]", title_justify="left")
    for heading in ("circuit", "phase"):
        table.add_column(heading)
    for heading in ("base load", "fallbacks", "fuse", "remainder"):
        table.add_column(heading, justify="right")
    above = ""
    for load in static_rule(site):
        if above and load.circuit != above:
            table.add_section()
        style = "bold red" if load.excess_a > TOLERANCE_A else ""
        currents = (load.base_load_a, load.fallbacks_a, load.fuse_a, -load.excess_a)
        name = load.circuit if load.circuit != above else ""
        table.add_row(name, load.phase, *(f"{current_a:.1f}" for current_a in currents), style=style)
        above = load.circuit
    return table


def _points_table(site: Site) -> Table:
    table = Table(title="Charging points [A]", title_justify="left")
    for heading in ("point", "circuit", "station"):
        table.add_column(heading)
    for heading in ("minimum", "maximum", "fallback"):
        table.add_column(heading, justify="right")
    for point in site.points:
        currents = (point.min_a, point.max_a, point.fallback_a)
        table.add_row(
            point.id,
            point.circuit,
            f"{point.station}/{point.connector}",
            *(f"{current_a:.1f}" for current_a in currents),
        )
    return table


def _written_table(site: Site) -> Table:
    """Stations whose limits are renewed rarely: how much they may be left holding."""
    table = Table(title="Stations with few writes: highest limit that is safe unattended", title_justify="left")
    for heading in ("point", "station"):
        table.add_column(heading)
    for heading in ("writes a day", "limit [A]"):
        table.add_column(heading, justify="right")
    limits = unattended_limits(site)
    for point in site.points:
        if point.station in site.writes_per_day:
            writes = site.writes_per_day[point.station]
            table.add_row(point.id, point.station, str(writes), f"{limits[point.id]:.1f}")
    return table
