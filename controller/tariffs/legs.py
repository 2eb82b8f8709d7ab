"""What a session comes to on one leg, on the terms that were frozen when it began."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from typing import Final

from controller.tariffs import taxing
from controller.tariffs.book import Leg, SessionTerms
from controller.tariffs.offers import Surcharge, Switch, begun, continued, parts
from controller.tariffs.rated import TOTAL_STEP, UNRATED, Line, LineKind, RatedSession, minor_unit
from controller.tariffs.rating import rate
from controller.tariffs.session_facts import SessionFacts
from controller.tariffs.tariff import Dimension, Element, PriceComponent, PriceCurve, Tariff, TaxIncluded

NO_TARIFF: Final = UNRATED + "no_tariff"
"""Nothing says what the session costs."""

FREE_TARIFF: Final = "free"
"""The id of the tariff of those who charge for nothing."""


def free_tariff(currency: str) -> Tariff:
    """One that costs nothing; its sessions have records all the same."""
    nothing = PriceComponent(Dimension.FLAT, Decimal(0))
    return Tariff(FREE_TARIFF, currency, (Element((nothing,)),), tax_included=TaxIncluded.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Extras:
    """What holds for a session besides its terms, on the leg of retail."""

    switches: tuple[Switch, ...] = ()
    """The offers that its driver has chosen, in order."""
    surcharge: Surcharge | None = None


NO_EXTRAS: Final = Extras()


def rated_on(
    terms: SessionTerms,
    facts: SessionFacts,
    currency: str,
    read: Callable[[str], Tariff],
    extras: Extras = NO_EXTRAS,
) -> RatedSession:
    """Rate a session on its terms, with the fee for its card and the surcharge of its time where there is one.

    Args:
        terms: of one leg.
        facts: what is known of the session.
        currency: of the site, for what has no tariff.
        read: turns an OCPI Tariff object into a tariff.
        extras: what was chosen and added; of no effect on other legs than retail, and where charging is free.
    """
    if terms.version is None:
        rated = rate(facts, free_tariff(currency))
        if not terms.choice.zero_rate:
            rated = replace(rated, review_flags=(*rated.review_flags, NO_TARIFF))
        return _with_lines(rated, list(_fees(rated, terms)))
    if terms.choice.leg is not Leg.RETAIL:
        extras = NO_EXTRAS
    delivered = len(facts.meter) > 1 and facts.meter[-1].energy_kwh > facts.meter[0].energy_kwh
    rated_parts: list[RatedSession] = []
    for part, switch in parts(facts, extras.switches):
        document = terms.version.document if switch is None else switch.document
        number = terms.version.number if switch is None else switch.number
        tariff = replace(read(document), version=str(number))
        # What is due at the start is due once, by the first tariff, also where energy flows only later.
        tariff = continued(tariff) if rated_parts else begun(tariff, delivered=delivered)
        rated_parts.append(_rated(terms, part, tariff, terms.curves if switch is None else switch.curves))
    rated = reduce(_joined, rated_parts)
    return _with_lines(rated, [*_fees(rated, terms), *_surcharges(rated, terms, extras.surcharge)])


def _rated(terms: SessionTerms, facts: SessionFacts, tariff: Tariff, curves: Iterable[PriceCurve]) -> RatedSession:
    contract_tax = None if terms.contract is None else terms.contract.tax
    by_id = {curve.id: curve for curve in curves}
    return rate(facts, tariff, curves=by_id, contract_tax=contract_tax, operator_tax=terms.tax)


def _joined(one: RatedSession, other: RatedSession) -> RatedSession:
    """Two parts of one session; it keeps the tariff of its start, and the lines tell which part they are of."""
    lines = [*one.lines, *(replace(line, label=line.label or other.tariff_id) for line in other.lines)]
    joined = replace(
        one,
        periods=(*one.periods, *other.periods),
        review_flags=tuple(dict.fromkeys((*one.review_flags, *other.review_flags))),
        energy_kwh=one.energy_kwh + other.energy_kwh,
        lines=(),
    )
    return _with_lines(joined, lines)


def _with_lines(rated: RatedSession, lines: Sequence[Line]) -> RatedSession:
    """With more lines; the total is rounded once, over all of them."""
    every = [*rated.lines, *lines]
    return replace(
        rated,
        lines=tuple(every),
        total=taxing.booked(taxing.total([line.amounts for line in every]), TOTAL_STEP),
        invoice=taxing.total([line.booked for line in every]),
    )


def _fees(rated: RatedSession, terms: SessionTerms) -> Iterator[Line]:
    fee = terms.card_fee
    if fee is not None:
        yield from _extra(rated, terms, LineKind.CARD_FEE, "charge card", fee.per_session, fee.per_kwh)


def _surcharges(rated: RatedSession, terms: SessionTerms, surcharge: Surcharge | None) -> Iterator[Line]:
    if surcharge is not None and rated.energy_kwh:
        each = (surcharge.per_session, surcharge.per_kwh)
        yield from _extra(rated, terms, LineKind.SURCHARGE, "near the site's peak", *each)


def _extra(
    rated: RatedSession, terms: SessionTerms, kind: LineKind, label: str, per_session: Decimal, per_kwh: Decimal
) -> Iterator[Line]:
    """Lines on top, taxed as the session is: as its energy where nothing more is said."""
    energy = next((line for line in rated.lines if line.kind is LineKind.ENERGY), None)
    tax = terms.tax if energy is None else energy.tax
    included = energy is not None and energy.tax_included
    line_tax = taxing.LineTax(tax, included=included, held_percent=tax.percent if included else None)
    for quantity, unit, price in ((Decimal(1), "session", per_session), (rated.energy_kwh, "kWh", per_kwh)):
        if price:
            amounts = taxing.amounts(quantity * price, line_tax)
            yield Line(
                kind=kind,
                label=label,
                quantity=quantity,
                billed_quantity=quantity,
                unit=unit,
                unit_price=price,
                tax_included=included,
                tax=tax,
                amounts=amounts,
                booked=taxing.booked(amounts, minor_unit(rated.currency)),
            )
