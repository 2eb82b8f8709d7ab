"""A data file, opened: a table, a JSON document or a database, whatever its content says that it is."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from adapters.configuration.problems import Problem
from simulations.data.problems import DataError, file_problem, invalid_document

Model = TypeVar("Model", bound=BaseModel)

FILE_BYTES_MAX: Final = 512 << 20
"""A year of ten thousand points needs a fifth of it; this keeps a wrong file, or a gzip bomb, out of the memory."""

_GZIP: Final = b"\x1f\x8b"
_SQLITE: Final = b"SQLite format 3\0"
_JSON: Final = ("{", "[", '"{', '"[')
"""How JSON begins; the last two when it was written as text within JSON."""


@dataclass(frozen=True)
class Table:
    """A CSV file: comma, semicolon or tab between the values, names in the first row."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, list[str]], ...]
    """Line number (from 1) and cells of every row that is not blank."""
    decimal_comma: bool
    """Where a semicolon parts the values, a comma may part the decimals."""

    def width_problem(self, line: int, cells: list[str]) -> Problem | None:
        """What is wrong with the number of values in a row."""
        if len(cells) == len(self.header):
            return None
        return Problem(self.name, line, "", f"expected {len(self.header)} values, as in the first row", f"{len(cells)}")


@dataclass(frozen=True)
class Document:
    """A JSON file."""

    name: str
    data: Any


@dataclass(frozen=True)
class Database:
    """A SQLite file, or a database that a URL names."""

    name: str
    """Never with the password that a URL may hold."""
    url: str = ""
    content: bytes = b""
    """Of a SQLite file that came compressed, in place of a URL."""


Content = Table | Document | Database


def opened(path: Path) -> Content:
    """Read a file, compressed by gzip or not, and see what it is.

    Raises:
        DataError: it cannot be read, or is none of the three.
    """
    name = str(path)
    packed = _read(path)
    content = _unpacked(name, packed)
    if content.startswith(_SQLITE):
        return Database(name, content=content) if packed.startswith(_GZIP) else Database(name, f"sqlite:///{path}")
    text = _text(name, content)
    return _document(name, text) if text.lstrip().startswith(_JSON) else _table(name, text)


def read_model(path: Path, model: type[Model]) -> Model:
    """Read a JSON file that is to be what a model describes.

    Raises:
        DataError: the file cannot be used, with everything that is wrong with it.
    """
    content = opened(path)
    if not isinstance(content, Document):
        raise file_problem(str(path), "expected a JSON file")
    try:
        return model.model_validate_json(json.dumps(content.data))
    except ValidationError as refused:
        raise invalid_document(str(path), refused) from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise file_problem(str(path), f"cannot be read: {reason}") from None
    return _bounded(str(path), content)


def _unpacked(name: str, content: bytes) -> bytes:
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            return _bounded(name, packed.read(FILE_BYTES_MAX + 1))
    except (OSError, EOFError, zlib.error) as error:
        raise file_problem(name, f"is not valid gzip: {error}") from None


def _bounded(name: str, content: bytes) -> bytes:
    if len(content) > FILE_BYTES_MAX:
        raise file_problem(name, f"is larger than {FILE_BYTES_MAX >> 20} MiB")
    return content


def _text(name: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise file_problem(name, "is not UTF-8 text", line=line) from None
    if not text.strip():
        raise file_problem(name, "is empty")
    return text


def _document(name: str, text: str) -> Document:
    try:
        data = json.loads(text)
        return Document(name, json.loads(data) if isinstance(data, str) else data)
    except json.JSONDecodeError as error:
        problem = Problem(name, error.lineno, "", f"is not valid JSON: {error.msg}", column=error.colno)
    except RecursionError:
        problem = Problem(name, 1, "", "is nested too deeply")
    except ValueError:  # int() refuses literals of thousands of digits, without saying where
        problem = Problem(name, 1, "", "holds a number of too many digits")
    raise DataError([problem])


def _table(name: str, text: str) -> Table:
    first = next(line for line in text.splitlines() if line.strip())
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        numbered = [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise file_problem(name, f"is not valid CSV: {error}", line=reader.line_num) from None
    line, names = numbered[0]
    header = tuple(cell.strip() for cell in names)
    twice = [cell for cell, count in Counter(header).items() if count > 1 and cell]
    if twice:
        raise DataError([Problem(name, line, cell, "is the name of more than one column") for cell in twice])
    return Table(name, header, tuple(numbered[1:]), decimal_comma=delimiter == ";")
