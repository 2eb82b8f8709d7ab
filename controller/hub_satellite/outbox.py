"""What a back office is still to be told: in the order in which it happened at each station, each once, at a pace.

An entry is written in the same transaction as the event that it tells of, and keeps its message id for ever: a back
office that gets it twice, because its answer was lost, can tell. Nothing here sends or stores anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

PER_S: Final = 5.0
"""Messages of one station a second, at most, while what was missed is told: back offices have many stations."""

REFUSALS_MOST: Final = 5
"""A message that was refused so often is set aside; what comes after it must not wait for ever."""

UNDECIDED: Final = ""
"""Stands for the back office of a transaction whose token is not known yet; its messages wait until it is."""

_WITHIN: Final = frozenset({"csChargingProfiles", "chargingProfile"})
"""Where a payload may name its transaction once more."""

PAUSES_S: Final = (1.0, 5.0, 30.0, 120.0)
"""After the first refusal, the second, and so on [s]."""


class Standing(StrEnum):
    """What has become of an entry."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    SET_ASIDE = "set_aside"
    """Refused too often: somebody has to look at it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message for one back office, not on record yet."""

    upstream: str
    station: str
    message_id: str
    """It keeps it for ever, however often it is sent."""
    action: str
    frame: str
    """The whole frame, as it is to be sent but for the ids of transactions that the back office names otherwise."""
    key: str
    """What it says, in short: of two letters with one key only the first is kept."""
    happened_at: datetime
    transaction_id: str | None = None
    """Of the transaction that it is about, as its charger knows it; None: of none, or of the one that it begins."""
    session: str | None = None
    """Of the ledger; the one whose transaction it is. None, before it is on record: the one that the id above says."""


@dataclass(frozen=True, slots=True)
class Entry(Letter):
    """A letter on record."""

    number: int = 0
    """Rises with every entry of the ledger: the order in which things happened."""
    theirs: str | None = None
    """How the back office calls that transaction, as far as it has said."""
    refusals: int = 0
    standing: Standing = Standing.WAITING


class Answer(StrEnum):
    """How a back office took a message."""

    TAKEN = "taken"
    REFUSED = "refused"
    """It answered with an error: the same message again will hardly fare better."""
    NONE = "none"
    """Nothing came, or the connection ended: it may have taken it or not."""


@dataclass(frozen=True, slots=True)
class Next:
    """What to do with an entry after it was sent."""

    standing: Standing
    refusals: int
    again_in_s: float | None = None
    """When to send it again; None: never, or as soon as it can be."""


def after(entry: Entry, answer: Answer) -> Next:
    """What becomes of an entry by the answer to it.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    >>> entry = Entry("office", "CP01", "a", "StopTransaction", "[2]", "k", noon, refusals=3)
    >>> after(entry, Answer.REFUSED)
    Next(standing=<Standing.WAITING: 'waiting'>, refusals=4, again_in_s=120.0)
    >>> after(entry, Answer.NONE).refusals
    3
    """
    if answer is Answer.TAKEN:
        return Next(Standing.DELIVERED, entry.refusals)
    if answer is Answer.NONE:
        return Next(Standing.WAITING, entry.refusals)
    refusals = entry.refusals + 1
    if refusals >= REFUSALS_MOST:
        return Next(Standing.SET_ASIDE, refusals)
    return Next(Standing.WAITING, refusals, PAUSES_S[refusals - 1])


@dataclass(slots=True)
class Pace:
    """Keeps one station's messages apart while what was missed is told."""

    _free_s: float = 0.0

    def wait_s(self, monotonic_s: float) -> float:
        """How long to wait before the next message [s]; call it once for each."""
        begins_s = max(self._free_s, monotonic_s)
        self._free_s = begins_s + 1.0 / PER_S
        return begins_s - monotonic_s


def renamed(payload: Mapping[str, Any], transactions: Mapping[str, str]) -> dict[str, Any]:
    """An OCPP 1.6 payload with the transaction ids of the other side, at its top and in a charging profile in it.

    Args:
        payload: of StopTransaction, MeterValues, RemoteStopTransaction, SetChargingProfile and the like.
        transactions: their ids by ours, or ours by theirs, as text.

    >>> renamed({"transactionId": 7, "meterStop": 9}, {"7": "4711"})
    {'transactionId': 4711, 'meterStop': 9}
    >>> renamed({"transactionId": "a"}, {"7": "4711"})
    {'transactionId': 'a'}
    """
    changed = {
        name: renamed(value, transactions) if name in _WITHIN and isinstance(value, Mapping) else value
        for name, value in payload.items()
    }
    other = transactions.get(str(changed.get("transactionId")))
    if other is not None:
        changed["transactionId"] = int(other)
    return changed


@dataclass(frozen=True, slots=True)
class Settled:
    """What has become of an entry, to be put on record at once."""

    entry: Entry
    next: Next
    theirs: str | None = None
    """The id that the back office has given the transaction which the entry begins."""
    adopted: bool = False
    """Whether the charger is told that id, so that it is the transaction's only one."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What a back office has been written of a running session."""

    last_key: str
    """Of the newest letter, delivered or not."""
    theirs: str | None
    """How it calls the session's transaction, as far as it has said."""


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for one back office of one station."""

    upstream: str
    station: str
    waiting: int
    oldest_at: datetime | None
    """When what has waited longest happened."""
    set_aside: int


class Outbox(Protocol):
    """Letters on record, each until it is answered. Every method raises ``LedgerUnavailable``."""

    async def post(self, letters: Sequence[Letter]) -> None:
        """Put letters on record; of those that are there already nothing changes."""
        ...

    async def head(self, upstream: str, station: str, most: int) -> Sequence[Entry]:
        """The entries that come next, in order."""
        ...

    async def entry(self, letter: Letter) -> Entry | None:
        """The entry of a letter that may be on record."""
        ...

    async def settle(self, settled: Settled) -> None:
        """Put on record what has become of an entry; it is on disk on return."""
        ...

    async def transaction_id(self, session: str) -> str | None:
        """The id of a session's transaction, as its charger knows it."""
        ...

    async def theirs(self, upstream: str, station: str) -> Mapping[str, str]:
        """How a back office calls the running transactions of a station, by how the charger calls them."""
        ...

    async def owners(self, station: str, upstreams: Collection[str]) -> Mapping[str, str]:
        """Which of these back offices each transaction of a station was told to, by how the charger calls it."""
        ...

    async def assign(self, station: str, transaction_id: str | None, upstream: str) -> None:
        """Have a back office told what waits undecided, of one transaction of a station or (None) of all."""
        ...

    async def posted(self, upstream: str, station: str) -> Mapping[str, Posted]:
        """What a back office has been written of the sessions that run, by session."""
        ...

    async def queues(self) -> Sequence[Queue]:
        """What waits, and what was set aside."""
        ...
