"""A simulated year, settled month by month: everything adds up, to the cent and to the watt-hour."""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adapters.billing_documents import statement_text
from adapters.settling.closing import settle
from adapters.store.ledger import SqlLedger
from controller.tariffs.book import Leg
from controller.tariffs.overview import site_overview
from controller.tariffs.rated import TaxState
from controller.tariffs.record import ChargeRecord
from controller.tariffs.statement import IssuedStatement, StatementKind, StatementLine
from tests.support.billing import ZONE, half_up, keep_records, year_of_records

SESSIONS = 20_000 if os.environ.get("LOADSTAR_CAMPAIGN") else 500
MONTHS = [f"2026-{number:02d}" for number in range(1, 13)]
CLOSED_AT = datetime(2027, 1, 4, 8, tzinfo=UTC)


@pytest.fixture
def year(ledger: SqlLedger) -> tuple[list[ChargeRecord], list[IssuedStatement]]:
    """All records of a year, and the statements of its twelve months."""
    records = list(year_of_records(SESSIONS))
    keep_records(ledger, records)
    issued: list[IssuedStatement] = []
    for month in MONTHS:
        settled = settle(ledger.charged, month, now=CLOSED_AT, by="manager", time_zone=ZONE)
        issued += settled.statements
    return records, issued


def test_a_year_adds_up(ledger: SqlLedger, year: tuple[list[ChargeRecord], list[IssuedStatement]]):
    records, issued = year
    _lines_are_the_statement(issued)
    _statements_are_the_ledger(records, issued)
    _energy_is_the_difference_of_registers(records, issued)
    _numbers_have_no_gap(issued)
    assert ledger.charged.statements("2026-10") == [each for each in issued if each.statement.month == "2026-10"]
    again = settle(ledger.charged, "2026-10", now=datetime(2028, 1, 1, tzinfo=UTC), by="other", time_zone=ZONE)
    assert not again.new
    texts = [statement_text(each) for each in issued if each.statement.month == "2026-10"]
    assert [statement_text(each) for each in again.statements] == texts, "a closed month stays as it is"


def _lines_are_the_statement(issued: list[IssuedStatement]) -> None:
    for each in issued:
        lines, totals = each.statement.lines, each.statement.totals
        assert sum(line.before_tax for line in lines) == totals.before_tax
        assert sum(line.after_tax for line in lines) == totals.after_tax == totals.payable
        assert sum(group.before_tax for group in totals.groups) == totals.before_tax
        assert sum(group.tax for group in totals.groups) == totals.tax == totals.after_tax - totals.before_tax
        for line in lines:
            assert line.before_tax == half_up(line.before_tax), "rounded per line"
        for rate in {line.tax.percent for line in lines if line.tax.state is TaxState.RATE}:
            _tax_is_that_on_the_sum(rate, [line for line in lines if line.tax.percent == rate])


def _tax_is_that_on_the_sum(rate: Decimal, lines: list[StatementLine]) -> None:
    """EN 16931 BR-CO-17, exactly; of prices that hold the tax, the net is what is worked out."""
    before = [line for line in lines if not line.tax_included]
    net = sum(line.before_tax for line in before)
    assert sum(line.after_tax for line in before) == net + half_up(net * rate / 100)
    included = [line for line in lines if line.tax_included]
    gross = sum(line.after_tax for line in included)
    assert sum((line.before_tax for line in included), Decimal(0)) == half_up(gross / (1 + rate / 100))
    for line in lines:
        assert abs(line.after_tax - line.before_tax * (1 + rate / 100)) <= Decimal("0.0155"), "within a cent of its own"


def _statements_are_the_ledger(records: list[ChargeRecord], issued: list[IssuedStatement]) -> None:
    booked: dict[Leg, Decimal] = defaultdict(Decimal)
    for record in records:
        for leg in record.legs:
            for line in leg.rated.lines:
                booked[leg.leg] += line.booked.after_tax if line.tax_included else line.booked.before_tax
    billed: dict[Leg, Decimal] = defaultdict(Decimal)
    for each in issued:
        for line in each.statement.lines:
            billed[line.leg] += line.after_tax if line.tax_included else line.before_tax
    assert billed == booked, "what prices say is on the statements to the cent"
    for month in MONTHS:
        of_month = [each for each in issued if each.statement.month == month]
        sections = [section.totals for section in site_overview(month, of_month).sections]
        assert sum(section.payable for section in sections) == sum(e.statement.totals.payable for e in of_month)
        assert sum(section.tax for section in sections) == sum(each.statement.totals.tax for each in of_month)


def _energy_is_the_difference_of_registers(records: list[ChargeRecord], issued: list[IssuedStatement]) -> None:
    for record in records:
        amount = record.quantities
        assert amount.end_register_wh - amount.start_register_wh == amount.import_wh
        for leg in record.legs:
            assert sum(period.energy_kwh for period in leg.rated.periods) * 1000 == amount.import_wh
    on_retail = sum(r.quantities.import_wh for r in records if r.leg(Leg.RETAIL) or r.leg(Leg.WHOLESALE))
    charged = [e for e in issued if e.statement.kind is not StatementKind.REIMBURSEMENT]
    assert sum(each.statement.energy_wh for each in charged) == on_retail


def _numbers_have_no_gap(issued: list[IssuedStatement]) -> None:
    assert [each.number for each in issued] == [f"LS-2027-{index:05d}" for index in range(1, len(issued) + 1)]
