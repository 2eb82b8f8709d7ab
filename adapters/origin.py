"""Which code is running: its version, its commit where that can be told, and a digest of the controller's sources."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_DIGEST: Final = 16


@dataclass(frozen=True, slots=True)
class Origin:
    """What a file says of the program that wrote it."""

    version: str
    commit: str | None
    """Of the work tree that the program runs from; None where it is installed without one."""
    controller: str
    """Digest of the sources of the core: the same text, the same decisions."""


@cache
def origin() -> Origin:
    """Of this process. Reads some files at its first call."""
    try:
        name = version("loadstar")
    except PackageNotFoundError:
        name = "unknown"
    return Origin(name, _commit(ROOT / ".git"), _digest(ROOT / "controller"))


def _digest(package: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        if path.parent.name == "explain":  # it decides nothing
            continue
        total.update(path.relative_to(package).as_posix().encode())
        total.update(path.read_bytes())
    return total.hexdigest()[:_DIGEST]


def _commit(git: Path) -> str | None:
    """The commit that is checked out, from git's own files: a site's computer need not have git."""
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (git / name).is_file():
            return (git / name).read_text().strip()
        packed = (line.split() for line in (git / "packed-refs").read_text().splitlines())
        return next((row[0] for row in packed if row[1:] == [name]), None)
    except OSError:
        return None
