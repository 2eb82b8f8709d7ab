"""How long rules, tariffs and fees hold: approval, lead time, and what a new one does to older ones.

Each is a fact that is never changed. It counts from its beginning on if it was approved, until its end; where several
of the same kind do, a newer approval takes the place of an older one for as long as it holds, and what it covers goes
on behind it. One without an end leaves alone what was already approved to begin later. So an older rule is split by a
newer one without anything being written into it, there is at most one at any moment, and nothing that is approved
now can change what held before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from controller.tariffs.book import Approval


class Dated(Protocol):
    """What holds for a time: a billing rule, a version of a tariff, a card fee."""

    @property
    def valid_from(self) -> datetime: ...  # noqa: D102
    @property
    def valid_until(self) -> datetime | None: ...  # noqa: D102
    @property
    def approved(self) -> Approval | None: ...  # noqa: D102
    @property
    def ended_at(self) -> datetime | None: ...  # noqa: D102


D = TypeVar("D", bound=Dated)


class RuleRefused(Exception):  # noqa: N818 - a refusal, not a mistake of ours
    """What is asked of a rule cannot be; the text names the reason."""


class NoSuchEntry(LookupError):  # noqa: N818 - a state of the book
    """The book has nothing of that name."""


class Standing(StrEnum):
    """What has become of a rule."""

    PROPOSED = "proposed"
    """It waits for approval."""
    SCHEDULED = "scheduled"
    """It is approved and begins later."""
    ACTIVE = "active"
    """It is what holds now."""
    COVERED = "covered"
    """A newer one holds in its place, for now or to its end."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Span(Generic[D]):
    """A time in which one rule holds, from its beginning to before its end (None: without end)."""

    begins_at: datetime
    ends_at: datetime | None
    rule: D


def end_of(rule: Dated) -> datetime | None:
    """Before which moment it ends, by its own words or by a decision; None: it has no end."""
    return min((each for each in (rule.valid_until, rule.ended_at) if each is not None), default=None)


def in_force(rules: Iterable[D], at: datetime) -> D | None:
    """Which of the rules of one kind (one scope, key and leg; one tariff; one kind of token and leg) holds.

    Args:
        rules: in the order of their approval, as far as they are approved; those that are not never count.
        at: the moment, aware.
    """
    holds: D | None = None
    for rule in _approved(rules):
        leaves_alone = holds is not None and rule.valid_until is None and holds.valid_from > rule.valid_from
        if _covers(rule, at) and not leaves_alone:
            holds = rule
    return holds


def timeline(rules: Iterable[D]) -> tuple[Span[D], ...]:
    """When which of the rules of one kind holds, in order of time and without overlap; gaps are possible."""
    known = _approved(rules)
    moments = sorted({moment for rule in known for moment in (rule.valid_from, end_of(rule)) if moment is not None})
    spans: list[Span[D]] = []
    for begins_at, ends_at in zip(moments, [*moments[1:], None], strict=True):
        rule = in_force(known, begins_at)
        if rule is None:
            continue
        if spans and spans[-1].rule is rule and spans[-1].ends_at == begins_at:
            spans[-1] = Span(spans[-1].begins_at, ends_at, rule)
        else:
            spans.append(Span(begins_at, ends_at, rule))
    return tuple(spans)


def standing(rule: D, of_its_kind: Iterable[D], at: datetime) -> Standing:
    """What has become of one rule, among all of its kind (itself included)."""
    return _standing(rule, in_force(of_its_kind, at), at)


def standings(of_one_kind: Sequence[D], at: datetime) -> list[Standing]:
    """What has become of each of the rules of one kind."""
    holds = in_force(of_one_kind, at)
    return [_standing(rule, holds, at) for rule in of_one_kind]


def _standing(rule: D, holds: D | None, at: datetime) -> Standing:
    end = end_of(rule)
    if end is not None and end <= at:
        return Standing.ENDED
    if rule.approved is None:
        return Standing.PROPOSED
    if rule.valid_from > at:
        return Standing.SCHEDULED
    return Standing.ACTIVE if holds == rule else Standing.COVERED


def approved_from(rule: Dated, at: datetime, lead_time: timedelta, valid_from: datetime | None = None) -> datetime:
    """From when on a rule counts that is approved now.

    Args:
        rule: a proposal.
        at: now.
        lead_time: what the operator requires between an approval and the beginning.
        valid_from: what the approver wants; None: as proposed, or as soon as the lead time allows if that is later.

    Raises:
        RuleRefused: it is approved or ended already, would begin too early, or would end before it begins.
    """
    if rule.approved is not None:
        raise RuleRefused(f"{rule.approved.by} approved it already, at {rule.approved.at.isoformat()}")
    earliest = at + lead_time
    begins = max(rule.valid_from, earliest) if valid_from is None else valid_from
    if begins < earliest:
        raise RuleRefused(
            f"valid_from: expected {earliest.isoformat()} or later (the lead time after approval), "
            f"got {begins.isoformat()}"
        )
    end = end_of(rule)
    if end is not None and end <= begins:
        raise RuleRefused(f"it ends at {end.isoformat()}, before it could begin at {begins.isoformat()}")
    return begins


def ends_from(rule: Dated, at: datetime, ends_at: datetime | None = None) -> datetime:
    """Before which moment a rule ends that is ended now; what held until now is not changed.

    Args:
        rule: approved or not; a proposal is withdrawn.
        at: now.
        ends_at: when it is to end; None: at once.

    Raises:
        RuleRefused: it would end in the past, or has an earlier end already.
    """
    wanted = at if ends_at is None else ends_at
    if wanted < at:
        raise RuleRefused(f"until: expected now or later, got {wanted.isoformat()}")
    end = end_of(rule)
    if end is not None and end <= wanted:
        raise RuleRefused(f"it ends already at {end.isoformat()}")
    return wanted


def checked_validity(valid_from: datetime, valid_until: datetime | None) -> None:
    """Whether the two make a validity.

    Raises:
        RuleRefused: it would end before it begins, or a time has no zone.
    """
    if valid_from.tzinfo is None or (valid_until is not None and valid_until.tzinfo is None):
        raise RuleRefused("valid_from, valid_until: expected times with an offset from UTC")
    if valid_until is not None and valid_until <= valid_from:
        raise RuleRefused(
            f"valid_until: expected a time after valid_from ({valid_from.isoformat()}), got {valid_until.isoformat()}"
        )


def _approved(rules: Iterable[D]) -> list[D]:
    kept = [(rule.approved.at, number, rule) for number, rule in enumerate(rules) if rule.approved is not None]
    return [rule for _, _, rule in sorted(kept, key=lambda each: each[:2])]


def _covers(rule: Dated, at: datetime) -> bool:
    end = end_of(rule)
    return rule.valid_from <= at and (end is None or at < end)
