"""The command line: ``run``, ``check``, ``allocate``, ``price`` and others. Results to stdout, talk to stderr.

Exit codes: 0 done, 2 bad input (every problem is listed), 1 our fault.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console

from adapters.command_line.backup import backup, restore
from adapters.command_line.demand_bill import demand_bill
from adapters.command_line.export import export
from adapters.command_line.price import price
from adapters.command_line.settle import settle
from adapters.command_line.tariff_check import tariff_check
from adapters.configuration import (
    Configuration,
    ConfigurationError,
    Problem,
    lab_problems,
    load_configuration,
    static_rule_problems,
)
from adapters.documents import plan_document, read_snapshot
from adapters.json_text import DocumentError
from adapters.log import configure_logging, without_login
from adapters.safety_report import print_safety, safety_document
from controller.ports.ledger import LedgerUnavailable

BAD_INPUT: Final = 2
OUR_FAULT: Final = 1
INTERRUPTED: Final = 130
"""What shells expect of a program that Ctrl-C ended."""

PIPE_WIDTH: Final = 120
"""Columns of a table that goes into a file or a pipe, which have no width of their own."""

app = typer.Typer(
    name="loadstar",
    help="On-site smart charging: no fuse overloaded, every car served, every session recorded.",
    epilog="Exit codes: 0 done, 2 bad input (every problem is listed), 1 our fault.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigOption = Annotated[Path, typer.Option("--config", metavar="SITE.toml", help="The site file.", show_default=False)]
SiteOption = Annotated[Path, typer.Option("--site", metavar="SITE.toml", help="The site file.", show_default=False)]
SnapshotOption = Annotated[
    Path,
    typer.Option(
        "--snapshot",
        metavar="FILE",
        help="A snapshot; a name that ends with .jsonl means one snapshot per line, answered by one plan per line.",
        show_default=False,
    ),
]


def execute(application: typer.Typer, arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; nothing that goes wrong leaves this function.

    Args:
        application: ``app``, with whatever commands were added to it.
        arguments: Default: those of the process.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        application(given, prog_name="loadstar")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else OUR_FAULT
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the last line of defence: our bug, told in one line
        typer.echo(f"loadstar: internal error: {without_login(f'{type(error).__name__}: {error}')}", err=True)
        if "--debug" in given:
            typer.echo(without_login(traceback.format_exc()), err=True)
        else:
            typer.echo("This is a mistake in Loadstar. loadstar --debug COMMAND ... shows where.", err=True)
        return OUR_FAULT
    return 0


def _version() -> str:
    try:
        return version("loadstar")
    except PackageNotFoundError:
        return "(not installed: run from its sources)"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"loadstar {_version()}")
        raise typer.Exit


@app.callback()
def _loadstar(
    debug: Annotated[bool, typer.Option("--debug", help="Log more, and show where an internal error arose.")] = False,
    _show_version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    configure_logging(debug=debug)


@app.command()
def run(
    config: ConfigOption,
    insecure_lab: Annotated[
        bool,
        typer.Option(
            "--insecure-lab",
            help="For laboratories and tests: no passwords, every token charges, no login. Loopback addresses only.",
        ),
    ] = False,
) -> None:
    """Run the service until it is told to end (Ctrl-C or SIGTERM)."""
    configuration = _loaded(config)
    problems = static_rule_problems(configuration) + (lab_problems(configuration) if insecure_lab else [])
    if problems:
        _refuse(problems)
    # The service brings every protocol library with it; the other commands do not wait for them.
    from adapters import service  # noqa: PLC0415

    try:
        service.run(configuration, lab=insecure_lab)
    except (OSError, LedgerUnavailable) as error:  # a port that is taken, a certificate or a store that is no use
        typer.echo(without_login(f"loadstar: cannot run {config}: {error}"), err=True)
        raise typer.Exit(BAD_INPUT) from error


@app.command()
def check(
    config: ConfigOption,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Show everything that is wrong with a site, and what may flow while nobody is in control.

    Ends with 2 when there is a problem, or when base load and fallbacks exceed a fuse: such a site does not start.
    """
    try:
        configuration = load_configuration(config, os.environ)
    except ConfigurationError as error:
        if as_json:
            typer.echo(_json({"ok": False, "problems": [str(problem) for problem in error.problems]}))
        _refuse(error.problems)
    problems = static_rule_problems(configuration)
    if as_json:
        typer.echo(_json(safety_document(configuration, problems)))
    else:
        print_safety(Console(width=None if sys.stdout.isatty() else PIPE_WIDTH), configuration)
    if problems:
        _refuse(problems)


@app.command()
def allocate(site: SiteOption, snapshot: SnapshotOption) -> None:
    """Divide the free current of one snapshot, or of many, and print the plans.

    In a .jsonl file every good line is answered, in order, as it is read.

    A bad line is reported with its number and has no answer; the command then ends with 2.
    """
    configuration = _loaded(site)
    many = snapshot.suffix == ".jsonl"
    bad = False
    for place, text in _texts(snapshot, many=many):
        try:
            plan = _allocated(configuration, text)
        except DocumentError as error:
            bad = True
            for problem in error.problems:
                typer.echo(f"{place}: {problem}", err=True)
        else:
            sys.stdout.write(json.dumps(plan) + "\n" if many else _json(plan) + "\n")
    if bad:
        raise typer.Exit(BAD_INPUT)


app.command()(demand_bill)
app.command()(export)
app.command()(settle)
app.command()(backup)
app.command()(restore)
app.command()(price)
app.command()(tariff_check)


def _allocated(configuration: Configuration, text: bytes) -> dict[str, object]:
    from controller.engine import split  # noqa: PLC0415 - numpy takes a while, and ``check`` does not need it

    meters = [meter.id for meter in configuration.meters]
    return plan_document(split(configuration.site, read_snapshot(text, configuration.site, meters)))


def _texts(path: Path, *, many: bool) -> Iterator[tuple[str, bytes]]:
    """Each snapshot of a file with its place; blank lines of a ``.jsonl`` are none."""
    try:
        with path.open("rb") as file:
            if not many:
                yield str(path), file.read()
                return
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield f"{path}:{number}", line
    except OSError as error:
        _refuse([Problem(str(path), 1, "", f"cannot be read: {error.strerror or error}")])


def _loaded(path: Path) -> Configuration:
    try:
        return load_configuration(path, os.environ)
    except ConfigurationError as error:
        _refuse(error.problems)


def _refuse(problems: Iterable[Problem]) -> NoReturn:
    for problem in problems:
        typer.echo(str(problem), err=True)
    raise typer.Exit(BAD_INPUT)


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
