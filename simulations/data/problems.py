"""What is wrong with data from elsewhere: what keeps a file from being used, and what is only counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import ValidationError

from adapters.configuration.describe import expectation
from adapters.configuration.describe import shown as described
from adapters.configuration.places import dotted
from adapters.configuration.problems import Problem
from simulations.scenario.model import DataNote

EXAMPLES_MAX: Final = 10
"""So many rows with one and the same mistake are listed; of the others it is said how many they are."""

UNREADABLE_SHARE_MAX: Final = 0.5
"""If more of the rows than this cannot be read, the file is not what it was taken for."""

FOUND_MAX: Final = 60
"""Characters shown of a value: enough to recognise it."""

_INDEX: Final = re.compile(r"\[\d+\]")


class DataError(Exception):
    """A file cannot be used; ``problems`` lists everything that is wrong, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(_listed(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ValueProblem(ValueError):  # noqa: N818 - one of many that make an error
    """A single value is not what it should be; its text says what was expected."""


def shown(value: object) -> str:
    """A value as a person may see it, short enough for a line."""
    text = repr(value)
    return text if len(text) <= FOUND_MAX else f"{text[: FOUND_MAX - 1]}…"


def file_problem(name: str, expected: str, found: object = None, line: int = 1, place: str = "") -> DataError:
    """A file that has one thing wrong with it as a whole."""
    return DataError([Problem(name, line, place, expected, None if found is None else shown(found))])


def invalid_document(name: str, refused: ValidationError) -> DataError:
    """A JSON file that is not what its model wants, with everything that is wrong with it."""
    return DataError(
        [
            Problem(name, 1, dotted(error["loc"]), expectation(error), described(error["input"], error["loc"]))
            for error in refused.errors(include_url=False)
        ]
    )


def unreadable_note(source: str, rows: int, unreadable: Sequence[Sequence[Problem]]) -> tuple[DataNote, ...]:
    """Count rows that could not be read; they are left out.

    Args:
        source: The file.
        rows: How many rows it has, readable or not.
        unreadable: What is wrong with each that cannot be read.

    Raises:
        DataError: they are more than ``UNREADABLE_SHARE_MAX`` of all.
    """
    if len(unreadable) > UNREADABLE_SHARE_MAX * rows:
        raise DataError([problem for row in unreadable for problem in row])
    if not unreadable:
        return ()
    return (DataNote(source, f"rows that cannot be read (first: {unreadable[0][0]})", len(unreadable), "left out"),)


def _listed(problems: Sequence[Problem]) -> Iterable[Problem]:
    """Each kind of mistake with its first places, and how often it is there besides."""
    total = Counter(_kind(problem) for problem in problems)
    seen: Counter[tuple[str, str, str]] = Counter()
    for problem in problems:
        kind = _kind(problem)
        seen[kind] += 1
        if seen[kind] <= EXAMPLES_MAX:
            yield problem
        elif seen[kind] == total[kind]:
            hidden = total[kind] - EXAMPLES_MAX
            what = f"{problem.expected}; so in {hidden} more places, of which this is the last"
            yield Problem(problem.file, problem.line, problem.place, what, problem.found)


def _kind(problem: Problem) -> tuple[str, str, str]:
    return problem.file, _INDEX.sub("", problem.place), problem.expected
