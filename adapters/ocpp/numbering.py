"""The numbers of one transaction's messages: which are missing, and which came before (OCPP 2.0.1 E01, E04)."""

from __future__ import annotations

from typing import Final

_MOST_MISSING: Final = 10_000
"""A station that jumps further has not lost so many messages: it numbers them in its own way."""


class Numbering:
    """Numbers that should come one after the other, and may come late or again."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._missing: set[int] = set()

    @property
    def complete(self) -> bool:
        """Whether no number between those that came is missing."""
        return not self._missing

    def newest(self, number: int | None) -> bool:
        """Take down a number; returns whether it is newer than all before. One that is not given always is.

        >>> numbering = Numbering()
        >>> [numbering.newest(number) for number in (0, 1, 4, 4, 2)], numbering.complete
        ([True, True, True, False, False], False)
        >>> numbering.newest(3), numbering.complete
        (False, True)
        """
        if number is None:
            return True
        self._missing.discard(number)
        last = self._last
        if last is not None and number <= last:
            return False
        if last is not None and number - last <= _MOST_MISSING:
            self._missing.update(range(last + 1, number))
        self._last = number
        return True
