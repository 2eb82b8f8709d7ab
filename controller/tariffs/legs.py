"""What a session comes to on one leg, on the terms that were frozen when it began."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final

from controller.tariffs import taxing
from controller.tariffs.book import CardFee, SessionTerms
from controller.tariffs.rated import TOTAL_STEP, UNRATED, Line, LineKind, RatedSession, Tax, minor_unit
from controller.tariffs.rating import rate
from controller.tariffs.session_facts import SessionFacts
from controller.tariffs.tariff import Dimension, Element, PriceComponent, Tariff, TaxIncluded

NO_TARIFF: Final = UNRATED + "no_tariff"
"""Nothing says what the session costs."""

FREE_TARIFF: Final = "free"
"""The id of the tariff of those who charge for nothing."""


def free_tariff(currency: str) -> Tariff:
    """One that costs nothing; its sessions have records all the same."""
    nothing = PriceComponent(Dimension.FLAT, Decimal(0))
    return Tariff(FREE_TARIFF, currency, (Element((nothing,)),), tax_included=TaxIncluded.NOT_APPLICABLE)


def rated_on(terms: SessionTerms, facts: SessionFacts, currency: str, read: Callable[[str], Tariff]) -> RatedSession:
    """Rate a session on its terms, with the fee for its card where there is one.

    Args:
        terms: of one leg.
        facts: what is known of the session.
        currency: of the site, for what has no tariff.
        read: turns an OCPI Tariff object into a tariff.
    """
    if terms.version is None:
        rated = rate(facts, free_tariff(currency))
        if not terms.choice.zero_rate:
            rated = replace(rated, review_flags=(*rated.review_flags, NO_TARIFF))
    else:
        tariff = replace(read(terms.version.document), version=str(terms.version.number))
        contract_tax = None if terms.contract is None else terms.contract.tax
        curves = {curve.id: curve for curve in terms.curves}
        rated = rate(facts, tariff, curves=curves, contract_tax=contract_tax, operator_tax=terms.tax)
    return rated if terms.card_fee is None else _with_fee(rated, terms.card_fee, terms.tax)


def _with_fee(rated: RatedSession, fee: CardFee, tax: Tax) -> RatedSession:
    parts = ((Decimal(1), "session", fee.per_session), (rated.energy_kwh, "kWh", fee.per_kwh))
    fees = [_fee_line(rated.currency, tax, *part) for part in parts if part[2]]
    lines = [*rated.lines, *fees]
    return replace(
        rated,
        lines=tuple(lines),
        total=taxing.booked(taxing.total([line.amounts for line in lines]), TOTAL_STEP),
        invoice=taxing.total([line.booked for line in lines]),
    )


def _fee_line(currency: str, tax: Tax, quantity: Decimal, unit: str, price: Decimal) -> Line:
    amounts = taxing.amounts(quantity * price, taxing.LineTax(tax, included=False, held_percent=None))
    return Line(
        kind=LineKind.CARD_FEE,
        label="charge card",
        quantity=quantity,
        billed_quantity=quantity,
        unit=unit,
        unit_price=price,
        tax_included=False,
        tax=tax,
        amounts=amounts,
        booked=taxing.booked(amounts, minor_unit(currency)),
    )
