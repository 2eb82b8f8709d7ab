"""Real programs for tests to talk to, each on a port of its own, ended by process id."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import cycle
from pathlib import Path

WITHIN_S = 60.0
"""How long a busy machine may take for what normally takes moments."""

_SHARES = [range(first, first + 500) for first in range(10_000, 15_000, 500)]
"""Below the ports that ``simulations.loopback`` picks, and those that Linux gives to outgoing connections."""


def _share() -> Iterator[int]:
    """The ports of this process among those that run tests side by side, over and over, from anywhere on."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = _SHARES[worker % len(_SHARES)]
    first = random.SystemRandom().randrange(len(ports))  # no seed repeats it
    return cycle([*ports[first:], *ports[:first]])


_PORTS = _share()


def free_port() -> int:
    """A TCP port that nothing listens on, and that nobody else will be given before it is listened on.

    Nor is it given to an outgoing connection: it would be gone while the program that it is for restarts, and a client
    that dials a silent one may even meet itself.
    """
    while True:
        port = next(_PORTS)
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
