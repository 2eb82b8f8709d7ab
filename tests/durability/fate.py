"""How a process of a test is killed at a moment of its own choice: when it passes a label for the n-th time."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from adapters.store.ledger import SqlLedger
from controller.ports.devices import Direction


class Fate:
    """Ends this process as ``kill -9`` does, when a label is passed for the n-th time; 0: never."""

    def __init__(self, label: str, number: int) -> None:
        self._label, self._left = label, number
        self._actions: dict[tuple[str, str], str] = {}

    def passes(self, label: str) -> None:
        if label == self._label:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def frame(self, station: str, direction: Direction, raw: str | bytes) -> None:
        """Labels of frames: a charger's call is heard and answered, a back office is told and has taken it."""
        kind, message_id, *rest = json.loads(raw)
        office = station.rpartition(":")[0]
        asks, answers = ("told", "taken") if office else ("heard", "answered")
        if office == "audit":
            asks, answers = f"hub {asks}", f"hub {answers}"
        if kind == 2 and (direction is Direction.OUT) == bool(office):
            self._actions[station, message_id] = rest[0]
            self.passes(f"{asks} {rest[0]}")
        elif kind == 3 and (action := self._actions.pop((station, message_id), None)) is not None:
            self.passes(f"{answers} {action}")

    def ledger(self, ledger: SqlLedger) -> None:
        """Labels of what goes on record: before its commit, and after it."""
        for owner, name in (
            (ledger, "start_transaction"),
            (ledger, "stop_transaction"),
            (ledger.outbox, "post"),
            (ledger.outbox, "settle"),
        ):
            setattr(owner, name, self._around(name, getattr(owner, name)))

    def named(self, name: str, _about: Any) -> str:
        """What is done, in the words of labels."""
        return name

    def _around(self, name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def wrapped(*arguments: Any) -> Any:
            what = self.named(name, arguments[0])
            self.passes(f"before {what}")
            result = await method(*arguments)
            self.passes(f"after {what}")
            return result

        return wrapped
