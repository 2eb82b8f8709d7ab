"""Which version of the program this is, for results that somebody may want to reproduce."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_SOURCE = Path(__file__).resolve().parent.parent
_PATIENCE_S = 10.0


@lru_cache(maxsize=1)
def commit() -> str:
    """The commit of the source tree, with ``-dirty`` where tracked files have changed; else the package's version."""
    top = _git("rev-parse", "--show-toplevel")
    head = _git("rev-parse", "HEAD")
    if head is None or top is None or Path(top).resolve() != _SOURCE:
        return _version()
    return f"{head}-dirty" if _git("status", "--porcelain", "--untracked-files=no") else head


def _git(*arguments: str) -> str | None:
    """What git says; None where it is missing, or this is not its business."""
    command = ["git", "-C", str(_SOURCE), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version() -> str:
    try:
        return version("loadstar")
    except PackageNotFoundError:
        return "unknown"
