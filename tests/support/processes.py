"""Real programs for tests to talk to, each on a port of its own, ended by process id."""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

WITHIN_S = 60.0
"""How long a busy machine may take for what normally takes moments."""

_PORTS = range(10_000, 15_000)
"""Below those that ``simulations.loopback`` picks, and those that Linux gives to outgoing connections."""

_given: set[int] = set()


def free_port() -> int:
    """A TCP port that nothing listens on, and that nobody else is given as long as this process lives.

    It may so be silent for a while: while the program that it is for starts, or is started again.
    """
    while True:
        port = random.SystemRandom().choice(_PORTS)  # no seed repeats it
        with socket.socket() as probe, suppress(OSError):
            fcntl.lockf(_book_of_ports(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port


@cache
def _book_of_ports() -> int:
    """A file in which whoever was given a port holds a lock on the byte of that number, until the process ends."""
    path = Path(tempfile.gettempdir()) / f"loadstar-test-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def program(name: str, package: str) -> str:
    """Where a program is, also outside the PATH of ordinary users.

    Raises:
        RuntimeError: it is not installed.
    """
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        raise RuntimeError(f"{name} not found: these tests need the Debian package {package}")
    return found


class Program:
    """One running program that listens on ``port``."""

    def __init__(self, command: Sequence[str], port: int, directory: Path) -> None:
        self._command = list(command)
        self._port = port
        self._directory = directory
        self._log = directory / f"{Path(command[0]).name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it accepts connections.

        Raises:
            RuntimeError: it does not.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._directory)
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"{self._command[0]} did not start:\n{self._log.read_text(errors='replace')}")

    def stop(self) -> None:
        """End it; again is harmless."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


async def until(condition: Callable[[], object], what: str, within_s: float = WITHIN_S) -> None:
    """Wait for something to become true.

    Raises:
        AssertionError: it does not.
    """
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s} s in vain for {what}"
        await asyncio.sleep(0.02)
