"""``loadstar replay``: what was asked for, and what is told."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from adapters.configuration.describe import suggestion
from adapters.recording import Entry, Flaw, Message, Section, read_recording, recording_files
from simulations.replay.differences import Comparison
from simulations.replay.incident import RECORDING, Extract
from simulations.replay.output import print_comparison, print_moment, result_document
from simulations.replay.rerun import Note, Rerun, Step
from simulations.replay.story import Follower
from simulations.replay.times import Part, local, moment, parts_between, parts_of

BAD_INPUT: Final = 2
PROBLEMS_MAX: Final = 100
PROGRESS_FROM_BYTES: Final = 100 << 10
"""A smaller recording is replayed before anybody wonders."""
FITS: Final = timedelta(seconds=10)
"""A decision that is older than this at ``--at`` was not in force: the service stood still."""
PIPE_WIDTH: Final = 140
"""Columns of a table that goes into a file or a pipe."""
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Request:
    """The options of the command, as they were given."""

    recording: Path
    at: str | None = None
    explain: str | None = None
    begin: str | None = None
    end: str | None = None
    save_as: str | None = None
    into: Path = Path("tests/golden/incidents")
    note: str | None = None


class RefusedError(Exception):
    """The request cannot be met; ``problems`` are all the reasons that are known at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(self.problems))


@dataclass(slots=True)
class _Outcome:
    """What one pass over the recording has found."""

    comparison: Comparison
    rerun: Rerun
    last: Step | None = None
    """The decision in force at ``--at``, or the last one."""
    follower: Follower | None = None
    extract: Extract | None = None
    flaws: list[Flaw] | None = None


def run_replay(request: Request, *, as_json: bool = False) -> int:
    """Replay a recording and print what was asked for: results to stdout, talk to stderr.

    Returns:
        The exit code: 0, or 2 where something cannot be read or done. Differences are a result, not an error.
    """
    try:
        parts = parts_of(_files(request.recording))
        begin, end, at = _moments(request, parts)
        chosen = parts_between(parts, begin or at, end or at)
        outcome = _passed(request, chosen, begin, at or end)
        _tell(request, outcome, as_json=as_json)
        if request.save_as is not None:
            _save(request, outcome)
    except RefusedError as refused:
        for problem in refused.problems:
            print(problem, file=sys.stderr)  # noqa: T201
        return BAD_INPUT
    return BAD_INPUT if any(not flaw.cut_off for flaw in outcome.flaws or ()) else 0


def _files(path: Path) -> list[Path]:
    try:
        return recording_files(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise RefusedError([f"{path}: cannot be replayed: {reason}"]) from None


def _moments(request: Request, parts: Sequence[Part]) -> tuple[datetime | None, datetime | None, datetime | None]:
    """``--from``, ``--to`` and ``--at``, with everything else that is wrong with the options."""
    problems = []
    found: dict[str, datetime | None] = {}
    for option, text in (("--from", request.begin), ("--to", request.end), ("--at", request.at)):
        try:
            found[option] = None if text is None else moment(text, parts)
        except ValueError as error:
            problems.append(f"{option}: {error}, found {text!r}")
    points = {point for part in parts if part.site is not None for point in part.site.point}
    if request.explain is not None and points and request.explain not in points:
        problems.append(f"--explain: the site has no point {request.explain!r}{suggestion(request.explain, points)}")
    if request.save_as is not None and not _NAME.fullmatch(request.save_as):
        problems.append(f"--save-as: expected letters, digits, '_', '-' and '.', found {request.save_as!r}")
    if request.at is not None and (request.begin is not None or request.end is not None or request.save_as is not None):
        problems.append("--at: names one decision; --from, --to and --save-as are about several")
    begin, end = found.get("--from"), found.get("--to")
    if begin is not None and end is not None and end < begin:
        problems.append(f"--to: expected a time after --from, found {request.end!r}")
    if problems:
        raise RefusedError(problems)
    return begin, end, found["--at"]


def _passed(request: Request, parts: Sequence[Part], begin: datetime | None, end: datetime | None) -> _Outcome:
    """Go through the recording once; what is before ``begin`` is replayed too, for what it leaves in the memory."""
    flaws: list[Flaw] = []
    with _reading([part.path for part in parts]) as entries:
        rerun = Rerun(entries)
        outcome = _Outcome(Comparison(), rerun, flaws=flaws)
        outcome.follower = Follower(request.explain) if request.explain is not None else None
        outcome.extract = Extract() if request.save_as is not None else None
        for entry in rerun:
            at = _at(entry)
            if at is not None and end is not None and at > end:
                break
            if isinstance(entry, Flaw):
                flaws.append(entry)
            if isinstance(entry, Flaw | Note):
                _talk(entry, len(flaws))
                continue
            if isinstance(entry, Step):
                outcome.last = entry
            _follow(outcome, entry, inside=begin is None or (at is not None and at >= begin))
    if outcome.last is None or outcome.comparison.decisions == 0:
        raise RefusedError([_nothing(request, outcome)])
    if request.at is not None and end is not None and end - outcome.last.at > FITS:
        there = local(outcome.last.at, outcome.last.site, date_too=True)
        raise RefusedError([f"--at: nothing was decided then; the last decision before it is of {there}"])
    return outcome


def _follow(outcome: _Outcome, entry: Section | Step | Message, *, inside: bool) -> None:
    if isinstance(entry, Step) and inside:
        outcome.comparison.add(entry)
    if outcome.follower is not None and isinstance(entry, Step):
        outcome.follower.add(entry)
    if outcome.follower is not None and isinstance(entry, Message):
        outcome.follower.heard(entry)
    if outcome.extract is not None and inside:
        outcome.extract.add(entry)


def _at(entry: object) -> datetime | None:
    if isinstance(entry, Step | Message):
        return entry.at
    return entry.header.at if isinstance(entry, Section) else None


def _nothing(request: Request, outcome: _Outcome) -> str:
    if outcome.last is None:
        return (
            f"{request.recording}: there is no decision in it that can be replayed, up to the time that was asked for"
        )
    there = local(outcome.last.at, outcome.last.site, date_too=True)
    return f"{request.recording}: no decision in the time that was asked for; the last one before it is of {there}"


def _talk(entry: Flaw | Note, flaws: int) -> None:
    if flaws <= PROBLEMS_MAX:
        print(entry, file=sys.stderr)  # noqa: T201
    if isinstance(entry, Flaw) and flaws == PROBLEMS_MAX:
        print("further problems are not shown", file=sys.stderr)  # noqa: T201


@contextmanager
def _reading(paths: Sequence[Path]) -> Iterator[Iterator[Entry]]:
    """The entries of these files, with a progress bar where somebody waits for it."""
    total = sum(path.stat().st_size for path in paths)
    console = Console(stderr=True)
    if not console.is_terminal or total < PROGRESS_FROM_BYTES:
        yield read_recording(paths)
        return
    columns = (TextColumn("replaying"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("replaying", total=total)

        def opened(path: Path) -> BinaryIO:
            return progress.wrap_file(path.open("rb"), total=total, task_id=task)

        yield read_recording(paths, opened)


def _tell(request: Request, outcome: _Outcome, *, as_json: bool) -> None:
    story = outcome.follower.story() if outcome.follower else None
    if as_json:
        document = result_document(outcome.comparison, outcome.rerun, outcome.last if request.at else None, story)
        print(json.dumps(document, indent=2, ensure_ascii=False))  # noqa: T201
        return
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)
    if story is not None:
        console.print("\n".join(story.lines()), soft_wrap=True, markup=False)
    elif request.at is not None and outcome.last is not None:
        print_moment(console, outcome.last)
    else:
        print_comparison(console, outcome.comparison, outcome.rerun, outcome.last)


def _save(request: Request, outcome: _Outcome) -> None:
    name, extract = request.save_as, outcome.extract
    if name is None or extract is None:
        return
    folder = request.into / name
    itself = {folder.resolve(), (folder / RECORDING).resolve()}
    problems = []
    if any(not flaw.cut_off for flaw in outcome.flaws or ()):
        problems.append("--save-as: the recording has flaws, see above; an incident must be whole")
    if not request.into.is_dir():
        problems.append(f"--into: no such folder: {request.into}")
    elif folder.exists() and request.recording.resolve() not in itself:
        problems.append(f"--save-as: {folder} is there already")
    if problems:
        raise RefusedError(problems)
    try:
        extract.write(folder, request.note)
    except OSError as error:
        raise RefusedError([f"{folder}: cannot be written: {error.strerror or error}"]) from None
    print(f"{folder}: {len(extract.steps)} decisions", file=sys.stderr)  # noqa: T201
