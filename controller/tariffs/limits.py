"""The least and the most that something costs, booked as lines of their own.

What is missing to the least, or above the most, is divided over the rates of tax that the session has, in proportion to
what each costs, so that every rate keeps its own share of the tax.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from controller.tariffs import taxing
from controller.tariffs.rated import Amounts, Line, LineKind, Tax, rounded
from controller.tariffs.tariff import PriceLimit

_NOTHING: Final = Decimal(0)


def apportion(whole: Decimal, weights: Sequence[Decimal], step: Decimal) -> list[Decimal]:
    """Divide whole steps in proportion to weights by the largest remainder; the parts add up exactly.

    >>> apportion(Decimal("0.10"), [Decimal(1), Decimal(1), Decimal(1)], Decimal("0.01"))
    [Decimal('0.04'), Decimal('0.03'), Decimal('0.03')]
    """
    sign = -1 if whole < 0 else 1
    units = abs(whole) / step
    every = sum(weights, _NOTHING)
    ideal = [units * weight / every for weight in weights]
    shares = [share.to_integral_value(ROUND_FLOOR) for share in ideal]
    left = int(units - sum(shares, _NOTHING))
    for n in sorted(range(len(shares)), key=lambda n: shares[n] - ideal[n])[:left]:
        shares[n] += 1
    return [sign * share * step for share in shares]


def adjustments(
    kind: LineKind, lines: Sequence[Line], limit: PriceLimit | None, otherwise: Tax, *, minor: Decimal
) -> list[Line]:
    """The lines that bring a sum to its limit: up to the least (MIN_PRICE), down to the most (else).

    Before and after tax each limit holds by itself; where only one is given, the other side follows by the tax.

    Args:
        kind: What the lines are for, and so which way they go.
        lines: What is summed up.
        limit: The least or the most; None: there is none.
        otherwise: The tax where no line has any.
        minor: The currency's minor unit.
    """
    if limit is None:
        return []
    exact = taxing.total([line.amounts for line in lines])
    booked = taxing.total([line.booked for line in lines])
    least = kind is LineKind.MIN_PRICE
    missing_before = _missing(exact.before_tax, limit.before_tax, least=least)
    missing_after = _missing(exact.after_tax, limit.after_tax, least=least)
    if not missing_before and not missing_after:
        return []
    taxes, befores, afters = _groups(lines, otherwise)
    shares = [
        _both(before, after, tax)
        for tax, before, after in zip(
            taxes, _exact(missing_before, befores), _exact(missing_after, afters), strict=True
        )
    ]
    moved = taxing.total([exact, *shares])
    booked_befores = _booked(moved.before_tax, exact.before_tax, booked.before_tax, befores, minor)
    booked_afters = _booked(moved.after_tax, exact.after_tax, booked.after_tax, afters, minor)
    return [
        _line(kind, tax, share, Amounts(before, after), after_given=missing_before is None)
        for tax, share, before, after in zip(taxes, shares, booked_befores, booked_afters, strict=True)
    ]


def _missing(amount: Decimal | None, limit: Decimal | None, *, least: bool) -> Decimal | None:
    """What is to be added for the limit; 0 where it is kept, None where there is none or nothing to compare."""
    if amount is None or limit is None:
        return None
    return max(limit - amount, _NOTHING) if least else min(limit - amount, _NOTHING)


def _groups(lines: Sequence[Line], otherwise: Tax) -> tuple[list[Tax], list[Decimal], list[Decimal]]:
    """The taxes of the lines, and what those of each cost before and after it; what costs nothing is left out."""
    sums: dict[Tax, Amounts] = {}
    for line in lines:
        sums[line.tax] = taxing.total([sums.get(line.tax, taxing.NOTHING), line.amounts])
    weights = {tax: (_weight(sums[tax]), _weight(Amounts(sums[tax].after_tax, sums[tax].before_tax))) for tax in sums}
    found = {tax: weight for tax, weight in weights.items() if weight[0] > 0 and weight[1] > 0}
    if not found:
        found = {next(iter(sums), otherwise): (Decimal(1), Decimal(1))}
    return list(found), [before for before, _ in found.values()], [after for _, after in found.values()]


def _weight(amounts: Amounts) -> Decimal:
    """What a sum weighs on its first side, or on the other where the first is unknown."""
    side = amounts.before_tax if amounts.before_tax is not None else amounts.after_tax
    return _NOTHING if side is None else side


def _exact(whole: Decimal | None, weights: Sequence[Decimal]) -> list[Decimal | None]:
    """Exact parts; the last takes what division leaves."""
    if whole is None:
        return [None] * len(weights)
    every = sum(weights, _NOTHING)
    parts = [whole * weight / every for weight in weights[:-1]]
    return [*parts, whole - sum(parts, _NOTHING)]


def _both(before: Decimal | None, after: Decimal | None, tax: Tax) -> Amounts:
    """Both sides of a share; the one that no limit gives follows by the tax."""
    if tax.percent is not None:
        if after is None and before is not None:
            after = taxing.with_tax(before, tax.percent)
        elif before is None and after is not None:
            before = taxing.without_tax(after, tax.percent)
    return Amounts(before, after)


def _booked(
    target: Decimal | None, exact: Decimal | None, booked: Decimal | None, weights: Sequence[Decimal], minor: Decimal
) -> Sequence[Decimal | None]:
    """What is booked so that all lines together are the rounded limit; nothing on a side that it leaves alone."""
    if target is None or booked is None:
        return [None] * len(weights)
    whole = _NOTHING if target == exact else rounded(target, minor) - booked
    return apportion(whole, weights, minor)


def _line(kind: LineKind, tax: Tax, share: Amounts, booked: Amounts, *, after_given: bool) -> Line:
    """The line of one rate of tax."""
    price = share.after_tax if after_given else share.before_tax
    return Line(
        kind=kind,
        label="",
        quantity=Decimal(1),
        billed_quantity=Decimal(1),
        unit="session",
        unit_price=price if price is not None else _NOTHING,
        tax_included=after_given,
        tax=tax,
        amounts=share,
        booked=booked,
    )
