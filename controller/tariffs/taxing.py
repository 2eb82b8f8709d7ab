"""The tax on a line, and amounts before and after it."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from controller.tariffs.rated import UNKNOWN_TAX, Amounts, Tax, TaxSource, TaxState, rounded
from controller.tariffs.tariff import TaxIncluded

_HUNDRED: Final = Decimal(100)
_RESIDUE: Final = Decimal("1E-15")
NOTHING: Final = Amounts(Decimal(0), Decimal(0))


class LineTax(NamedTuple):
    """The tax on a line and what its price holds."""

    tax: Tax
    included: bool
    held_percent: Decimal | None
    """The rate of the tax that the price holds, where it holds one; None: unknown."""


def resolve(vat_percent: Decimal | None, included: TaxIncluded, contract: Tax | None, operator: Tax | None) -> LineTax:
    """Who says what tax there is: the tariff, else the contract, else the operator; but an exemption always counts.

    Args:
        vat_percent: What the tariff says of the component; None: nothing.
        included: What it says of all its prices.
        contract: Of the contract that the session is charged to.
        operator: What holds where neither says anything.
    """
    if included is TaxIncluded.NOT_APPLICABLE:
        return LineTax(
            Tax(TaxState.EXEMPT, Decimal(0), TaxSource.TARIFF, "no tax applies"), included=False, held_percent=None
        )
    by_tariff = (
        None
        if vat_percent is None
        else Tax(TaxState.RATE if vat_percent else TaxState.ZERO, vat_percent, TaxSource.TARIFF)
    )
    said = next(
        (tax for tax in (by_tariff, contract, operator) if tax and tax.state is not TaxState.UNKNOWN), UNKNOWN_TAX
    )
    held = said.percent
    if contract is not None and contract.state is TaxState.EXEMPT:
        said = contract
    return LineTax(said, included is TaxIncluded.YES, held)


def amounts(value: Decimal, line_tax: LineTax) -> Amounts:
    """Before and after tax, exact; what costs nothing costs nothing after any tax.

    >>> amounts(Decimal(10), resolve(Decimal(21), TaxIncluded.NO, None, None))
    Amounts(before_tax=Decimal('10'), after_tax=Decimal('12.1'))
    """
    if not value:
        return NOTHING
    percent, held = line_tax.tax.percent, line_tax.held_percent
    if not line_tax.included:
        return Amounts(value, None if percent is None else with_tax(value, percent))
    if line_tax.tax.state is TaxState.EXEMPT:
        net = without_tax(value, held or Decimal(0))
        return Amounts(net, net)
    return Amounts(None if held is None else without_tax(value, held), value)


def with_tax(value: Decimal, percent: Decimal) -> Decimal:
    """What a value before tax is after it."""
    return value * (_HUNDRED + percent) / _HUNDRED


def without_tax(value: Decimal, percent: Decimal) -> Decimal:
    """What a value after tax is before it."""
    return value * _HUNDRED / (_HUNDRED + percent)


def booked(exact: Amounts, minor: Decimal) -> Amounts:
    """Rounded half-up to the currency's minor unit.

    A third of an hour has no last digit: what that leaves beyond the 15th decimal does not decide a half.
    """
    before, after = exact.before_tax, exact.after_tax
    return Amounts(None if before is None else _booked(before, minor), None if after is None else _booked(after, minor))


def _booked(exact: Decimal, minor: Decimal) -> Decimal:
    return rounded(rounded(exact, _RESIDUE), minor)


def total(parts: list[Amounts]) -> Amounts:
    """The sum; a side on which any part is unknown is unknown."""
    befores = [part.before_tax for part in parts]
    afters = [part.after_tax for part in parts]
    return Amounts(_sum(befores), _sum(afters))


def _sum(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None
