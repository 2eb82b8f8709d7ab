"""Where things stand in a TOML text: tomllib says what is in a file, this says in which line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

Place = tuple[str | int, ...]
"""Keys and list positions from the top of a document, e.g. ``("points", 3, "max_a")``."""

_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_KEY: Final = re.compile(r"""[ \t]*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*""")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR: Final = re.compile(r"[^,\]}#\n]*")


def dotted(path: Place) -> str:
    """Write a path as people do.

    >>> dotted(("points", 3, "max_a")), dotted(())
    ('points[3].max_a', '')
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


class Places:
    """The line of every table, key and list item of a text that tomllib has accepted."""

    def __init__(self, text: str) -> None:
        self._lines: Mapping[Place, int] = _Scanner(text).lines

    def line(self, path: Place) -> int:
        """The line [from 1] of the place, or of the nearest thing around it; 1 for what is nowhere in the file."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)


class _Scanner:
    """Walks once through a valid text. What tomllib checks is not checked again."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Place, int] = {}
        self._text = text
        self._position = 0
        self._line = 1
        self._counted = 0
        self._tables_in_array: dict[Place, int] = {}
        table: Place = ()
        self._take(_BLANK)
        while self._position < len(text):
            if self._ahead("["):
                table = self._header()
            else:
                self._key_and_value(table)
            self._take(_BLANK)

    def _header(self) -> Place:
        is_array = self._text.startswith("[[", self._position)
        self._position += 2 if is_array else 1
        path: Place = ()
        for key in self._dotted_key():
            path = self._into_last_of_array((*path, key))
        if is_array:
            # The last step went into the previous table of the array, where there was one.
            array = path[:-1] if path and isinstance(path[-1], int) else path
            number = self._tables_in_array.get(array, 0)
            self._tables_in_array[array] = number + 1
            self._mark(array)
            path = (*array, number)
        self._mark(path)
        self._position += 2 if is_array else 1
        return path

    def _into_last_of_array(self, path: Place) -> Place:
        tables = self._tables_in_array.get(path)
        return path if tables is None else (*path, tables - 1)

    def _key_and_value(self, table: Place) -> None:
        self._take(_BLANK)
        path = table
        start = self._position
        for key in self._dotted_key():
            path = (*path, key)
            self._mark(path, start)
        self._position += 1  # the equals sign
        self._value(path)

    def _value(self, path: Place) -> None:
        self._take(_BLANK)
        if self._ahead("{"):
            self._inline_table(path)
        elif self._ahead("["):
            self._array(path)
        elif self._ahead('"') or self._ahead("'"):
            self._take(_STRING)
        else:
            self._take(_SCALAR)

    def _inline_table(self, path: Place) -> None:
        self._position += 1
        self._take(_BLANK)
        while not self._ahead("}"):
            self._key_and_value(path)
            self._skip_comma()
        self._position += 1

    def _array(self, path: Place) -> None:
        self._position += 1
        self._take(_BLANK)
        number = 0
        while not self._ahead("]"):
            self._mark((*path, number))
            self._value((*path, number))
            self._skip_comma()
            number += 1
        self._position += 1

    def _skip_comma(self) -> None:
        self._take(_BLANK)
        if self._ahead(","):
            self._position += 1
            self._take(_BLANK)

    def _dotted_key(self) -> list[str]:
        keys = [self._key()]
        while self._ahead("."):
            self._position += 1
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        basic, literal, bare = self._take(_KEY).groups()
        # Escapes in quoted keys are not undone: such a key is found through the table around it.
        return str(basic if basic is not None else literal if literal is not None else bare)

    def _mark(self, path: Place, position: int | None = None) -> None:
        end = self._position if position is None else position
        if end > self._counted:
            self._line += self._text.count("\n", self._counted, end)
            self._counted = end
        self.lines.setdefault(path, self._line)

    def _ahead(self, text: str) -> bool:
        if self._position >= len(self._text):
            raise AssertionError("the text ends within a value: it was not valid TOML")
        return self._text.startswith(text, self._position)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self._text, self._position)
        if found is None:
            raise AssertionError(f"not valid TOML at character {self._position}")
        self._position = found.end()
        return found
