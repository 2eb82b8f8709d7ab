"""TransactionEvents as often as a back office has asked for them, with numbers in which nothing is missing.

A back office takes a transaction for complete when it has been told every number from its first event to its last
(OCPP 2.0.1 part 2, E §1.3.2). So where an event is left out, the numbers of those that follow close the gap; a number
that the station itself has left out stays a gap. What was left out is on record before the station is answered:
numbers go on as they were after a restart.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from adapters.ocpp.upstream.thinning import Thinning
from adapters.ocpp.upstream.words import transaction_of

RUNS_MOST: Final = 100
"""Of numbers left out, one after the other, that are remembered one by one; an event that is told again, or late, is
not older than that."""

ENDED_MOST: Final = 10
"""Transactions that have ended and are remembered, in case that their last events come again."""

_OF_THE_MOMENT: Final = frozenset({"eventType", "timestamp", "triggerReason", "seqNo", "offline", "meterValue"})
"""What each event has anew; anything else in it is news, and told at once."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of one transaction's events: which were left out.

    >>> numbers = Numbers(4).without(5).without(6).without(9)
    >>> [numbers.told(number) for number in (4, 7, 8, 10)], numbers.newest
    ([4, 5, 6, 7], 9)
    >>> [numbers.has(number) for number in (5, 6, 7, 9)]
    [True, True, False, True]
    """

    newest: int
    """The highest that has come."""
    before: int = 0
    """How many were left out before the first of the runs."""
    runs: tuple[tuple[int, int], ...] = ()
    """First and last of each run of numbers left out."""

    def has(self, number: int) -> bool:
        """Whether a number was left out."""
        return any(first <= number <= last for first, last in self.runs)

    def told(self, number: int) -> int:
        """What an event that was not left out is numbered."""
        earlier = self.runs[: bisect_left(self.runs, (number, number))]
        return number - self.before - sum(last - first + 1 for first, last in earlier)

    def without(self, number: int) -> Numbers:
        """With one more left out, which is higher than all that have come."""
        before, goes_on = self.before, bool(self.runs) and self.runs[-1][1] == number - 1
        first = self.runs[-1][0] if goes_on else number
        runs = (*(self.runs[:-1] if goes_on else self.runs), (first, number))
        if len(runs) > RUNS_MOST:
            before += runs[0][1] - runs[0][0] + 1
            runs = runs[1:]
        return Numbers(number, before, runs)


class EventThinning:
    """Which of one station's TransactionEvents go on to one back office, and under which numbers."""

    def __init__(self, thinning: Thinning, notes: object = None) -> None:
        """Take up what is on record.

        Args:
            thinning: knows how often measurements go on.
            notes: what ``notes`` said last, or None.
        """
        self._thinning = thinning
        self._numbers: dict[str, Numbers] = {}
        self._facts: dict[str, dict[str, Any]] = {}
        self._ended: list[str] = []
        for transaction, (newest, before, runs) in (notes if isinstance(notes, Mapping) else {}).items():
            self._numbers[transaction] = Numbers(newest, before, tuple((first, last) for first, last in runs))

    def left_out(self, event: Mapping[str, Any], monotonic_s: float) -> bool:
        """Whether an event is one of those that are not told; take down what ``notes`` says, then answer the station.

        Only what tells nothing but measurements taken periodically is left out, and nothing that comes late.
        """
        transaction, number = transaction_of(event), event.get("seqNo")
        if transaction is None or type(number) is not int:
            return False
        known, facts = self._numbers.get(transaction), _facts(event)
        if known is not None and known.has(number):
            return True
        newer = known is None or number > known.newest
        periodic = event.get("eventType") == "Updated" and event.get("triggerReason") == "MeterValuePeriodic"
        told = self._facts.get(transaction)
        if known is not None and newer and periodic and told is not None and facts.items() <= told.items():
            sample = {"connectorId": transaction, "meterValue": event.get("meterValue")}
            if not self._thinning.passes(sample, monotonic_s):
                self._numbers[transaction] = known.without(number)
                return True
        self._facts.setdefault(transaction, {}).update(facts)
        if newer:
            self._numbers[transaction] = Numbers(number) if known is None else replace(known, newest=number)
        if event.get("eventType") == "Ended":
            self._end(transaction)
        return False

    def number(self, event: Mapping[str, Any]) -> Any:
        """What an event that goes on is numbered."""
        known, number = self._numbers.get(transaction_of(event) or ""), event.get("seqNo")
        return number if known is None or type(number) is not int else known.told(number)

    def notes(self) -> dict[str, Any]:
        """What outlives a restart, as JSON values."""
        return {name: [one.newest, one.before, one.runs] for name, one in self._numbers.items() if one.runs}

    def _end(self, transaction: str) -> None:
        if transaction not in self._ended:
            self._ended.append(transaction)
        if len(self._ended) > ENDED_MOST:
            forgotten = self._ended.pop(0)
            self._numbers.pop(forgotten, None)
            self._facts.pop(forgotten, None)


def _facts(event: Mapping[str, Any]) -> dict[str, Any]:
    about = event.get("transactionInfo")
    info = {name: value for name, value in about.items() if name != "timeSpentCharging"} if about else {}
    told = {name: value for name, value in event.items() if name not in _OF_THE_MOMENT | {"transactionInfo"}}
    return told | {f"transactionInfo.{name}": value for name, value in info.items()}
