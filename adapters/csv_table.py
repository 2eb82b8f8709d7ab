"""Tables that people fill in with a spreadsheet and hand over as CSV: read whole, or refused with every reason."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

ROWS_MOST: Final = 5_000
"""More than one site has of anything; something else was sent by mistake."""
PROBLEMS_MOST: Final = 100
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a formula."""


@dataclass(frozen=True, slots=True)
class TableProblem:
    """Why a table is refused."""

    row: int
    """The header is row 1."""
    column: str
    """Empty where it is the row as a whole."""
    value: str
    reason: str

    def __str__(self) -> str:
        """In one line."""
        place = f"row {self.row}" + (f", {self.column}" if self.column else "")
        return f"{place}: {self.reason}" + (f", found {self.value!r}" if self.value else "")


class TableRefused(Exception):  # noqa: N818 - a refusal, not a mistake of ours
    """A table cannot be taken; ``problems`` is the complete list, by row."""

    def __init__(self, problems: Iterable[TableProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.row)[:PROBLEMS_MOST])
        super().__init__("; ".join(map(str, self.problems)))


def read_table(text: bytes, columns: Sequence[str], needed: Sequence[str]) -> list[tuple[int, Mapping[str, str]]]:
    """The rows of a table with their numbers (the header is row 1), each value by its column; empty rows are left out.

    Args:
        text: CSV in UTF-8, separated by commas, semicolons or, as spreadsheets copy cells, tabulators.
        columns: all that there may be.
        needed: those that must be there.

    Raises:
        TableRefused: the shape of it is wrong, or it is empty.
    """
    lines = _lines(text)
    header = [name.strip().lower() for name in lines[0]] if lines else []
    problems = [TableProblem(1, name, "", "the column is missing") for name in needed if name not in header]
    problems += [
        TableProblem(1, name, name, f"expected the columns {', '.join(columns)}, each once at most")
        for name in header
        if name not in columns or header.count(name) > 1
    ]
    if len(lines) - 1 > ROWS_MOST:
        problems.append(TableProblem(ROWS_MOST + 2, "", "", f"expected at most {ROWS_MOST} rows"))
    rows: list[tuple[int, Mapping[str, str]]] = []
    for number, line in enumerate(lines[1:], start=2):
        if len(line) > len(header):
            problems.append(TableProblem(number, "", "", f"expected {len(header)} values, found {len(line)}"))
        elif any(value.strip() for value in line):
            rows.append((number, {name: _meant(value.strip()) for name, value in zip(header, line, strict=False)}))
    if problems:
        raise TableRefused(problems)
    if not rows:
        raise TableRefused([TableProblem(1, "", "", "holds no rows")])
    return rows


def table_text(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """A table that ``read_table`` reads back as it was."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(columns)
    table.writerows([harmless(row[column]) for column in columns] for row in rows)
    return text.getvalue()


def harmless(text: str) -> str:
    """What others have written, so that no spreadsheet takes it for a formula: with an apostrophe in front.

    >>> harmless("=1+1"), harmless("Pool car")
    ("'=1+1", 'Pool car')
    """
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def _meant(text: str) -> str:
    """What stood there before ``harmless``."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text


def _lines(text: bytes) -> list[list[str]]:
    try:
        decoded = text.decode("utf-8-sig")
        first = decoded.partition("\n")[0]
        separator = max(",;\t", key=first.count)
        return list(csv.reader(io.StringIO(decoded, newline=""), delimiter=separator, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableRefused([TableProblem(1, "", "", f"is not CSV in UTF-8: {error}")]) from None
