"""Prices as OCPI's two versions write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from controller.tariffs.rated import Amounts, Line, TaxState, rounded

STEP: Final = Decimal("0.0001")
"""Numbers have 4 decimals (types.asciidoc)."""

Priced = Callable[[Amounts, Sequence[Line]], dict[str, Any]]
"""From a sum, and the lines that it is the sum of."""


class Shares:
    """Parts of a sum, each rounded as the sum so far is: together they are the rounded sum."""

    def __init__(self) -> None:
        self._exact = self._given = Decimal(0)

    def next(self, part: Decimal) -> Decimal:
        """The part, rounded."""
        self._exact += part
        share = rounded(self._exact, STEP) - self._given
        self._given += share
        return share


def number(value: Decimal) -> float:
    """JSON's number; of so few digits, a float's text is the decimal's own."""
    return float(rounded(value, STEP))


def price_221(amounts: Amounts, _: Sequence[Line]) -> dict[str, Any]:
    """OCPI 2.2.1: before tax, and with it where it is known."""
    price = {"excl_vat": number(amounts.before_tax or Decimal(0))}
    return price if amounts.after_tax is None else price | {"incl_vat": number(amounts.after_tax)}


def price_230(amounts: Amounts, lines: Sequence[Line]) -> dict[str, Any]:
    """OCPI 2.3.0: before taxes, and each tax. The taxes add up to what is between the two sums, both rounded."""
    before = rounded(amounts.before_tax or Decimal(0), STEP)
    taxes: list[dict[str, Any]] = []
    if amounts.after_tax is not None:
        left = rounded(amounts.after_tax, STEP) - before
        parts = sorted(_taxes(lines).items())
        # Lines of a credit are negative where the sum is written as positive.
        sign = -1 if sum(part for _, part in parts) * left < 0 else 1
        shares = Shares()
        for percent, part in parts:
            amount = left if percent == parts[-1][0] else shares.next(sign * part)
            left -= amount
            taxes.append({"name": "VAT", "percentage": number(percent), "amount": number(amount)})
    return {"before_taxes": number(before), "taxes": taxes}


def _taxes(lines: Sequence[Line]) -> dict[Decimal, Decimal]:
    """Exact tax by rate."""
    found: dict[Decimal, Decimal] = {}
    for line in lines:
        before, after, percent = line.amounts.before_tax, line.amounts.after_tax, line.tax.percent
        if line.tax.state is TaxState.RATE and percent is not None and before is not None and after is not None:
            found[percent.normalize()] = found.get(percent.normalize(), Decimal(0)) + after - before
    return found
