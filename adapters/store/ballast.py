"""A file whose only use is to be deleted when the disk is full.

On a full disk SQLite can neither commit nor fold its log back into the database, so nothing inside the
database can make room. The ballast can, and buys the days until somebody frees some space.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

BALLAST_BYTES: Final = 1 << 20
"""A session with its messages takes about 1.2 KiB: this is room for 500 of them and for SQLite's log."""

ROOMY_BYTES: Final = 16 * BALLAST_BYTES
"""The ballast comes back only when this much is free, so that it does not fill the disk by itself."""


class Ballast:
    """Space in reserve beside a database file."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".ballast")

    def keep(self) -> None:
        """Put the file there if it is missing and the disk has room. Never raises."""
        try:
            if not self._path.exists() and shutil.disk_usage(self._path.parent).free >= ROOMY_BYTES:
                # Random, because a file system that compresses would store zeros in no space at all.
                self._path.write_bytes(os.urandom(BALLAST_BYTES))
        except OSError:
            self.drop()

    def drop(self) -> bool:
        """Free the space; whether there was any to free. Never raises."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
