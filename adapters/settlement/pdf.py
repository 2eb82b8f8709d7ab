"""Statements and overviews on paper (PDF), drawn from nothing but the documents themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from adapters.settlement.paper import LEFT, RIGHT, Paper, columns
from adapters.settlement.wording import (
    BASES,
    LEGS,
    MEAN,
    TITLES,
    WITH_TAX,
    day,
    described,
    grouped,
    money,
    period,
    quantity,
    rate,
    settlement_of,
    unit_price,
    when,
    who,
)
from controller.tariffs.book import Party
from controller.tariffs.overview import Overview, OverviewKind
from controller.tariffs.rated import TaxState
from controller.tariffs.statement import IssuedStatement, StatementLine, Totals

_LINES: Final = columns(
    ("Session", 97, False),
    ("Point", 42, False),
    ("Who", 66, False),
    ("For", 66, False),
    ("Quantity", 51, True),
    ("Price", 42, True),
    ("Net", 36, True),
    ("VAT %", 31, True),
    ("VAT", 30, True),
    ("Gross", 37, True),
)
_TAXES: Final = columns(
    ("", 230, False), ("VAT rate", 60, True), ("Net", 65, True), ("VAT", 60, True), ("Gross", 65, True)
)
_BRIEF: Final = columns(
    ("Statement", 90, False),
    ("", 75, False),
    ("Party", 170, False),
    ("Net", 52, True),
    ("VAT", 45, True),
    ("Sum", 55, True),
)
_SIZE: Final = 7.2


def statement_pdf(issued: IssuedStatement) -> bytes:
    """One statement."""
    return statements_pdf([issued])


def statements_pdf(issued: Sequence[IssuedStatement], overviews: Sequence[Overview] = ()) -> bytes:
    """Statements and overviews in one file, each on pages of its own, counted by themselves.

    Raises:
        ValueError: there is none.
    """
    if not issued and not overviews:
        raise ValueError("expected at least one statement or overview")
    first = issued[0] if issued else overviews[0]
    title = f"{_title(issued[0])} {issued[0].number}" if len(issued) == 1 and not overviews else "Statements"
    paper = Paper(title, first.operator.name)
    for statement in issued:
        _draw_statement(paper, statement)
    for overview in overviews:
        _draw_overview(paper, overview)
    return paper.finished()


def _draw_statement(paper: Paper, issued: IssuedStatement) -> None:
    statement, title = issued.statement, _title(issued)
    facts = [("Number", issued.number), ("Date", day(issued.issued_on)), ("Period", period(statement.month))]
    if issued.due_on is not None:
        facts.append(("Payable by", day(issued.due_on)))
    facts.append((f"Sum in {statement.currency}", money(statement.totals.payable, statement.currency)))
    paper.begin(_footer(f"{title} {issued.number}", issued.operator))
    _head(paper, title, issued.operator, issued.party, facts)
    kwh = grouped(Decimal(statement.energy_wh).scaleb(-3))
    paper.wrapped(f"{kwh} kWh in {statement.sessions} charging sessions. Amounts in {statement.currency}.")
    paper.down(8)
    _table(paper, statement.lines, issued.names, statement.currency)
    _totals(paper, statement.totals, statement.currency, _marks(statement.lines))
    for basis in sorted({line.basis for line in statement.lines if line.basis is not None}):
        paper.wrapped(f"Basis of what is paid back: {BASES[basis]}.", size=8)
    paper.down(6)
    paper.wrapped(settlement_of(issued), bold=True)


def _draw_overview(paper: Paper, overview: Overview) -> None:
    """Which statements there are, then every session."""
    title = "Overview of the site" if overview.kind is OverviewKind.SITE else "Overview for the employer"
    facts = [("Period", period(overview.month)), ("Date", day(overview.issued_on))]
    paper.begin(_footer(f"{title} {overview.id}", overview.operator))
    _head(paper, title, overview.operator, overview.party, facts)
    paper.wrapped(
        f"{overview.sessions} charging sessions. This overview is no invoice: it repeats what statements say."
    )
    paper.down(8)
    paper.row(_BRIEF, [column.heading for column in _BRIEF], size=_SIZE, bold=True)
    for each in overview.statements:
        paper.need(12)
        amounts = [money(value, overview.currency) for value in (each.before_tax, each.tax, each.payable)]
        paper.row(_BRIEF, [each.number, TITLES[each.kind], each.name, *amounts], size=_SIZE)
    for section in overview.sections:
        paper.down(14)
        paper.need(80)
        paper.wrapped(LEGS[section.leg], size=11, bold=True)
        paper.down(2)
        _table(paper, section.lines, overview.names, overview.currency)
        _totals(paper, section.totals, overview.currency, _marks(section.lines))


def _title(issued: IssuedStatement) -> str:
    title = TITLES[issued.statement.kind]
    return f"Draft of: {title}" if issued.draft else title


def _footer(title: str, operator: Party) -> str:
    about = [operator.name, operator.vat_number and f"VAT {operator.vat_number}", operator.email]
    return " · ".join([title, *filter(None, about)])


def _head(paper: Paper, title: str, operator: Party, party: Party, facts: Sequence[tuple[str, str]]) -> None:
    paper.text(LEFT, operator.name, size=13, bold=True, width=300)
    paper.text_right(RIGHT, title, size=16, bold=True)
    paper.down(14)
    about = [*_address(operator), operator.vat_number and f"VAT {operator.vat_number}", operator.email]
    top = paper.y
    for line in filter(None, about):
        paper.text(LEFT, line, size=8, grey=True, width=300)
        paper.down(11)
    below, paper.y = paper.y, top - 8
    for name, value in facts:
        paper.text(RIGHT - 180, name, size=9, grey=True)
        paper.text_right(RIGHT, value, size=9)
        paper.down(13)
    paper.y = min(paper.y, below) - 22
    for index, line in enumerate([party.name, *_address(party)]):
        paper.text(LEFT, line, size=10, bold=index == 0, width=320)
        paper.down(13)
    if party.vat_number:
        paper.text(LEFT, f"VAT {party.vat_number}", size=8, grey=True)
        paper.down(13)
    paper.down(16)


def _address(party: Party) -> list[str]:
    return [*party.address, *([party.country] if party.country else [])]


def _table(paper: Paper, lines: Sequence[StatementLine], names: Mapping[str, str], currency: str) -> None:
    _heading(paper)
    session = ""
    for line in lines:
        if paper.need(_SIZE * 1.6):
            _heading(paper)
            session = ""
        again = line.record == session  # further lines of a session do not repeat what is above
        session = line.record
        place = ("", "", "") if again else (when(line), line.point, who(line, names))
        tax = None if line.before_tax is None or line.after_tax is None else line.after_tax - line.before_tax
        paper.row(
            _LINES,
            [
                *place,
                described(line),
                quantity(line, currency),
                unit_price(line, currency),
                money(line.before_tax, currency),
                rate(line.tax.state, line.tax.percent),
                money(tax, currency),
                money(line.after_tax, currency),
            ],
            size=_SIZE,
        )


def _heading(paper: Paper) -> None:
    paper.row(_LINES, [column.heading for column in _LINES], size=_SIZE, bold=True)
    paper.down(-6)
    paper.rule()
    paper.down(11)


def _totals(paper: Paper, totals: Totals, currency: str, marks: Sequence[str]) -> None:
    paper.need(130 + 13 * len(totals.groups))  # so that the sum and what happens with it stand on one page
    paper.down(-4)
    paper.rule(strong=True)
    paper.down(14)
    paper.row(_TAXES, [column.heading for column in _TAXES], size=8, bold=True)
    shown = [group for group in totals.groups if group.before_tax != 0 or group.after_tax != 0]
    for group in shown or totals.groups:
        amounts = [money(value, currency) for value in (group.before_tax, group.tax, group.after_tax)]
        paper.row(_TAXES, ["", rate(group.state, group.percent), *amounts], size=8)
    sums = [money(value, currency) for value in (totals.before_tax, totals.tax, totals.after_tax)]
    paper.down(-3)
    paper.rule(left=_TAXES[1].left)
    paper.down(12)
    paper.row(_TAXES, ["", f"Total {currency}", *sums], size=9, bold=True)
    for group in totals.groups:
        if group.state is TaxState.EXEMPT:
            paper.wrapped(f"No VAT is charged: {group.reason or 'exempt'}.", size=8)
    for mark in marks:
        paper.wrapped(mark, size=8)
    if totals.after_tax is None or totals.before_tax is None:
        paper.wrapped("The VAT of some lines is not determined: this is no tax invoice.", size=8)


def _marks(lines: Sequence[StatementLine]) -> list[str]:
    """What the marks on the prices mean."""
    marks = {
        f"{WITH_TAX} This price includes VAT.": any(line.tax_included and line.unit_price for line in lines),
        f"{MEAN} The mean of prices that changed while the car charged, by energy. "
        "Each of them is in the table of periods that comes with this month.": any(line.mean_of for line in lines),
    }
    return [mark for mark, meant in marks.items() if meant]
