"""A throw-away PostgreSQL server on a Unix socket, from the binaries of the machine."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

START_S = 60.0
_USER = "postgres"


@contextmanager
def postgres_server() -> Iterator[str]:
    """Run a server; yields the URL of its database.

    Raises:
        RuntimeError: the binaries are missing, or the server does not start.
    """
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    data = directory / "data"
    as_user = _unprivileged(directory)
    try:
        initialise = [_binary("initdb"), "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initialise, check=True, stdout=subprocess.DEVNULL, cwd=directory, **as_user)
        serve = [_binary("postgres"), "-D", data, "-k", directory, "-c", "listen_addresses="]
        serve += ["-c", "fsync=off", "-c", "autovacuum=off"]
        with (directory / "log").open("wb") as log:
            server = subprocess.Popen(serve, stdout=log, stderr=log, cwd=directory, **as_user)
        try:
            _await_server(server, directory)
            yield f"postgresql+psycopg://{_USER}@/postgres?host={directory}"
        finally:
            server.send_signal(signal.SIGQUIT)  # at once, for nobody will ask it again
            server.wait(START_S)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def create_schema(url: str, name: str) -> str:
    """Create a user with an empty schema, which costs a hundredth of a database; return the URL of that user.

    PostgreSQL looks for tables in the schema that is called like the user, and creates them there.
    """
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute(f"CREATE SCHEMA AUTHORIZATION {name}")
    return url.replace(f"{_USER}@", f"{name}@")


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
