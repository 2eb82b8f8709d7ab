"""Everything wrong with a site file, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. Never holds a secret."""

    file: str
    line: int
    """From 1; the line of the table around it where the thing itself is not in the file."""
    place: str
    """Dotted, e.g. ``points[3].max_a``; empty for the file as a whole."""
    expected: str
    """What should be there, or what is wrong with what is there."""
    found: str | None = None
    """The value as it stands in the file; None where there is none, or where it is a secret."""
    column: int | None = None
    """From 1, where the text is not valid TOML."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" + (f":{self.column}" if self.column is not None else "")
        place = f" {self.place}:" if self.place else ""
        found = f", found {self.found}" if self.found is not None else ""
        return f"{where}:{place} {self.expected}{found}"


class ConfigurationError(Exception):
    """A site file cannot be used; ``problems`` is the complete list, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
