"""Taxes, limits and what is booked."""

from dataclasses import replace
from decimal import Decimal

import pytest

from controller.tariffs.limits import apportion
from controller.tariffs.rated import Amounts, LineKind, Tax, TaxSource, TaxState
from controller.tariffs.rating import rate
from controller.tariffs.tariff import IdleTerms, PriceLimit, TaxIncluded
from tests.tariffs.rating.charging import element, part, price, session, tariff

TEN_KWH = session(part("charging", 60, "10"), at="2026-01-07T10:00")
HOME = Tax(TaxState.EXEMPT, Decimal(0), TaxSource.CONTRACT, "home charging of a private person")
CONTRACT_9 = Tax(TaxState.RATE, Decimal(9), TaxSource.CONTRACT)
OPERATOR_21 = Tax(TaxState.RATE, Decimal(21), TaxSource.OPERATOR)


def of(before: str | None, after: str | None) -> Amounts:
    return Amounts(None if before is None else Decimal(before), None if after is None else Decimal(after))


@pytest.mark.parametrize(
    ("vat", "contract", "operator", "state", "source", "after"),
    [
        ("21", CONTRACT_9, OPERATOR_21, TaxState.RATE, TaxSource.TARIFF, "4.8400"),
        ("0", CONTRACT_9, OPERATOR_21, TaxState.ZERO, TaxSource.TARIFF, "4.0000"),
        (None, CONTRACT_9, OPERATOR_21, TaxState.RATE, TaxSource.CONTRACT, "4.3600"),
        (None, None, OPERATOR_21, TaxState.RATE, TaxSource.OPERATOR, "4.8400"),
        (None, None, None, TaxState.UNKNOWN, TaxSource.NOBODY, None),
        ("21", HOME, OPERATOR_21, TaxState.EXEMPT, TaxSource.CONTRACT, "4.0000"),
    ],
)
def test_the_first_who_says_what_tax_there_is_counts_and_is_remembered(
    vat: str | None, contract: Tax | None, operator: Tax | None, state: TaxState, source: TaxSource, after: str | None
):
    rated = rate(TEN_KWH, tariff(element(price("ENERGY", "0.40", vat))), contract_tax=contract, operator_tax=operator)
    assert rated.total == of("4.0000", after)
    assert (rated.lines[0].tax.state, rated.lines[0].tax.source) == (state, source)


@pytest.mark.parametrize(
    ("vat", "contract", "included", "total"),
    [
        ("25", None, TaxIncluded.YES, of("3.2000", "4.0000")),
        (None, None, TaxIncluded.YES, of(None, "4.0000")),
        ("25", HOME, TaxIncluded.YES, of("3.2000", "3.2000")),
        (None, HOME, TaxIncluded.YES, of("4.0000", "4.0000")),
        ("25", None, TaxIncluded.NOT_APPLICABLE, of("4.0000", "4.0000")),
    ],
)
def test_a_price_that_holds_its_tax_is_freed_of_it(
    vat: str | None, contract: Tax | None, included: TaxIncluded, total: Amounts
):
    priced = tariff(element(price("ENERGY", "0.40", vat)), tax_included=included)
    assert rate(TEN_KWH, priced, contract_tax=contract).total == total


def test_one_unknown_tax_makes_the_whole_unknown_after_tax():
    mixed = tariff(element(price("FLAT", "1", None)), element(price("ENERGY", "0.40")))
    rated = rate(TEN_KWH, mixed)
    assert rated.total == of("5.0000", None)
    assert rated.invoice == of("5.00", None)
    assert rated.complete  # its price is known, before tax


def test_a_total_is_rounded_once_and_an_invoice_line_by_line():
    thirds = tariff(element(price("ENERGY", "0.3333")), element(price("TIME", "0.3333")))
    rated = rate(session(part("charging", 30, "10.01"), at="2026-01-07T10:00"), thirds)
    assert rated.total.before_tax == Decimal("3.5030")  # 3.336333 and 0.16665
    assert [line.booked.before_tax for line in rated.lines] == [Decimal("3.34"), Decimal("0.17")]
    assert rated.invoice.before_tax == Decimal("3.51")


def test_money_without_cents_is_booked_without_them():
    yen = replace(tariff(element(price("ENERGY", "31.27", "10"))), currency="JPY")
    assert rate(TEN_KWH, yen).invoice == of("313", "344")


class TestLimits:
    TWO_TAXES = (
        element(price("FLAT", "1", "6")),
        element(price("ENERGY", "0.40", "21")),
    )  # 1.00 and 4.00: 1.06 and 4.84

    def test_the_most_is_kept_by_the_invoice_too(self):
        rated = rate(TEN_KWH, tariff(*self.TWO_TAXES, max_price=PriceLimit(Decimal("3.33"))))
        assert rated.total == of("3.3300", "3.9294")
        assert rated.invoice == of("3.33", "3.93")
        assert [(line.tax.percent, line.booked.before_tax) for line in rated.lines[2:]] == [
            (6, Decimal("-0.33")),
            (21, Decimal("-1.34")),
        ]

    def test_a_limit_after_tax_alone_takes_the_rest_with_it(self):
        rated = rate(TEN_KWH, tariff(*self.TWO_TAXES, max_price=PriceLimit(after_tax=Decimal("2.95"))))
        assert rated.total == of("2.5000", "2.9500")

    def test_both_limits_hold_each_by_itself(self):
        rated = rate(TEN_KWH, tariff(*self.TWO_TAXES, max_price=PriceLimit(Decimal(6), Decimal(5))))
        assert rated.total == of("5.0000", "5.0000")

    def test_the_least_is_due_of_what_was_delivered_and_not_of_what_failed(self):
        least = tariff(element(price("ENERGY", "0.40")), min_price=PriceLimit(Decimal(5)))
        assert rate(TEN_KWH, least).total == of("5.0000", "6.0500")
        failed = session(part("charging", 3), at="2026-01-07T10:00")
        assert rate(failed, least).total == of("0.0000", "0.0000")
        assert rate(failed, replace(least, start_fee_without_energy=True)).total == of("5.0000", "6.0500")

    def test_the_least_of_what_is_free_is_taxed_as_the_tariff_is(self):
        free = tariff(element(price("ENERGY", "0", "21")), min_price=PriceLimit(Decimal(1)))
        assert rate(TEN_KWH, free).total == of("1.0000", "1.2100")

    def test_limits_of_a_price_with_unknown_tax_hold_on_the_side_that_is_known(self):
        unknown = tariff(element(price("ENERGY", "0.40", None)), max_price=PriceLimit(Decimal(3), Decimal(3)))
        assert rate(TEN_KWH, unknown).total == of("3.0000", None)
        held = tariff(*unknown.elements, max_price=PriceLimit(Decimal(1), Decimal(3)), tax_included=TaxIncluded.YES)
        assert rate(TEN_KWH, held).total == of(None, "3.0000")

    def test_idling_is_capped_after_tax_where_prices_hold_their_tax(self):
        terms = tariff(
            element(price("PARKING_TIME", "10", "25")), tax_included=TaxIncluded.YES, idle=IdleTerms(most=Decimal(12))
        )
        facts = session(part("charging", 60, "10"), part("idle", 120), at="2026-01-07T10:00")
        rated = rate(facts, terms)
        assert rated.total == of("9.6000", "12.0000")
        assert [line.kind for line in rated.lines] == [LineKind.PARKING_TIME, LineKind.IDLE_MOST]


def test_a_remainder_goes_where_it_is_largest_and_nothing_is_lost():
    cent = Decimal("0.01")
    assert apportion(Decimal("-1.00"), [Decimal(2), Decimal(1)], cent) == [Decimal("-0.67"), Decimal("-0.33")]
    assert apportion(Decimal(0), [Decimal(1)], cent) == [0]
