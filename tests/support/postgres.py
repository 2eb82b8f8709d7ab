"""A throw-away PostgreSQL server on a Unix socket, from the binaries of the machine."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

START_S = 30.0
_USER = "postgres"


@contextmanager
def postgres_server() -> Iterator[str]:
    """Run a server; yields its URL without a database name's content, to be formatted with ``database``.

    Raises:
        RuntimeError: the binaries are missing, or the server does not start.
    """
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    data = directory / "data"
    as_user = _unprivileged(directory)
    try:
        initialise = [_binary("initdb"), "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initialise, check=True, stdout=subprocess.DEVNULL, cwd=directory, **as_user)
        serve = [_binary("postgres"), "-D", data, "-k", directory, "-c", "listen_addresses=", "-c", "fsync=off"]
        with (directory / "log").open("wb") as log:
            server = subprocess.Popen(serve, stdout=log, stderr=log, cwd=directory, **as_user)
        try:
            _await_server(server, directory)
            yield f"postgresql+psycopg://{_USER}@/{{database}}?host={directory}"
        finally:
            server.terminate()
            server.wait(START_S)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def create_database(url_format: str, name: str) -> str:
    """Create an empty database; return its URL."""
    with psycopg.connect(_plain(url_format.format(database="postgres")), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return url_format.format(database=name)


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")


def _unprivileged(directory: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root; Debian's package brings a user for it."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam(_USER)
    os.chown(directory, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _binary(name: str) -> str:
    candidates = [shutil.which(name), *map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))]
    found = [candidate for candidate in candidates if candidate]
    if not found:
        raise RuntimeError(f"{name} not found: these tests need the Debian package postgresql")
    return found[-1]


def _await_server(server: subprocess.Popen[bytes], directory: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            psycopg.connect(host=str(directory), user=_USER, dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("PostgreSQL did not start:\n" + (directory / "log").read_text(errors="replace"))
