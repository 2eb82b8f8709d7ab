"""Paths into JSON documents, as site files write them: ``data.l1.current``, ``phases[0].a``, ``[2]``."""

from __future__ import annotations

import re
from typing import Any, Final

JsonPath = tuple[str | int, ...]

_STEP: Final = re.compile(r"(?:^|(?<=.)\.)([^.\[\]]+)|\[(\d+)\]")


def parse_path(text: str) -> JsonPath:
    """Read a path; the empty one means the document itself.

    Raises:
        ValueError: it is not a path.

    >>> parse_path("data.phases[0].a"), parse_path("[2]"), parse_path("")
    (('data', 'phases', 0, 'a'), (2,), ())
    """
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            raise ValueError(f"{text!r} is not a path such as 'data.l1.current' or 'phases[0].a'")
        steps.append(step[1] if step[1] is not None else int(step[2]))
        position = step.end()
    return tuple(steps)


def follow(document: Any, path: JsonPath) -> Any:
    """What stands at the end of the path.

    Raises:
        LookupError: the document has no such place.
    """
    for step in path:
        fits = isinstance(document, list) if isinstance(step, int) else isinstance(document, dict)
        if not fits:
            raise LookupError(step)
        document = document[step]
    return document
