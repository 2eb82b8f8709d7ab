"""Which version of the program this is, for results that somebody may want to reproduce."""

from __future__ import annotations

import subprocess
from functools import cache

from adapters import origin

_PATIENCE_S = 10.0


@cache
def commit() -> str:
    """The commit of the source tree, with ``-dirty`` where tracked files have changed; else the package's version."""
    code = origin.origin()
    changed = _is_changed()
    if code.commit is None or changed is None:
        return code.version
    return f"{code.commit}-dirty" if changed else code.commit


def _is_changed() -> bool | None:
    """Whether git says so; None where it cannot tell."""
    command = ["git", "-C", str(origin.ROOT), "status", "--porcelain", "--untracked-files=no"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return bool(done.stdout.strip())
