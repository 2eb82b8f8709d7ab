"""The ``loadstar`` command: that of the real site, and what needs the simulated world besides."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from adapters.cli import app, execute

POINTS_MAX = 200
"""More simulated stations than one computer can keep lively."""


@app.command()
def demo(
    points: Annotated[int, typer.Option(min=1, max=POINTS_MAX, help="Number of charging points.")] = 20,
    duration: Annotated[
        float | None, typer.Option(min=1.0, help="Seconds until it ends by itself; default: when Ctrl-C is pressed.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same building and the same cars.")] = 1,
    fault: Annotated[str | None, typer.Option(metavar="NAME", help="Something that goes wrong on the way.")] = None,
    secure: Annotated[
        bool, typer.Option("--secure", help="With passwords, tokens and TLS, as on a real site.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port of the page; 0 for any free one.")] = 8080,
) -> None:
    """Run the service with a simulated meter, building and cars on this machine, and show what it does.

    Prints a summary as JSON when it ends.
    """
    from simulations.demo import run_demo  # noqa: PLC0415 - brings the whole service with it

    summary = run_demo(points=points, duration_s=duration, seed=seed, fault=fault, secure=secure, web_port=port)
    typer.echo(json.dumps(summary, indent=2))


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(execute(app))
