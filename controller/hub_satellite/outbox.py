"""What a back office is still to be told: in the order in which it happened at each station, each once, at a pace.

An entry is written in the same transaction as the event that it tells of, and keeps its message id for ever: a back
office that gets it twice, because its answer was lost, can tell. Nothing here sends or stores anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

PER_S: Final = 5.0
"""Messages of one station a second, at most, while what was missed is told: back offices have many stations."""

REFUSALS_MOST: Final = 5
"""A message that was refused so often is set aside; what comes after it must not wait for ever."""

PAUSES_S: Final = (1.0, 5.0, 30.0, 120.0)
"""After the first refusal, the second, and so on [s]."""


class Standing(StrEnum):
    """What has become of an entry."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    SET_ASIDE = "set_aside"
    """Refused too often: somebody has to look at it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message for one back office."""

    number: int
    """Rises with every entry of the ledger: the order in which things happened."""
    upstream: str
    station: str
    message_id: str
    action: str
    payload: Mapping[str, Any]
    """As it is to be sent, but for the ids of transactions that the back office names otherwise."""
    happened_at: datetime
    session: str | None = None
    """Of the ledger; the one whose transaction it is."""
    refusals: int = 0


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
    """When to send it again; None: not by itself, or as soon as the connection is back."""


def after(entry: Entry, answer: Answer) -> Next:
    """What becomes of an entry by the answer to it.

    >>> from datetime import UTC
    >>> entry = Entry(1, "office", "CP01", "a", "StopTransaction", {}, datetime(2026, 11, 20, tzinfo=UTC), refusals=3)
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


def renamed(payload: Mapping[str, Any], transactions: Mapping[int, int]) -> dict[str, Any]:
    """An OCPP 1.6 payload with the transaction ids of the other side, at its top and in a charging profile in it.

    Args:
        payload: of StopTransaction, MeterValues, RemoteStopTransaction, SetChargingProfile and the like.
        transactions: their ids by ours, or ours by theirs.

    >>> renamed({"transactionId": 7, "meterStop": 9}, {7: 4711})
    {'transactionId': 4711, 'meterStop': 9}
    """
    changed = dict(payload)
    if (number := changed.get("transactionId")) is not None:
        changed["transactionId"] = transactions.get(number, number)
    for name in ("csChargingProfiles", "chargingProfile"):
        profile = changed.get(name)
        if isinstance(profile, Mapping) and profile.get("transactionId") is not None:
            changed[name] = {
                **profile,
                "transactionId": transactions.get(profile["transactionId"], profile["transactionId"]),
            }
    return changed
