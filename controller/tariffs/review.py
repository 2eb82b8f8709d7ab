"""The review of records: what a flagged record waits for, and what may be decided of any record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from controller.tariffs.record import ChargeRecord


class ReviewState(StrEnum):
    """Where a record stands."""

    CLEAR = "clear"
    """Nothing was flagged."""
    OPEN = "open"
    """Somebody has to look at it; until then it is on no statement."""
    ACCEPTED = "accepted"
    """It was looked at, and stands as it is."""
    CORRECTED = "corrected"
    """It was taken back, and another record stands in its place."""
    VOIDED = "voided"
    """It was taken back."""


class Verdict(StrEnum):
    """What the manager says of a record."""

    ACCEPT = "accept"
    CORRECT = "correct"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class ReviewDecision:
    """That somebody has decided. Decisions are only ever added."""

    record: str
    verdict: Verdict
    by: str
    at: datetime
    note: str = ""
    credit: str | None = None
    """The record that takes it back."""
    replaced_by: str | None = None
    """The record that stands in its place."""


NEXT: Final[Mapping[tuple[ReviewState, Verdict], ReviewState]] = {
    (ReviewState.OPEN, Verdict.ACCEPT): ReviewState.ACCEPTED,
    (ReviewState.OPEN, Verdict.CORRECT): ReviewState.CORRECTED,
    (ReviewState.OPEN, Verdict.VOID): ReviewState.VOIDED,
    # What turns out later: also of a record that nobody had doubted, and on a statement already.
    (ReviewState.CLEAR, Verdict.CORRECT): ReviewState.CORRECTED,
    (ReviewState.CLEAR, Verdict.VOID): ReviewState.VOIDED,
    (ReviewState.ACCEPTED, Verdict.CORRECT): ReviewState.CORRECTED,
    (ReviewState.ACCEPTED, Verdict.VOID): ReviewState.VOIDED,
}
"""Which verdicts a record may get, and what becomes of it; what was taken back gets none."""

BILLED: Final = frozenset({ReviewState.CLEAR, ReviewState.ACCEPTED})
"""A record in one of these states goes on the next statement."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A record, and where it stands."""

    record: ChargeRecord
    state: ReviewState
    decisions: tuple[ReviewDecision, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """What was wrong with a session; None: that was right. The price follows from it, by the terms of its start."""

    start_wh: int | None = None
    """Register at the beginning [Wh]."""
    end_wh: int | None = None
    ended_at: datetime | None = None


class NoSuchRecord(LookupError):  # noqa: N818 - named as the ports name theirs
    """No record has that id."""


class NotDecidable(ValueError):  # noqa: N818 - named as the ports name theirs
    """A verdict that a record cannot get any more."""


def review_state(*, flagged: bool, verdicts: Sequence[Verdict]) -> ReviewState:
    """Where a record stands after what was decided of it, in order.

    >>> review_state(flagged=True, verdicts=[])
    <ReviewState.OPEN: 'open'>
    >>> review_state(flagged=False, verdicts=[Verdict.VOID])
    <ReviewState.VOIDED: 'voided'>

    Raises:
        NotDecidable: one of the verdicts could not be given.
    """
    state = ReviewState.OPEN if flagged else ReviewState.CLEAR
    for verdict in verdicts:
        after = NEXT.get((state, verdict))
        if after is None:
            raise NotDecidable(f"a record that is {state.value} cannot get the verdict {verdict.value!r}")
        state = after
    return state
