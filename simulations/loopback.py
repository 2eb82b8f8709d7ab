"""Ports on the loopback interface."""

from __future__ import annotations

import random
import socket
from typing import Final

HOST: Final = "127.0.0.1"
PICKED_PORTS: Final = range(15_000, 32_000)
"""Below what Linux gives to outgoing connections."""


def free_port(port: int, name: str) -> int:
    """Check that a loopback port can be listened on; 0 picks one that no client's connection can take meanwhile.

    Raises:
        OSError: it is taken; the message names the option.
    """
    if port == 0:
        candidates = random.SystemRandom().sample(PICKED_PORTS, len(PICKED_PORTS))
        return next(each for each in candidates if _problem_with(each) is None)
    if (problem := _problem_with(port)) is not None:
        raise OSError(f"{name}: cannot listen on {HOST}:{port} ({problem}); another port can be given")
    return port


def _problem_with(port: int) -> Exception | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as problem:
            return problem
    return None
