"""The command ``export``: what the ledger has on record, as files for others, whether or not the service runs."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, NoReturn
from zoneinfo import ZoneInfo

import typer

from adapters.configuration import Configuration, ConfigurationError, load_configuration
from adapters.demand_file import window_lines
from adapters.limits.evidence_csv import evidence_csv
from adapters.log import without_login
from adapters.settling.export_kinds import Asked, ExportRefused, Format, Kind
from controller.ports.ledger import LedgerUnavailable

_BAD_INPUT: Final = 2


class Book(StrEnum):
    """What can be exported."""

    LIMITS = "limits"
    DEMAND_WINDOWS = "demand_windows"
    CDRS = "cdrs"
    SESSIONS = "sessions"
    STATEMENT = "statement"
    ERE = "ere"
    PERIODS = "periods"


_BY_TIME: Final = frozenset({Book.LIMITS, Book.DEMAND_WINDOWS})
"""These are for a time, as CSV; the others are for a month."""


def export(
    what: Annotated[Book, typer.Argument(help="What is wanted.")],
    config: Annotated[Path, typer.Option(metavar="SITE.toml", help="The site file.")],
    month: Annotated[str | None, typer.Option(metavar="MONTH", help="Such as 2026-10.")] = None,
    form: Annotated[Format | None, typer.Option("--format", help="Default: csv or json, whichever is usual.")] = None,
    party: Annotated[str | None, typer.Option(metavar="ID", help="Statements of this party only.")] = None,
    number: Annotated[str | None, typer.Option(metavar="NUMBER", help="This statement only.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Limits and demand windows: from this time on, such as 2026-12-01; at the site."
        ),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="To before this one.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: stdout.")] = None,
) -> None:
    """Write what the ledger has on record, for a month or for a time."""
    try:
        configuration = load_configuration(config, os.environ)
    except ConfigurationError as error:
        _refuse("\n".join(map(str, error.problems)))
    try:
        if what in _BY_TIME:
            content = _by_time(configuration, what, form, since, until).encode()
        else:
            content = _by_month(configuration, what, month, form, party, number)
        if out is None:
            sys.stdout.buffer.write(content)
            sys.stdout.flush()
        else:
            out.write_bytes(content)
    except LedgerUnavailable as error:
        _refuse(without_login(str(error)))
    except OSError as error:
        _refuse(f"{out or 'stdout'}: cannot be written: {error.strerror or error}")


def _by_month(
    configuration: Configuration,
    what: Book,
    month: str | None,
    form: Format | None,
    party: str | None,
    number: str | None,
) -> bytes:
    # The database's packages take a while, and other commands do not need them.
    from adapters.settling.exports import exported  # noqa: PLC0415
    from adapters.store.record_book import book_for_reading  # noqa: PLC0415

    if month is None:
        raise typer.BadParameter(f"{what.value}: expected a month such as 2026-10", param_hint="--month")

    wanted = Asked(Kind(what.value), month, form, party, number)
    try:
        book = book_for_reading(configuration.store_url)
        return exported(book, wanted, time_zone=configuration.site.time_zone, now=datetime.now(UTC))
    except ExportRefused as error:
        _refuse("\n".join(error.problems))


def _by_time(
    configuration: Configuration, what: Book, form: Format | None, since: str | None, until: str | None
) -> str:
    if form not in {None, Format.CSV}:
        raise typer.BadParameter(f"{what.value} come as csv", param_hint="--format")
    zone = ZoneInfo(configuration.site.time_zone)
    begins, ends = _moment(since, zone, "--since"), _moment(until, zone, "--until")
    if ends <= begins:
        raise typer.BadParameter("expected a time after --since", param_hint="--until")
    from adapters.store import demand_windows, limit_log  # noqa: PLC0415 - as above
    from adapters.store.reading import asked  # noqa: PLC0415

    if what is Book.DEMAND_WINDOWS:
        closed = asked(configuration.store_url, lambda ledger: demand_windows.windows_between(ledger, begins, ends))
        return "".join(window_lines(one.window for one in closed))
    lines = asked(configuration.store_url, lambda ledger: limit_log.evidence(ledger, begins, ends))
    if len(lines) >= limit_log.LINES_MOST:
        _refuse(f"there are {limit_log.LINES_MOST} lines or more: ask for less time at once")
    return evidence_csv(lines)


def _moment(text: str | None, zone: ZoneInfo, option: str) -> datetime:
    """A time; without an offset it is one at the site."""
    try:
        moment = datetime.fromisoformat(text or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        found = "nothing" if text is None else repr(text)
        raise typer.BadParameter(f"expected a time such as 2026-12-01, found {found}", param_hint=option) from None


def _refuse(problem: str) -> NoReturn:
    typer.echo(problem, err=True)
    raise typer.Exit(_BAD_INPUT)
