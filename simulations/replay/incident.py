"""An incident kept as a regression test: a piece of a recording, and what is to be decided in it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from pathlib import Path
from textwrap import fill
from typing import Final

from adapters.json_text import utc_text
from adapters.recording import Flaw, Message, Section, read_recording, recording_files
from adapters.recording.memory import memory_document
from controller.engine import Memory
from controller.plan import Setpoint
from simulations.replay.rerun import Note, Rerun, Step

RECORDING: Final = "recording.jsonl.gz"
EXPECTED: Final = "expected.txt"
WHY: Final = "why.md"
WIDTH: Final = 120
"""Columns of a text."""


class Extract:
    """Gathers the piece of a recording that is to be kept."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._lines: list[bytes] = []
        self._messages: list[bytes] = []

    def add(self, entry: Section | Step | Message) -> None:
        """Take the next entry of the piece."""
        if isinstance(entry, Step):
            if not self.steps:
                self._lines.append(_header(entry.section, entry, None if entry.recorded.fresh else entry.memory))
                self._lines += self._messages
            self.steps.append(entry)
            self._lines.append(entry.recorded.line)
        elif self.steps:
            self._lines.append(entry.line)
        elif isinstance(entry, Message):
            self._messages.append(entry.line)

    def write(self, folder: Path, note: str | None) -> None:
        """Write the folder; ``why.md`` is left as it is where it is there and nothing new is said.

        Raises:
            OSError: it cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / RECORDING).open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
            file.writelines(self._lines)
        (folder / EXPECTED).write_text("".join(expectation(self.steps)), encoding="utf-8")
        why = folder / WHY
        if note is not None or not why.exists():
            why.write_text(_why(folder.name, note, self.steps), encoding="utf-8")


def _header(section: Section, first: Step, memory: Memory | None) -> bytes:
    document = None if memory is None else memory_document(memory)
    header = section.header.model_copy(update={"at": first.at, "memory": document, "lost": 0})
    return header.model_dump_json().encode() + b"\n"


def _why(name: str, note: str | None, steps: Sequence[Step]) -> str:
    first, last = steps[0], steps[-1]
    header = first.section.header
    shows = note or "Say here what this incident shows."
    return (
        f"# {name.replace('-', ' ').replace('_', ' ').capitalize()}\n\n{fill(shows, WIDTH)}\n\n"
        f"Site `{first.site.id}`, {len(steps)} decisions from {utc_text(first.at)} to {utc_text(last.at)}, recorded by "
        f"Loadstar {header.version}.\n"
    )


def expectation(steps: Sequence[Step]) -> Iterator[str]:
    """What is decided, as lines: every limit that is not that of the decision before, and every event."""
    before: dict[str, Setpoint] = {}
    for step in steps:
        at = utc_text(step.at)
        if step.turn is None:
            yield f"{at} failed: {step.error}\n"
            continue
        plan = step.turn.decision.plan
        for point in step.site.point:
            was, now = before.get(point), plan.setpoints.get(point)
            if (was and (was.limit_a, was.because)) != (now and (now.limit_a, now.because)):
                yield f"{at} {point} {now.limit_a!r} A {now.because}\n" if now else f"{at} {point} no limit\n"
        for event in plan.events:
            yield f"{at} {event.severity} {event.kind} {event.subject}: {event.message}\n"
        before = dict(plan.setpoints)


def broken_expectations(folder: Path) -> list[str]:
    """Replay an incident; the difference between what is expected and what is decided now, [] where there is none.

    Raises:
        OSError: a file is missing.
        ValueError: the recording has a flaw.
    """
    steps, notes = [], []
    for entry in Rerun(read_recording(recording_files(folder / RECORDING))):
        if isinstance(entry, Step):
            steps.append(entry)
        elif isinstance(entry, Flaw):
            raise ValueError(str(entry))  # noqa: TRY004 - nobody has passed a wrong type
        elif isinstance(entry, Note):
            notes.append(f"note: {entry.what}")
    expected = (folder / EXPECTED).read_text("utf-8").splitlines()
    decided = "".join(expectation(steps)).splitlines()
    changed = list(unified_diff(expected, decided, "expected", "decided", n=1, lineterm=""))
    return notes + changed if changed else []
