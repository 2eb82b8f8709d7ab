"""The command ``demand-bill``: what demand windows cost under a named tariff."""

from __future__ import annotations

import json
import sys
from datetime import date
from decimal import Decimal, InvalidOperation
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from adapters.demand_file import DemandFileError, read_windows
from controller.peakshave.catalogue import MODELS
from controller.peakshave.demand_bill import Bill, bill
from controller.peakshave.demand_tariff import DemandTariff

_BAD_INPUT: Final = 2
_PIPE_WIDTH: Final = 120
_PRICE_PER: Final = {1: "month", 12: "year"}


def demand_bill(
    windows: Annotated[Path, typer.Argument(metavar="WINDOWS.csv", help="Demand windows, as exported.")],
    model: Annotated[str, typer.Option(metavar="NAME", help=f"The tariff: {', '.join(MODELS)}.")],
    zone: Annotated[str, typer.Option(metavar="ZONE", help="The local calendar, such as Europe/Brussels.")],
    price: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER", help="A price or a power of the tariff; give each.")
    ] = None,
    holiday: Annotated[
        list[str] | None, typer.Option(metavar="DATE", help="A local holiday, such as 2026-12-25; give each.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the bill as JSON.")] = False,
) -> None:
    """Work out what demand costs, from windows alone."""
    tariff = _tariff(model, price or [])
    try:
        local = ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise typer.BadParameter(f"no such time zone: {zone!r}", param_hint="--zone") from error
    try:
        holidays = frozenset(date.fromisoformat(day) for day in holiday or [])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--holiday") from error
    try:
        worked = bill(read_windows(windows), tariff, local, holidays)
    except DemandFileError as error:
        typer.echo("\n".join(error.problems), err=True)
        raise typer.Exit(_BAD_INPUT) from error
    except ValueError as error:  # windows longer than the tariff's
        typer.echo(f"{windows.name}: {error}", err=True)
        raise typer.Exit(_BAD_INPUT) from error
    if as_json:
        typer.echo(json.dumps(bill_document(worked), indent=2))
    else:
        _print(worked, tariff)


def bill_document(worked: Bill) -> dict[str, Any]:
    """A bill as JSON-ready values; kW and money as text, exactly."""
    return {
        "lines": [
            {
                "component": line.component,
                "begins_on": line.begins_on.isoformat(),
                "months": line.months,
                "billed_kw": str(line.billed_kw),
                "price_per_kw": str(line.price_per_kw),
                "price_per": _PRICE_PER[line.price_months],
                "amount": str(line.amount),
                "windows": [window.begins_at.isoformat() for window in line.windows],
            }
            for line in worked.lines
        ],
        "total": str(worked.total),
        "marked": [
            {"begins_at": window.begins_at.isoformat(), "marks": list(window.marks)} for window in worked.marked
        ],
        "missing_s": worked.missing_s,
    }


def _tariff(model: str, prices: list[str]) -> DemandTariff:
    if model not in MODELS:
        raise typer.BadParameter(f"expected {', '.join(MODELS)}, found {model!r}", param_hint="--model")
    needed = list(signature(MODELS[model]).parameters)
    given: dict[str, Decimal] = {}
    for text in prices:
        name, _, number = text.partition("=")
        try:
            given[name.strip()] = Decimal(number.strip())
        except InvalidOperation:
            raise typer.BadParameter(f"expected NAME=NUMBER, found {text!r}", param_hint="--price") from None
    if sorted(given) != sorted(needed):
        found = ", ".join(given) or "none"
        raise typer.BadParameter(f"{model} needs {', '.join(needed)}; found {found}", param_hint="--price")
    try:
        return MODELS[model](**given)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--price") from error


def _print(worked: Bill, tariff: DemandTariff) -> None:
    table = Table(title=f"Demand, {tariff.name}", title_justify="left")
    for heading in ("charge", "from"):
        table.add_column(heading)
    for heading in ("months", "kW", "price per kW", "amount"):
        table.add_column(heading, justify="right")
    for line in worked.lines:
        table.add_row(
            line.component,
            f"{line.begins_on:%Y-%m}",
            str(line.months),
            str(line.billed_kw),
            f"{line.price_per_kw} / {_PRICE_PER[line.price_months]}",
            str(line.amount),
        )
    table.add_section()
    table.add_row("total", "", "", "", "", str(worked.total))
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)
    if worked.marked:
        typer.echo(f"{len(worked.marked)} windows were not measured without fault; what was assumed is in the bill.")
    if worked.missing_s:
        typer.echo(f"{worked.missing_s / 3600:.2f} hours between the first and the last window are missing.")
