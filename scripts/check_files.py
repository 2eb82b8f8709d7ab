"""Checks that files name no package index and no path of one machine, and that nothing stray is committed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts.repository import ROOT, files, report, text_of

LARGEST_BYTES: Final = 1 << 20
"""Larger files are data or products; neither belongs here."""

NEVER_COMMITTED: Final = {"uv.lock": "it names the hosts of package indexes; constraints*.txt hold the pins"}

# Written so that no pattern matches this file.
PATTERNS: Final = {
    "names a package index": re.compile(
        r"pypi[.]org/|pythonhosted[.]org|npmjs[.]org|-index-ur[l]|\"resolved\": *\"http"
    ),
    "names a path of one machine": re.compile(r"(?<![\w.~}])/(?:root|Users|home/\w+|wor[k])/"),
    "has a conflict marker": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
}


def problems_in(path: Path) -> Iterator[str]:
    """Everything wrong with one file."""
    name = path.relative_to(ROOT)
    if path.name in NEVER_COMMITTED:
        yield f"{name}: must not be committed: {NEVER_COMMITTED[path.name]}"
    if path.stat().st_size > LARGEST_BYTES:
        yield f"{name}: larger than {LARGEST_BYTES} bytes"
    text = text_of(path)
    if text is None:
        return
    if text and not text.endswith("\n"):
        yield f"{name}: does not end with a newline"
    for what, pattern in PATTERNS.items():
        for match in pattern.finditer(text):
            yield f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {what}: {match.group()}"


def main() -> int:
    """Check every file."""
    paths = files()
    problems = [problem for path in paths for problem in problems_in(path)]
    if "Apache License" not in (ROOT / "LICENSE").read_text():
        problems.append("LICENSE: expected the Apache License")
    return report(problems, f"{len(paths)} files are in order.")


if __name__ == "__main__":
    sys.exit(main())
