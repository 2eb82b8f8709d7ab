"""Tariffs: what a charging session costs, element by element.

The model is that of OCPI's Tariff object (2.2.1 and 2.3.0, mod_tariffs), with what OCPI cannot say beside it: when
idling begins to cost, on which hours of the day it never does, what it costs at most, and a price that follows a curve.
A tariff is a fact: once a session refers to a version of it, that version is never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Final

EVERY_DAY: Final = frozenset(range(7))


class Dimension(StrEnum):
    """What is counted (OCPI TariffDimensionType)."""

    ENERGY = "ENERGY"
    """Per kWh."""
    FLAT = "FLAT"
    """Once per session."""
    PARKING_TIME = "PARKING_TIME"
    """Per hour in which the car asks for nothing; in which the site holds it back, nothing counts."""
    TIME = "TIME"
    """Per hour of charging; while a reservation holds, of that."""


class TariffKind(StrEnum):
    """For whom or for which offer a tariff is (OCPI TariffType)."""

    AD_HOC_PAYMENT = "AD_HOC_PAYMENT"
    PROFILE_CHEAP = "PROFILE_CHEAP"
    PROFILE_FAST = "PROFILE_FAST"
    PROFILE_GREEN = "PROFILE_GREEN"
    REGULAR = "REGULAR"


class TaxIncluded(StrEnum):
    """Whether prices hold the tax already (OCPI 2.3.0; in 2.2.1 they never do)."""

    YES = "YES"
    NO = "NO"
    NOT_APPLICABLE = "N/A"
    """No tax applies to this tariff."""


class Reservation(StrEnum):
    """Of which part of a reservation an element is (OCPI ReservationRestrictionType)."""

    RESERVATION = "RESERVATION"
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


@dataclass(frozen=True, slots=True)
class PriceComponent:
    """One price of an element."""

    dimension: Dimension
    price: Decimal
    """Per kWh, per hour, or once."""
    vat_percent: Decimal | None = None
    """None: the tariff does not say, which is not the same as 0."""
    step_size: int = 1
    """Smallest billed quantity [Wh or s]: 115.2 Wh at 1 are billed as 116 Wh; 0: as measured."""
    curve: str | None = None
    """Id of the price curve that gives the price per kWh; ``price`` is added to it, as the operator's margin."""


@dataclass(frozen=True, slots=True)
class Restrictions:
    """When an element is active: while all of them hold. None and empty: no restriction. Upper ends do not count."""

    start_time: time | None = None
    """Time of day at the site; an end before the start wraps to the next day, an end of 00:00 is the end of the day."""
    end_time: time | None = None
    start_date: date | None = None
    end_date: date | None = None
    """The first day on which it no longer holds."""
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    """Of the session so far."""
    min_current_a: Decimal | None = None
    """Sum over the phases, at this moment."""
    max_current_a: Decimal | None = None
    min_power_kw: Decimal | None = None
    max_power_kw: Decimal | None = None
    min_duration_s: int | None = None
    """Since the session began, parking included."""
    max_duration_s: int | None = None
    weekdays: frozenset[int] = frozenset()
    """0 is Monday; of the moment, also within a window that wraps past midnight."""
    reservation: Reservation | None = None


NO_RESTRICTIONS: Final = Restrictions()


@dataclass(frozen=True, slots=True)
class Element:
    """Prices that hold together, and when."""

    components: tuple[PriceComponent, ...]
    restrictions: Restrictions = NO_RESTRICTIONS
    label: str = ""
    """What people call this rate, such as *night*; OCPI has no place for it."""


@dataclass(frozen=True, slots=True)
class PriceLimit:
    """The least or the most that a session costs, before and after tax, each by itself."""

    before_tax: Decimal | None = None
    after_tax: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DailyHours:
    """Hours of the day at the site; an end at or before the start wraps to the next day."""

    begins: time
    ends: time
    weekdays: frozenset[int] = EVERY_DAY
    """On which they begin, 0 is Monday."""


@dataclass(frozen=True, slots=True)
class IdleTerms:
    """When PARKING_TIME costs something; OCPI has no words for it."""

    grace_s: int = 0
    """For so long after the end of charging idling costs nothing."""
    free_hours: tuple[DailyHours, ...] = ()
    """In which idling costs nothing, such as at night."""
    most: Decimal | None = None
    """All idling of one session costs at most this, in the tariff's own kind of price (before or after tax)."""


NO_IDLE_TERMS: Final = IdleTerms()


@dataclass(frozen=True, slots=True)
class Tariff:
    """A tariff in one version."""

    id: str
    currency: str
    elements: tuple[Element, ...]
    """For each dimension the first that is active and has a component of it counts."""
    version: str = "1"
    tax_included: TaxIncluded = TaxIncluded.NO
    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None
    kind: TariffKind | None = None
    """None: for every session."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    idle: IdleTerms = NO_IDLE_TERMS
    start_fee_without_energy: bool = False
    """Whether FLAT costs something in a session that delivered nothing."""
    country_code: str = ""
    party_id: str = ""
    texts: tuple[tuple[str, str], ...] = ()
    """For people: language, text."""
    text_url: str | None = None
    energy_mix: str | None = None
    """OCPI's EnergyMix as it came, JSON; nothing here depends on it."""
    last_updated: datetime | None = None

    def curves(self) -> frozenset[str]:
        """The price curves that it follows."""
        return frozenset(c.curve for element in self.elements for c in element.components if c.curve is not None)


@dataclass(frozen=True, slots=True)
class PricePeriod:
    """One price of a curve, from its beginning to before its end (UTC)."""

    begins_at: datetime
    ends_at: datetime
    per_kwh: Decimal
    """Before or after tax as the tariff says that uses it; may be negative."""


@dataclass(frozen=True, slots=True)
class PriceCurve:
    """Prices that change with time, frozen when they were published: another publication is another version."""

    id: str
    version: str
    published_at: datetime
    periods: tuple[PricePeriod, ...]
    """In order, without overlap; gaps are hours without a known price."""
