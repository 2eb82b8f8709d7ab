"""A new ledger without the wait for its migrations: they are run once in each process, and copied."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from adapters.store.ledger import open_ledger


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "ledger.db"
        open_ledger(f"sqlite:///{path}", currency="EUR", price_per_kwh=None, on_event=lambda _: None).close()
        return path.read_bytes()


def fresh_database(path: Path) -> str:
    """The URL of an empty ledger in the newest form, made there."""
    path.write_bytes(_migrated())
    return f"sqlite:///{path}"
