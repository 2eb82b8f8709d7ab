"""What a session may cost besides its tariff: another offer that its driver has chosen, and what nearing a peak adds.

A session keeps the tariff that it began with, whatever happens on the site. Only its driver may change it, by choosing
another offer; the other tariff then holds from that moment on, as a part of the session with prices of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Final

from controller.tariffs.session_facts import MeterPoint, SessionFacts, Stretch
from controller.tariffs.tariff import Dimension, Element, PriceCurve, Tariff

_WH: Final = Decimal("0.001")
_TICK: Final = timedelta(microseconds=1)


class Offer(StrEnum):
    """What a driver may choose between."""

    REGULAR = "regular"
    FLEXIBLE = "flexible"
    """Cheaper, for who can wait: charging may be put off until the departure."""
    FAST = "fast"
    """Dearer, and served before others."""


class NoSuchOffer(Exception):  # noqa: N818 - a state of the world, not a mistake
    """There is no such offer for a session now; the text says why."""


@dataclass(frozen=True, slots=True)
class Surcharge:
    """What nearing the site's peak adds to sessions that begin then: announced before, frozen at the start."""

    per_kwh: Decimal
    """In the tariff's kind of price, before or after tax."""
    per_session: Decimal
    announced_at: datetime


@dataclass(frozen=True, slots=True)
class SurchargeTerms:
    """What nearing the peak adds to sessions that begin then, besides the price of a kWh."""

    per_session: Decimal = Decimal(0)
    notice: timedelta = timedelta(minutes=5)
    """So long before it counts it is announced."""


@dataclass(frozen=True, slots=True)
class Switch:
    """From when on another tariff holds, by the driver's choice."""

    at: datetime
    offer: Offer
    document: str
    """An OCPI Tariff object as JSON text."""
    number: int
    """Its version."""
    curves: tuple[PriceCurve, ...] = ()
    """Those that it follows, as they were published then."""


def parts(facts: SessionFacts, switches: Sequence[Switch]) -> list[tuple[SessionFacts, Switch | None]]:
    """The session cut where its driver chose another offer; the first part is that of the tariff at the start.

    Where no register stands at the choice, one is estimated, in whole watt-hours.
    """
    inside = [switch for switch in switches if switch.at < facts.ends_at]
    edges = [facts.starts_at, *(max(switch.at, facts.starts_at) for switch in inside), facts.ends_at]
    found: list[tuple[SessionFacts, Switch | None]] = []
    for begins, ends, switch in zip(edges, edges[1:], [None, *inside], strict=False):
        if begins < ends or not inside:
            found.append((_between(facts, begins, ends) if inside else facts, switch))
    return found


def begun(tariff: Tariff, *, delivered: bool) -> Tariff:
    """The tariff for the first part of a session, of which it is known whether it delivered anything in the end."""
    return replace(tariff, start_fee_without_energy=tariff.start_fee_without_energy or delivered)


def continued(tariff: Tariff) -> Tariff:
    """The tariff for a part of a session that began before: without what is due once, at the start."""
    elements = tuple(
        Element(
            tuple(c for c in element.components if c.dimension is not Dimension.FLAT),
            element.restrictions,
            element.label,
        )
        for element in tariff.elements
    )
    return replace(tariff, elements=elements, min_price=None)


def _between(facts: SessionFacts, begins: datetime, ends: datetime) -> SessionFacts:
    stretches = [
        replace(stretch, starts_at=max(stretch.starts_at, begins), ends_at=min(stretch.ends_at, ends))
        for stretch in facts.stretches
        if stretch.starts_at < ends and begins < stretch.ends_at
    ]
    last = ends == facts.ends_at
    return replace(
        facts,
        stretches=tuple(stretches) or (Stretch(facts.stretches[0].activity, begins, ends),),
        meter=_meter(facts.meter, begins, ends),
        running=facts.running and last,
    )


def _meter(points: Sequence[MeterPoint], begins: datetime, ends: datetime) -> tuple[MeterPoint, ...]:
    inside = [point for point in points if begins <= point.at <= ends]
    if not points:
        return ()
    first, final = _at(points, begins), _at(points, ends)
    if first is not None and (not inside or inside[0].at > begins):
        inside.insert(0, MeterPoint(begins, first))
    if final is not None and inside and inside[-1].at < ends:
        inside.append(MeterPoint(ends, final))
    base = inside[0].energy_kwh if inside else Decimal(0)
    return tuple(MeterPoint(point.at, point.energy_kwh - base) for point in inside)


def _at(points: Sequence[MeterPoint], moment: datetime) -> Decimal | None:
    """The energy at a moment between two registers; None before the first and after the last."""
    for low, high in pairwise(points):
        if low.at <= moment <= high.at and low.at < high.at:
            passed, whole = (moment - low.at) // _TICK, (high.at - low.at) // _TICK
            added = (high.energy_kwh - low.energy_kwh) * passed / whole
            return low.energy_kwh + added.quantize(_WH, ROUND_HALF_UP)
    return None
