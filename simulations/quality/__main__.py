"""``python -m simulations.quality``: what plans cost over the bound of perfect information."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from simulations.judging.model import Metrics
from simulations.provenance import commit
from simulations.quality.cases import DAYS, QUESTIONS, answer

_COLUMNS = ("question", "what the controller knows", "median", "least", "most", "peak over bound's", "promise", "")


def measured(seeds: Sequence[int], days: int, console: Console) -> dict[str, list[Metrics]]:
    """The answers to every question, by its name, seed by seed."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("simulating", total=len(QUESTIONS) * len(seeds))
        answers: dict[str, list[Metrics]] = {question.name: [] for question in QUESTIONS}
        for question in QUESTIONS:
            progress.update(task, description=question.name)
            for seed in seeds:
                answers[question.name].append(answer(question, seed, days))
                progress.advance(task)
    return answers


def regrets(answers: Sequence[Metrics]) -> list[float]:
    """Cost over the bound of each run [%]."""
    return [0.0 if one.regret_pct is None else one.regret_pct for one in answers]


def table_of(answers: Mapping[str, Sequence[Metrics]]) -> Table:
    """The answers for people."""
    view = Table(*_COLUMNS, title="Cost over the bound of perfect information [%]")
    for question in QUESTIONS:
        found = regrets(answers[question.name])
        peaks = [one.peak_kw / one.bound_peak_kw for one in answers[question.name] if one.bound_peak_kw]
        kept = median(found) <= question.at_most_pct
        view.add_row(
            question.name,
            question.knows,
            *(f"{value:.2f}" for value in (median(found), min(found), max(found))),
            f"{median(peaks):.2f}" if peaks else "",
            f"≤ {question.at_most_pct:g}",
            "kept" if kept else "[bold red]not kept",
        )
    return view


def main(
    seeds: Annotated[int, typer.Option(metavar="N", min=1, help="How many traces.")] = 6,
    first: Annotated[int, typer.Option(metavar="SEED", min=1, help="The seed of the first trace.")] = 1,
    days: Annotated[int, typer.Option(metavar="DAYS", min=7, help="Length of each trace; whole weeks.")] = DAYS,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures of every run as JSON.")] = False,
) -> None:
    """Plan seeded weeks of a site of 20 points, and compare the cost with that of perfect information."""
    if days % 7:
        raise typer.BadParameter("expected whole weeks", param_hint="--days")
    console = Console(stderr=as_json)
    numbers = range(first, first + seeds)
    answers = measured(numbers, days, console)
    if not as_json:
        console.print(table_of(answers))
        return
    document: dict[str, object] = {"seeds": list(numbers), "days": days, "commit": commit()}
    for name, of in answers.items():
        found = regrets(of)
        document[name] = {"median": round(median(found), 3), "of_seeds": [round(one, 3) for one in found]}
    typer.echo(json.dumps(document, indent=2))


if __name__ == "__main__":
    typer.run(main)
