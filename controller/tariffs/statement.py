"""Statements: what one party owes, or is owed, for a month, line by line.

Every line is rounded by itself, half-up, in its own kind of price (before tax or with it), when its session is priced.
Statements add these up and change nothing in them, so that all statements together are the ledger, to the cent. The tax
of a rate is that on its sum, and shared out among the lines, so that they add up to it as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Final

from controller.tariffs.book import Leg, Party, PriceBasis
from controller.tariffs.rated import Amounts, Line, LineKind, RatedSession, Tax, TaxSource, TaxState, minor_unit
from controller.tariffs.record import ChargeRecord, RecordKind, RecordLeg
from controller.tariffs.tariff import Dimension
from controller.tariffs.tax_shares import shared


class StatementKind(StrEnum):
    """What a statement is."""

    INVOICE = "invoice"
    """The party owes."""
    CREDIT_NOTE = "credit_note"
    """The party gets back."""
    REIMBURSEMENT = "reimbursement"
    """The party is paid for what others, or it itself for its employer, have charged."""
    OWN_ACCOUNT = "own_account"
    """Nobody owes it: what the operator bears itself."""


NOTHING: Final = Decimal(0)
FREE_LABEL: Final = "free"
"""Of the line of a session that costs nothing."""
_FREE: Final = Tax(TaxState.ZERO, NOTHING, TaxSource.OPERATOR)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line: of one session, all at one rate of one dimension."""

    record: str
    session: str
    leg: Leg
    credit: bool
    """Whether it takes back what an earlier statement had."""
    starts_at: datetime
    ends_at: datetime
    """Of the session (UTC)."""
    time_zone: str
    point: str
    place: str
    token: str
    driver: str | None
    """A party's id."""
    employer: str | None
    """A party's id."""
    kind: LineKind
    label: str
    quantity: Decimal
    """As billed."""
    unit: str
    unit_price: Decimal
    tax_included: bool
    tax: Tax
    before_tax: Decimal | None
    after_tax: Decimal | None
    """Rounded, with its share of the tax on the sum; one of the two is None where the tax is unknown."""
    basis: PriceBasis | None = None
    """By what it is reckoned, on the leg of reimbursement."""
    mean_of: int = 0
    """Of how many prices, one after the other, the unit price is the mean by energy; 0 where it is one price."""

    @property
    def payable(self) -> Decimal:
        """What is owed as far as it is known: with tax, or without one that is unknown."""
        return _payable(Amounts(self.before_tax, self.after_tax))


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """All lines of one rate of tax."""

    state: TaxState
    percent: Decimal | None
    reason: str
    before_tax: Decimal | None
    tax: Decimal | None
    after_tax: Decimal | None


@dataclass(frozen=True, slots=True)
class Totals:
    """What lines come to."""

    groups: tuple[TaxGroup, ...]
    before_tax: Decimal | None
    tax: Decimal | None
    after_tax: Decimal | None
    """None where the tax of a line is unknown: what it is on is no tax invoice then."""
    payable: Decimal
    """As far as it is known."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What one party owes or is owed for a month."""

    kind: StatementKind
    month: str
    """Such as ``2026-10``; lines of earlier months are sessions that were heard of too late, or decided of later."""
    party: str
    """Id; empty: the operator's own account."""
    currency: str
    lines: tuple[StatementLine, ...]
    totals: Totals
    energy_wh: int
    sessions: int


@dataclass(frozen=True, slots=True)
class IssuedStatement:
    """A statement as it went out: numbered, with sender and recipient as they were then."""

    number: str
    issued_on: date
    due_on: date | None
    """None where nothing is owed."""
    operator: Party
    party: Party
    names: Mapping[str, str]
    """Of the drivers in it, by party id."""
    statement: Statement
    draft: bool = False
    """Whether this is only what it would be, and its number is not given out."""


@dataclass(frozen=True, slots=True)
class Closing:
    """When a month was closed, and by whom."""

    month: str
    at: datetime
    by: str


class NotClosable(ValueError):  # noqa: N818 - named as the ports name theirs
    """A month that cannot be closed now."""


def statements(month: str, billable: Iterable[tuple[ChargeRecord, Leg]]) -> Sequence[Statement]:
    """Gather what is to be billed into statements, one for each party and direction of payment.

    Args:
        month: of the statements.
        billable: legs of records; each will be on one statement.

    Returns:
        In an order that depends on nothing but their content.
    """
    legs = [(record, found) for record, wanted in billable if (found := record.leg(wanted)) is not None]
    legs.sort(key=lambda pair: (*_group(*pair), pair[0].times.ended_at, pair[0].identity.id, pair[1].leg.value))
    return [_statement(month, list(members)) for _, members in groupby(legs, key=lambda pair: _group(*pair))]


def lines_of(record: ChargeRecord, leg: RecordLeg) -> list[StatementLine]:
    """The lines of one leg of a record; one that costs nothing has a line that says so."""
    rated = leg.rated
    priced = rated.lines or (_free_line(rated),)
    paid_back = record.reimbursement if leg.leg is Leg.REIMBURSEMENT else None
    basis = None if paid_back is None else paid_back.basis
    return [
        StatementLine(
            record=record.identity.id,
            session=record.identity.session,
            leg=leg.leg,
            credit=record.identity.kind is RecordKind.CREDIT,
            starts_at=record.times.started_at,
            ends_at=record.times.ended_at,
            time_zone=record.place.time_zone,
            point=record.place.point or f"{record.place.station}/{record.place.connector}",
            place=record.place.name or record.place.location,
            token=record.token.visual_number or record.token.uid,
            driver=record.parties.driver,
            employer=record.parties.employer,
            kind=line.kind,
            label=line.label,
            quantity=line.billed_quantity,
            unit=line.unit,
            unit_price=line.unit_price,
            tax_included=line.tax_included,
            tax=line.tax,
            before_tax=line.booked.before_tax,
            after_tax=line.booked.after_tax,
            basis=basis,
            mean_of=_prices_behind(line, rated),
        )
        for line in priced
    ]


def _prices_behind(line: Line, rated: RatedSession) -> int:
    """How many prices of energy, one after the other, are behind a line; 0 where it is one."""
    if line.kind is not LineKind.ENERGY or line.element is None:
        return 0
    counted = (Dimension.ENERGY, line.element)
    prices = [each.per_kwh for each in rated.periods if each.energy_kwh and counted in each.elements]
    changes = sum(before != after for before, after in pairwise(prices))
    return changes + 1 if changes else 0


def totals_of(lines: Sequence[StatementLine]) -> Totals:
    """Lines added up, all of them and by rate of tax, the highest rate first, what is unknown last."""
    payable = sum((line.payable for line in lines), NOTHING)
    return Totals(_tax_groups(lines), *_sums(lines), payable)


def _tax_groups(lines: Iterable[StatementLine]) -> tuple[TaxGroup, ...]:
    gathered: dict[tuple[TaxState, Decimal | None, str], list[StatementLine]] = {}
    for line in lines:
        percent = None if line.tax.percent is None else line.tax.percent.normalize()
        gathered.setdefault((line.tax.state, percent, line.tax.reason), []).append(line)
    ordered = sorted(gathered.items(), key=lambda item: _rate_order(*item[0]))
    return tuple(
        TaxGroup(state, members[0].tax.percent, reason, *_sums(members)) for (state, _, reason), members in ordered
    )


def _statement(month: str, legs: Sequence[tuple[ChargeRecord, RecordLeg]]) -> Statement:
    record, leg = legs[0]
    lines = _with_tax_of_sums([line for each in legs for line in lines_of(*each)], record.currency)
    kind = _kind(leg.leg, leg.party, sum((line.payable for line in lines), NOTHING))
    energy_wh = {each.identity.id: each.quantities.import_wh for each, _ in legs}
    return Statement(
        kind=kind,
        month=month,
        party=leg.party or "",
        currency=record.currency,
        lines=lines,
        totals=totals_of(lines),
        energy_wh=sum(energy_wh.values()),
        sessions=len({each.identity.session for each, _ in legs}),
    )


def _with_tax_of_sums(lines: Sequence[StatementLine], currency: str) -> tuple[StatementLine, ...]:
    taxed = ((line.tax, line.tax_included, Amounts(line.before_tax, line.after_tax)) for line in lines)
    amounts = shared(taxed, minor_unit(currency))
    return tuple(
        replace(line, before_tax=each.before_tax, after_tax=each.after_tax)
        for line, each in zip(lines, amounts, strict=True)
    )


def _group(record: ChargeRecord, leg: RecordLeg) -> tuple[str, str, str]:
    return (leg.party or "", "reimbursement" if leg.leg is Leg.REIMBURSEMENT else "charge", record.currency)


def _kind(leg: Leg, party: str | None, payable: Decimal) -> StatementKind:
    if not party:
        return StatementKind.OWN_ACCOUNT
    if leg is Leg.REIMBURSEMENT:
        return StatementKind.REIMBURSEMENT
    return StatementKind.CREDIT_NOTE if payable < 0 else StatementKind.INVOICE


def _free_line(rated: RatedSession) -> Line:
    kwh = rated.energy_kwh
    nothing = Amounts(NOTHING, NOTHING)
    return Line(LineKind.ENERGY, FREE_LABEL, kwh, kwh, "kWh", NOTHING, False, _FREE, nothing, nothing)  # noqa: FBT003


def _sums(lines: Sequence[StatementLine]) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Before tax, tax, after tax; None where a line does not know."""
    before = _sum(line.before_tax for line in lines)
    after = _sum(line.after_tax for line in lines)
    return before, None if before is None or after is None else after - before, after


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    total = NOTHING
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _payable(amounts: Amounts) -> Decimal:
    known = amounts.before_tax if amounts.after_tax is None else amounts.after_tax
    return NOTHING if known is None else known


def _rate_order(state: TaxState, percent: Decimal | None, reason: str) -> tuple[int, Decimal, str]:
    return (list(TaxState).index(state), NOTHING if percent is None else -percent, reason)
