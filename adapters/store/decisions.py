"""What was decided of tariffs, rules and fees: that they are approved, and that they end.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, select

from adapters.store.schema_tariffs import tariff_decisions
from controller.tariffs.book import Approval, BillingRule, CardFee, TariffVersion
from controller.tariffs.rules import approved_from, ends_from


class Kind(StrEnum):
    """Of what something is decided."""

    TARIFF = "tariff"
    RULE = "rule"
    CARD_FEE = "card_fee"


APPROVED: Final = "approved"
ENDED: Final = "ended"

T = TypeVar("T", TariffVersion, BillingRule, CardFee)


@dataclass
class _Decided:
    order: int = 0
    known: dict[str, Any] = field(default_factory=dict)


def approve(connection: Connection, entry: T, by: Approval, lead_time: timedelta, begins: datetime | None = None) -> T:
    """Put an approval on record.

    Raises:
        RuleRefused: see ``controller.tariffs.rules.approved_from``.
    """
    begins = approved_from(entry, by.at, lead_time, begins)
    decide(connection, [(entry, APPROVED, begins, by)])
    return replace(entry, approved=by, valid_from=begins)


def approve_as_proposed(connection: Connection, entries: Sequence[T], lead_time: timedelta) -> list[T]:
    """Put on record that who proposes something approves it as well.

    Raises:
        RuleRefused: as ``approve``.
    """
    begins = [approved_from(entry, entry.proposed.at, lead_time) for entry in entries]
    decisions = zip(entries, begins, strict=True)
    decide(connection, [(entry, APPROVED, begins_at, entry.proposed) for entry, begins_at in decisions])
    approved = zip(entries, begins, strict=True)
    return [replace(entry, approved=entry.proposed, valid_from=begins_at) for entry, begins_at in approved]


def end(connection: Connection, entry: T, by: Approval, ends_at: datetime | None = None) -> T:
    """Put the end of something on record.

    Raises:
        RuleRefused: see ``controller.tariffs.rules.ends_from``.
    """
    ends = ends_from(entry, by.at, ends_at)
    decide(connection, [(entry, ENDED, ends, by)])
    return replace(entry, ended_at=ends)


def with_decisions(connection: Connection, kind: Kind, entries: Sequence[T]) -> list[T]:
    """The entries as they are after what was decided, in the order of their approval, then those without."""
    if not entries:
        return []
    query = select(tariff_decisions).where(tariff_decisions.c.kind == kind.value)
    subjects = {_name(entry)[0] for entry in entries}
    if len(subjects) <= _FEW:
        query = query.where(tariff_decisions.c.subject.in_(subjects))
    decided: dict[tuple[str, int], _Decided] = {}
    for row in connection.execute(query.order_by(tariff_decisions.c.id)):
        one = decided.setdefault((row.subject, row.number), _Decided())
        if row.decision == APPROVED:
            one.order = row.id
            one.known |= {"approved": Approval(row.decided_by, row.decided_at), "valid_from": row.effective_at}
        else:
            one.known["ended_at"] = row.effective_at
    none = _Decided()
    found = [(decided.get(_name(entry), none), entry) for entry in entries]
    found.sort(key=lambda each: each[0].order or _LAST)
    return [replace(entry, **one.known) for one, entry in found]


_FEW: Final = 500
"""As many names stand in one query; for more, all decisions are read."""
_LAST: Final = 2**63


def _name(entry: T) -> tuple[str, int]:
    if isinstance(entry, TariffVersion):
        return entry.tariff, entry.number
    return entry.id, 0


_KINDS: Final[Mapping[type, Kind]] = {
    TariffVersion: Kind.TARIFF,
    BillingRule: Kind.RULE,
    CardFee: Kind.CARD_FEE,
}


def decide(connection: Connection, decisions: Sequence[tuple[T, str, datetime, Approval]]) -> None:
    """Put decisions on record: of what, which, from when or before when, and whose."""
    rows = [
        {
            "kind": _KINDS[type(entry)].value,
            "subject": _name(entry)[0],
            "number": _name(entry)[1],
            "decision": decision,
            "effective_at": effective_at,
            "decided_by": by.by,
            "decided_at": by.at,
        }
        for entry, decision, effective_at, by in decisions
    ]
    if rows:
        connection.execute(tariff_decisions.insert(), rows)
