"""Quantities as they are billed: rounded up to steps, once per session (OCPI mod_cdrs, step_size)."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Final

_NOTHING: Final = Decimal(0)


def missing_to_step(quantity: Decimal, step: Decimal) -> Decimal:
    """What is missing to a whole number of steps; of nothing nothing is missing, and a step of 0 is none.

    >>> missing_to_step(Decimal("115.2"), Decimal(25)), missing_to_step(Decimal(0), Decimal(25))
    (Decimal('9.8'), Decimal('0'))
    """
    if quantity <= 0 or step <= 0:
        return _NOTHING
    return (quantity / step).to_integral_value(ROUND_CEILING) * step - quantity
