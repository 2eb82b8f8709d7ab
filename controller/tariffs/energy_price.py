"""What a session costs at one price per kilowatt-hour."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

COST_STEP: Final = Decimal("0.0001")
"""Totals are rounded to this, once, at the end."""


def session_cost(energy_wh: int, price_per_kwh: Decimal) -> Decimal:
    """Return energy [Wh] times price [currency/kWh], rounded half-up to 4 decimals.

    >>> session_cost(7_432, Decimal("0.35"))
    Decimal('2.6012')
    >>> session_cost(1, Decimal("0.05"))
    Decimal('0.0001')
    >>> session_cost(0, Decimal("0.35"))
    Decimal('0.0000')
    """
    return (price_per_kwh * energy_wh).scaleb(-3).quantize(COST_STEP, ROUND_HALF_UP)
