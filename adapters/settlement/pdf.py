"""Statements and overviews on paper (PDF), drawn from nothing but the documents themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from adapters.settlement.paper import LEFT, RIGHT, Paper, columns
from adapters.settlement.wording import MEAN, WITH_TAX, Wording, who, wording_in
from controller.tariffs.book import Party
from controller.tariffs.overview import Overview
from controller.tariffs.rated import TaxState
from controller.tariffs.statement import IssuedStatement, StatementLine, Totals

_LINES: Final = columns(
    (97, False),
    (42, False),
    (66, False),
    (66, False),
    (51, True),
    (42, True),
    (36, True),
    (31, True),
    (30, True),
    (37, True),
)
_TAXES: Final = columns((230, False), (60, True), (65, True), (60, True), (65, True))
_BRIEF: Final = columns((90, False), (75, False), (170, False), (52, True), (45, True), (55, True))
_SIZE: Final = 7.2


def statement_pdf(issued: IssuedStatement) -> bytes:
    """One statement."""
    return statements_pdf([issued])


def statements_pdf(issued: Sequence[IssuedStatement], overviews: Sequence[Overview] = ()) -> bytes:
    """Statements and overviews in one file, each on pages of its own, counted by themselves, in its own language.

    Raises:
        ValueError: there is none.
    """
    if not issued and not overviews:
        raise ValueError("expected at least one statement or overview")
    first = issued[0] if issued else overviews[0]
    single = len(issued) == 1 and not overviews
    title = f"{_Page.of(issued[0]).title} {issued[0].number}" if single else "Statements"
    paper = Paper(title, first.operator.name)
    for statement in issued:
        _Page.of(statement).draw_statement(paper, statement)
    for overview in overviews:
        words = wording_in(overview.party.language, overview.operator.language)
        _Page(words, words.texts.overviews[overview.kind]).draw_overview(paper, overview)
    return paper.finished()


class _Page:
    """One document in one language."""

    def __init__(self, words: Wording, title: str) -> None:
        self._words, self._texts, self.title = words, words.texts, title

    @classmethod
    def of(cls, issued: IssuedStatement) -> _Page:
        """That of a statement."""
        words = wording_in(issued.party.language, issued.operator.language)
        title = words.texts.titles[issued.statement.kind]
        return cls(words, words.texts.draft.format(title=title) if issued.draft else title)

    def draw_statement(self, paper: Paper, issued: IssuedStatement) -> None:
        """Draw it."""
        statement, words, texts = issued.statement, self._words, self._texts
        facts = [
            (texts.number, issued.number),
            (texts.date_of, words.day(issued.issued_on)),
            (texts.period, words.period(statement.month)),
        ]
        if issued.due_on is not None:
            facts.append((texts.payable_by, words.day(issued.due_on)))
        sum_ = words.money(statement.totals.payable, statement.currency)
        facts.append((texts.sum.format(currency=statement.currency), sum_))
        paper.begin(self._footer(issued.number, issued.operator), texts.page)
        self._head(paper, issued.operator, issued.party, facts)
        kwh = words.grouped(Decimal(statement.energy_wh).scaleb(-3))
        paper.wrapped(texts.sessions.format(kwh=kwh, count=statement.sessions, currency=statement.currency))
        paper.down(8)
        self._table(paper, statement.lines, issued.names, statement.currency)
        self._totals(paper, statement.totals, statement.currency, statement.lines)
        for basis in sorted({line.basis for line in statement.lines if line.basis is not None}):
            paper.wrapped(texts.basis.format(basis=texts.bases[basis]), size=8)
        paper.down(6)
        paper.wrapped(words.settlement_of(issued), bold=True)

    def draw_overview(self, paper: Paper, overview: Overview) -> None:
        """Which statements there are, then every session."""
        words, texts, currency = self._words, self._texts, overview.currency
        facts = [(texts.period, words.period(overview.month)), (texts.date_of, words.day(overview.issued_on))]
        paper.begin(self._footer(overview.id, overview.operator), texts.page)
        self._head(paper, overview.operator, overview.party, facts)
        paper.wrapped(texts.overview.format(count=overview.sessions))
        paper.down(8)
        paper.row(_BRIEF, [texts.brief[0], "", *texts.brief[1:]], size=_SIZE, bold=True)
        for each in overview.statements:
            paper.need(12)
            amounts = [words.money(value, currency) for value in (each.before_tax, each.tax, each.payable)]
            paper.row(_BRIEF, [each.number, texts.titles[each.kind], each.name, *amounts], size=_SIZE)
        for section in overview.sections:
            paper.down(14)
            paper.need(80)
            paper.wrapped(texts.legs[section.leg], size=11, bold=True)
            paper.down(2)
            self._table(paper, section.lines, overview.names, currency)
            self._totals(paper, section.totals, currency, section.lines)

    def _footer(self, number: str, operator: Party) -> str:
        return " · ".join(filter(None, [f"{self.title} {number}", operator.name, self._vat(operator), operator.email]))

    def _vat(self, party: Party) -> str:
        return self._texts.vat_number.format(number=party.vat_number) if party.vat_number else ""

    def _head(self, paper: Paper, operator: Party, party: Party, facts: Sequence[tuple[str, str]]) -> None:
        paper.text(LEFT, operator.name, size=13, bold=True, width=300)
        paper.text_right(RIGHT, self.title, size=16, bold=True)
        paper.down(14)
        top = paper.y
        for line in filter(None, [*_address(operator), self._vat(operator), operator.email]):
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
            paper.text(LEFT, self._vat(party), size=8, grey=True)
            paper.down(13)
        paper.down(16)

    def _table(self, paper: Paper, lines: Sequence[StatementLine], names: Mapping[str, str], currency: str) -> None:
        words = self._words
        self._heading(paper)
        session = ""
        for line in lines:
            if paper.need(_SIZE * 1.6):
                self._heading(paper)
                session = ""
            again = line.record == session  # further lines of a session do not repeat what is above
            session = line.record
            place = ("", "", "") if again else (words.when(line), line.point, who(line, names))
            tax = None if line.before_tax is None or line.after_tax is None else line.after_tax - line.before_tax
            paper.row(
                _LINES,
                [
                    *place,
                    words.described(line),
                    words.quantity(line, currency),
                    words.unit_price(line, currency),
                    words.money(line.before_tax, currency),
                    words.rate(line.tax.state, line.tax.percent),
                    words.money(tax, currency),
                    words.money(line.after_tax, currency),
                ],
                size=_SIZE,
            )

    def _heading(self, paper: Paper) -> None:
        paper.row(_LINES, self._texts.columns, size=_SIZE, bold=True)
        paper.down(-6)
        paper.rule()
        paper.down(11)

    def _totals(self, paper: Paper, totals: Totals, currency: str, lines: Sequence[StatementLine]) -> None:
        words, texts = self._words, self._texts
        paper.need(130 + 13 * len(totals.groups))  # so that the sum and what happens with it stand on one page
        paper.down(-4)
        paper.rule(strong=True)
        paper.down(14)
        paper.row(_TAXES, ["", *texts.taxes], size=8, bold=True)
        shown = [group for group in totals.groups if group.before_tax != 0 or group.after_tax != 0]
        for group in shown or totals.groups:
            amounts = [words.money(value, currency) for value in (group.before_tax, group.tax, group.after_tax)]
            paper.row(_TAXES, ["", words.rate(group.state, group.percent), *amounts], size=8)
        sums = [words.money(value, currency) for value in (totals.before_tax, totals.tax, totals.after_tax)]
        paper.down(-3)
        paper.rule(left=_TAXES[1].left)
        paper.down(12)
        paper.row(_TAXES, ["", texts.total.format(currency=currency), *sums], size=9, bold=True)
        for note in self._notes(totals, lines):
            paper.wrapped(note, size=8)

    def _notes(self, totals: Totals, lines: Sequence[StatementLine]) -> Iterator[str]:
        """What must be said of tax, and what the marks on the prices mean."""
        texts = self._texts
        for group in totals.groups:
            if group.state is TaxState.EXEMPT:
                yield texts.untaxed.format(reason=group.reason or texts.exempt)
        if any(line.tax_included and line.unit_price for line in lines):
            yield f"{WITH_TAX} {texts.with_tax}"
        if any(line.mean_of for line in lines):
            yield f"{MEAN} {texts.mean}"
        if totals.after_tax is None or totals.before_tax is None:
            yield texts.undetermined


def _address(party: Party) -> list[str]:
    return [*party.address, *([party.country] if party.country else [])]
