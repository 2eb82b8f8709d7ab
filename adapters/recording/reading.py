"""Reads recordings: what can be used, and with its place everything that cannot."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import ValidationError

from adapters.documents import plan_of, snapshot_of
from adapters.json_text import described
from adapters.recording.lines import BY_KIND, FORMAT, SUFFIX, DecisionLine, HeaderLine, MessageLine, RecordingLine
from controller.plan import Plan
from controller.site import Site
from controller.snapshot import Snapshot

LINE_MAX: Final = 16 << 20
"""Bytes of the longest line that is read: a decision of a thousand points takes a tenth of it."""
PROBLEMS_PER_LINE: Final = 5
"""More of them say that the line is something else."""


@dataclass(frozen=True, slots=True)
class Section:
    """A header: what holds until the next one."""

    place: str
    header: HeaderLine
    line: bytes = field(repr=False)
    """As it stands in the file."""

    @property
    def site(self) -> Site:
        """The site that was controlled."""
        return self.header.site


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision as it was recorded."""

    place: str
    fresh: bool
    """Whether the controller remembered nothing."""
    snapshot: Snapshot
    plan: Plan | None
    """None where the decision failed."""
    line: bytes = field(repr=False)
    """As it stands in the file."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a charging station."""

    at: datetime
    station: str
    direction: str
    """``in``: from the station; ``out``: to it."""
    text: str
    line: bytes = field(repr=False)
    """As it stands in the file."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that cannot be used. Decisions up to the next header do not follow from those before."""

    place: str
    """``FILE:LINE``"""
    what: str
    cut_off: bool = False
    """Only the end is missing, as after a crash or while it is being written: nothing is wrong with the rest."""
    headless: bool = False
    """It is not known what holds from here: decisions are passed over up to the next header."""

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


Entry = Section | Recorded | Message | Flaw


def recording_files(path: Path) -> list[Path]:
    """The files of a recording in the order of their names, which is that of time: itself, or those in a folder.

    Raises:
        OSError: it is not there, or cannot be looked into.
        ValueError: a folder without any.
    """
    if not path.is_dir():
        path.stat()
        return [path]
    found = sorted(p for p in path.iterdir() if p.name.endswith((SUFFIX, SUFFIX.removesuffix(".gz"))))
    if not found:
        raise ValueError(f"expected files whose names end with {SUFFIX}, found none")
    return found


def read_recording(
    paths: Sequence[Path], opened: Callable[[Path], BinaryIO] = lambda path: path.open("rb")
) -> Iterator[Entry]:
    """Everything in these files, in order; raises nothing for what is in them.

    Args:
        paths: as ``recording_files`` gives them.
        opened: opens one; to follow how far reading is.
    """
    for path in paths:
        site: Site | None = None
        headless = False
        for place, line in _lines(path, opened):
            entry = line if isinstance(line, Flaw) else _entry(place, line, site)
            if isinstance(entry, Section):
                site, headless = entry.site, False
            elif isinstance(entry, Flaw) and entry.headless:
                site = None
                if headless:  # told once
                    continue
                headless = True
            yield entry


def _lines(path: Path, opened: Callable[[Path], BinaryIO]) -> Iterator[tuple[str, bytes | Flaw]]:
    number = 0
    try:
        with opened(path) as raw:
            compressed = path.suffix == ".gz"
            file = gzip.GzipFile(fileobj=raw) if compressed else raw
            while line := file.readline(LINE_MAX):
                number += 1
                if not line.endswith(b"\n"):
                    what = "is longer than any line" if len(line) == LINE_MAX else "ends within a line"
                    yield "", Flaw(f"{path}:{number}", what, cut_off=len(line) < LINE_MAX)
                    return
                yield f"{path}:{number}", line
    except EOFError:
        yield "", Flaw(f"{path}:{number + 1}", "ends here without having been closed", cut_off=True)
    except (OSError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        yield "", Flaw(f"{path}:{number + 1}", f"cannot be read further: {reason}")


def _entry(place: str, line: bytes, site: Site | None) -> Entry:
    try:
        found = RecordingLine.model_validate_json(line).root
    except ValidationError as refused:
        kind = next((error["loc"][0] for error in refused.errors() if error["loc"]), None)
        return Flaw(place, _problems(refused), headless=kind == "header")
    if isinstance(found, HeaderLine):
        if found.format == FORMAT:
            return Section(place, found, line)
        what = f"format: expected {FORMAT}, which is all that this version reads, found {found.format}"
        return Flaw(place, what, headless=True)
    if isinstance(found, MessageLine):
        return Message(found.at, found.station, found.direction, found.text, line)
    if site is None:
        what = "a decision without a header before it: what follows is passed over up to the next one"
        return Flaw(place, what, headless=True)
    return _decision(place, found, site, line)


def _decision(place: str, found: DecisionLine, site: Site, line: bytes) -> Recorded | Flaw:
    snapshot = snapshot_of(found.snapshot)
    strangers = [f"point {name!r}" for name in snapshot.points if name not in site.point]
    strangers += [f"circuit {limit.circuit!r}" for limit in snapshot.limits if limit.circuit not in site.circuit]
    strangers += [f"point {p!r}" for limit in snapshot.stations for p in limit.points if p not in site.point]
    if strangers:
        return Flaw(place, f"snapshot: the site has no {', no '.join(strangers)}")
    plan = None if found.plan is None else plan_of(found.plan)
    return Recorded(place, found.fresh, snapshot, plan, line)


def _problems(refused: ValidationError) -> str:
    told = []
    for error in refused.errors(include_url=False):
        kind, *place = error["loc"] or ("",)
        model = BY_KIND.get(str(kind))
        if error["type"].startswith("union_tag"):
            told.append(f"kind: expected {', '.join(BY_KIND)}")
        else:
            told.append(described(error, model, tuple(place)) if model else described(error, HeaderLine))
    hidden = len(told) - PROBLEMS_PER_LINE
    return "; ".join(told[:PROBLEMS_PER_LINE] + ([f"and {hidden} more"] if hidden > 0 else []))
