"""Runs recorded snapshots through the controller, each with what the one before has left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from adapters.origin import Origin
from adapters.recording import Entry, Flaw, Message, Recorded, Section
from adapters.recording.memory import ForeignMemoryError, memory_of
from controller.engine import Memory, decide
from controller.explain import Turn
from controller.site import Site


@dataclass(frozen=True, slots=True)
class Step:
    """A recorded decision, and the same one made again."""

    section: Section
    recorded: Recorded
    memory: Memory | None
    """What was remembered this time."""
    turn: Turn | None
    """None where the decision failed this time."""
    error: str = ""
    """Why it failed."""

    @property
    def at(self) -> datetime:
        """The moment of the decision."""
        return self.recorded.snapshot.at

    @property
    def site(self) -> Site:
        """The site."""
        return self.section.site


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the reader of a comparison should know."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(slots=True)
class Rerun:
    """One pass over a recording."""

    entries: Iterable[Entry]
    passed_over: int = 0
    """Decisions that do not follow from anything, since something before them cannot be read."""
    lost: int = 0
    """Lines that the recorder could not write."""
    origins: dict[Origin, None] = field(default_factory=dict)
    """The programs that recorded, in the order of their recordings."""

    def __iter__(self) -> Iterator[Section | Step | Message | Flaw | Note]:
        """Every entry in order; for a decision, the step; and a note where a memory cannot be taken up."""
        section: Section | None = None
        memory: Memory | None = None
        waiting = True
        """For a header's memory to be taken up."""
        known = False
        for entry in self.entries:
            if isinstance(entry, Section):
                section, waiting, known = entry, True, True
                header = entry.header
                self.lost += header.lost
                self.origins[Origin(header.version, header.commit, header.controller)] = None
                yield entry
            elif isinstance(entry, Recorded) and section is not None:
                known = known or entry.fresh
                if not known:
                    self.passed_over += 1
                    continue
                if waiting and not entry.fresh:
                    memory, note = _taken_up(section, entry, memory)
                    if note is not None:
                        yield note
                waiting = False
                step = _step(section, entry, None if entry.fresh else memory)
                memory = step.turn.decision.memory if step.turn else None
                yield step
            elif isinstance(entry, Message | Flaw):
                known = known and (isinstance(entry, Message) or entry.cut_off)
                yield entry


def _taken_up(section: Section, first: Recorded, carried: Memory | None) -> tuple[Memory | None, Note | None]:
    """The memory of a header; where that belongs to another version, the one that this run has come to so far."""
    document = section.header.memory
    if document is None:
        return None, None
    try:
        return memory_of(document, decide(section.site, None, first.snapshot).memory), None
    except ForeignMemoryError as error:
        goes_on = "with what the decisions before have left" if carried else "without a memory"
        what = f"the memory is of another version of the controller ({error}); the replay goes on {goes_on}"
        return carried, Note(section.place, what)


def _step(section: Section, recorded: Recorded, memory: Memory | None) -> Step:
    try:
        decision = decide(section.site, memory, recorded.snapshot)
    except Exception as error:  # a bug that was recorded, or one that is new: both are results
        return Step(section, recorded, memory, None, f"{type(error).__name__}: {error}")
    return Step(section, recorded, memory, Turn(memory, recorded.snapshot, decision))
