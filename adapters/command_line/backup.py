"""The commands ``backup`` and ``restore``: the ledger and the site file in one file, and back."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Final, NoReturn

import typer

from adapters.configuration import ConfigurationError, load_configuration
from controller.ports.ledger import LedgerUnavailable

_BAD_INPUT: Final = 2

SiteFile = Annotated[Path, typer.Option("--config", metavar="SITE.toml", help="The site file.")]


def backup(file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to.")], config: SiteFile) -> None:
    """Put the ledger and the site file into one file; the service may be running.

    It holds what the site file and the ledger hold, passwords among it: keep it as you keep them.
    """
    from adapters.store.backup import back_up  # noqa: PLC0415 - other commands do without the database

    try:
        back_up(config, _ledger(config), file, datetime.now(UTC))
    except (LedgerUnavailable, OSError) as error:
        _refuse(str(error))


def restore(file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")], config: SiteFile) -> None:
    """Put the ledger and the site file of a backup where there are none; the service must not be running."""
    from adapters.store.backup import BackupUnusable, read_site, restore_ledger  # noqa: PLC0415

    try:
        site = read_site(file)
        if config.exists() and config.read_text(encoding="utf-8") != site:
            _refuse(f"{config} is there already, and another than that of the backup: move it away first")
        with NamedTemporaryFile("w", dir=config.parent, prefix=".restore-", suffix=".toml", encoding="utf-8") as copy:
            copy.write(site)
            copy.flush()
            ledger = _ledger(Path(copy.name))  # relative paths begin at the site file
        restore_ledger(file, ledger)
        if not config.exists():
            with open(config, "x", encoding="utf-8", opener=_for_its_owner) as target:
                target.write(site)
    except (BackupUnusable, OSError) as error:
        _refuse(str(error))


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _ledger(config: Path) -> Path:
    from sqlalchemy import make_url  # noqa: PLC0415

    from adapters.store.database import sqlite_path  # noqa: PLC0415

    try:
        configuration = load_configuration(config, os.environ)
    except ConfigurationError as error:
        _refuse("\n".join(map(str, error.problems)))
    path = sqlite_path(make_url(configuration.store_url))
    if path is None:
        _refuse("this ledger is in PostgreSQL: back it up with pg_dump, and restore it with pg_restore")
    return path


def _refuse(problem: str) -> NoReturn:
    typer.echo(problem, err=True)
    raise typer.Exit(_BAD_INPUT)
