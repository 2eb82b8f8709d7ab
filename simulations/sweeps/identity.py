"""Which code a result comes from."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

PACKAGES: Final = ("controller", "adapters", "simulations")
KINDS: Final = {".py", ".json", ".toml", ".csv"}
NUMERICS: Final = ("numpy", "scipy")
"""Libraries whose version may change the last digits of a result."""


def _code_identity() -> str:
    total = hashlib.sha256(platform.python_version().encode())
    for name in NUMERICS:
        total.update(f"{name} {version(name)}".encode())
    root = Path(__file__).resolve().parents[2]
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.suffix in KINDS and not name.startswith("adapters/web/"):  # pages decide no result
                total.update(name.encode())
                total.update(path.read_bytes())
    return total.hexdigest()[:16]


_IDENTITY: Final = _code_identity()
"""Of the files as they are when they are loaded; somebody may edit them while a sweep runs."""


def code_identity() -> str:
    """A digest of Loadstar's sources and of the versions below them, equal on machines that run the same.

    A commit would not do: sources that are being worked on differ from it.
    """
    return _IDENTITY
