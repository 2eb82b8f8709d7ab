"""Overviews of a closed month: what its statements hold of one employer's people, or of the whole site.

They add nothing and owe nothing; they repeat, in another order, what the statements say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import partial

from controller.tariffs.book import Leg, Party
from controller.tariffs.statement import IssuedStatement, StatementKind, StatementLine, Totals, totals_of


class OverviewKind(StrEnum):
    """Of what."""

    EMPLOYER = "employer"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class OverviewSection:
    """All lines of one leg."""

    leg: Leg
    lines: tuple[StatementLine, ...]
    totals: Totals


@dataclass(frozen=True, slots=True)
class StatementInBrief:
    """One of the statements behind it."""

    number: str
    kind: StatementKind
    party: str
    name: str
    before_tax: Decimal | None
    tax: Decimal | None
    payable: Decimal


@dataclass(frozen=True, slots=True)
class Overview:
    """What statements hold of one employer's people, or of the site."""

    id: str
    kind: OverviewKind
    month: str
    issued_on: date
    currency: str
    operator: Party
    party: Party
    names: Mapping[str, str]
    """Of the drivers in it, by party id."""
    sections: tuple[OverviewSection, ...]
    statements: tuple[StatementInBrief, ...]
    sessions: int


def employer_overviews(
    month: str, issued: Sequence[IssuedStatement], employers: Mapping[str, Party]
) -> Sequence[Overview]:
    """One for each employer whose people have charged, by id.

    Args:
        month: which.
        issued: all statements of the month.
        employers: parties by id.
    """
    found = sorted({line.employer for each in issued for line in each.statement.lines if line.employer})
    return [
        _overview(OverviewKind.EMPLOYER, month, issued, employers[each], partial(_employed, each))
        for each in found
        if each in employers
    ]


def site_overview(month: str, issued: Sequence[IssuedStatement]) -> Overview | None:
    """The one of the whole site; None where there are no statements."""
    return _overview(OverviewKind.SITE, month, issued, issued[0].operator, lambda _: True) if issued else None


def _overview(
    kind: OverviewKind,
    month: str,
    issued: Sequence[IssuedStatement],
    party: Party,
    wanted: Callable[[StatementLine], bool],
) -> Overview:
    concerned = [each for each in issued if any(map(wanted, each.statement.lines))]
    lines = [line for each in concerned for line in each.statement.lines if wanted(line)]
    lines.sort(key=lambda line: (line.ends_at, line.record, line.leg.value))
    sections = []
    for leg in Leg:
        of_leg = tuple(line for line in lines if line.leg is leg)
        if of_leg:
            sections.append(OverviewSection(leg, of_leg, totals_of(of_leg)))
    return Overview(
        id=f"{month}-{kind.value}" if kind is OverviewKind.SITE else f"{month}-{kind.value}-{party.id}",
        kind=kind,
        month=month,
        issued_on=concerned[0].issued_on,
        currency=concerned[0].statement.currency,
        operator=concerned[0].operator,
        party=party,
        names={name: text for each in concerned for name, text in each.names.items()},
        sections=tuple(sections),
        statements=tuple(map(_brief, concerned)),
        sessions=len({line.session for line in lines}),
    )


def _employed(employer: str, line: StatementLine) -> bool:
    return line.employer == employer


def _brief(each: IssuedStatement) -> StatementInBrief:
    totals = each.statement.totals
    return StatementInBrief(
        each.number,
        each.statement.kind,
        each.statement.party,
        each.party.name,
        totals.before_tax,
        totals.tax,
        totals.payable,
    )
