"""Tax shared out among lines: whatever they are, they add up to the tax on the whole, and each is near its own."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from controller.tariffs.rated import Amounts, Tax, TaxSource, TaxState, minor_unit, rounded
from controller.tariffs.tax_shares import Taxed, shared

CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])
PERCENTS = st.sampled_from([Decimal(21), Decimal("5.5"), Decimal("25.5"), Decimal("21.00"), Decimal(0)])


@st.composite
def statements(draw: st.DrawFn) -> tuple[Decimal, list[Taxed]]:
    step = minor_unit(draw(CURRENCIES))
    lines: list[Taxed] = []
    for _ in range(draw(st.integers(0, 40))):
        firm = draw(st.integers(-5_000, 50_000)) * step
        tax = Tax(TaxState.RATE, draw(PERCENTS), TaxSource.TARIFF)
        included = draw(st.booleans())
        lines.append((tax, included, Amounts(None, firm) if included else Amounts(firm, None)))
    return step, lines


@given(statements())
def test_the_shares_are_the_tax_on_the_whole(statement: tuple[Decimal, list[Taxed]]):
    step, lines = statement
    amounts = list(shared(lines, step))
    for percent in {tax.percent.normalize() for tax, _, _ in lines}:
        factor = 1 + percent / 100
        for included in (True, False):
            own = [
                amount
                for amount, (tax, held, _) in zip(amounts, lines, strict=True)
                if held is included and tax.percent.normalize() == percent
            ]
            net, gross = sum(each.before_tax for each in own), sum(each.after_tax for each in own)
            if included:
                assert net == rounded(gross / factor, step)
            else:
                assert gross - net == rounded(net * (factor - 1), step)


@given(statements())
def test_each_share_is_near_its_own_and_what_is_firm_stays(statement: tuple[Decimal, list[Taxed]]):
    step, lines = statement
    for amount, (tax, included, booked) in zip(shared(lines, step), lines, strict=True):
        factor = 1 + tax.percent / 100
        if included:
            assert amount.after_tax == booked.after_tax
            assert abs(amount.before_tax - amount.after_tax / factor) <= step
        else:
            assert amount.before_tax == booked.before_tax
            assert abs(amount.after_tax - amount.before_tax * factor) <= step


def test_what_has_no_rate_is_left_alone():
    exempt = Tax(TaxState.EXEMPT, Decimal(0), TaxSource.CONTRACT, "home")
    unknown = Tax(TaxState.UNKNOWN, None, TaxSource.NOBODY)
    lines = [
        (exempt, False, Amounts(Decimal("0.35"), Decimal("0.35"))),
        (unknown, False, Amounts(Decimal("0.35"), None)),
        (unknown, True, Amounts(None, Decimal("0.35"))),
    ]
    assert list(shared(lines, Decimal("0.01"))) == [amounts for _, _, amounts in lines]
