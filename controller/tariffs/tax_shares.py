"""The tax on a statement: worked out once on the sum of each rate, and shared out among the lines.

Each line is rounded in its own kind of price, when its session is priced: before tax, or with it. Rounding the tax of
every line as well would add its errors up: of a fee of 0.35 at 21 % it loses a third of a cent each time. So the tax is
that on the sum so far, rounded, less what the lines before have been given (EN 16931 BR-CO-17): each line's share is
within a cent of its own tax, and all shares together are the tax on the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from controller.tariffs.rated import Amounts, Tax, TaxState, rounded

Taxed = tuple[Tax, bool, Amounts]
"""The tax of a line, whether its price holds it, and what is booked."""


def shared(lines: Iterable[Taxed], step: Decimal) -> Iterator[Amounts]:
    """What each line comes to on its statement.

    Args:
        lines: of one statement, in order.
        step: the smallest amount that is booked.

    >>> vat = Tax(TaxState.RATE, Decimal(21), "tariff")
    >>> fees = [(vat, False, Amounts(Decimal("0.35"), Decimal("0.42")))] * 3
    >>> [str(each.after_tax) for each in shared(fees, Decimal("0.01"))]
    ['0.42', '0.43', '0.42']
    """
    so_far: dict[tuple[Decimal, bool], tuple[Decimal, Decimal]] = {}
    for tax, included, booked in lines:
        firm = booked.after_tax if included else booked.before_tax
        if tax.state is not TaxState.RATE or tax.percent is None or firm is None:
            yield booked
            continue
        key = (tax.percent.normalize(), included)
        base, given = so_far.get(key, (Decimal(0), Decimal(0)))
        base += firm
        factor = 1 + tax.percent / 100
        # Of prices that hold the tax, the gross is firm and the net follows; of others it is the other way round.
        share = rounded(base / factor if included else base * (factor - 1), step) - given
        so_far[key] = (base, given + share)
        yield Amounts(share, firm) if included else Amounts(firm, firm + share)
