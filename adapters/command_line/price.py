"""The command ``price``: what sessions cost."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, NoReturn
from zoneinfo import available_timezones

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from adapters.json_text import DocumentError
from adapters.prices.curves import read_curve_file
from adapters.rating_documents.cdr_reading import read_ocpi_session
from adapters.rating_documents.choosing import chosen_tariff
from adapters.rating_documents.result import priced_document
from adapters.rating_documents.session_reading import SessionRead, read_session
from adapters.rating_documents.tariff_reading import TariffsRead, read_tariffs
from controller.tariffs.compiled import CompiledTariff
from controller.tariffs.lint import Severity, lint
from controller.tariffs.rated import RatedSession
from controller.tariffs.rating import rate_with
from controller.tariffs.tariff import PriceCurve, Tariff

_BAD_INPUT: Final = 2
_WARNINGS_MOST: Final = 20
"""Of one run; more of them say the same of other lines."""
_LINES_PER_STEP: Final = 500
"""Of the progress bar."""


class Format(StrEnum):
    """How sessions are written."""

    LOADSTAR = "loadstar"
    OCPI_2_2_1 = "ocpi-2.2.1"
    OCPI_2_3_0 = "ocpi-2.3.0"


class _Warnings:
    """Tells the first of them."""

    def __init__(self) -> None:
        self._told = 0

    def tell(self, place: str, warnings: Iterable[object]) -> None:
        for warning in warnings:
            self._told += 1
            if self._told <= _WARNINGS_MOST:
                typer.echo(f"{place}: warning: {warning}", err=True)

    def end(self) -> None:
        if self._told > _WARNINGS_MOST:
            typer.echo(f"and {self._told - _WARNINGS_MOST} more warnings", err=True)


class _Desk:
    """Prices sessions by the tariffs of a file; remembers what tariffs come to at a place."""

    def __init__(self, tariffs: Sequence[Tariff], curves: Mapping[str, PriceCurve]) -> None:
        self._tariffs = tariffs
        self._curves = curves
        self._ready: dict[tuple[int, str], CompiledTariff] = {}

    def price(self, session: SessionRead) -> RatedSession:
        facts = session.facts
        tariff = chosen_tariff(self._tariffs, session.tariff, facts.starts_at)
        key = (id(tariff), facts.time_zone)
        if key not in self._ready:
            self._ready[key] = CompiledTariff(tariff, facts.time_zone, self._curves)
        return rate_with(self._ready[key], facts)


def price(
    tariff: Annotated[
        Path, typer.Option("--tariff", metavar="TARIFF.json", help="OCPI tariffs: one, or a list.", show_default=False)
    ],
    session: Annotated[
        Path,
        typer.Option(
            "--session",
            metavar="FILE",
            help="A session; a name that ends with .jsonl means one per line, answered by one line each.",
            show_default=False,
        ),
    ],
    given: Annotated[
        Format, typer.Option("--format", help="How sessions are written; ocpi: CDRs or Session objects.")
    ] = Format.LOADSTAR,
    time_zone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Of CDRs and Session objects, which have none; default: their country's."),
    ] = None,
    curve: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=FILE.csv", help="Prices that a tariff follows (at, price_per_kwh); give each."),
    ] = None,
) -> None:
    """Work out what sessions cost, from files alone.

    In a .jsonl file every good line is answered, in order, as it is read.

    A bad line is reported with its number and has no answer; the command then ends with 2.
    """
    if time_zone is not None and time_zone not in available_timezones():
        raise typer.BadParameter(f"no such time zone: {time_zone!r}", param_hint="--time-zone")
    warnings = _Warnings()
    tariffs = _checked(tariff, warnings)
    desk = None if tariffs is None else _Desk(tariffs, _curves(tariffs, curve or []))
    many = session.suffix == ".jsonl"
    bad = desk is None  # what is wrong with sessions is told all the same
    for place, text in _texts(session, many=many):
        try:
            read = read_session(text) if given is Format.LOADSTAR else read_ocpi_session(text, given, time_zone)
            rated = None if desk is None else desk.price(read)
        except DocumentError as error:
            bad = True
            _tell(place, error.problems)
            continue
        if rated is not None:
            warnings.tell(place, read.warnings)
            document = priced_document(rated)
            sys.stdout.write(json.dumps(document, indent=None if many else 2, ensure_ascii=False) + "\n")
    warnings.end()
    if bad:
        raise typer.Exit(_BAD_INPUT)


def _checked(path: Path, warnings: _Warnings) -> tuple[Tariff, ...] | None:
    """The tariffs of a file; None, and what is wrong is told, if one of them is no good or ambiguous."""
    try:
        read = _tariffs(path)
    except DocumentError as error:
        _tell(str(path), error.problems)
        return None
    findings = [(tariff, one) for tariff in read.tariffs for one in lint(tariff)]
    refused = [f"tariff {t.id!r}: {one}" for t, one in findings if one.severity is Severity.REFUSE]
    if refused:
        _tell(str(path), refused)
        return None
    warnings.tell(str(path), read.warnings)
    warnings.tell(str(path), [f"tariff {t.id!r}: {one}" for t, one in findings])
    return read.tariffs


def _tariffs(path: Path) -> TariffsRead:
    try:
        return read_tariffs(path.read_bytes())
    except OSError as error:
        _refuse(str(path), [f"cannot be read: {error.strerror or error}"])


def _curves(tariffs: Sequence[Tariff], given: Sequence[str]) -> dict[str, PriceCurve]:
    curves: dict[str, PriceCurve] = {}
    problems: list[str] = []
    for text in given:
        name, separator, file = text.partition("=")
        if not (name and separator and file):
            raise typer.BadParameter(f"expected ID=FILE.csv, found {text!r}", param_hint="--curve")
        try:
            curves[name] = read_curve_file(Path(file), name, datetime.now(UTC))
        except DocumentError as error:
            problems += error.problems
    if problems:
        typer.echo("\n".join(problems), err=True)
        raise typer.Exit(_BAD_INPUT)
    missing = sorted({name for tariff in tariffs for name in tariff.curves()} - curves.keys())
    if missing:
        wanted = ", ".join(f"--curve {name}=FILE.csv" for name in missing)
        raise typer.BadParameter(f"the tariff follows prices that are not given: {wanted}", param_hint="--curve")
    return curves


def _texts(path: Path, *, many: bool) -> Iterator[tuple[str, bytes]]:
    """Each session of a file with its place, under a bar if it takes a while; blank lines are none."""
    try:
        with path.open("rb") as file:
            if not many:
                yield str(path), file.read()
                return
            columns = TextColumn("pricing"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn()
            # Results go to stdout while the bar is there, and stay there; on the same terminal they are enough to see.
            bar = Progress(
                *columns,
                console=Console(stderr=True),
                transient=True,
                redirect_stdout=False,
                disable=sys.stdout.isatty() or not sys.stderr.isatty(),
            )
            with bar as progress:
                task = progress.add_task("pricing", total=path.stat().st_size)
                read = 0
                for number, line in enumerate(file, start=1):
                    read += len(line)
                    if number % _LINES_PER_STEP == 0:
                        progress.update(task, completed=read)
                    if line := line.strip():
                        yield f"{path}:{number}", line
    except OSError as error:
        _refuse(str(path), [f"cannot be read: {error.strerror or error}"])


def _tell(place: str, problems: Iterable[str]) -> None:
    for problem in problems:
        typer.echo(f"{place}: {problem}", err=True)


def _refuse(place: str, problems: Iterable[str]) -> NoReturn:
    _tell(place, problems)
    raise typer.Exit(_BAD_INPUT)
