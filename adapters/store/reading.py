"""Questions to a ledger that somebody else may be writing: nothing is created, migrated or changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import SQLAlchemyError

from adapters.store.database import HEAD, reading_engine, revision, sqlite_path
from controller.ports.ledger import LedgerUnavailable

T = TypeVar("T")


def asked(url: str, query: Callable[[Connection], T]) -> T:
    """What the ledger answers; blocks.

    Args:
        url: as for ``open_ledger``.
        query: asks.

    Raises:
        LedgerUnavailable: there is none, it cannot be read, or another version of the program has written it.
    """
    parsed = make_url(url)
    path, shown = sqlite_path(parsed), parsed.render_as_string(hide_password=True)
    if path is not None and not path.exists():
        raise LedgerUnavailable(f"there is no ledger {path}")
    engine = reading_engine(url)
    try:
        with engine.connect() as connection:
            if (found := revision(connection)) != HEAD:
                raise LedgerUnavailable(
                    f"the ledger {shown} is of revision {found}, this program of {HEAD}; run it once"
                )
            return query(connection)
    except SQLAlchemyError as error:
        raise LedgerUnavailable(f"cannot read the ledger {shown}: {error.__cause__ or error}") from error
    finally:
        engine.dispose()
