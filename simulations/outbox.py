"""What a charger owes the central system about its transactions: kept in order, however long the connection is away."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from simulations.connectors import Transaction

CAPACITY: Final = 2000
"""A charger's memory: at one sample per 10 s, five hours away from the central system."""


class Kind(StrEnum):
    """The transaction-related messages of OCPP 1.6 §3.7."""

    START = "StartTransaction"
    VALUES = "MeterValues"
    STOP = "StopTransaction"


@dataclass(slots=True)
class Message:
    """One message to deliver. The transaction's id is filled in when it is sent: the start may not be answered yet."""

    kind: Kind
    connector: int
    transaction: Transaction
    fields: dict[str, Any] = field(default_factory=dict)
    attempts: int = 0
    number: int | None = None
    """The number that it was sent under (OCPP 2.x); None: it was not."""


class Outbox:
    """First in, first out; when full, the oldest meter values make room, never the start or end of a transaction."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._messages: deque[Message] = deque()
        self._capacity = capacity
        self.dropped = 0
        """Meter values that found no room."""

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages)

    def append(self, message: Message) -> None:
        """Queue a message behind all others."""
        self._messages.append(message)
        if len(self._messages) > self._capacity:
            for kept in self._messages:
                if kept.kind is Kind.VALUES:
                    self._messages.remove(kept)
                    self.dropped += 1
                    return

    def head(self) -> Message | None:
        """The oldest message, or None."""
        return self._messages[0] if self._messages else None

    def done(self, message: Message) -> None:
        """The head has been delivered, or given up."""
        assert self.head() is message, "only the head can be done"
        self._messages.popleft()
