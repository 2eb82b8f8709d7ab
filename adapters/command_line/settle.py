"""The command ``settle``: closes a month, or works it out anew from what was measured and compares."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from adapters.configuration import Configuration, ConfigurationError, load_configuration
from adapters.log import without_login
from adapters.settling.export_kinds import ExportRefused
from controller.plan import Event
from controller.ports.ledger import LedgerUnavailable
from controller.tariffs.statement import NotClosable

if TYPE_CHECKING:
    from adapters.settling.closing import Settled

_BAD_INPUT: Final = 2
_OUR_FAULT: Final = 1


def settle(
    config: Annotated[Path, typer.Option(metavar="SITE.toml", help="The site file.")],
    month: Annotated[str, typer.Option(metavar="MONTH", help="Such as 2026-10.")],
    recompute: Annotated[
        bool,
        typer.Option("--recompute", help="Work the month out anew from raw readings, compare, and change nothing."),
    ] = False,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who closes it. Default: you.")] = "",
) -> None:
    """Close a month: draw up its statements, number them, and put them on record for good.

    A month that is closed stays as it is: the command then shows what it was closed with.
    """
    try:
        configuration = load_configuration(config, os.environ)
    except ConfigurationError as error:
        _refuse("\n".join(map(str, error.problems)))
    try:
        if recompute:
            _recompute(configuration, month)
        else:
            _settle(configuration, month, by or getpass.getuser())
    except LedgerUnavailable as error:
        _refuse(without_login(str(error)))


def _settle(configuration: Configuration, month: str, by: str) -> None:
    # The database's packages take a while, and other commands do not need them.
    from adapters.settling.closing import settle as close  # noqa: PLC0415
    from adapters.settling.exports import month_bounds  # noqa: PLC0415
    from adapters.store import open_ledger  # noqa: PLC0415

    zone = configuration.site.time_zone
    try:
        month_bounds(month, zone)
    except ExportRefused as error:
        _refuse(str(error))
    ledger = open_ledger(
        configuration.store_url,
        currency=configuration.site.currency,
        price_per_kwh=configuration.price_per_kwh,
        on_event=_tell,
    )
    try:
        settled = close(ledger.charged, month, now=datetime.now(UTC), by=by, time_zone=zone)
    except NotClosable as error:
        _refuse(str(error))
    finally:
        ledger.close()
    _print(settled)


def _print(settled: Settled) -> None:
    closing = settled.closing
    table = Table(title=f"Statements of {closing.month}", title_justify="left")
    for heading in ("number", "", "party"):
        table.add_column(heading)
    for heading in ("lines", "net", "VAT", "to pay"):
        table.add_column(heading, justify="right")
    for each in settled.statements:
        totals = each.statement.totals
        amounts = ["?" if value is None else f"{value:.2f}" for value in (totals.before_tax, totals.tax)]
        table.add_row(
            each.number,
            each.statement.kind.value,
            each.party.name,
            str(len(each.statement.lines)),
            *amounts,
            f"{totals.payable:.2f} {each.statement.currency}",
        )
    Console(width=120).print(table)
    said = "is closed" if settled.new else f"was closed already, on {closing.at:%Y-%m-%d} by {closing.by}"
    typer.echo(f"{closing.month} {said}; statements: {len(settled.statements)}.", err=True)
    if settled.waiting:
        typer.echo(
            f"{settled.waiting} records wait for review: they go on the next month's statements once they are decided.",
            err=True,
        )


def _recompute(configuration: Configuration, month: str) -> None:
    from adapters.billing.recomputing import recomputed  # noqa: PLC0415 - as above
    from adapters.billing.site_facts import site_facts  # noqa: PLC0415
    from adapters.store.record_book import book_for_reading  # noqa: PLC0415

    result = recomputed(book_for_reading(configuration.store_url), site_facts(configuration), month)
    for difference in result.differences:
        typer.echo(difference, err=True)
    typer.echo(f"{month}: {result.records} records worked out anew, {len(result.differences)} differ.")
    if result.differences:
        raise typer.Exit(_OUR_FAULT)


def _tell(event: Event) -> None:
    typer.echo(event.message, err=True)


def _refuse(problem: str) -> NoReturn:
    typer.echo(problem, err=True)
    raise typer.Exit(_BAD_INPUT)
