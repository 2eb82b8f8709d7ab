"""Real programs for tests to talk to, each on a port of its own, ended by process id."""

from __future__ import annotations

import asyncio
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

START_S = 30.0
WITHIN_S = 30.0
"""How long a busy machine may take for what normally takes moments."""


def free_port() -> int:
    """A TCP port that nothing listens on at this moment, and that no outgoing connection will be given either.

    Linux takes source ports from 32768 on. One of those could be gone while the program that it is for restarts;
    a client that dials a silent one may even meet itself.
    """
    while True:
        port = random.SystemRandom().randrange(15_000, 32_000)  # no seed repeats it
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


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
        deadline = time.monotonic() + START_S
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
                self._process.wait(START_S)
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
