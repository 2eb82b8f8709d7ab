"""The ``loadstar`` command: that of the real site, and what needs the simulated world besides."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from adapters.cli import BAD_INPUT, app, execute
from simulations.faults import FAULTS

EXTRA: Final = frozenset({"dask", "distributed", "plotly", "pyarrow", "scipy"})
"""What simulations need besides the service's packages."""


@contextmanager
def _extra_packages() -> Iterator[None]:
    """Around imports of what an edge computer does without."""
    try:
        yield
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in EXTRA:
            raise
        typer.echo(f"This command needs {package}, which is not installed: scripts/install.sh simulate", err=True)
        raise typer.Exit(BAD_INPUT) from None


@app.command()
def demo(
    points: Annotated[int, typer.Option(metavar="N", help="Number of charging points.")] = 20,
    duration: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="When it ends by itself; default: when Ctrl-C is pressed."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed brings the same building and cars.")] = 1,
    fault: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"What goes wrong halfway: {', '.join(FAULTS)}.")
    ] = None,
    secure: Annotated[
        bool, typer.Option("--secure", help="With passwords, tokens, a login and TLS, as on a real site.")
    ] = False,
    web_port: Annotated[int, typer.Option(metavar="PORT", help="TCP port of the page; 0: any free one.")] = 8080,
    ocpp_port: Annotated[
        int, typer.Option(metavar="PORT", help="TCP port that charging stations connect to; 0: any free one.")
    ] = 9000,
    directory: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the site file, the ledger, the log and a recording are kept; default: nowhere after the end.",
        ),
    ] = None,
) -> None:
    """Run the service with a simulated meter, building and cars on this machine, and show what it does.

    Prints a summary as JSON when it ends.
    """
    from simulations.demo import run_demo  # noqa: PLC0415 - brings the whole service with it

    code = run_demo(
        points=points,
        duration=duration,
        seed=seed,
        fault=fault,
        secure=secure,
        web_port=web_port,
        ocpp_port=ocpp_port,
        directory=directory,
    )
    raise typer.Exit(code)


@app.command()
def simulate(
    scenario: Annotated[Path, typer.Argument(metavar="SCENARIO.toml", help="The scenario file.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where results go; default: SCENARIO-result in the current folder."),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", min=0, help="In place of the scenario's.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="In place of the scenario's value: circuits.main.fuse_a=50."),
    ] = None,
    short: Annotated[bool, typer.Option("--short", help="The scenario's short form.")] = False,
    depth: Annotated[
        str, typer.Option(metavar="DEPTH", help="fast: the core alone. wire: the whole service, with OCPP and Modbus.")
    ] = "fast",
    speed: Annotated[
        float, typer.Option(metavar="N", help="How many times faster than real time the wire depth runs.")
    ] = 1.0,
    record: Annotated[
        bool, typer.Option("--record", help="Keep every decision, for loadstar replay; needs steps of seconds.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Run a scenario, compare it with a bound and with baselines, and write a report.

    Leaves summary.json, sessions.csv, series.parquet and report.html.
    """
    with _extra_packages():
        from simulations.simulate import Request, simulate, split_settings  # noqa: PLC0415 - brings the simulator with it

    for text in settings or ():
        if "=" not in text:
            raise typer.BadParameter(f"expected KEY=VALUE, found {text!r}", param_hint="--set")
    folder = out or Path(f"{scenario.stem}-result")
    request = Request(scenario, folder, seed, split_settings(settings or ()), short, depth, speed, record)
    raise typer.Exit(simulate(request, as_json=as_json))


@app.command()
def sweep(
    scenario: Annotated[Path, typer.Argument(metavar="SCENARIO.toml", help="The scenario file.", show_default=False)],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=V1,V2",
            help="Values that a key of the scenario takes in turn: circuits.main.fuse_a=35,50. May be repeated.",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(metavar="N", help="With how many seeds each setting is run.")] = 10,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Scheduler of a Dask cluster that does the work, such as tcp://192.0.2.1:8786; default: this machine.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where results go, and where those of an earlier start are found; "
            "default: SCENARIO-sweep in the current folder.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes on this machine; default: one per core.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Run every combination of settings with every seed, and compare them.

    Ended before its time, it goes on where it was when it is started again.
    """
    with _extra_packages():
        from simulations.sweeps.command import Request, run_sweep  # noqa: PLC0415 - brings the whole simulator with it

    folder = out or Path(f"{scenario.stem}-sweep")
    request = Request(scenario, tuple(settings or ()), seeds, scheduler, workers, folder)
    raise typer.Exit(run_sweep(request, as_json=as_json))


@app.command()
def sessions(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="A file of sessions, or the URL of a ledger's database.", show_default=False
        ),
    ],
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="Format of the file; default: recognised from its content.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of times without an offset, and of the site.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=HEADER",
            help="What a column of a CSV is called: arrives=Start. May be repeated.",
            show_default=False,
        ),
    ] = None,
    charger_kw: Annotated[
        float | None, typer.Option(metavar="KW", help="Most that a charger gives; more energy than that is cut.")
    ] = None,
    fit: Annotated[
        Path | None, typer.Option(metavar="MODEL.json", help="Fit a model of people, and write it there.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="OUT.csv", help="Write the sessions there, in the generic form.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was read as JSON.")] = False,
) -> None:
    """Read charging sessions from a file, and show what is in it and what was wrong with it."""
    with _extra_packages():
        from simulations.data.command import Request, show_sessions  # noqa: PLC0415 - scipy takes a while

    request = Request(file, kind, time_zone, tuple(column or ()), charger_kw, model=fit, table=csv)
    raise typer.Exit(show_sessions(request, as_json=as_json))


@app.command()
def replay(
    recording: Annotated[
        Path, typer.Argument(metavar="RECORDING", help="A recorded file, or a folder of them.", show_default=False)
    ],
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Show the decision in force then: 14:05, or with a date.")
    ] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="POINT", help="Say why that point had its limit, at TIME or at the end.")
    ] = None,
    begin: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Compare decisions from then on.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Compare decisions up to then.")] = None,
    save_as: Annotated[
        str | None, typer.Option(metavar="NAME", help="Keep this piece as a regression test of that name.")
    ] = None,
    into: Annotated[Path, typer.Option(metavar="FOLDER", help="Where regression tests are kept.")] = Path(
        "tests/golden/incidents"
    ),
    note: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the regression test shows, for its description.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Run recorded snapshots through the controller again, and show differences and reasons.

    Differences are a result, not an error: the command ends with 0 all the same.
    """
    with _extra_packages():
        from simulations.replay.command import Request, run_replay  # noqa: PLC0415 - numpy and the whole core

    request = Request(recording, at, explain, begin, end, save_as, into, note)
    raise typer.Exit(run_replay(request, as_json=as_json))


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(execute(app))
