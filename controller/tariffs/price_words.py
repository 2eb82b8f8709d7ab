"""What charging costs, in a line for the driver."""

from __future__ import annotations

from decimal import Decimal

from controller.tariffs.outlook import Prices
from controller.tariffs.rated import Amounts


def shown(amounts: Amounts) -> Decimal | None:
    """What people are told that something costs: with tax, where that is known.

    >>> shown(Amounts(Decimal("0.40"), Decimal("0.484"))), shown(Amounts(Decimal("0.40"), None))
    (Decimal('0.484'), Decimal('0.40'))
    """
    return amounts.before_tax if amounts.after_tax is None else amounts.after_tax


def money(amount: Decimal) -> str:
    """With two decimals at least, and without zeros behind.

    >>> money(Decimal("0.4")), money(Decimal("0.4840")), money(Decimal("6"))
    ('0.40', '0.484', '6.00')
    """
    normal = amount.normalize()
    exponent = normal.as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return f"{normal:.{max(2, decimals)}f}"


def price_words(prices: Prices, currency: str, idle_grace_s: int = 0) -> str:
    """What a session that begins now costs.

    Args:
        prices: of now.
        currency: ISO 4217.
        idle_grace_s: for how long idling costs nothing [s].
    """
    if prices.per_kwh is None:
        said = ["the price of a kWh is not known at the moment"]
    else:
        per_kwh = shown(prices.per_kwh)
        said = [f"{money(per_kwh or Decimal(0))} {currency}/kWh"]
    for amounts, before, after in (
        (prices.flat, "start ", f" {currency}"),
        (prices.per_hour, "charging time ", f" {currency}/h"),
        (
            prices.per_idle_hour,
            "idle ",
            f" {currency}/h" + (f" after {idle_grace_s // 60} min" if idle_grace_s else ""),
        ),
    ):
        amount = shown(amounts)
        if amount:
            said.append(f"{before}{money(amount)}{after}")
    taxes = [amounts.after_tax is not None for amounts in (prices.per_kwh, prices.flat) if amounts and shown(amounts)]
    if taxes:
        said.append("tax included" if all(taxes) else "before tax")
    return ", ".join(said)
