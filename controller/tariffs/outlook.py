"""What charging would cost now and in the coming hours, before there is a session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from controller.tariffs import taxing
from controller.tariffs.compiled import CompiledTariff, Hours, Rate
from controller.tariffs.local_time import microseconds, moment_at
from controller.tariffs.rated import Amounts, Tax
from controller.tariffs.session_facts import Activity

DAY_HOURS: Final = 24
_FREE: Final = Amounts(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Prices:
    """What a session that begins in this time costs at its beginning, from its beginning to before its end (UTC).

    What costs nothing is 0. A price after tax is None where the tax is unknown, as in ``Amounts``.
    """

    begins_at: datetime
    ends_at: datetime
    per_kwh: Amounts | None
    """None: the curve that the tariff follows has no price for this time."""
    per_hour: Amounts
    """Of charging."""
    per_idle_hour: Amounts
    """Once idling costs something."""
    flat: Amounts
    """At the start."""
    label: str
    """What people call the rate of energy."""


def price_outlook(
    compiled: CompiledTariff,
    begins_at: datetime,
    hours: int = DAY_HOURS,
    *,
    contract_tax: Tax | None = None,
    operator_tax: Tax | None = None,
) -> list[Prices]:
    """The prices of the coming hours, joined where they stay the same.

    They are those of a session that has just begun: what depends on how long it lasts or how much it takes is priced as
    at its beginning, and what depends on power or current as if that held.

    Args:
        compiled: The tariff at its place, with its curves.
        begins_at: From when on (aware).
        hours: How far to look [h].
        contract_tax: As for a session that is rated.
        operator_tax: Likewise.
    """
    begins, ends = microseconds(begins_at), microseconds(begins_at + timedelta(hours=hours))
    parts = compiled.hours.between(begins, ends)
    cuts = {begin for begin, _ in parts}
    for curve in compiled.prices.values():
        cuts.update(cut for cut in curve.edges(begins, ends) if begins < cut < ends)
    found: list[Prices] = []
    at = 0
    edges = [*sorted(cuts), ends]
    for cut, end in pairwise(edges):
        while at + 1 < len(parts) and parts[at + 1][0] <= cut:
            at += 1
        prices = _prices(compiled, parts[at][1], cut, end, contract_tax, operator_tax)
        if found and replace(prices, begins_at=found[-1].begins_at, ends_at=found[-1].ends_at) == found[-1]:
            found[-1] = replace(found[-1], ends_at=prices.ends_at)
        else:
            found.append(prices)
    return found


def _prices(
    compiled: CompiledTariff, hours: Hours, begins: int, ends: int, contract: Tax | None, operator: Tax | None
) -> Prices:
    """The prices between two moments."""

    def amounts(rate: Rate | None, price: Decimal | None = None) -> Amounts:
        if rate is None:
            return _FREE
        component = rate.component
        tax = taxing.resolve(component.vat_percent, compiled.tariff.tax_included, contract, operator)
        return taxing.amounts(component.price if price is None else price, tax)

    active = hours.elements & ~(compiled.durations.excluded(0) | compiled.energies.excluded(0))
    charging = compiled.choose(active, Activity.CHARGING)
    idle = compiled.choose(active, Activity.IDLE)
    energy = charging.energy
    price = None if energy is None else compiled.per_kwh(energy, begins)
    return Prices(
        begins_at=moment_at(begins),
        ends_at=moment_at(ends),
        per_kwh=None if energy is not None and price is None else amounts(energy, price),
        per_hour=amounts(charging.time),
        per_idle_hour=_FREE if hours.idle_free else amounts(idle.parking),
        flat=amounts(charging.flat),
        label="" if energy is None else compiled.label(energy),
    )
