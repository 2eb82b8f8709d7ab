"""A site that is meant to be killed, at a moment of its own choice: when it passes a label for the n-th time.

``python -m tests.durability.forwarding_site FOLDER PORT OFFICE_URL [LABEL N]``
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import adapters.ocpp.upstream.channel
import adapters.ocpp.upstream.link
import controller.hub_satellite.outbox
from adapters.ocpp.upstream.back_office import BackOffice
from adapters.store.ledger import SqlLedger
from controller.ports.devices import Direction
from tests.support.forwarded import forwarded


class Fate:
    """Ends this process as ``kill -9`` does, when a label is passed for the n-th time."""

    def __init__(self, label: str, number: int) -> None:
        self._label, self._left = label, number
        self._actions: dict[tuple[str, str], str] = {}

    def passes(self, label: str) -> None:
        if label == self._label:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def frame(self, station: str, direction: Direction, raw: str | bytes) -> None:
        """Labels of frames: a charger's call is heard and answered, the back office is told and has taken it."""
        kind, message_id, *rest = json.loads(raw)
        upstairs = ":" in station
        if kind == 2 and (direction is Direction.OUT) == upstairs:
            self._actions[station, message_id] = rest[0]
            self.passes(f"{'told' if upstairs else 'heard'} {rest[0]}")
        elif kind == 3 and (action := self._actions.pop((station, message_id), None)) is not None:
            self.passes(f"{'taken' if upstairs else 'answered'} {action}")

    def ledger(self, ledger: SqlLedger) -> None:
        """Labels of what goes on record: before its commit, and after it."""
        for owner, name in (
            (ledger, "start_transaction"),
            (ledger, "stop_transaction"),
            (ledger.outbox, "post"),
            (ledger.outbox, "settle"),
        ):
            setattr(owner, name, self._around(name, getattr(owner, name)))

    def _around(self, name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def wrapped(*arguments: Any) -> Any:
            self.passes(f"before {name}")
            result = await method(*arguments)
            self.passes(f"after {name}")
            return result

        return wrapped


async def main(folder: str, port: str, office: str, label: str = "", number: str = "1") -> None:
    adapters.ocpp.upstream.channel.ANSWER_S = 0.3  # type: ignore[misc]
    adapters.ocpp.upstream.channel.LIVE_BOOT_S = 0.1  # type: ignore[misc]
    adapters.ocpp.upstream.link.PAUSE_FIRST_S = 0.1  # type: ignore[misc]
    controller.hub_satellite.outbox.PER_S = 200.0  # type: ignore[misc]
    fate = Fate(label, int(number))
    async with forwarded(
        Path(folder), BackOffice("office", office), port=int(port), on_frame=fate.frame, prepare=fate.ledger
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
