"""Decisions to record: a small site in virtual time, and hands to write and read its recordings with."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from adapters.recording import Entry, Flaw, Recorded, RecordingFile, read_recording, recording_files
from controller.engine import Decision, Memory, decide
from controller.site import Site
from controller.snapshot import Snapshot
from tests.support import closed_loop
from tests.support.closed_loop import ClosedLoop, garage


@dataclass(frozen=True)
class Made:
    """A decision as whoever records it sees it."""

    snapshot: Snapshot
    memory: Memory | None
    decision: Decision


class Story:
    """A garage in virtual time whose every decision is kept."""

    def __init__(self, points: int = 3, **options: float) -> None:
        self.loop = ClosedLoop(garage(points, **options))  # type: ignore[arg-type]
        self.made: list[Made] = []

    @property
    def site(self) -> Site:
        return self.loop.site

    def after(self, seconds: float) -> None:
        def kept(site: Site, memory: Memory | None, snapshot: Snapshot) -> Decision:
            decision = decide(site, memory, snapshot)
            self.made.append(Made(snapshot, memory, decision))
            return decision

        with patch.object(closed_loop, "decide", kept):
            self.loop.after(seconds)

    def record(self, path: Path, made: Iterable[Made] | None = None) -> Path:
        """Write decisions into a new file; those of the whole story by default."""
        with RecordingFile(path, self.site) as file:
            for one in self.made if made is None else made:
                file.decided(one.snapshot, one.memory, one.decision)
        return path


def eventful(points: int = 3) -> Story:
    """A minute: cars arrive, the building takes more, and less again."""
    story = Story(points, fuse_a=40.0)
    story.loop.plug_in()
    story.after(20)
    story.loop.load(25.0)
    story.after(20)
    story.loop.load(10.0)
    story.after(20)
    return story


def entries(path: Path) -> list[Entry]:
    return list(read_recording(recording_files(path)))


def decisions(path: Path) -> list[Recorded]:
    return [entry for entry in entries(path) if isinstance(entry, Recorded)]


def flaws(path: Path) -> list[Flaw]:
    return [entry for entry in entries(path) if isinstance(entry, Flaw)]


def rewritten(recording: Path, folder: Path, change: Callable[[list[dict[str, Any]]], None]) -> Path:
    """A recording with other lines."""
    lines = [json.loads(line) for line in gzip.decompress(recording.read_bytes()).splitlines()]
    change(lines)
    path = folder / "changed.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
