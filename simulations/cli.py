"""The ``loadstar`` command: that of the real site, and what needs the simulated world besides."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli import app, execute
from simulations.faults import FAULTS


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
            help="Where the site file, the ledger and the log are kept; default: nowhere after the end.",
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


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(execute(app))
