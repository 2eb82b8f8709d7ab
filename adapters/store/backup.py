"""A ledger and its site file in one file, from a service that may be running, and back to an empty place.

The file is a gzipped tar archive of ``site.toml``, ``ledger.db`` and ``manifest.json``, which has the SHA-256 of both.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import sqlite3
import tarfile
import zlib
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Final

from controller.ports.ledger import LedgerUnavailable

FORMAT: Final = 1
SITE, LEDGER, MANIFEST = "site.toml", "ledger.db", "manifest.json"
_DAMAGE: Final = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError)
LARGEST_BYTES: Final = 64 * 2**30
"""Of one file in a backup: what claims to be larger is none."""


class BackupUnusable(ValueError):  # noqa: N818 - a state of a file, not a mistake of ours
    """A file is no backup, or not a whole one."""


def back_up(site_file: Path, ledger: Path, to: Path, at: datetime) -> None:
    """Write a backup. What the service writes meanwhile is in it whole or not at all; ``to`` is replaced at the end.

    Raises:
        LedgerUnavailable: the ledger is not there, or cannot be read.
        OSError: a file cannot be read or written.
    """
    if not ledger.exists():
        raise LedgerUnavailable(f"there is no ledger {ledger}")
    with TemporaryDirectory(dir=to.parent, prefix=".backup-") as folder:
        copy = Path(folder) / LEDGER
        try:
            with closing(_opened(ledger, "mode=ro")) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"cannot read the ledger {ledger}: {error}") from error
        site = site_file.read_bytes()
        sums = {SITE: hashlib.sha256(site).hexdigest(), LEDGER: _sum_of(copy)}
        manifest = json.dumps({"format": FORMAT, "made_at": at.isoformat(), "sha256": sums}, indent=2).encode()
        whole = Path(folder) / "whole"
        with tarfile.open(whole, "w:gz") as archive:
            _add(archive, MANIFEST, manifest)
            _add(archive, SITE, site)
            archive.add(copy, LEDGER)
        whole.chmod(0o600)  # it holds passwords
        _placed(whole, to)


def read_site(backup: Path) -> str:
    """The site file of a backup.

    Raises:
        BackupUnusable: it is none.
        OSError: it cannot be read.
    """
    try:
        with tarfile.open(backup, "r:gz") as archive:
            sums = _sums(archive)
            site = _member(archive, SITE).read()
            if hashlib.sha256(site).hexdigest() != sums[SITE]:
                raise BackupUnusable(f"{backup}: {SITE} is not what was backed up")
            return site.decode()
    except _DAMAGE as error:
        raise _unusable(backup, error) from error


def restore_ledger(backup: Path, to: Path) -> None:
    """Put the ledger of a backup where there is none; it is checked first, and is there whole or not at all.

    Raises:
        BackupUnusable: it is damaged, or there is a ledger already.
        OSError: a file cannot be read or written.
    """
    there = [path for path in (to, to.with_name(f"{to.name}-wal")) if path.exists()]
    if there:
        raise BackupUnusable(f"there is a ledger already, {there[0]}: stop the service and move it away first")
    with NamedTemporaryFile(dir=to.parent, prefix=".restore-", delete=False) as copy:
        path = Path(copy.name)
    try:
        with tarfile.open(backup, "r:gz") as archive:
            sums, member = _sums(archive), _member(archive, LEDGER)
            with path.open("wb") as target:
                while block := member.read(2**20):
                    target.write(block)
        if _sum_of(path) != sums[LEDGER] or not _is_sound(path):
            raise BackupUnusable(f"{backup}: {LEDGER} is not what was backed up")
        _placed(path, to)
    except _DAMAGE as error:
        raise _unusable(backup, error) from error
    finally:
        with suppress(FileNotFoundError):
            path.unlink()


def _unusable(backup: Path, error: Exception) -> BackupUnusable:
    return error if isinstance(error, BackupUnusable) else BackupUnusable(f"{backup} is no backup: {error}")


def _sums(archive: tarfile.TarFile) -> dict[str, str]:
    manifest = json.loads(_member(archive, MANIFEST).read())
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BackupUnusable("it is of a format that this version does not know")
    sums = manifest.get("sha256")
    if not isinstance(sums, dict) or {SITE, LEDGER} - sums.keys():
        raise BackupUnusable("its manifest is damaged")
    return sums


def _member(archive: tarfile.TarFile, name: str) -> io.BufferedReader:
    try:
        info = archive.getmember(name)
    except KeyError:
        raise BackupUnusable(f"{name} is not in it") from None
    found = archive.extractfile(info) if info.isfile() and info.size <= LARGEST_BYTES else None
    if found is None:
        raise BackupUnusable(f"{name} is no file in it")
    return found  # type: ignore[return-value]  # of a file it is one


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    archive.addfile(info, io.BytesIO(content))


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_sound(path: Path) -> bool:
    with closing(_opened(path, "immutable=1")) as connection:  # else files of its log would appear beside it
        found: list[tuple[str]] = connection.execute("PRAGMA integrity_check").fetchall()
    return found == [("ok",)]


def _opened(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)


def _placed(path: Path, to: Path) -> None:
    """Move a file into place so that no power cut leaves half of it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    path.replace(to)
    folder = os.open(to.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
