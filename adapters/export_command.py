"""The command ``export``: what the ledger has on record, as CSV, whether or not the service runs."""

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
from adapters.evidence_csv import evidence_csv
from adapters.log import without_login
from controller.ports import LedgerUnavailable

_BAD_INPUT: Final = 2


class Book(StrEnum):
    """What can be exported."""

    LIMITS = "limits"
    DEMAND_WINDOWS = "demand_windows"


def export(
    what: Annotated[Book, typer.Argument(help="What came of limits from outside, or demand windows.")],
    config: Annotated[Path, typer.Option(metavar="SITE.toml", help="The site file.")],
    since: Annotated[str, typer.Option(metavar="TIME", help="From this time on, such as 2026-12-01; at the site.")],
    until: Annotated[str, typer.Option(metavar="TIME", help="To before this one.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Default: stdout.")] = None,
) -> None:
    """Write what the ledger has on record as CSV."""
    try:
        configuration = load_configuration(config, os.environ)
    except ConfigurationError as error:
        _refuse("\n".join(map(str, error.problems)))
    zone = ZoneInfo(configuration.site.time_zone)
    begins, ends = _moment(since, zone, "--since"), _moment(until, zone, "--until")
    if ends <= begins:
        raise typer.BadParameter("expected a time after --since", param_hint="--until")
    try:
        text = _text(configuration, what, begins, ends)
        if out is None:
            sys.stdout.write(text)
        else:
            out.write_text(text, encoding="utf-8", newline="")
    except LedgerUnavailable as error:
        _refuse(without_login(str(error)))
    except OSError as error:
        _refuse(f"{out}: cannot be written: {error.strerror or error}")


def _text(configuration: Configuration, what: Book, since: datetime, until: datetime) -> str:
    # The database's packages take a while, and other commands do not need them.
    from adapters.store import demand_windows, limit_log  # noqa: PLC0415
    from adapters.store.reading import asked  # noqa: PLC0415

    if what is Book.DEMAND_WINDOWS:
        closed = asked(configuration.store_url, lambda ledger: demand_windows.windows_between(ledger, since, until))
        return "".join(window_lines(one.window for one in closed))
    lines = asked(configuration.store_url, lambda ledger: limit_log.evidence(ledger, since, until))
    if len(lines) >= limit_log.LINES_MOST:
        _refuse(f"there are {limit_log.LINES_MOST} lines or more: ask for less time at once")
    return evidence_csv(lines)


def _moment(text: str, zone: ZoneInfo, option: str) -> datetime:
    """A time; without an offset it is one at the site."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"expected a time such as 2026-12-01, found {text!r}", param_hint=option) from None


def _refuse(problem: str) -> NoReturn:
    typer.echo(problem, err=True)
    raise typer.Exit(_BAD_INPUT)
